"""The steps of the chain, one for each slot of `BrainReg3D`."""

from brainreg3d.steps.align import ManualAligner
from brainreg3d.steps.aligner import NOT_GIVEN, Aligner
from brainreg3d.steps.base import AlignmentScene, AlignmentWindow, PlacedImage, Step
from brainreg3d.steps.depth import DepthResolver
from brainreg3d.steps.label import PixelLabeller
from brainreg3d.steps.landmark_align import LandmarkAligner
from brainreg3d.steps.project import Projector
from brainreg3d.steps.regions import RegionSelector
from brainreg3d.steps.rigid import RigidRegistrar
from brainreg3d.steps.template import LocalTemplateSource, TemplateSource
from brainreg3d.steps.transfer import TransferAligner
from brainreg3d.steps.volume_write import VolumeWriter
from brainreg3d.steps.write import MaskWriter

__all__ = [
    "NOT_GIVEN",
    "Aligner",
    "AlignmentScene",
    "AlignmentWindow",
    "DepthResolver",
    "LandmarkAligner",
    "LocalTemplateSource",
    "ManualAligner",
    "MaskWriter",
    "PixelLabeller",
    "PlacedImage",
    "Projector",
    "RegionSelector",
    "RigidRegistrar",
    "Step",
    "TemplateSource",
    "TransferAligner",
    "VolumeWriter",
]
