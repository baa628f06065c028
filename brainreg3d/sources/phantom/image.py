"""A synthetic widefield image of the phantom: what a macroscope over a window might record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.sources.phantom._shape import PHANTOM_BOX_MM
from brainreg3d.sources.phantom.structures import MARKER_ID
from brainreg3d.sources.phantom.vessels import surface_texture

_FULL_SCALE = 24_000.0  # grey value of the brightest tissue, out of 65535
_ELECTRONS_PER_GREY = 0.25
_READ_NOISE_GREY = 40.0
_OFFSET_GREY = 400.0
_WINDOW_SEED = 7
_SCATTER_MM = 0.035
_MM_PER_TEXEL = 0.02


def demo_view() -> ImageView:
    """Return the known pose of the demo: a tilted view of the dorsal cortex, mostly the right.

    Returns
    -------
    ImageView
        360 x 420 pixels of 0.022 mm, the camera 230 mm away; the marker is in view.
    """
    pose = Pose(center_mm=(6.6, 7.2, 8.0), yaw_deg=5.0, pitch_deg=-4.0, roll_deg=11.0)
    return ImageView((360, 420), (0.022, 0.022), pose, Camera(distance_mm=230.0))


def _window_level(view: ImageView) -> NDArray[np.float64]:
    """Return how far out each pixel lies: 1 on the edge of the window, less inside."""
    rows, cols = np.indices(view.shape, dtype=float)
    center_row, center_col = view.center_px
    y = (rows - center_row) / (0.465 * view.shape[0])
    x = (cols - center_col) / (0.465 * view.shape[1])
    radius = (np.abs(x) ** 3.4 + np.abs(y) ** 3.4) ** (1 / 3.4)
    angle = np.arctan2(y, x)
    # A drilled edge: a rounded rectangle, off by a few percent in slow waves.
    rng = np.random.Generator(np.random.PCG64(_WINDOW_SEED))
    wave = np.zeros(view.shape)
    for order in range(2, 12):
        strength, phase = rng.normal() * 0.03 / order**0.7, rng.uniform(0, 2 * np.pi)
        wave += strength * np.cos(order * angle + phase)
    return np.asarray(radius / (1.0 + wave))


def phantom_window_mask(view: ImageView) -> NDArray[np.bool_]:
    """Return the cranial window of the synthetic image.

    Parameters
    ----------
    view : ImageView
        The image; only its shape matters.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
        True inside the window, False on bone.
    """
    return np.asarray(_window_level(view) < 1.0)


def _seen(
    atlas: Atlas, view: ImageView
) -> tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the structure, the surface point and the depth below the image plane of each pixel."""
    from brainreg3d.raycast import cast_first_hits  # compiled, slow to import

    rays = view.rays()
    hits = cast_first_hits(atlas.annotation, rays)
    points = rays.origins_mm + hits.distance_mm[:, None] * rays.directions
    ids = atlas.annotation.ids[hits.index].reshape(view.shape)
    depth = (points - np.asarray(view.pose.center_mm)) @ view.pose.view_axis
    return ids, points.reshape(*view.shape, 3), depth.reshape(view.shape)


