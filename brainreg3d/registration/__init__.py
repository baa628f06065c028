"""Rigid registration of brain volumes: functions of arrays and spacings alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach

if TYPE_CHECKING:
    from brainreg3d.registration.arguments import METRICS, SEARCHES
    from brainreg3d.registration.images import PhysicalImage
    from brainreg3d.registration.resampling import resample
    from brainreg3d.registration.rigid import RigidResult, register_rigid
    from brainreg3d.registration.verdict import Overlap

__all__ = [
    "METRICS",
    "SEARCHES",
    "Overlap",
    "PhysicalImage",
    "RigidResult",
    "register_rigid",
    "resample",
]

_MODULES = {
    "METRICS": "arguments",
    "SEARCHES": "arguments",
    "Overlap": "verdict",
    "PhysicalImage": "images",
    "RigidResult": "rigid",
    "register_rigid": "rigid",
    "resample": "resampling",
}

__getattr__, __dir__ = attach(__name__, _MODULES)
