"""Drawings say what is true, keep their text apart and leave their inputs alone."""

from __future__ import annotations

import subprocess
import sys

import attrs
import numpy as np
import pytest

from brainreg3d import views
from brainreg3d.atlas import (
    Annotation,
    Atlas,
    Region,
    RegionSet,
    Structure,
    StructureTree,
    Template,
    find_bregma,
    select_regions,
)
from brainreg3d.contrast import auto_contrast, to_grey
from brainreg3d.errors import OutputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.gui import display
from brainreg3d.maps import SurfaceMaps
from brainreg3d.state import (
    LEFT,
    RIGHT,
    Alignment,
    HiddenPixels,
    Image,
    Labels,
    Projections,
    Samples,
    Visibility,
    VisibleSamples,
)
from brainreg3d.views.compass import compass_directions
from brainreg3d.views.cut_meshes import pieces_in_view
from brainreg3d.views.layout import new_figure, text_width_in
from brainreg3d.views.names import Piece, place_names
from brainreg3d.views.outlines import mask_outlines, split_hemispheres
from brainreg3d.views.planes import PLANES, informative_point_mm, slice_plane
from brainreg3d.views.projections import sample_density
from brainreg3d.views.regions_on_image import pose_captions
from brainreg3d.views.sheet import image_axes, scale_bar_mm, thin_out

BRAIN, ONE, TWO, MARK = 1, 2, 3, 4


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    """A box of tissue with region ONE on top, TWO below, and MARK in the right half only."""
    ids = np.zeros((16, 26, 22), dtype=np.uint16)
    ids[2:14, 2:24, 2:20] = 1
    ids[10:14, 2:24, 2:20] = 2
    ids[3:7, 2:24, 2:20] = 3
    ids[10:14, 16:22, 15:19] = 4
    tree = StructureTree(
        [
            Structure(BRAIN, "root", "the whole brain", (200, 200, 200)),
            Structure(ONE, "One", "first region", (31, 157, 90), BRAIN),
            Structure(TWO, "Two", "second region", (255, 122, 255), BRAIN),
            Structure(MARK, "Mark", "marker on the right", (10, 10, 200), BRAIN),
        ]
    )
    annotation = Annotation(ids, np.array([0, BRAIN, ONE, TWO, MARK], np.uint32), (0.5, 0.5, 0.5))
    grey = (ids * 50.0).astype(np.float32)
    return Atlas("toy", annotation, tree, lambda: Template(grey, (0.5, 0.5, 0.5)), synthetic=True)


@attrs.frozen
class Drawn:
    """Everything that the drawings take, for one image of the toy atlas."""

    image: Image
    alignment: Alignment
    regions: RegionSet
    projections: Projections
    visible: VisibleSamples
    labels: Labels


