"""The picture of a registration, on a brain that is a formula: what lies where is known."""

from __future__ import annotations

import itertools

import attrs
import numpy as np
import pytest

from brainreg3d import views
from brainreg3d.atlas import Annotation, Atlas, Structure, StructureTree, Template
from brainreg3d.errors import InputError
from brainreg3d.pictures import drawings_of
from brainreg3d.state import Registration, State, Volume
from brainreg3d.views.atlas_outlines import large_structures
from brainreg3d.views.planes import PLANES, informative_point_mm

BOX_MM = np.array([11.0, 13.0, 8.0])
SPACING_MM = (0.25, 0.25, 0.25)
MOVING_SHAPE = (50, 70, 64)  # along z, y, x
MOVING_SPACING_MM = (0.2, 0.21, 0.22)
RIGHT_MM = np.array([8.0, 8.5, 5.0])


def _brain(points):
    """Return the grey value at atlas points: a smooth ellipsoid with a bright spot on the right."""
    x, y, z = np.moveaxis((points - BOX_MM / 2) / (BOX_MM * 0.45), -1, 0)
    tissue = 1 / (1 + np.exp(12 * (np.sqrt(x**2 + y**2 + z**2) - 0.85)))
    waves = 1 + 0.35 * np.sin(5 * x + 1) * np.cos(4 * y) + 0.25 * np.sin(4 * z + 2 * y)
    spot = 1.2 * np.exp(-np.sum((points - RIGHT_MM) ** 2, axis=-1) / 0.8)
    return 800 * tissue * waves + 800 * spot


def _centers(shape, spacing_mm):
    lines = [(np.arange(n) + 0.5) * s for n, s in zip(shape, spacing_mm, strict=True)]
    z, y, x = np.meshgrid(*lines, indexing="ij")
    return np.stack([x, y, z], axis=-1)


def _pose():
    """Return a rotation by 17 degrees and a shift that keep the brain in the volume."""
    axis = np.array([1.0, -2.0, 1.5]) / np.linalg.norm([1.0, -2.0, 1.5])
    skew = np.cross(np.eye(3), axis)
    angle = np.radians(17.0)
    rotation = np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew
    middle = np.array(MOVING_SHAPE[::-1]) * MOVING_SPACING_MM[::-1] / 2
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = middle + np.array([0.9, -0.7, 0.6]) - rotation @ (BOX_MM / 2)
    return matrix


@pytest.fixture(scope="module")
def atlas():
    shape = (32, 52, 44)
    points = _centers(shape, SPACING_MM)
    grey = _brain(points).astype(np.float32)
    index = np.where(grey > 400, 2 + (points[..., 0] > BOX_MM[0] / 2), 0).astype(np.uint16)
    index[(index > 0) & (points[..., 2] < 2.5)] = 1
    tree = StructureTree(
        [
            Structure(1, "root", "brain", (255, 255, 255)),
            Structure(2, "One", "left part", (31, 157, 90), 1),
            Structure(3, "Two", "right part", (255, 100, 100), 1),
        ]
    )
    annotation = Annotation(index, np.arange(4, dtype=np.uint32), SPACING_MM)
    return Atlas("toy", annotation, tree, lambda: Template(grey, SPACING_MM), synthetic=True)


@pytest.fixture(scope="module")
def no_annotation(atlas):
    empty = Annotation(np.zeros((32, 52, 44), np.uint16), np.zeros(1, np.uint32), SPACING_MM)
    return attrs.evolve(atlas, annotation=empty)


@pytest.fixture(scope="module")
def registration():
    return Registration(_pose(), "PIL", -0.4567, "converged", 123, 0.97, 1.62)


