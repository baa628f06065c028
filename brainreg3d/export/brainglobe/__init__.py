"""Writing an atlas so that the tools of BrainGlobe open it."""

from brainreg3d.export.brainglobe._config import opening_recipe
from brainreg3d.export.brainglobe.atlas import export_brainglobe_atlas

__all__ = ["export_brainglobe_atlas", "opening_recipe"]