def _seen(
    atlas: Atlas,
    shape: tuple[int, int] = (60, 50),
    pixel_mm: tuple[float, float] = (0.25, 0.25),
    acronyms: tuple[str, ...] = ("One", "Two", "Mark"),
    dtype: type = np.uint16,
    nothing: bool = False,
    mirrored: bool = False,
) -> Drawn:
    """Look straight down, one voxel after the other, independently of the package's rays."""
    regions = select_regions(atlas, acronyms)
    pose = Pose((5.5, 6.5, 9.0), mirrored=mirrored)
    view = ImageView(shape, pixel_mm, pose, Camera(None))
    rows, cols = (part.ravel() for part in np.indices(shape))
    points = view.pixel_to_plane_mm(rows, cols)
    table = regions.label_of_index(atlas.annotation)
    columns = []
    labels = np.zeros(shape, np.uint16)
    hemisphere = np.zeros(shape, np.uint8)
    depth = np.full(shape, np.nan, np.float32)
    for z in range(15, -1, -1):
        place = np.floor(points / 0.5).astype(int)
        inside = (place[:, 0] >= 0) & (place[:, 0] < 22) & (place[:, 1] >= 0) & (place[:, 1] < 26)
        index = np.zeros(rows.size, int)
        index[inside] = atlas.annotation.index[z, place[inside, 1], place[inside, 0]]
        hit = np.flatnonzero(index > 0)
        right = points[hit, 0] > 5.5
        down = np.full(hit.size, 9.0 - (z + 1) * 0.5)
        columns.append((table[index[hit]], index[hit], cols[hit], rows[hit], down, right))
        new = hit[np.isnan(depth.ravel()[hit])]
        labels.ravel()[new] = table[index[new]]
        hemisphere.ravel()[new] = np.where(points[new, 0] > 5.5, RIGHT, LEFT)
        depth.ravel()[new] = 9.0 - (z + 1) * 0.5
    region, ids, x, y, down, right = (np.concatenate(c) for c in zip(*columns, strict=True))
    samples = Samples(
        region.astype(np.uint16),
        ids.astype(np.uint32),
        x.astype(float),
        y.astype(float),
        down,
        right,
    )
    order = np.lexsort((samples.depth_mm, samples.x_px, samples.y_px))
    cell = (samples.y_px * shape[1] + samples.x_px)[order]
    nearest = samples.take(order[np.r_[True, np.diff(cell) > 0]] if cell.size else order)
    if nothing:
        labels[:] = 0
    unseen = {
        r.acronym: "hidden behind other tissue, which lies nearer to the camera (root 100 %)"
        for place, r in enumerate(regions)
        if not np.any(labels == place + 1)
    }
    visibility = tuple(
        Visibility(
            r.acronym, int((samples.region == i + 1).sum()), int((nearest.region == i + 1).sum())
        )
        for i, r in enumerate(regions)
    )
    pixels = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    return Drawn(
        Image(pixels, "mouse7_session_2", "0" * 64),
        Alignment(view),
        regions,
        Projections(samples, shape, "rays"),
        VisibleSamples(nearest, shape, 1, visibility),
        Labels(labels, hemisphere, depth, unseen),
    )


def _drawings(seen: Drawn, atlas: Atlas) -> dict:
    view = seen.alignment.view
    both = {"alignment": seen.alignment, "atlas": atlas}
    return {
        "image": views.draw_image(seen.image, view.pixel_size_mm),
        "overlay": views.draw_overlay(
            seen.image, seen.alignment, seen.regions, seen.labels, atlas=atlas
        ),
        "labels": views.draw_labels(seen.labels, seen.regions, seen.alignment, atlas=atlas),
        "masks": views.draw_masks(seen.labels, seen.regions, seen.alignment, atlas=atlas),
        "projections": views.draw_projections(seen.projections, seen.regions, **both),
        "depth": views.draw_depth(seen.projections, seen.visible, seen.regions, **both),
        "maps": views.draw_maps(
            SurfaceMaps(view, atlas.annotation), seen.labels, seen.regions, **both
        ),
    }


def _texts(figure) -> list:
    """Return (text, box in pixels) of everything that is written."""
    from matplotlib.text import Text

    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    off = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not axes.axison or not low <= tick.get_loc() <= high:
                    off |= {id(tick.label1), id(tick.label2)}
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in off
    ]


def _assert_tidy(figure) -> None:
    width, height = figure.canvas.get_width_height()
    texts = _texts(figure)
    for place, (text, box) in enumerate(texts):
        assert box.x0 > -1, text
        assert box.y0 > -1, text
        assert box.x1 < width + 1, text
        assert box.y1 < height + 1, text
        for other, second in texts[:place]:
            apart = (
                box.x1 <= second.x0 + 1
                or second.x1 <= box.x0 + 1
                or box.y1 <= second.y0 + 1
                or second.y1 <= box.y0 + 1
            )
            assert apart, f"{text!r} lies on {other!r}"


def _words(figure) -> str:
    return "\n".join(text for text, _ in _texts(figure))


