"""Landmarks: named points of the brain's surface, and the pose that they give an image."""

from brainreg3d.landmarks.hull import BrainHull

__all__ = ["BrainHull"]
