"""Atlases of other species, with other axes, voxels, sizes and ids, read right end to end."""

import attrs
import numpy as np
import pytest
import tifffile
from brainglobe_writer import write_brainglobe_atlas

from brainreg3d import BrainReg3D, Pose, load_atlas
from brainreg3d.errors import AtlasError
from brainreg3d.export.brainglobe import export_brainglobe_atlas

# Where the marker is, as shares of the box: from left, from behind and from below.
MARKER = ((0.6, 0.8), (0.65, 0.75), (0.75, 0.9))
TISSUE = ((0.1, 0.9), (0.05, 0.95), (0.1, 0.9))
PIXELS = (240, 200)

# For each letter the axis of the body, and whether an array that starts there grows along it.
LETTERS = {
    "l": (0, True), "r": (0, False),
    "p": (1, True), "a": (1, False),
    "i": (2, True), "s": (2, False),
}  # fmt: skip


@attrs.frozen
class Layout:
    """An atlas as BrainGlobe might hold it; sizes along the axes of its arrays."""

    name: str
    orientation: str
    shape: tuple[int, int, int]
    resolution_um: tuple[float, float, float]
    ids: tuple[int, int, int]  # of the root, the tissue and the marker
    has_template: bool = True


LAYOUTS = [
    Layout("whs_sd_rat_39um", "asr", (40, 20, 20), (1000.0,) * 3, (10000, 5, 512)),
    Layout("other_rat_310um", "sal", (20, 60, 40), (550.0, 420.0, 310.0), (997, 1, 182305689)),
    Layout("mpin_zfish_1um", "asr", (60, 20, 40), (16.0, 18.0, 15.0), (1, 200, 3), False),
    Layout("other_zfish_5um", "las", (20, 40, 20), (25.0, 20.0, 17.5), (4 * 10**9, 2, 70000)),
    Layout("allen_human_500um", "asr", (40, 40, 40), (5e3, 4.5e3, 4e3), (3999, 12154, 265297126)),
    Layout("other_human_1mm", "lps", (20, 40, 20), (9e3, 4.5e3, 7e3), (4005, 4006, 13324), False),
    Layout("allen_cord_20um", "rpi", (20, 60, 20), (160.0, 200.0, 120.0), (250, 251, 65536)),
]


def body_sizes(layout):
    """Voxels and their sizes in mm, to the right, to the front and upwards."""
    count, size = [0] * 3, [0.0] * 3
    for letter, length, um in zip(
        layout.orientation, layout.shape, layout.resolution_um, strict=True
    ):
        axis, _ = LETTERS[letter]
        count[axis], size[axis] = length, um / 1000
    return count, size


def inside(layout, shares):
    """Voxels of the layout's array whose middle lies within shares of the box."""
    found = np.ones(layout.shape, dtype=bool)
    for place, (letter, length) in enumerate(zip(layout.orientation, layout.shape, strict=True)):
        axis, grows = LETTERS[letter]
        middle = (np.arange(length) + 0.5) / length
        share = middle if grows else 1 - middle
        within = (share > shares[axis][0]) & (share < shares[axis][1])
        found &= within.reshape([-1 if place == other else 1 for other in range(3)])
    return found


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.name)
def layout(request, tmp_path, monkeypatch):
    layout = request.param
    root, tissue, marker = layout.ids
    ids = np.zeros(layout.shape, np.uint32)
    ids[inside(layout, TISSUE)] = tissue
    ids[inside(layout, MARKER)] = marker
    # Grey values that tell the axes apart: bright to the right, a little to the front and the top.
    grey = sum(
        weight * inside(layout, [(0.5, 1) if axis == side else (0, 1) for axis in range(3)])
        for side, weight in enumerate((100, 10, 1))
    ).astype(np.uint16)
    nodes = [
        (root, "root", "root", [root]),
        (tissue, "CTX", "Tissue", [root, tissue]),
        (marker, "MARK", "Marker on the right", [root, tissue, marker]),
    ]
    home = tmp_path / "home"
    home.mkdir()
    write_brainglobe_atlas(
        home, layout.name, ids, grey if layout.has_template else None, nodes,
        layout.resolution_um, layout.orientation,
    )  # fmt: skip
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(home))
    return layout


def expected_mask(mirrored=False):
    """The marker from above: rows from front to back, columns from left to right."""
    rows = 1 - (np.arange(PIXELS[0]) + 0.5) / PIXELS[0]
    columns = (np.arange(PIXELS[1]) + 0.5) / PIXELS[1]
    (left, right), (back, front), _ = MARKER
    mask = np.outer((rows > back) & (rows < front), (columns > left) & (columns < right))
    return mask[:, ::-1] if mirrored else mask


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_marker_on_the_right_comes_out_on_the_right(layout, mirrored, tmp_path):
    count, size = body_sizes(layout)
    width, length, height = np.multiply(count, size)
    result = BrainReg3D(
        np.zeros(PIXELS, np.uint8),
        alignment=Pose((width / 2, length / 2, height), mirrored=mirrored),
        pixel_size_mm=(length / PIXELS[0], width / PIXELS[1]),
        camera_distance_mm=None,
        atlas=layout.name,
        brain_regions=["MARK"],
        output_dir=tmp_path / "out",
    ).run()
    written = tifffile.imread(result.files["masks"]).squeeze() > 0
    assert np.array_equal(written, expected_mask(mirrored))
    assert np.all(result.hemisphere[written] == 2)


def test_voxels_sizes_and_template(layout):
    atlas = load_atlas(layout.name)
    count, size = body_sizes(layout)
    assert atlas.grid.shape == tuple(count[::-1])
    assert atlas.grid.spacing_mm == pytest.approx(tuple(size[::-1]))
    assert atlas.grid.box_mm == pytest.approx(np.multiply(count, size))
    assert [s.id for s in atlas.structures] == list(layout.ids)
    marker = np.argwhere(atlas.annotation.to_ids() == layout.ids[2])
    for axis, shares in enumerate(MARKER):
        middle = (marker[:, 2 - axis].mean() + 0.5) / count[axis]
        assert middle == pytest.approx(np.mean(shares), abs=0.5 / count[axis])
    if layout.has_template:
        corners = atlas.template.data[:: count[2] - 1, :: count[1] - 1, :: count[0] - 1]
        assert corners.tolist() == [[[0, 100], [10, 110]], [[1, 101], [11, 111]]]
    else:
        with pytest.raises(AtlasError, match="without its template"):
            _ = atlas.template


def test_it_can_be_exported_as_all_others_are(layout, tmp_path):
    from brainglobe_atlasapi import BrainGlobeAtlas

    atlas = load_atlas(layout.name)
    if not layout.has_template:
        atlas = attrs.evolve(atlas, load_template=None)
    home = tmp_path / "exported"
    manifest = export_brainglobe_atlas(atlas, home, "again")
    theirs = BrainGlobeAtlas(
        manifest.parents[1].name,
        brainglobe_dir=home,
        check_latest=False,
        config_dir=home / "bg_config.conf",
    )
    count, size = body_sizes(layout)
    box_um = 1000 * np.multiply(count, size)
    shares = np.array([np.mean(ends) for ends in MARKER])
    right, front, up = (1 - shares) * box_um  # BrainGlobe measures from right, front and top
    place_um = (front, up, right)
    assert theirs.structure_from_coords(place_um, microns=True, as_acronym=True) == "MARK"
    assert theirs.hemisphere_from_coords(place_um, microns=True, as_string=True) == "right"
    points = theirs.mesh_from_structure("MARK").points
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    assert np.abs(middle - place_um).max() < 1e-3 * max(box_um)