def _reflectance(atlas: Atlas, ids: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return how bright the structures are: areas of the cortex differ a little."""
    tree = atlas.structures
    present, inverse = np.unique(ids, return_inverse=True)
    values = np.zeros(present.size)
    for place, identifier in enumerate(int(i) for i in present):
        if identifier == MARKER_ID:
            values[place] = 1.45
        elif identifier in tree:
            family = tree[identifier].parent_id or identifier
            values[place] = 0.80 + 0.07 * ((family * 2_654_435_761 >> 8) % 1024) / 1023
    return values[inverse].reshape(ids.shape)


def _shading(depth: NDArray[np.float64], view: ImageView) -> NDArray[np.float64]:
    """Return the loss of light where the surface turns away or falls out of focus."""
    from scipy.ndimage import gaussian_filter  # slow to import

    row_mm, col_mm = view.pixel_size_mm
    filled = np.where(np.isfinite(depth), depth, np.nanmax(depth, initial=0.0))
    smooth = gaussian_filter(filled, (0.18 / row_mm, 0.18 / col_mm))
    slope_row, slope_col = np.gradient(smooth, row_mm, col_mm)
    facing = 1.0 / np.sqrt(1.0 + slope_row**2 + slope_col**2)
    nearest = np.nanmin(smooth, initial=np.inf)
    return np.asarray((0.35 + 0.65 * facing) * np.exp(-(smooth - nearest) / 6.0))


def _sample_texture(
    texture: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the texture at surface points: it is laid on the brain from straight above."""
    from scipy.ndimage import map_coordinates  # slow to import

    x, y = np.nan_to_num(points[..., 0]), np.nan_to_num(points[..., 1])
    place = [y / _MM_PER_TEXEL - 0.5, x / _MM_PER_TEXEL - 0.5]
    return np.asarray(map_coordinates(texture, place, order=1, mode="nearest"))


def _brain(atlas: Atlas, view: ImageView, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the light from the brain, before the optics; 1 is bright tissue."""
    from scipy.ndimage import gaussian_filter  # slow to import

    ids, points, depth = _seen(atlas, view)
    vessels, mottle = surface_texture(PHANTOM_BOX_MM, _MM_PER_TEXEL, rng)
    tissue = _reflectance(atlas, ids)
    scatter_px = tuple(_SCATTER_MM / size for size in view.pixel_size_mm)
    light = gaussian_filter(tissue, scatter_px) * _shading(depth, view)
    on_brain = ids != 0
    light *= np.where(on_brain, 1.0 + _sample_texture(mottle, points), 1.0)
    absorbed = np.where(on_brain, _sample_texture(vessels, points), 0.0)
    light *= 1.0 - gaussian_filter(absorbed, 0.5)
    haze = gaussian_filter(light, tuple(0.5 / size for size in view.pixel_size_mm))
    return np.asarray(0.86 * light + 0.14 * haze)


def _add_bone(
    light: NDArray[np.float64], view: ImageView, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Cover everything outside the window with bone and cement, and shade its edge."""
    from scipy.ndimage import gaussian_filter  # slow to import

    level = _window_level(view)
    row_mm, col_mm = view.pixel_size_mm
    grain = sum(
        strength
        * gaussian_filter(rng.normal(size=view.shape), (s / row_mm, s / col_mm))
        * s
        / row_mm
        for s, strength in ((0.35, 0.5), (0.08, 0.35), (0.03, 0.2))
    )
    # bright and rough at the rim, dark cement further out
    bone = (0.30 + 0.42 * np.exp(-(((level - 1.04) / 0.05) ** 2))) * (1.0 + 0.5 * grain)
    bone *= 1.0 - 0.35 * np.clip((level - 1.05) / 0.25, 0.0, 1.0)
    edge = 1.0 / (1.0 + np.exp(-(level - 1.0) / 0.006))
    rim_shadow = 1.0 - 0.45 * np.exp(-(((level - 0.985) / 0.022) ** 2))
    return np.asarray(light * rim_shadow * (1.0 - edge) + bone * edge)


def render_phantom_image(atlas: Atlas, view: ImageView, *, seed: int = 0) -> NDArray[np.uint16]:
    """Render a synthetic one-photon widefield frame of the phantom.

    Parameters
    ----------
    atlas : Atlas
        The phantom, at any resolution.
    view : ImageView
        Shape, pixel size, pose and camera of the image.
    seed : int
        Another one gives other vessels and noise.

    Returns
    -------
    numpy.ndarray of uint16, shape (H, W)
        Grey values; the same bytes for the same arguments. Synthetic: no animal was imaged.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    light = _add_bone(_brain(atlas, view, rng), view, rng)
    rows, cols = np.indices(view.shape, dtype=float)
    center_row, center_col = view.center_px
    # The lamp is never quite central.
    off_row = (rows - center_row * 0.93) / view.shape[0]
    off_col = (cols - center_col * 1.05) / view.shape[1]
    light *= 1.0 / (1.0 + 0.9 * (off_row**2 + off_col**2)) ** 2
    signal = np.clip(light * _FULL_SCALE, 0.0, None)
    signal = rng.poisson(signal * _ELECTRONS_PER_GREY) / _ELECTRONS_PER_GREY
    signal += _OFFSET_GREY + rng.normal(scale=_READ_NOISE_GREY, size=view.shape)
    return np.clip(np.rint(signal), 0, 65535).astype(np.uint16)
