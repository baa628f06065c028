"""Fixtures of all tests: a cache of their own, the real data, a tiny atlas.

The cache variable is set before anything is imported, so that no test can touch the user's cache.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

_CACHE = tempfile.mkdtemp(prefix="brainreg3d-tests-")
os.environ["BRAINREG3D_CACHE_DIR"] = _CACHE
# Compiled code is kept, or every session would compile all of it again.
_COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "numba"
os.environ.setdefault("NUMBA_CACHE_DIR", str(_COMPILED))
os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).parent / "data"))

import hypothesis  # noqa: E402
import pytest  # noqa: E402

# Busy machines make single examples slow, and a red test has to be red again the next time.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("steady")

DATA_DIR = Path(__file__).parents[2] / "shared" / "data"
_REAL_FIXTURES = {
    "data_dir",
    "allen_dir",
    "widefield_dir",
    "real_source",
    "real_atlas",
    "allen_labels",
}


def pytest_sessionfinish():
    shutil.rmtree(_CACHE, ignore_errors=True)


def pytest_collection_modifyitems(items):
    for item in items:
        if _REAL_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real_data)


def _need(*paths):
    missing = [str(path) for path in paths if not path.exists()]
    if not missing:
        return
    message = f"real data are missing: {', '.join(missing)}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def data_dir():
    """Folder of the real data that lie beside the project."""
    _need(DATA_DIR)
    return DATA_DIR


@pytest.fixture(scope="session")
def allen_dir(data_dir):
    """Folder of the real Allen annotation, template and structure tree."""
    names = ("annotation_25.nrrd", "structure_graph.json", "average_template_100.nrrd")
    _need(*(data_dir / "allen" / name for name in names))
    return data_dir / "allen"


@pytest.fixture(scope="session")
def widefield_dir(data_dir):
    """Folder of the real image and its alignment."""
    folder = data_dir / "widefield"
    _need(folder / "sample_image.tif", folder / "sample_image_alignment.json")
    return folder


@pytest.fixture(scope="session")
def real_source(allen_dir):
    """The step that loads the real annotation at 25 µm."""
    from brainreg3d import LocalTemplateSource

    return LocalTemplateSource(
        annotation=allen_dir / "annotation_25.nrrd",
        structures=allen_dir / "structure_graph.json",
        template=allen_dir / "average_template_100.nrrd",
    )


@pytest.fixture(scope="session")
def real_atlas(real_source):
    """The real annotation at 25 µm, loaded once for all tests."""
    return real_source.compute()


@pytest.fixture(scope="session")
def allen_labels(allen_dir):
    """The file's volume, axes (ML, DV, AP): 1 + place of a default region, 255 other tissue."""
    from slow_march import label_volume, read_allen, read_descendants

    members = read_descendants(allen_dir / "structure_graph.json")
    names = ("MOp", "MOs", "SSp", "SSs", "PTLp", "VIS", "RSP", "ACA", "ORB", "OLF")
    return label_volume(
        read_allen(allen_dir / "annotation_25.nrrd"), [members(name) for name in names]
    )


@pytest.fixture(scope="session")
def tiny():
    """The tiny asymmetric brain of `tiny_brain`, with all that is known of it."""
    import tiny_brain

    return tiny_brain


@pytest.fixture(scope="session")
def tiny_atlas(tiny):
    """The tiny brain as an `Atlas`, made of arrays."""
    return tiny.make_atlas()


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """Take back what the command line does to logging when it runs in this process."""
    logger = logging.getLogger("brainreg3d")
    handlers, propagate = list(logger.handlers), logger.propagate
    yield
    logger.handlers[:] = handlers
    logger.propagate = propagate


@pytest.fixture
def log():
    """Messages of the package of level WARNING and above, as a growing list of texts."""
    with collect_log() as messages:
        yield messages


@contextlib.contextmanager
def collect_log(level=logging.WARNING):
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record):
            messages.append(record.getMessage())

    logger = logging.getLogger("brainreg3d")
    collector = Collector(level)
    before = logger.level
    logger.addHandler(collector)
    logger.setLevel(level)
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before)