@pytest.fixture(scope="module")
def volume():
    """The brain somewhere else in a volume whose axes grow to posterior, inferior and left."""
    points = _centers(MOVING_SHAPE, MOVING_SPACING_MM)
    inverse = np.linalg.inv(_pose())
    data = _brain(points @ inverse[:3, :3].T + inverse[:3, 3])
    stored = np.round(data[::-1, ::-1, ::-1].transpose(1, 0, 2)).astype(np.uint16)
    z, y, x = MOVING_SPACING_MM
    return Volume(stored, (y, z, x), "mouse7", "0" * 64, directions="PIL")


def _pixels(figure, row, column):
    return np.asarray(figure.axes[row * 4 + column].images[0].get_array(), dtype=float)


def _plane_points(atlas, plane, shape):
    """Return the atlas points of a picture's pixels, from where its letters say it points to."""
    rows, cols = np.indices(shape)
    up, across = 1 - (rows + 0.5) / shape[0], (cols + 0.5) / shape[1]
    points = np.empty((*shape, 3))
    points[..., plane.normal] = informative_point_mm(atlas)[plane.normal]
    points[..., plane.up] = up * BOX_MM[plane.up]
    across = 1 - across if plane.edges[0] == "A" else across
    points[..., plane.across] = across * BOX_MM[plane.across]
    return points


def _disagreement(board, points, plane):
    """Return how far grey values of volume squares are off those of the template's, 0 to 1.

    Whatever the contrast, equal tissue has to be equally grey: the template's squares say which
    grey stands for which value of the formula.
    """
    places = np.floor(points[..., [plane.across, plane.up]]).sum(axis=-1)
    fixed = places % 2 == 0
    grey, truth = board.max(axis=-1), _brain(points)
    order = np.argsort(truth[fixed])
    expected = np.interp(truth, truth[fixed][order], grey[fixed][order])
    return np.abs(grey - expected)[~fixed].mean()


def _words(figure):
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def _assert_tidy(figure):
    from matplotlib.text import Text

    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts]
    for text, box in boxes:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -1, text
    for (text, one), (other, two) in itertools.combinations(boxes, 2):
        overlap_x = min(one.x1, two.x1) - max(one.x0, two.x0)
        overlap_y = min(one.y1, two.y1) - max(one.y0, two.y0)
        assert min(overlap_x, overlap_y) <= 1, f"{text!r} lies on {other!r}"


class TestCheckerboard:
    @pytest.mark.parametrize("known", [True, False])
    def test_equals_the_template_after_and_not_before(self, atlas, volume, registration, known):
        seen = attrs.evolve(volume, directions="PIL" if known else None)
        figure = views.draw_registration(atlas, seen, registration)
        for row, plane in enumerate(PLANES):
            before, after = (_pixels(figure, row, column) for column in (0, 1))
            points = _plane_points(atlas, plane, after.shape[:2])
            assert _disagreement(after, points, plane) < 0.01
            assert _disagreement(before, points, plane) > 0.06

    def test_wrong_registration_shows(self, atlas, volume, registration):
        off = registration.matrix.copy()
        off[0, 3] += 0.5
        figure = views.draw_registration(atlas, volume, attrs.evolve(registration, matrix=off))
        after = _pixels(figure, 0, 1)
        assert (
            _disagreement(after, _plane_points(atlas, PLANES[0], after.shape[:2]), PLANES[0]) > 0.03
        )

    def test_tints_tell_template_and_volume_apart(self, atlas, volume, registration):
        board = _pixels(views.draw_registration(atlas, volume, registration), 0, 1)
        places = np.floor(_plane_points(atlas, PLANES[0], board.shape[:2])[..., [0, 2]]).sum(
            axis=-1
        )
        lit = board.max(axis=-1) > 0.2
        warm = board[..., 0] > board[..., 2]
        np.testing.assert_array_equal(warm[lit], (places % 2 == 0)[lit])

    def test_a_few_bright_voxels_do_not_darken_the_rest(self, atlas, volume, registration):
        data = volume.data.copy()
        data[5:7, 5:7, 5:7] = 60000
        spots = attrs.evolve(volume, data=data)
        grey = _pixels(views.draw_registration(atlas, spots, registration), 0, 3)
        assert 0.3 < np.median(grey[grey > 0.1]) < 0.7


