"""What a run gives back."""

from brainreg3d.result._products import NotComputed
from brainreg3d.result._result import Result

__all__ = ["NotComputed", "Result"]
