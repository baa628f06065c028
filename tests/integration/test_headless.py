"""What is imported when, and that nothing needs a screen."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import tiny_brain

DRAWING = ("vtk", "vtkmodules", "vedo", "brainrender", "matplotlib", "sklearn")


def loaded_after(code, *arguments):
    """Run code in a fresh process without a screen and return the top-level modules it loaded."""
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    env.pop("MPLBACKEND", None)
    program = (
        f"{code}\nimport sys\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], env=env, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import brainreg3d",
        "import brainreg3d; dir(brainreg3d); brainreg3d.__version__; brainreg3d.Pose((1, 2, 3))",
        "from brainreg3d import *",
        "import brainreg3d.steps, brainreg3d.testing",
    ],
)
def test_importing_loads_nothing_slow(code):
    loaded = loaded_after(code)
    slow = {*DRAWING, "SimpleITK"}
    if code == "import brainreg3d":
        slow |= {"numba", "scipy", "skimage", "tifffile", "requests", "pooch", "pandas"}
    assert not loaded & slow


WHOLE_RUN = """
import sys
from brainreg3d import BrainReg3D, LocalTemplateSource
image, alignment, annotation, structures, regions = sys.argv[1:]
result = BrainReg3D(
    image, alignment=alignment, pixel_size_mm=(0.1, 0.1), output_dir=image + "_out",
    template_source=LocalTemplateSource(annotation=annotation, structures=structures),
    brain_regions=regions or None,
).run()
assert result.labels.any()
assert result.files["masks"].is_file()
"""


def test_a_whole_run_needs_no_drawing_library_and_no_screen(tmp_path):
    tiny_brain.source(tmp_path)
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros((40, 30), np.uint16))
    pose = {"center_mm": [2.0, 3.6, 4.0]}
    (tmp_path / "a.json").write_text(json.dumps({"schema": "brainreg3d/alignment/1", "pose": pose}))
    files = [tmp_path / name for name in ("mouse.tif", "a.json", "labels.nrrd", "structures.json")]
    assert not loaded_after(WHOLE_RUN, *files, "ANT,POST") & set(DRAWING)
    # The second time the atlas comes from the cache, and nothing reads volumes any more.
    again = loaded_after(WHOLE_RUN, *files, "ANT,POST")
    assert not again & {*DRAWING, "SimpleITK", "nibabel", "skimage"}


def test_the_real_image_with_its_saved_alignment(tmp_path, widefield_dir, allen_dir):
    image = tmp_path / "sample_image.tif"
    image.write_bytes((widefield_dir / "sample_image.tif").read_bytes())
    code = WHOLE_RUN.replace("pixel_size_mm=(0.1, 0.1), ", "")
    files = (
        image, widefield_dir / "sample_image_alignment.json", allen_dir / "annotation_25.nrrd",
        allen_dir / "structure_graph.json",
    )  # fmt: skip
    assert not loaded_after(code, *files, "") & set(DRAWING)
    folder = tmp_path / "sample_image.tif_out"
    with tifffile.TiffFile(folder / "sample_image_masks.tif") as tif:
        names = tif.imagej_metadata["Labels"]
        masks = dict(zip(names, tif.asarray(), strict=True))
    assert names == ["MOp", "MOs", "SSp", "SSs", "PTLp", "VIS", "RSP", "ACA", "ORB", "OLF"]
    assert masks["MOp"].shape == (251, 400)
    # The image shows the right hemisphere, anterior to the right and lateral down.
    columns = {name: np.nonzero(mask)[1].mean() for name, mask in masks.items() if mask.any()}
    rows = {name: np.nonzero(mask)[0].mean() for name, mask in masks.items() if mask.any()}
    assert columns["VIS"] < columns["PTLp"] < columns["SSp"] < columns["MOp"]
    assert rows["RSP"] < rows["VIS"]
    assert rows["MOs"] < rows["SSp"]
