import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile

from brainreg3d.errors import AtlasError, MissingFileError
from brainreg3d.sources import load_local_atlas

REAL = Path(__file__).parents[3] / "shared" / "data" / "allen"

# Both sides, mm³, measured on the CCFv3 2017 annotation.
KNOWN_MM3 = {
    "MOB": 16.5, "PIR": 11.6, "Isocortex": 123.3, "HPF": 42.7, "CA1": 10.2, "DG": 6.6, "CP": 26.0,
    "ACB": 4.4, "TH": 20.3, "HY": 15.2, "MB": 36.8, "IC": 4.4, "P": 16.7, "MY": 31.0, "CB": 53.9,
}  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def real_files():
    names = ("annotation_25.nrrd", "structure_graph.json", "average_template_100.nrrd")
    files = [REAL / name for name in names]
    if not all(path.exists() for path in files):
        if os.environ.get("CI") == "true":
            pytest.fail("the real Allen data are missing")
        pytest.skip("the real Allen data do not lie beside the project")
    return files


@pytest.fixture
def small(tmp_path):
    """An annotation of 12 × 8 × 10 mm as (AP, DV, ML) TIFF, its tree, and a coarser template."""
    labels = np.zeros((24, 16, 20), np.uint32)
    labels[4:20, 4:12, 3:17] = 5
    labels[6, 5, 15] = 600000001  # AP 6, DV 5, on the right
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    tifffile.imwrite(tmp_path / "grey.tif", (labels > 0).astype(np.uint16)[::2, ::2, ::2])
    nodes = [
        {"id": 1, "acronym": "root", "name": "root", "structure_id_path": [1]},
        {"id": 5, "acronym": "A", "name": "Area", "structure_id_path": [1, 5]},
        {"id": 600000001, "acronym": "M", "name": "Mark", "structure_id_path": [1, 600000001]},
    ]
    (tmp_path / "tree.json").write_text(json.dumps(nodes))
    return tmp_path


def load_small(folder, **changes):
    options = {"annotation": "labels.tif", "structures": "tree.json", "spacing_um": 500} | changes
    files = {key: folder / options.pop(key) for key in ("annotation", "structures")}
    if "template" in options:
        options["template"] = folder / options["template"]
    return load_local_atlas(**files, **options)


