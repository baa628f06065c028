"""Pairs of images of one animal, and of two, with a known place of one on the other.

The second image is moved by up to 1 mm, turned by up to 15 degrees and scaled by up to 5 %, has
other light and noise, and a fifth of its vessels are others. Random numbers come from the number
of the case alone, so a case can be made again by itself.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from unittest import mock

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from brainreg3d.geometry import ImageView, Pose
from brainreg3d.sources import load_atlas
from brainreg3d.sources.phantom import image as phantom_image
from brainreg3d.sources.phantom import vessels as phantom_vessels
from brainreg3d.sources.phantom.image import demo_view, render_phantom_image

MOST_SHIFT_MM, MOST_TURN_DEG, MOST_SCALING = 1.0, 15.0, 0.05
CHANGED = 0.2


@attrs.frozen(eq=False)
class Pair:
    """An old image, a new one, and the true map between them."""

    name: str
    old: NDArray[np.uint16]
    new: NDArray[np.uint16]
    truth: NDArray[np.float64]
    """2 x 3, from (row, column) of the new image to (row, column) of the old one."""
    pixel_size_mm: float

    def error_px(self, matrix: NDArray[np.float64]) -> float:
        """Return the mean distance to the truth over what both images show, in old pixels."""
        rows, cols = np.indices(self.new.shape).reshape(2, -1)
        points = np.stack([rows, cols, np.ones(rows.size)])
        true = self.truth @ points
        limits = np.array(self.old.shape)[:, None] - 1
        both = ((true >= 0) & (true <= limits)).all(axis=0)
        return float(np.linalg.norm((matrix @ points - true)[:, both], axis=0).mean())


@functools.cache
def atlas():
    return load_atlas("phantom_50um")


def phantom_view(shape: tuple[int, int] = (512, 512)) -> ImageView:
    """Return the view of the demo with another number of pixels."""
    view = demo_view()
    size = view.shape[1] * view.pixel_size_mm[1] / shape[1]
    return attrs.evolve(view, shape=shape, pixel_size_mm=(size, size))


def _lines(seed: int) -> list[NDArray[np.float64]]:
    """Return the vessels of one phantom, each with its branches as lines of their own."""
    rng = np.random.Generator(np.random.PCG64(seed))
    lines, waiting = phantom_vessels._sinuses(rng), phantom_vessels._trunks(rng)  # noqa: SLF001
    while waiting:
        line, branches = phantom_vessels._grow(waiting.pop(), rng)  # noqa: SLF001
        lines.append(line)
        waiting += branches
    return lines


@contextlib.contextmanager
def changed_vessels(seed: int, other: int, share: float = CHANGED) -> Iterator[None]:
    """Let the phantom have a share of its vessels replaced by those of another one."""
    real = phantom_vessels.surface_texture

    def texture(box_mm, mm_per_texel, rng):
        vessels, mottle = real(box_mm, mm_per_texel, rng)
        own, foreign = _lines(seed), _lines(other)
        chance = np.random.default_rng(other)
        # The first two are the sinuses, which no animal loses.
        kept = [line for k, line in enumerate(own) if k < 2 or chance.random() >= share]
        added = [line for line in foreign[2:] if chance.random() < share]
        points = np.concatenate(kept + added)
        return phantom_vessels._draw(points, vessels.shape, mm_per_texel), mottle  # noqa: SLF001

    with mock.patch.object(phantom_image, "surface_texture", texture):
        yield


def phantom(view: ImageView, seed: int) -> NDArray[np.uint16]:
    return render_phantom_image(atlas(), view, seed=seed)


def _draw(rng: np.random.Generator) -> tuple[float, float, NDArray[np.float64]]:
    """Return a turn in degrees, a scale and a shift (down, along) in mm."""
    turn = rng.uniform(-MOST_TURN_DEG, MOST_TURN_DEG)
    scale = np.exp(rng.uniform(-1, 1) * np.log1p(MOST_SCALING))
    length, direction = MOST_SHIFT_MM * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    return turn, scale, length * np.array([np.sin(direction), np.cos(direction)])


def _map_about_center(shape, turn, scale, shift_px, target_shape=None) -> NDArray[np.float64]:
    """Return the 2 x 3 map that turns about the middle of the new image."""
    angle = np.deg2rad(turn)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(shape) - 1) / 2
    target = (np.array(target_shape or shape) - 1) / 2 + shift_px
    return np.column_stack([linear, target - linear @ middle])


def warp(image, matrix, shape=None, fill=0.0) -> NDArray[np.float64]:
    """Return what a camera sees that is placed by a map of its pixels to those of an image."""
    shape = shape or image.shape
    rows, cols = np.indices(shape, dtype=float)
    place = np.tensordot(matrix[:, :2], np.stack([rows, cols]), 1) + matrix[:, 2, None, None]
    return map_coordinates(image.astype(float), place, order=3, mode="constant", cval=fill)


def spoil(image: NDArray, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return an image under another lamp, with another exposure, contrast and noise."""
    height, width = image.shape
    rows, cols = np.indices(image.shape, dtype=float)
    lamp = np.exp(-((rows / height - rng.uniform()) ** 2 + (cols / width - rng.uniform()) ** 2))
    slope = rng.uniform(-0.5, 0.5, 2)
    lamp *= 1 + slope[0] * (rows / height - 0.5) + slope[1] * (cols / width - 0.5)
    top = float(np.percentile(image, 99))
    light = np.clip(image / top, 0, None) ** rng.uniform(0.7, 1.4) * lamp
    light = gaussian_filter(light, rng.uniform(0.3, 1.0))
    light = light * rng.uniform(0.3, 0.9) + rng.normal(
        scale=rng.uniform(0.003, 0.02), size=light.shape
    )
    return np.clip(np.rint(light * 40_000 + 600), 0, 65535).astype(np.uint16)


