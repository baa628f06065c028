"""Writing an atlas in the formats of other tools."""

from brainreg3d.export._config import opening_recipe
from brainreg3d.export.brainglobe import export_brainglobe_atlas

__all__ = ["export_brainglobe_atlas", "opening_recipe"]