class TestPlanes:
    def test_right_is_at_the_letter_r(self, atlas, volume, registration):
        figure = views.draw_registration(atlas, volume, registration)
        for row in (0, 2):
            for column in (1, 3):
                axes = figure.axes[row * 4 + column]
                places = {text.get_text(): text.get_window_extent().x0 for text in axes.texts}
                assert places["L"] < places["R"]
            grey = _pixels(figure, row, 3)
            truth = _brain(_plane_points(atlas, PLANES[row], grey.shape))
            alike, mirrored = (
                np.corrcoef(grey.ravel(), image.ravel())[0, 1] for image in (truth, truth[:, ::-1])
            )
            assert alike > max(0.95, mirrored + 0.02)

    @pytest.mark.parametrize(("directions", "expected"), [("IPL", 8.3), (None, 2.7)])
    def test_before_is_turned_as_given_or_not_at_all(
        self, no_annotation, registration, directions, expected
    ):
        # A lamp 2.7 mm from the first face of an array as large as the atlas.
        data = np.zeros((40, 65, 55), np.uint8)
        data[18:22, 31:34, 12:15] = 200
        lamp = Volume(data, (0.2, 0.2, 0.2), "lamp", "0" * 64, directions=directions)
        found = attrs.evolve(registration, directions="IPL")
        figure = views.draw_registration(no_annotation, lamp, found)
        profile = _pixels(figure, 2, 2).sum(axis=0)
        middle = np.average(np.arange(profile.size) + 0.5, weights=profile)
        assert middle / profile.size * BOX_MM[0] == pytest.approx(expected, abs=0.05)

    def test_before_is_centered(self, no_annotation, registration):
        data = np.zeros((30, 50, 40), np.uint8)
        data[13:17, 23:27, 18:22] = 200
        lamp = Volume(data, (0.15, 0.2, 0.25), "lamp", "0" * 64, directions="SAR")
        figure = views.draw_registration(no_annotation, lamp, registration)
        profile = _pixels(figure, 2, 2)
        assert profile.any()
        np.testing.assert_allclose(profile, profile[::-1, ::-1], atol=1e-5)

    def test_volume_far_away_leaves_the_panels_black(self, atlas, volume, registration):
        away = registration.matrix.copy()
        away[:3, 3] += 500
        figure = views.draw_registration(atlas, volume, attrs.evolve(registration, matrix=away))
        assert all(np.all(_pixels(figure, row, 3) == 0) for row in range(3))