def phantom_pair(number: int, shape: tuple[int, int] = (512, 512)) -> Pair:
    """Return a pair of the phantom; in every second one the window moves with the brain."""
    rng = np.random.default_rng([1, number])
    seed = int(rng.integers(1000))
    view = phantom_view(shape)
    old = phantom(view, seed)
    turn, scale, shift = _draw(rng)
    with changed_vessels(seed, seed + 1000):
        if number % 2:
            matrix = _map_about_center(shape, turn, scale, shift / view.pixel_size_mm[0])
            new = warp(phantom(view, seed), matrix)
        else:
            rotation = view.pose.rotation * Rotation.from_euler("z", turn, degrees=True)
            yaw, pitch, roll = rotation.as_euler("ZXY", degrees=True)
            center = np.asarray(view.pose.center_mm) + shift @ view.pose.axes[[1, 0]]
            size = view.pixel_size_mm[0] * scale
            moved = attrs.evolve(
                view, pose=Pose(tuple(center), yaw, pitch, roll), pixel_size_mm=(size, size)
            )
            new = phantom(moved, seed)
            corners = np.array([[0, 0, 1.0], [0, 100, 1], [100, 0, 1]])
            flat = attrs.evolve(view, camera=attrs.evolve(view.camera, distance_mm=None))
            seen = flat.project(moved.pixel_to_plane_mm(corners[:, 0], corners[:, 1]))
            matrix = np.linalg.solve(corners, np.stack(seen[:2], axis=1)).T
    return Pair(f"phantom {number}", old, spoil(new, rng), matrix, view.pixel_size_mm[0])


def sample_pair(number: int, image: NDArray[np.uint16], pixel_size_mm: float) -> Pair:
    """Return a pair of a real image; a fifth of its area shows vessels of elsewhere."""
    rng = np.random.default_rng([2, number])
    light = np.log(image.astype(float) + 500.0)
    smooth = gaussian_filter(light, 12.0)
    patches = gaussian_filter(rng.normal(size=image.shape), 14.0)
    changed = gaussian_filter((patches > np.quantile(patches, 1 - CHANGED)).astype(float), 1.5)
    detail = light - smooth
    elsewhere = np.roll(detail[::-1], rng.integers(20, 200), axis=1)
    second = np.exp(smooth + detail * (1 - changed) + elsewhere * changed) - 500.0
    turn, scale, shift = _draw(rng)
    matrix = _map_about_center(image.shape, turn, scale, shift / pixel_size_mm)
    new = warp(np.clip(second, 0, 65535), matrix)
    return Pair(f"sample {number}", image, spoil(new, rng), matrix, pixel_size_mm)