def _pixels(figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


class TestAutoContrast:
    """ImageJ's rule on histograms that can be worked out by hand."""

    def test_8_bit_values_are_their_own_bins(self):
        # 10,000 pixels: limit 1000, threshold 2. Bins of 9 between 20 and 220 count; 2 at 5 and
        # 250 do not, and the background of 8000 at 0 is passed over.
        values = np.concatenate([[5] * 2, [250] * 2, [20] * 900, [100] * 196, [220] * 900])
        pixels = np.concatenate([values, np.zeros(10_000 - values.size)]).astype(np.uint8)
        assert auto_contrast(pixels.reshape(100, 100)) == (20.0, 220.0)

    def test_other_types_use_256_bins_from_smallest_to_largest(self):
        # Range 0 to 2560, so bins are 10 wide and the limits are lower edges of bins.
        values = np.concatenate([[0] * 1, [2560] * 1, [105] * 500, [1234] * 500])
        spread = np.repeat(np.arange(200, 1200, 10), 90)
        pixels = np.concatenate([values, spread]).astype(np.uint16)
        assert auto_contrast(pixels) == (100.0, 1230.0)

    def test_float_range_that_is_negative(self):
        pixels = np.repeat(np.linspace(-1.0, 1.0, 257), 100)
        low, high = auto_contrast(pixels)
        assert low == pytest.approx(-1.0)
        assert high == pytest.approx(1.0 - 2 / 256)

    @pytest.mark.parametrize("value", [0, 7])
    def test_constant_image_shows_its_only_value(self, value):
        assert auto_contrast(np.full((4, 4), value, np.uint16)) == (value, value)
        assert np.all(to_grey(np.full((4, 4), value, np.uint16)) == 0.5)

    def test_values_with_no_number_between_them_are_the_full_range(self):
        pixels = np.array([[1.0, np.nextafter(1.0, 2.0)]])
        assert auto_contrast(pixels) == (1.0, np.nextafter(1.0, 2.0))
        assert set(to_grey(pixels).ravel()) == {0.0, 1.0}

    def test_two_values_fall_back_to_the_full_range(self):
        pixels = np.array([[0, 0], [0, 9]], np.uint8)
        assert auto_contrast(pixels) == (0.0, 9.0)

    def test_grey_is_linear_between_the_limits_and_clipped_beyond(self):
        pixels = np.random.default_rng(3).integers(0, 4000, (50, 50)).astype(np.uint16)
        low, high = auto_contrast(pixels)
        expected = np.clip((pixels - low) / (high - low), 0, 1)
        np.testing.assert_allclose(to_grey(pixels), expected)


class TestThinOut:
    """Images finer than the page: 2 x 1 inches are 400 x 200 dots."""

    @staticmethod
    def axes():
        figure = new_figure(4.0, 3.0)
        return image_axes(figure, (1.0, 0.5, 2.0, 1.0), (10, 10))

    @pytest.mark.parametrize(
        ("shape", "step"), [((200, 400), 1), ((399, 799), 1), ((400, 800), 2), ((1003, 2001), 5)]
    )
    def test_no_more_pixels_than_dots_but_not_fewer(self, shape, step):
        (rows, cols), found, extent = thin_out(self.axes(), *np.indices(shape))
        assert found == step
        assert rows.shape == cols.shape == tuple(-(-length // step) for length in shape)
        # each pixel stands for the block that it is drawn over
        left, right, lower, upper = extent
        assert (left, upper) == (-0.5, -0.5)
        middle = (np.arange(cols.shape[1]) + 0.5) * (right - left) / cols.shape[1] - 0.5
        assert np.abs(cols[0] - np.minimum(middle, shape[1] - 1)).max() <= step / 2
        middle = (np.arange(rows.shape[0]) + 0.5) * (lower - upper) / rows.shape[0] - 0.5
        assert np.abs(rows[:, 0] - np.minimum(middle, shape[0] - 1)).max() <= step / 2

    def test_a_region_of_one_pixel_in_a_large_image_is_outlined_all_the_same(self, atlas):
        shape = (3000, 2500)
        labels = np.zeros(shape, np.uint16)
        labels[701, 602] = 1
        view = ImageView(shape, (0.01, 0.01), Pose((5.5, 6.5, 9.0)), Camera(None))
        figure = views.draw_masks(
            Labels(labels, np.ones(shape, np.uint8), labels.astype(np.float32)),
            select_regions(atlas, ["One", "Two"]),
            Alignment(view),
        )
        panels = [axes for axes in figure.axes if axes.images]
        outlines = [[p for p in axes.patches if p.get_gid() == "outline"] for axes in panels]
        assert [len(found) for found in outlines] == [1, 0]
        box = outlines[0][0].get_path().get_extents()
        assert (box.x0, box.x1, box.y0, box.y1) == (601.5, 602.5, 700.5, 701.5)
        assert all(max(axes.images[0].get_array().shape) < 1500 for axes in panels)


class TestScaleBar:
    @pytest.mark.parametrize(
        ("width_mm", "length_mm"),
        [(10.0, 2.0), (5.25, 1.0), (3.9, 0.5), (8.0, 2.0), (20.0, 5.0), (0.1, 0.02), (0.04, 0.01)],
    )
    def test_length_is_round_and_at_most_a_quarter(self, width_mm, length_mm):
        assert scale_bar_mm(width_mm) == pytest.approx(length_mm)

    def test_drawn_length_in_pixels(self):
        image = Image(np.zeros((50, 80), np.uint8), "a", "0" * 64)
        figure = views.draw_image(image, (0.05, 0.025))
        axes = figure.axes[0]
        (bar,) = [line for line in axes.lines if line.get_gid() == "scale bar"]
        left, right = bar.get_xdata()
        assert right - left == pytest.approx(0.5 / 0.025)
        assert "0.5 mm" in _words(figure)

    def test_pixels_keep_their_aspect(self):
        image = Image(np.zeros((50, 80), np.uint8), "a", "0" * 64)
        box = views.draw_image(image, (0.05, 0.025)).axes[0].get_window_extent()
        assert box.height / box.width == pytest.approx(50 * 0.05 / (80 * 0.025), rel=1e-6)


class TestOutlines:
    @pytest.mark.parametrize("seed", range(4))
    def test_enclose_exactly_the_pixels(self, seed):
        from matplotlib.path import Path

        mask = np.random.default_rng(seed).random((9, 13)) < 0.5
        polygons = mask_outlines(mask)
        signed = sum(0.5 * np.sum(p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]) for p in polygons)
        assert signed == pytest.approx(mask.sum())
        centers = np.stack(np.indices(mask.shape)[::-1], axis=-1).reshape(-1, 2)
        crossings = sum(Path(p).contains_points(centers).astype(int) for p in polygons)
        np.testing.assert_array_equal(crossings % 2 == 1, mask.ravel())
        assert all(np.array_equal(p[0], p[-1]) for p in polygons)

    def test_corners_lie_between_pixels(self):
        mask = np.zeros((5, 6), bool)
        mask[1:3, 2:5] = True
        (polygon,) = mask_outlines(mask)
        assert {tuple(p) for p in polygon} == {(1.5, 0.5), (4.5, 0.5), (4.5, 2.5), (1.5, 2.5)}

    def test_empty_mask_has_none(self):
        assert mask_outlines(np.zeros((3, 3), bool)) == []

    def test_hemispheres_are_parted(self):
        labels = np.array([[0, 1, 1, 2]], np.uint16)
        hemisphere = np.array([[1, 1, 2, 2]], np.uint8)
        parts = [
            (part.label, part.hemisphere, part.corner, part.mask.tolist())
            for part in split_hemispheres(labels, hemisphere)
        ]
        assert parts == [
            (1, LEFT, (0, 1), [[True]]),
            (1, RIGHT, (0, 2), [[True]]),
            (2, RIGHT, (0, 3), [[True]]),
        ]

    @pytest.mark.parametrize("seed", range(3))
    def test_parts_make_up_the_image(self, seed):
        draw = np.random.default_rng(seed)
        labels = (draw.integers(0, 5, (12, 17)) * (draw.random((12, 17)) < 0.4)).astype(np.uint16)
        hemisphere = draw.integers(0, 3, labels.shape).astype(np.uint8)
        found = np.zeros(labels.shape, int)
        sides = np.zeros(labels.shape, int)
        for part in split_hemispheres(labels, hemisphere):
            rows, cols = np.nonzero(part.mask)
            found[rows + part.corner[0], cols + part.corner[1]] += part.label
            sides[rows + part.corner[0], cols + part.corner[1]] += part.hemisphere
        np.testing.assert_array_equal(found, labels)
        np.testing.assert_array_equal(sides, np.where(labels > 0, hemisphere, 0))


class TestCompass:
    @pytest.mark.parametrize(
        ("pose", "expected"),
        [
            (Pose((0, 0, 0)), {"A": (0, -1), "P": (0, 1), "R": (1, 0), "L": (-1, 0)}),
            (Pose((0, 0, 0), 90), {"A": (1, 0), "P": (-1, 0), "R": (0, 1), "L": (0, -1)}),
            (
                Pose((0, 0, 0), mirrored=True),
                {"A": (0, -1), "P": (0, 1), "R": (-1, 0), "L": (1, 0)},
            ),
            # Seen from the right: the right-left axis runs along the view and has no letters.
            (
                Pose((0, 0, 0), roll_deg=90),
                {"A": (0, -1), "P": (0, 1), "S": (-1, 0), "I": (1, 0)},
            ),
        ],
    )
    def test_letters(self, pose, expected):
        found = compass_directions(pose)
        assert set(found) == set(expected)
        for letter, direction in expected.items():
            np.testing.assert_allclose(found[letter], direction, atol=1e-12)


class TestNames:
    def test_lie_on_their_region_and_do_not_touch(self):
        masks = np.zeros((3, 100, 200), bool)
        masks[0, 10:60, 5:90], masks[1, 10:60, 92:190], masks[2, 70:95, 5:190] = True, True, True
        pieces = [Piece(f"name{i}", mask) for i, mask in enumerate(masks)]
        placed, left_out = place_names(pieces, (100, 200), (4.0, 2.0))
        assert left_out == []
        for name in placed:
            mask = masks[int(name.text[-1])]
            assert mask[round(name.y_px), round(name.x_px)]

    def test_do_not_depend_on_how_a_piece_is_cut_out(self):
        mask = np.zeros((100, 200), bool)
        mask[20:45, 50:150] = True
        cut = Piece("name", mask[20:45, 50:150], corner=(20, 50))
        whole = place_names([Piece("name", mask)], (100, 200), (4.0, 2.0))
        assert place_names([cut], (100, 200), (4.0, 2.0)) == whole

    def test_in_bands_flatter_than_letters_make_way_for_each_other(self):
        # Two bands of 0.1 inch, one below the other: centred names would touch.
        masks = np.zeros((2, 40, 300), bool)
        masks[0, 10:20], masks[1, 20:30] = True, True
        pieces = [Piece(f"name{i}", mask) for i, mask in enumerate(masks)]
        placed, _ = place_names(pieces, (40, 300), (3.0, 0.4))
        assert len(placed) == 2
        first, second = placed
        assert abs(first.x_px - second.x_px) > 100 * text_width_in("name0", 6.0)

    def test_without_room_is_reported(self):
        mask = np.zeros((100, 100), bool)
        mask[50, 50] = True
        placed, left_out = place_names([Piece("VeryLongName", mask)], (100, 100), (2.0, 2.0))
        assert (placed, left_out) == ([], ["VeryLongName"])


def in_ccf_box(atlas: Atlas) -> Atlas:
    """Stretch an atlas to the box of the CCF, 11.4 x 13.2 x 8.0 mm along x, y, z."""
    spacing = (8.0 / 16, 13.2 / 26, 11.4 / 22)
    grey = atlas.template.data
    return attrs.evolve(
        atlas,
        annotation=attrs.evolve(atlas.annotation, spacing_mm=spacing),
        load_template=lambda: Template(grey, spacing),
    )


def test_bregma_is_given_in_the_box_of_the_ccf_alone(atlas):
    """In another box, such as a rat's, its coordinates in the CCF mean nothing."""
    seen = _seen(atlas)
    for drawn, known in ((atlas, False), (in_ccf_box(atlas), True)):
        assert ("From bregma" in " ".join(pose_captions(seen.alignment, drawn))) is known
        assert ("mm from bregma" in _words(views.draw_atlas(drawn))) is known


def test_the_caption_counts_from_a_tilted_bregma_by_its_rule(atlas):
    """10 mm behind bregma, 5 degrees are 0.87 mm: a plain difference would not be its system."""
    atlas = in_ccf_box(atlas)
    box = atlas.grid.box_mm
    center = find_bregma("community").position_mm(box) - (0, 10, 0)
    view = ImageView((3, 4), (0.1, 0.1), Pose(tuple(center)))
    text = " ".join(pose_captions(Alignment(view, "community"), atlas))
    assert "9.962 mm posterior" in text
    assert "0.822 mm below" in text  # 10 sin(5 deg) * 0.9434


class TestAtlas:
    def test_right_is_on_the_right_and_anterior_where_its_letter_is(self, atlas):
        # MARK fills x 7.5-9.5, y 8-11, z 5-7 mm: right, anterior, superior.
        point = np.array([8.25, 9.75, 5.75])
        for plane in PLANES:
            cut = slice_plane(atlas.annotation.index, atlas.grid, plane, point) == 4
            rows, cols = np.nonzero(cut)
            left, right, lower, upper = plane.edges
            towards = right if cols.mean() > (cut.shape[1] - 1) / 2 else left
            assert towards in ("R", "A")
            assert (upper if rows.mean() < (cut.shape[0] - 1) / 2 else lower) in ("S", "A")

    def test_letters_stand_at_the_edges_they_name(self, atlas):
        figure = views.draw_atlas(atlas)
        for axes, plane in zip(figure.axes, PLANES * 2, strict=True):
            places = {t.get_text(): t.get_position() for t in axes.texts}
            left, right, lower, upper = plane.edges
            assert places[left][0] < 0.1 < 0.9 < places[right][0]
            assert places[lower][1] < 0.1 < 0.9 < places[upper][1]

    def test_axes_grow_the_way_the_letters_say(self, atlas):
        coronal, sagittal, horizontal = views.draw_atlas(atlas).axes[:3]
        assert np.diff(coronal.get_xlim()) > 0
        assert np.diff(sagittal.get_xlim()) < 0
        assert np.diff(horizontal.get_ylim()) > 0

    def test_point_lies_where_all_planes_meet_the_marker(self, atlas):
        index = atlas.grid.voxel_indices(informative_point_mm(atlas))
        assert 16 <= index[1] < 22
        assert 15 <= index[2] < 19

    def test_a_tilted_bregma_gives_the_point_by_its_own_rule(self, atlas):
        """No axis of the picture can show coordinates that are tilted against it."""
        atlas = in_ccf_box(atlas)
        for name in ("community", "trajectory_explorer"):
            figure = views.draw_atlas(atlas, bregma=name)
            _assert_tidy(figure)
            point = informative_point_mm(atlas)
            x, y, z = find_bregma(name).from_atlas_mm(point, atlas.grid.box_mm)
            words = f"x {x:+.2f}, AP {y:+.2f}, z {z:+.2f} mm".replace("-", "−")
            assert name in _words(figure)
            assert words in _words(figure)

    def test_synthetic_is_said_and_text_is_tidy(self, atlas):
        for drawn in (atlas, attrs.evolve(atlas, load_template=None)):
            figure = views.draw_atlas(drawn)
            assert "synthetic" in _words(figure)
            _assert_tidy(figure)
            assert len(figure.axes) == (6 if drawn.template is not None else 3)


class TestDrawings:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"acronyms": ("One",)},
            {"nothing": True},
            {"mirrored": True, "dtype": np.uint8},
            {"shape": (400, 20), "pixel_mm": (0.05, 0.05), "dtype": np.float32},
            {"shape": (8, 300), "pixel_mm": (0.05, 0.05)},
            {"shape": (3, 5), "pixel_mm": (0.9, 0.9)},
        ],
        ids=["usual", "one region", "all hidden", "mirrored", "tall", "flat", "tiny"],
    )
    def test_text_is_apart_and_inside(self, atlas, options):
        seen = _seen(atlas, **options)
        for name, figure in _drawings(seen, atlas).items():
            _assert_tidy(figure)
            assert name == "image" or "synthetic" in _words(figure)

    def test_many_regions_are_tidy(self, atlas):
        usual = _seen(atlas)
        rows, cols = np.indices((60, 50))
        patches = (rows // 12 * 4 + cols // 13 + 1).astype(np.uint16)
        regions = RegionSet(
            tuple(
                Region(100 + i, f"SSp-{i}", f"Primary area, a long name {i}", (24, 128, 100), ())
                for i in range(20)
            )
        )
        seen = attrs.evolve(
            usual, regions=regions, labels=attrs.evolve(usual.labels, labels=patches, unseen={})
        )
        for name in ("overlay", "labels", "masks"):
            figure = _drawings(seen, atlas)[name]
            _assert_tidy(figure)
            assert "SSp-19" in _words(figure)

    def test_inputs_are_left_alone(self, atlas):
        seen, fresh = _seen(atlas), _seen(atlas)
        _drawings(seen, atlas)
        for field in ("image", "labels", "projections"):
            now, before = getattr(seen, field), getattr(fresh, field)
            now, before = getattr(now, "samples", now), getattr(before, "samples", before)
            for key, value in attrs.asdict(now, recurse=False).items():
                if isinstance(value, np.ndarray):
                    np.testing.assert_array_equal(value, getattr(before, key))

    def test_same_inputs_give_the_same_bytes(self, atlas, tmp_path):
        import matplotlib as mpl

        first = _drawings(_seen(atlas), atlas)
        with mpl.rc_context({"font.size": 20, "text.color": "red", "image.cmap": "jet"}):
            second = _drawings(_seen(atlas), atlas)
            for name in first:
                views.save_figure(second[name], tmp_path / f"{name}_2.png")
        for name in first:
            path = views.save_figure(first[name], tmp_path / f"{name}_1.png")
            assert path.read_bytes() == (tmp_path / f"{name}_2.png").read_bytes(), name

    def test_labels_are_drawn_in_atlas_colours(self, atlas):
        pixels = _pixels(_drawings(_seen(atlas), atlas)["labels"])
        for rgb in ((31, 157, 90), (10, 10, 200)):
            assert np.sum(np.all(np.abs(pixels - rgb) <= 1, axis=-1)) > 2000

    def test_numbers_of_the_pose_and_the_masks(self, atlas):
        drawings = _drawings(_seen(atlas), atlas)
        overlay = _words(drawings["overlay"])
        assert "x 5.500, y 6.500, z 9.000 mm" in overlay
        assert "parallel rays" in overlay
        # MARK is 4 x 6 voxels of 0.5 mm = 6 mm², 96 pixels of 0.25 mm.
        assert "96 px, 6 mm²" in _words(drawings["masks"])

    def test_hidden_regions_are_named_with_the_reason(self, atlas):
        drawings = _drawings(_seen(atlas), atlas)
        assert "Two: hidden behind other tissue" in _words(drawings["masks"])
        assert "Without a pixel: Two" in _words(drawings["labels"])
        assert "Hidden altogether: Two" in _words(drawings["depth"])

    def test_regions_without_samples_are_drawn_where_they_are_hidden(self, atlas):
        """A projector that only says in which pixels a hidden region lies."""
        seen = _seen(atlas)
        samples = seen.projections.samples
        behind = samples.region == 2  # TWO lies below ONE everywhere
        hidden = HiddenPixels(
            samples.region[behind],
            (samples.y_px * 50 + samples.x_px)[behind].astype(np.uint32),
            samples.right[behind],
        )
        compact = attrs.evolve(
            seen,
            projections=attrs.evolve(
                seen.projections, samples=samples.take(~behind), hidden=hidden
            ),
        )
        for name in ("projections", "depth"):
            usual, other = (_pixels(_drawings(s, atlas)[name]) for s in (seen, compact))
            np.testing.assert_array_equal(usual, other)

    def test_pyplot_is_not_loaded(self):
        code = (
            "import sys, numpy as np\n"
            "from brainreg3d import views\n"
            "assert 'matplotlib' not in sys.modules\n"
            "from brainreg3d.state import Image\n"
            "views.draw_image(Image(np.eye(5), 'a', ''), (0.1, 0.1)).canvas.draw()\n"
            "assert 'matplotlib.pyplot' not in sys.modules\n"
            "assert 'vtkmodules' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_no_place_to_save(self, tmp_path):
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        figure = views.draw_image(Image(np.eye(5), "a", ""), (0.1, 0.1))
        with pytest.raises(OutputError):
            views.save_figure(figure, blocked / "a.png")

    def test_unknown_name(self):
        with pytest.raises(AttributeError, match="draw_nothing"):
            views.draw_nothing  # noqa: B018


def test_sample_density_counts_every_sample_on_the_image():
    x = np.array([0.0, 0.4, -0.6, 3.49, 3.6])
    density = sample_density(x, np.zeros(5), (1, 4))
    assert density.tolist() == [[2.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("distance", [None, 30.0])
def test_cut_pieces_fill_the_region_inside_the_view_and_nothing_else(atlas, distance):
    view = ImageView((40, 20), (0.1, 0.1), Pose((6.0, 6.5, 9.0)), Camera(distance))
    pieces = pieces_in_view(atlas.annotation, select_regions(atlas, ["One", "Two", "Mark"]), view)
    assert set(pieces) == {"One", "Two"}  # MARK lies beside the view
    vertices, faces = pieces["Two"].vertices_mm, pieces["Two"].faces
    rows, cols, depth = view.project(vertices)
    assert rows.min() > -1.5
    assert rows.max() < 40.5
    assert cols.min() > -1.5
    assert cols.max() < 20.5
    # TWO spans z 1.5 to 3.5 mm, that is 5.5 to 7.5 mm below the image plane.
    assert depth.min() == pytest.approx(5.5, abs=0.3)
    assert depth.max() == pytest.approx(7.5, abs=0.3)
    corners = vertices[faces]
    volume = (
        abs(np.sum(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))))
        / 6
    )
    widening = 1.0 if distance is None else ((distance + 6.5) / distance) ** 2
    assert volume == pytest.approx(4.0 * 2.0 * 2.0 * widening, rel=0.12)


class TestDisplay:
    @pytest.mark.parametrize(
        ("platform", "variables", "expected"),
        [
            ("linux", {}, False),
            ("linux", {"DISPLAY": ":0"}, True),
            ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
            ("darwin", {}, True),
            ("darwin", {"SSH_CONNECTION": "a b"}, False),
            ("win32", {}, True),
        ],
    )
    def test_has_display(self, monkeypatch, platform, variables, expected):
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(display.sys, "platform", platform)
        assert display.has_display() is expected
        monkeypatch.setattr(display, "_in_notebook", lambda: False)
        assert display.can_show() is expected
        monkeypatch.setattr(display, "_in_notebook", lambda: True)
        assert display.can_show() is True
