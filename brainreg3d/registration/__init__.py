"""Rigid registration of brain volumes: functions of arrays and spacings alone."""

from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.refine import METRICS
from brainreg3d.registration.resample import resample
from brainreg3d.registration.rigid import SEARCHES, RigidResult, register_rigid
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
