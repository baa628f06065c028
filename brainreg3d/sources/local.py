"""Atlases from files of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brainreg3d._logging import logger
from brainreg3d.atlas import Annotation, Atlas, Structure, StructureTree, Template
from brainreg3d.atlas.slabs import VolumeSlabs
from brainreg3d.errors import AtlasError, MissingFileError
from brainreg3d.geometry import VolumeGrid
from brainreg3d.io.cache import cache_dir, load_json, store_json
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.structures import read_structures
from brainreg3d.sources.compact_cache import compact_from_source, content_key
from brainreg3d.sources.template_check import refuse_template

if TYPE_CHECKING:
    from brainreg3d.io.volumes import VolumeHeader

_EXAMPLES = 5

SpacingUm = float | Sequence[float] | None


def load_local_atlas(
    annotation: str | Path,
    structures: str | Path,
    template: str | Path | None = None,
    *,
    name: str = "local",
    orientation: str | None = None,
    spacing_um: SpacingUm = None,
    citation: str = "",
    species: str = "",
) -> Atlas:
    """Make an atlas of local files.

    Parameters
    ----------
    annotation : path-like
        Volume of structure ids (NRRD, NIfTI or TIFF).
    structures : path-like
        Structure tree; see `brainreg3d.io.structures.read_structures`.
    template : path-like, optional
        Grey-value volume of the same physical box; its voxels may have another size. It is read
        when it is first asked for.
    name : str
        Name of the atlas, without resolution.
    orientation : str, optional
        Axes of both volumes; see `brainreg3d.io.volumes.read_volume`.
    spacing_um : float or three floats, optional
        Voxel size of the annotation in µm, in the file's axis order; used for the template too
        when that has as many voxels.
    citation : str
        What to cite for the data.
    species : str
        Such as ``"Mus musculus"``.

    Returns
    -------
    Atlas
        In the atlas frame.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    AtlasError
        If a file cannot be read, or the files do not belong together.
    """
    annotation, structures = _existing(annotation), _existing(structures)
    template = None if template is None else _existing(template)
    tree = read_structures(structures)
    header = _header(annotation, orientation, spacing_um)
    load_template = None
    if template is not None:
        load_template = _template_loader(template, header, orientation, spacing_um)
    files = {"annotation": annotation, "structures": structures, "template": template}
    labels = _annotation(annotation, header, orientation, spacing_um)
    refuse_template(labels, tree, annotation.name)
    atlas = Atlas(
        name,
        labels,
        tree,
        load_template,
        citation=citation,
        species=species,
        sha256={what: sha256_of_file(path) for what, path in files.items() if path is not None},
    )
    warn_unknown_ids(atlas.annotation, tree, annotation.name)
    return atlas


def load_lone_template(
    template: str | Path,
    *,
    name: str = "local",
    orientation: str | None = None,
    spacing_um: SpacingUm = None,
) -> Atlas:
    """Make an atlas of a template alone, to register volumes to; it knows no structures.

    Parameters
    ----------
    template : path-like
        Grey-value volume (NRRD, NIfTI or TIFF).
    name : str
        Name of the atlas, without resolution.
    orientation : str, optional
        Its axes; see `brainreg3d.io.volumes.read_volume`.
    spacing_um : float or three floats, optional
        Its voxel size in µm, in the file's axis order.

    Returns
    -------
    Atlas
        With an annotation that is empty everywhere.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    AtlasError
        If it cannot be read.
    """
    template = _existing(template)
    header = _header(template, orientation, spacing_um)
    nothing = np.broadcast_to(np.zeros((), dtype=np.uint16), header.grid.shape)
    return Atlas(
        name,
        Annotation(nothing, np.zeros(1, dtype=np.uint32), header.grid.spacing_mm),
        StructureTree([Structure(997, "root", "root", (255, 255, 255))]),
        _template_loader(template, header, orientation, spacing_um),
        sha256={"template": sha256_of_file(template)},
    )


def warn_unknown_ids(annotation: Annotation, structures: StructureTree, source: str) -> None:
    """Log a warning when an annotation holds values that are no structures.

    Parameters
    ----------
    annotation : Annotation
        The label volume.
    structures : StructureTree
        All structures.
    source : str
        What the annotation came from, for the message.
    """
    known = np.unique(annotation.ids[1:]).tolist()
    unknown = [value for value in known if value not in structures]
    if unknown:
        examples = ", ".join(str(value) for value in unknown[:_EXAMPLES])
        more = ", …" if len(unknown) > _EXAMPLES else ""
        logger.warning(
            "%d of the %d values in %s are in no structure of the tree (%s%s); their voxels are "
            "tissue outside all regions.",
            len(unknown),
            len(known),
            source,
            examples,
            more,
        )


def check_same_box(annotation: VolumeGrid, template: VolumeGrid, what: str) -> None:
    """Refuse a template that fills another physical box than the annotation.

    Parameters
    ----------
    annotation : VolumeGrid
        Voxels of the annotation.
    template : VolumeGrid
        Voxels of the template; they may have another size.
    what : str
        Names the two for the message.

    Raises
    ------
    AtlasError
        If a side differs by more than rounding to whole voxels can explain.
    """
    if annotation.same_box(template):
        return
    message = (
        f"{what} do not fill the same box: the annotation is {_box(annotation)} mm, the template "
        f"{_box(template)} mm (left-right × front-back × height). Take two volumes of the same "
        f"space, or correct orientation or spacing_um."
    )
    raise AtlasError(message)


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.exists():
        message = f"There is no file {path}; expected a file of a local atlas."
        raise MissingFileError(message)
    if not path.is_file():
        message = f"{path} is a folder; expected a file of a local atlas."
        raise AtlasError(message)
    return path


def _box(grid: VolumeGrid) -> str:
    return " × ".join(f"{side:.4g}" for side in grid.box_mm)


def _options(orientation: str | None, spacing_um: SpacingUm) -> tuple[object, ...]:
    if spacing_um is None or isinstance(spacing_um, int | float):
        return orientation, spacing_um
    return orientation, tuple(float(size) for size in spacing_um)


def _header(path: Path, orientation: str | None, spacing_um: SpacingUm) -> VolumeHeader:
    """Return a volume's header; a known file's without importing what reads volumes."""
    from brainreg3d.io.volumes import VolumeHeader, read_volume_header

    key = content_key(
        "header", sha256_of_file(path), path.suffix, _options(orientation, spacing_um)
    )
    place = cache_dir() / "headers" / f"{key}.json"
    known = load_json(place)
    if known is not None:
        try:
            grid = VolumeGrid(known["shape"], known["spacing_mm"])
            x, y, z = (int(length) for length in known["file_shape"])
            doubts = tuple(str(doubt) for doubt in known["doubts"])
            for doubt in doubts:
                logger.warning("%s", doubt)
            return VolumeHeader(path, grid, str(known["directions"]), (x, y, z), doubts)
        except (KeyError, TypeError, ValueError):
            logger.debug("The cache entry %s is damaged and is made anew.", place)
    header = read_volume_header(path, orientation=orientation, spacing_um=spacing_um)
    content = {
        "shape": header.grid.shape,
        "spacing_mm": header.grid.spacing_mm,
        "directions": header.directions,
        "file_shape": header.file_shape,
        "doubts": header.doubts,
    }
    store_json(place, content)
    return header


def _annotation(
    path: Path, header: VolumeHeader, orientation: str | None, spacing_um: SpacingUm
) -> Annotation:
    def load() -> tuple[VolumeSlabs, tuple[float, float, float]]:
        from brainreg3d.io.volumes import read_volume_slabs

        slabs, full_header = read_volume_slabs(path, orientation=orientation, spacing_um=spacing_um)
        return slabs, full_header.spacing_mm

    reading = header.directions, header.grid.spacing_mm
    return compact_from_source(content_key("file", sha256_of_file(path), reading), load)


def _template_loader(
    path: Path, annotation: VolumeHeader, orientation: str | None, spacing_um: SpacingUm
) -> Callable[[], Template]:
    if spacing_um is not None:
        from brainreg3d.io.volume_formats import open_raw

        if open_raw(path).shape != annotation.file_shape:
            spacing_um = None
    header = _header(path, orientation, spacing_um)
    check_same_box(annotation.grid, header.grid, f"{annotation.path.name} and {path.name}")

    def load_template() -> Template:
        from brainreg3d.io.volumes import read_volume

        volume = read_volume(path, orientation=orientation, spacing_um=spacing_um)
        return Template(volume.data, volume.spacing_mm)

    return load_template
