"""Finding an image of an animal on an earlier one, by what both show."""

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach

if TYPE_CHECKING:
    from brainreg3d.matching.match import match_images
    from brainreg3d.matching.result import ImageMatch

__all__ = ["ImageMatch", "match_images"]

__getattr__, __dir__ = attach(__name__, {"ImageMatch": "result", "match_images": "match"})
