"""What an image sees, worked out slowly from the definitions, sharing nothing with the package.

Points move along each ray by a small fixed step, in double precision, and are looked up in a
volume as it lies in its file. Only the written definitions of pose, pixels and camera are used:

``R = Rotation.from_euler("ZXY", [yaw, pitch, roll], degrees=True)``; columns grow along
R·(1, 0, 0) (the other way when mirrored), rows along R·(0, -1, 0), the view along R·(0, 0, -1);
pixel (r, c) lies at ``center + (c - (W-1)/2)·size[1]·columns + (r - (H-1)/2)·size[0]·rows``; the
camera sits ``distance`` before the image plane, above the principal point, or infinitely far.
"""

from __future__ import annotations

import json

import numba
import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy.spatial.transform import Rotation

STEP_MM = 0.002


def read_allen(path):
    """Return Allen's file as an array (ML, DV, AP): SimpleITK turns the file's axes around."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def read_descendants(path):
    """Return a function from an acronym to the ids of the structure and all below it."""
    with open(path, encoding="utf-8") as file:
        answer = json.load(file)

    def collect(node):
        ids = [node["id"]]
        for child in node["children"]:
            ids += collect(child)
        return ids

    def find(acronym, nodes):
        for node in nodes:
            if node["acronym"] == acronym:
                return collect(node)
            found = find(acronym, node["children"])
            if found:
                return found
        return None

    return lambda acronym: find(acronym, answer["msg"])


def label_volume(volume, members_of_regions):
    """Return 0 for nothing, 255 for other tissue, else 1 + place of the region, as uint8."""
    table = numba.typed.Dict.empty(numba.types.int64, numba.types.uint8)
    for place, members in enumerate(members_of_regions, 1):
        for identifier in members:
            table[int(identifier)] = np.uint8(place)
    out = np.zeros(volume.shape, np.uint8)
    _fill(np.ascontiguousarray(volume).reshape(-1), table, out.reshape(-1))
    return out


@numba.njit
def _fill(ids, table, out):
    last, label = np.int64(0), np.uint8(0)
    for i in range(ids.size):
        value = np.int64(ids[i])
        if value != last:
            last = value
            label = np.uint8(0)
            if value != 0:
                label = table[value] if value in table else np.uint8(255)
        out[i] = label


def pixel_rays(shape, size_mm, pose, distance_mm, principal_px=None):
    """Return start points and unit directions of all pixels, row by row.

    `pose` is (center_mm, yaw, pitch, roll, mirrored). Starts lie outside of any brain that is
    within 40 mm of the image, or at the camera.
    """
    center, yaw, pitch, roll, mirrored = pose
    turn = Rotation.from_euler("ZXY", [yaw, pitch, roll], degrees=True).as_matrix()
    columns = turn @ np.array([-1.0 if mirrored else 1.0, 0, 0])
    rows = turn @ np.array([0, -1.0, 0])
    view = turn @ np.array([0, 0, -1.0])
    height, width = shape
    points = np.empty((height, width, 3))
    for r in range(height):
        for c in range(width):
            points[r, c] = (
                np.asarray(center, float)
                + (c - (width - 1) / 2) * size_mm[1] * columns
                + (r - (height - 1) / 2) * size_mm[0] * rows
            )
    points = points.reshape(-1, 3)
    if distance_mm is None:
        return points - 40 * view, np.broadcast_to(view, points.shape).copy(), view
    r0, c0 = ((height - 1) / 2, (width - 1) / 2) if principal_px is None else principal_px
    foot = (
        np.asarray(center, float)
        + (c0 - (width - 1) / 2) * size_mm[1] * columns
        + (r0 - (height - 1) / 2) * size_mm[0] * rows
    )
    camera = foot - distance_mm * view
    directions = points - camera
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    directions = directions / lengths
    starts = camera + directions * np.maximum(0.0, lengths - 40)
    return starts, directions, view


@numba.njit(parallel=False)
def _march_ccf(labels, starts, directions, res, box, step, tissue_hides):
    """Return label and depth along the ray of the first hit; `labels` is (ML, DV, AP)."""
    n_ml, n_dv, n_ap = labels.shape
    found = np.zeros(len(starts), np.uint8)
    right = np.zeros(len(starts), np.bool_)
    where = np.full((len(starts), 3), np.nan)
    length, height, side = box[1], box[2], box[0] / 2
    center = (box[0] / 2, box[1] / 2, box[2] / 2)
    radius = 0.5 * np.sqrt(box[0] ** 2 + box[1] ** 2 + box[2] ** 2) + 1.0
    for i in range(len(starts)):
        middle = 0.0  # where the ray passes the middle of the box; it is inside only around there
        for axis in range(3):
            middle += (center[axis] - starts[i, axis]) * directions[i, axis]
        first = max(0, int((middle - radius) / step))
        for k in range(first, first + int(2 * radius / step) + 2):
            t = (k + 0.5) * step
            x = starts[i, 0] + t * directions[i, 0]
            y = starts[i, 1] + t * directions[i, 1]
            z = starts[i, 2] + t * directions[i, 2]
            ml = int(np.floor(x / res))
            ap = int(np.floor((length - y) / res))
            dv = int(np.floor((height - z) / res))
            if 0 <= ml < n_ml and 0 <= ap < n_ap and 0 <= dv < n_dv:
                label = labels[ml, dv, ap]
                if label != 0 and (tissue_hides or label != 255):
                    found[i] = label
                    right[i] = x > side
                    where[i] = (x, y, z)
                    break
    return found, right, where


def march(
    labels, res_mm, box_mm, shape, size_mm, pose, distance_mm, principal_px=None,
    tissue_hides=True, step_mm=STEP_MM,
):  # fmt: skip
    """Return label image (255: other tissue), hemisphere (True: right), and depth below the image.

    `labels` is a `label_volume` as Allen lays it out, axes (ML, DV, AP); `box_mm` is (x, y, z).
    """
    starts, directions, view = pixel_rays(shape, size_mm, pose, distance_mm, principal_px)
    found, right, where = _march_ccf(
        labels, starts, directions, res_mm, np.asarray(box_mm, float), step_mm, tissue_hides
    )
    depth = (where - np.asarray(pose[0], float)) @ view
    return found.reshape(shape), right.reshape(shape), depth.reshape(shape)
