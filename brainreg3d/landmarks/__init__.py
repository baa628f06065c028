"""Landmarks: named points of the brain's surface, and the pose that they give an image."""

from brainreg3d.landmarks.catalogue import LANDMARKS_MM, find_landmark
from brainreg3d.landmarks.fit import fit_pose
from brainreg3d.landmarks.hull import BrainHull
from brainreg3d.landmarks.landmark import Landmark, positions_mm
from brainreg3d.landmarks.outline import Ellipse, fit_ellipse
from brainreg3d.landmarks.reader import LandmarkFile, read_landmarks
from brainreg3d.landmarks.result import LandmarkFit, PoseSpread, landmark_report

__all__ = [
    "LANDMARKS_MM",
    "BrainHull",
    "Ellipse",
    "Landmark",
    "LandmarkFile",
    "LandmarkFit",
    "PoseSpread",
    "find_landmark",
    "fit_ellipse",
    "fit_pose",
    "landmark_report",
    "positions_mm",
    "read_landmarks",
]