class TestOutlines:
    def test_enclose_the_structures_where_they_are(self, atlas, volume, registration):
        figure = views.draw_registration(atlas, volume, registration)
        for row, plane in enumerate(PLANES):
            axes = figure.axes[row * 4 + 3]
            brain = next(p for p in axes.patches if p.get_gid() == "outline").get_path()
            shape = _pixels(figure, row, 3).shape
            rows, cols = np.nonzero(_brain(_plane_points(atlas, plane, shape)) > 400)
            box = brain.get_extents()
            # Within the coarse voxels of the annotation, five pixels each.
            assert (box.x0, box.x1) == pytest.approx((cols.min(), cols.max()), abs=6)
            assert (box.y0, box.y1) == pytest.approx((rows.min(), rows.max()), abs=6)

    def test_without_annotation_are_those_of_the_tissue(self, no_annotation, volume, registration):
        figure = views.draw_registration(no_annotation, volume, registration)
        for row, plane in enumerate(PLANES):
            (patch,) = figure.axes[row * 4 + 3].patches
            shape = _pixels(figure, row, 3).shape
            points = _plane_points(no_annotation, plane, shape)
            centers = np.stack(np.indices(shape)[::-1], axis=-1).reshape(-1, 2)
            inside = patch.get_path().contains_points(centers).reshape(shape)
            truth = _brain(points) > 200  # tissue begins at a third of its usual grey value
            dice = 2 * np.sum(inside & truth) / (inside.sum() + truth.sum())
            assert dice > 0.96
        assert "tissue of the template" in _words(figure)
        _assert_tidy(figure)

    def test_large_structures_of_a_tree_with_the_usual_names(self):
        tree = StructureTree(
            [
                Structure(1, "root", "root", (255, 255, 255)),
                Structure(2, "CTX", "cortex", (1, 1, 1), 1),
                Structure(3, "Isocortex", "isocortex", (1, 1, 1), 2),
                Structure(4, "VISp", "visual area", (1, 1, 1), 3),
                Structure(5, "HPF", "hippocampus", (1, 1, 1), 2),
                Structure(6, "TH", "thalamus, without voxels", (1, 1, 1), 1),
            ]
        )
        index = np.arange(4, dtype=np.uint16).reshape(1, 2, 2)
        annotation = Annotation(index, np.array([0, 1, 4, 5], np.uint32), (1.0, 1.0, 1.0))
        found = large_structures(Atlas("a", annotation, tree))
        assert [region.acronym for region in found] == ["Isocortex", "HPF"]
        assert found[0].structure_ids == (3, 4)

    def test_large_structures_of_another_tree_are_where_it_branches(self, atlas):
        assert [region.acronym for region in large_structures(atlas)] == ["One", "Two"]


class TestPage:
    def test_says_what_was_found(self, atlas, volume, registration):
        words = _words(views.draw_registration(atlas, volume, registration))
        for part in ("mouse7", "PIL (given)", "17.0°", "0.97", "1.62", "−0.4567", "(synthetic)"):
            assert part in words
        unknown = attrs.evolve(volume, directions=None)
        assert "PIL (found)" in _words(views.draw_registration(atlas, unknown, registration))

    def test_warnings_and_long_names_keep_text_apart(self, atlas, volume, registration):
        doubtful = attrs.evolve(
            registration, warnings=("look at it " * 30, "and at this"), basin_gap=np.inf
        )
        named = attrs.evolve(volume, stem="a_very_long_name_of_a_volume_" * 6)
        figure = views.draw_registration(atlas, named, doubtful)
        _assert_tidy(figure)
        assert "Warning: and at this" in _words(figure)
        assert "inf" not in _words(figure)

    def test_same_bytes_and_untouched_inputs(self, atlas, volume, registration, tmp_path):
        kept = [a.copy() for a in (volume.data, atlas.template.data, registration.matrix)]
        files = [
            views.save_figure(
                views.draw_registration(atlas, volume, registration), tmp_path / f"{i}.png"
            ).read_bytes()
            for i in range(2)
        ]
        assert files[0] == files[1]
        now = (volume.data, atlas.template.data, registration.matrix)
        assert all(np.array_equal(a, b) for a, b in zip(kept, now, strict=True))

    def test_constant_and_float_volumes_can_be_drawn(self, atlas, volume, registration):
        for data in (np.full(volume.data.shape, 7, np.uint8), volume.data.astype(">f8")):
            if data.dtype.kind == "f":
                data[:3] = np.nan
            figure = views.draw_registration(atlas, attrs.evolve(volume, data=data), registration)
            assert np.all(np.isfinite(_pixels(figure, 0, 3)))

    def test_atlas_without_template_is_refused(self, atlas, volume, registration):
        with pytest.raises(InputError, match="no template"):
            views.draw_registration(attrs.evolve(atlas, load_template=None), volume, registration)

    def test_is_drawn_when_there_is_no_image(self, atlas, volume, registration):
        state = State(volume=volume, atlas=atlas, registration=registration)
        ((name, draw),) = drawings_of("registration", state)
        assert name == "09_registration"
        assert len(draw().axes) == 12
        assert drawings_of("alignment", state) == []
