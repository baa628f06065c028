"""Images of vessels drawn where any camera would see them: their place is known exactly."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

SHAPE = (240, 300)


def tree(seed: int, count: int = 60) -> list[np.ndarray]:
    """Return vessels as points (row, column, half width) in pixels of the old image."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        length = int(rng.integers(120, 700))
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.03, length))
        start = rng.uniform((-20, -20), (260, 320))
        path = start + 0.3 * np.cumsum(np.stack([np.sin(heading), np.cos(heading)], 1), 0)
        lines.append(np.column_stack([path, np.full(length, rng.choice([0.8, 1.2, 2.0, 3.0]))]))
    return lines


def changed(lines: list[np.ndarray], seed: int, share: float = 0.2) -> list[np.ndarray]:
    """Return vessels of which a share is replaced by others."""
    kept = lines[int(share * len(lines)) :]
    return kept + tree(seed, len(lines) - len(kept))


def similarity(turn_deg: float, scale: float, shift: tuple[float, float], mirrored: bool = False):
    """Return a map of new pixels to old ones, 2 x 3, about the middle of the images.

    A positive turn carries the picture's right side up.
    """
    angle = np.deg2rad(turn_deg)
    right, down = (-np.sin(angle), np.cos(angle)), (np.cos(angle), np.sin(angle))
    linear = scale * np.array([down, (-right[0], -right[1]) if mirrored else right]).T
    middle = (np.array(SHAPE) - 1) / 2
    return np.column_stack([linear, middle + shift - linear @ middle])


def draw(lines, matrix=None, shape=SHAPE, rim: bool = True) -> np.ndarray:
    """Return what a camera sees whose pixels lie at ``matrix`` on the old image's."""
    matrix = similarity(0, 1, (0, 0)) if matrix is None else matrix
    back = np.linalg.inv(matrix[:, :2])
    scale = np.sqrt(abs(np.linalg.det(back)))
    light = np.full(shape, 0.8)
    points = np.concatenate(lines)
    place = (points[:, :2] - matrix[:, 2]) @ back.T
    for width in np.unique(points[:, 2]):
        chosen = points[:, 2] == width
        ink = np.zeros(shape)
        corner = np.floor(place[chosen]).astype(int)
        part = place[chosen] - corner
        for down in (0, 1):
            for along in (0, 1):
                row, col = (corner + np.array((down, along))).T
                weight = np.abs(1 - down - part[:, 0]) * np.abs(1 - along - part[:, 1])
                ok = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
                np.add.at(ink, (row[ok], col[ok]), weight[ok])
        sigma = width * scale
        line = gaussian_filter(ink * 0.3 * scale, sigma) * sigma * 2.5
        light *= np.exp(-0.35 * np.minimum(line, 1.5))
    return with_rim(light) if rim else light


def with_rim(light: np.ndarray) -> np.ndarray:
    """Return an image in a round window with a bright rim that stays with the camera."""
    rows, cols = np.indices(light.shape)
    down, along = rows / light.shape[0] - 0.5, cols / light.shape[1] - 0.5
    radius = (np.abs(down) ** 3 + np.abs(along) ** 3) ** (1 / 3)
    bone = 0.25 + 0.6 * np.exp(-(((radius - 0.48) / 0.02) ** 2))
    edge = 1 / (1 + np.exp(-(radius - 0.46) / 0.004))
    return light * (1 - edge) + bone * edge


def spoil(light: np.ndarray, seed: int) -> np.ndarray:
    """Return 16-bit grey values under another lamp, with a text burned in, and noise."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices(light.shape) / np.reshape(light.shape, (2, 1, 1))
    lamp = 1 - 0.5 * ((rows - rng.uniform()) ** 2 + (cols - rng.uniform()) ** 2)
    picture = light ** rng.uniform(0.8, 1.3) * lamp * rng.uniform(0.4, 0.9)
    picture += rng.normal(0, 0.01, light.shape)
    picture[4:12, 20:200] = np.where(rng.random((8, 180)) < 0.4, 1.0, 0.02)
    return np.clip(picture * 50_000 + 800, 0, 65535).astype(np.uint16)


def error_px(found, true, shape=SHAPE) -> float:
    """Return the mean distance between two maps over the pixels that both images show."""
    rows, cols = np.indices(shape).reshape(2, -1)
    points = np.stack([rows, cols, np.ones(rows.size)])
    there = true @ points
    both = ((there >= 0) & (there <= np.array(SHAPE)[:, None] - 1)).all(0)
    return float(np.linalg.norm((found @ points - there)[:, both], axis=0).mean())