def write_coarse_template(folder, spacing_mm=1.0):
    stack = np.ones((12, 8, 10), np.float32)
    affine = np.zeros((4, 4))
    affine[1, 0], affine[2, 1], affine[0, 2], affine[3, 3] = -spacing_mm, -spacing_mm, spacing_mm, 1
    image = nibabel.Nifti1Image(stack, affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(folder / "grey.nii")


def test_an_atlas_of_local_files(small):
    write_coarse_template(small)
    atlas = load_small(small, template="grey.nii")
    assert atlas.full_name == "local_500um"
    assert atlas.grid.box_mm == (10.0, 12.0, 8.0)
    (place,) = np.argwhere(atlas.annotation.to_ids() == 600000001)
    assert tuple(place) == (15 - 5, 23 - 6, 15)
    assert atlas.template.grid.box_mm == (10.0, 12.0, 8.0)
    assert atlas.template.spacing_mm == (1.0, 1.0, 1.0)
    assert set(atlas.sha256) == {"annotation", "structures", "template"}


def test_the_template_is_read_only_when_it_is_asked_for(small, monkeypatch):
    write_coarse_template(small)
    atlas = load_small(small, template="grey.nii")
    (small / "grey.nii").unlink()
    with pytest.raises(MissingFileError):
        _ = atlas.template


def test_a_template_of_the_same_size_shares_the_given_spacing(small):
    tifffile.imwrite(small / "same.tif", np.ones((24, 16, 20), np.uint8))
    assert load_small(small, template="same.tif").template.spacing_mm == (0.5, 0.5, 0.5)


def test_boxes_that_differ_are_refused(small):
    write_coarse_template(small, spacing_mm=1.1)
    with pytest.raises(AtlasError, match="same box") as caught:
        load_small(small, template="grey.nii")
    assert "10 × 12 × 8" in str(caught.value)
    assert "11 × 13.2 × 8.8" in str(caught.value)


def test_boxes_may_differ_by_rounding(small):
    write_coarse_template(small, spacing_mm=1.02)
    assert load_small(small, template="grey.nii").template is not None


def test_a_changed_file_is_never_served_from_the_cache(small):
    first = load_small(small)
    status = (small / "labels.tif").stat()
    stack = tifffile.imread(small / "labels.tif")
    tifffile.imwrite(small / "labels.tif", stack[::-1])
    os.utime(small / "labels.tif", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    second = load_small(small)
    assert np.array_equal(second.annotation.to_ids(), first.annotation.to_ids()[:, ::-1])
    assert first.sha256["annotation"] != second.sha256["annotation"]


def test_other_reading_options_are_another_cache_entry(small):
    right = load_small(small).annotation.to_ids()
    left = load_small(small, orientation="asr").annotation.to_ids()
    assert np.array_equal(left, right[:, :, ::-1])
    assert np.array_equal(load_small(small, orientation="asl").annotation.to_ids(), right)


def test_warnings_about_a_file_come_back_from_the_cache(tmp_path, small, caplog):
    stack = np.zeros((80, 132, 114), np.uint16)
    stack[20:60, 30:100, 30:80] = 5
    tifffile.imwrite(small / "turned.tif", stack)
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("WARNING", logger="brainreg3d"):
            load_small(small, annotation="turned.tif", spacing_um=100)
        assert "axes in another order" in caplog.text


def test_values_without_a_structure_are_reported(small, caplog):
    stack = tifffile.imread(small / "labels.tif")
    stack[10, 6, 10] = 4242
    tifffile.imwrite(small / "labels.tif", stack)
    with caplog.at_level("WARNING", logger="brainreg3d"):
        load_small(small)
    assert "1 of the 3 values" in caplog.text
    assert "4242" in caplog.text


def test_an_annotation_and_a_tree_of_different_atlases(small):
    tifffile.imwrite(small / "other.tif", np.full((24, 16, 20), 77, np.uint16))
    with pytest.raises(AtlasError, match="belong together"):
        load_small(small, annotation="other.tif")


def test_a_grey_volume_is_no_annotation(small):
    noise = np.random.default_rng(0).normal(size=(24, 16, 20)).astype(np.float32)
    tifffile.imwrite(small / "noise.tif", noise)
    with pytest.raises(AtlasError, match="whole numbers"):
        load_small(small, annotation="noise.tif")


@pytest.mark.parametrize("what", ["annotation", "structures", "template"])
def test_missing_files(small, what):
    with pytest.raises(MissingFileError, match="none"):
        load_small(small, **{what: "none.nrrd"})
    (small / "folder").mkdir()
    with pytest.raises(AtlasError, match="folder"):
        load_small(small, **{what: "folder"})


@pytest.mark.real_data
def test_the_real_annotation_is_read_bit_for_bit(real_files):
    annotation, structures, template = real_files
    load_local_atlas(annotation, structures, template)
    atlas = load_local_atlas(annotation, structures, template)  # through the cache
    image = sitk.ReadImage(str(annotation))
    rng = np.random.default_rng(0)
    for ap, dv, ml in rng.integers(0, (528, 320, 456), (3000, 3)).tolist():
        index = atlas.annotation.volume.at(319 - dv, 527 - ap, ml)
        assert atlas.annotation.ids[index] == image.GetPixel(ap, dv, ml)
    assert atlas.grid.box_mm == (11.4, 13.2, 8.0)


@pytest.mark.real_data
def test_the_real_structures_have_their_known_volumes(real_files):
    atlas = load_local_atlas(*real_files)
    counts = np.bincount(atlas.annotation.index.ravel(), minlength=atlas.annotation.ids.size)
    for acronym, expected in KNOWN_MM3.items():
        below = atlas.structures.descendants(atlas.structures.find(acronym).id)
        volume_mm3 = counts[atlas.annotation.members(below)].sum() * 0.025**3
        # The table gives one decimal.
        assert volume_mm3 == pytest.approx(expected, rel=0.03, abs=0.06), acronym


@pytest.mark.real_data
def test_a_second_load_needs_nothing_that_reads_volumes(real_files):
    load_local_atlas(*real_files)
    code = (
        "import sys; from brainreg3d.sources import load_local_atlas; "
        "a = load_local_atlas(*sys.argv[1:]); print(a.full_name); "
        "print([m for m in ('SimpleITK', 'numba', 'scipy', 'nibabel') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, real_files)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.splitlines() == ["local_25um", "[]"]


# A template in the place of the annotation.


@pytest.mark.parametrize("kind", ["as it is", "8 bits", "16 bits", "fractions", "any numbers"])
def test_a_template_given_as_annotation(allen_dir, tmp_path, kind):
    image = sitk.ReadImage(str(allen_dir / "average_template_100.nrrd"))
    grey = sitk.GetArrayFromImage(image)
    made = {
        "as it is": grey,
        "8 bits": (grey / grey.max() * 255).astype(np.uint8),
        "16 bits": (grey * 120 + grey % 7).astype(np.uint16),
        "fractions": grey.astype(np.float32) / 3,
        "any numbers": np.arange(grey.size, dtype=np.uint32).reshape(grey.shape),
    }[kind]
    other = sitk.GetImageFromArray(made)
    other.CopyInformation(image)
    path = tmp_path / "grey.nrrd"
    sitk.WriteImage(other, str(path))
    with pytest.raises(AtlasError, match=r"template.*annotation|annotation.*template"):
        load_local_atlas(path, allen_dir / "structure_graph.json")


def test_grey_values_of_the_phantom(tmp_path):
    from brainreg3d.atlas.compact import compact_annotation
    from brainreg3d.sources import load_atlas
    from brainreg3d.sources.template_check import looks_like_grey_values

    phantom = load_atlas("phantom_100um")
    grey = np.rint(phantom.template.data).astype(np.uint32)
    assert looks_like_grey_values(compact_annotation(grey, phantom.grid.spacing_mm))
    assert not looks_like_grey_values(phantom.annotation)


@pytest.mark.parametrize("numbers", ["own", "dense", "shuffled"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_no_annotation_is_taken_for_a_template(allen_dir, numbers, step):
    """Neither coarse ones, of 100 to 300 µm, nor ones whose ids leave no number out."""
    from brainreg3d.atlas import Annotation
    from brainreg3d.sources.template_check import looks_like_grey_values

    volume = sitk.GetArrayFromImage(sitk.ReadImage(str(allen_dir / "annotation_100.nrrd")))
    ids, index = np.unique(volume[::step, ::step, ::step], return_inverse=True)
    dense = np.arange(ids.size, dtype=np.uint32)
    shuffled = np.append(0, np.random.default_rng(0).permutation(dense[1:])).astype(np.uint32)
    chosen = {"own": ids, "dense": dense, "shuffled": shuffled}[numbers]
    index = index.reshape(volume[::step, ::step, ::step].shape).astype(np.uint16)
    annotation = Annotation(index, chosen, (0.1 * step,) * 3)
    assert not looks_like_grey_values(annotation)
    # Nor where the tree names only a few of its structures.
    assert not looks_like_grey_values(annotation, mostly_unknown=True)
