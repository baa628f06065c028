"""A brain of 16 × 24 × 20 voxels that differs from its mirror image along every axis.

Voxels are (z, y, x) = 0.25 × 0.3 × 0.2 mm, so the box is 4 × 7.2 × 4 mm along (x, y, z).
Seen from above there are four structures: ANT in front, POST (with an id of nine digits) behind,
BULB at the front tip, and MARK, a patch on the right of ANT. SUB lies below all of them, and DEEP,
inside it, cannot be seen from above. VOID has no voxels.
"""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk  # noqa: N813
import tifffile

SPACING_MM = (0.25, 0.3, 0.2)
SHAPE = (16, 24, 20)
BOX_MM = (4.0, 7.2, 4.0)
POST_ID = 312_782_593
# (id, acronym, name, parent)
STRUCTURES = [
    (997, "root", "root", None),
    (8, "grey", "Grey matter", 997),
    (315, "CTX", "Cortex of the test", 8),
    (11, "ANT", "Anterior area", 315),
    (POST_ID, "POST", "Posterior area", 315),
    (30, "MARK", "Marker on the right", 315),
    (20, "SUB", "Below the cortex", 8),
    (21, "DEEP", "Deep inside", 20),
    (40, "BULB", "Front tip", 8),
    (50, "VOID", "Without voxels", 8),
]
VISIBLE = ["ANT", "POST", "MARK", "BULB"]
MARK_VOXELS = (slice(13, 14), slice(15, 18), slice(13, 16))  # z, y, x
TOP_MM = 14 * 0.25
"""Height of the upper face of the tissue."""


def make_volume() -> np.ndarray:
    """Return structure ids as (Z, Y, X) in the atlas frame."""
    ids = np.zeros(SHAPE, dtype=np.uint32)
    ids[2:14, 2:19, 2:18] = 20
    ids[5:7, 6:9, 4:10] = 21
    ids[11:14, 2:10, 2:18] = POST_ID
    ids[11:14, 10:19, 2:18] = 11
    ids[MARK_VOXELS] = 30
    ids[7:14, 19:22, 6:12] = 40
    return ids


def make_template() -> np.ndarray:
    """Return smooth grey values as (Z, Y, X) in the atlas frame."""
    z, y, x = np.indices(SHAPE)
    return (1000.0 * (make_volume() > 0) + 10.0 * x + 7.0 * y + 3.0 * z).astype(np.float32)


def descendants(acronym: str) -> set[int]:
    """Return the ids of a structure and all below it."""
    found = {next(s[0] for s in STRUCTURES if s[1] == acronym)}
    while True:
        more = {s[0] for s in STRUCTURES if s[3] in found} - found
        if not more:
            return found
        found |= more


def make_atlas(volume: np.ndarray | None = None, spacing_mm=SPACING_MM, name: str = "tiny"):
    """Return the brain as an `Atlas`."""
    from brainreg3d.atlas import Atlas, Structure, StructureTree, Template
    from brainreg3d.atlas.compact import compact_annotation

    tree = StructureTree(
        Structure(i, acronym, title, ((37 * i) % 256, (91 * i) % 256, (53 * i) % 256), parent)
        for i, acronym, title, parent in STRUCTURES
    )
    annotation = compact_annotation(make_volume() if volume is None else volume, spacing_mm)
    return Atlas(name, annotation, tree, lambda: Template(make_template(), SPACING_MM))


def write_structures(folder: Path) -> Path:
    """Write the tree as Allen's API answers; return the file."""

    def node(entry):
        identifier, acronym, name, parent = entry
        children = [node(other) for other in STRUCTURES if other[3] == identifier]
        return {
            "id": identifier, "acronym": acronym, "name": name, "parent_structure_id": parent,
            "color_hex_triplet": f"{(identifier * 9973) % 0xFFFFFF:06X}", "children": children,
        }  # fmt: skip

    path = folder / "structures.json"
    path.write_text(json.dumps({"success": True, "msg": [node(STRUCTURES[0])]}))
    return path


def as_ccf(volume: np.ndarray) -> np.ndarray:
    """Return a (Z, Y, X) volume as (AP, DV, ML), growing to posterior, inferior and right."""
    nz, ny, nx = volume.shape
    out = np.empty((ny, nz, nx), dtype=volume.dtype)
    for ap in range(ny):
        for dv in range(nz):
            out[ap, dv] = volume[nz - 1 - dv, ny - 1 - ap]
    return out


def write_nrrd(path: Path, volume: np.ndarray, spacing_mm=SPACING_MM) -> Path:
    """Write a volume as Allen's files are: ITK axes (AP, DV, ML), micrometres."""
    image = sitk.GetImageFromArray(as_ccf(volume).transpose(2, 1, 0))
    z, y, x = spacing_mm
    image.SetSpacing((y * 1000, z * 1000, x * 1000))
    sitk.WriteImage(image, str(path), useCompression=True)
    return path


def write_nifti(path: Path, volume: np.ndarray, letters: str = "RAS") -> Path:
    """Write a volume as NIfTI whose axes grow to right or left, anterior, superior."""
    stack = volume.transpose(2, 1, 0)
    z, y, x = SPACING_MM
    affine = np.diag([x, y, z, 1.0])
    if letters[0] == "L":
        stack = stack[::-1]
        affine[0, 0], affine[0, 3] = -x, (SHAPE[2] - 1) * x
    image = nibabel.Nifti1Image(np.ascontiguousarray(stack.astype(np.int32)), affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
    return path


def write_tiff(path: Path, volume: np.ndarray) -> Path:
    """Write a volume as a TIFF stack in Allen's axes; its spacing has to be given."""
    tifffile.imwrite(path, as_ccf(volume))
    return path


def source(folder: Path, kind: str = "nrrd"):
    """Return a `LocalTemplateSource` of files written to `folder`."""
    from brainreg3d import LocalTemplateSource

    volume, structures = make_volume(), write_structures(folder)
    if kind == "nrrd":
        files = {
            "annotation": write_nrrd(folder / "labels.nrrd", volume),
            "template": write_nrrd(folder / "grey.nrrd", make_template()),
        }
    elif kind in ("nifti RAS", "nifti LAS"):
        files = {"annotation": write_nifti(folder / "labels.nii.gz", volume, kind[-3:])}
    else:
        z, y, x = (1000 * size for size in SPACING_MM)
        files = {"annotation": write_tiff(folder / "labels.tif", volume), "spacing_um": (y, z, x)}
    return LocalTemplateSource(structures=structures, **files)
