"""Writing an atlas in the formats of other tools."""

from brainreg3d.export.brainglobe import export_brainglobe_atlas, opening_recipe

__all__ = ["export_brainglobe_atlas", "opening_recipe"]
