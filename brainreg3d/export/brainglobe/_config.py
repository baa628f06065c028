"""How BrainGlobe, and what builds on it, is told where an export lies."""

from __future__ import annotations

import shlex
from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.io.atomic import atomic_files
from brainreg3d.sources import ALLEN_NAMES, PHANTOM_NAMES

DATA_FOLDER = "brainglobe-atlasapi"
"""What BrainGlobe calls the folder of all atlases, below the one that its configuration names."""

CONFIG_FILE = "bg_config.conf"
"""BrainGlobe's configuration, in the folder that ``BRAINGLOBE_CONFIG_DIR`` names."""


def home_of(folder: str | Path) -> Path:
    """Return BrainGlobe's home for a folder that a user names.

    Parameters
    ----------
    folder : path-like
        The home, or ``brainglobe-atlasapi`` in it.

    Returns
    -------
    pathlib.Path
        What BrainGlobe calls ``brainglobe_dir``.
    """
    folder = Path(folder).expanduser()
    return folder.parent if folder.name == DATA_FOLDER else folder


def write_config(home: Path) -> None:
    """Write the configuration that makes a folder BrainGlobe's home, unless there is one.

    Parameters
    ----------
    home : pathlib.Path
        The folder, which gets the file too.
    """
    path = home / CONFIG_FILE
    if path.exists():
        logger.info("%s is there already and is left as it is.", path)
        return
    place = str(home.absolute()).replace("%", "%%")  # a sign of configparser's own
    text = f"[default_dirs]\nbrainglobe_dir = {place}\ninterm_download_dir = {place}\n"
    with atomic_files("BrainGlobe's configuration") as files:
        files.temporary(path).write_text(text, encoding="utf-8", newline="")


def opening_recipe(manifest: str | Path) -> tuple[str, str, str]:
    """Return how to open an exported atlas.

    Parameters
    ----------
    manifest : path-like
        What `export_brainglobe_atlas` returned.

    Returns
    -------
    tuple of str
        Three lines: for BrainGlobe's Python interface, for brainrender, and for brainreg3d.

    Notes
    -----
    ``check_latest=False`` keeps BrainGlobe from asking its server. brainrender takes no folder,
    so that the environment has to name it before Python starts.
    """
    manifest = Path(manifest).absolute()
    name, home = manifest.parents[1].name, str(manifest.parents[4])
    here = f"--atlas {name}"
    if name in (*ALLEN_NAMES, *PHANTOM_NAMES):
        here = f"(reads its own atlas for {name}; export with --name to read this one)"
    setting = f"BRAINGLOBE_CONFIG_DIR={shlex.quote(home)}"
    return (
        f'BrainGlobe:  BrainGlobeAtlas("{name}", brainglobe_dir={home!r}, check_latest=False)',
        f'brainrender: {setting} python, then Scene(atlas_name="{name}", check_latest=False)',
        f"brainreg3d:  {setting} brainreg3d run IMAGE {here}",
    )
