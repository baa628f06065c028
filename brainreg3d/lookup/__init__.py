"""In which regions ROIs lie that were drawn or found elsewhere."""

from brainreg3d.lookup.look_up import look_up_rois, write_roi_table
from brainreg3d.lookup.points import Points
from brainreg3d.lookup.read import read_rois
from brainreg3d.lookup.rois import Rois

__all__ = ["Points", "Rois", "look_up_rois", "read_rois", "write_roi_table"]
