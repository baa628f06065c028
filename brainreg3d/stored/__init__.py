"""Results of earlier runs, from the files they left; what is stored is not computed again."""

from brainreg3d.stored.load import OPTIONS, load_stored
from brainreg3d.stored.result import StoredResult

__all__ = ["OPTIONS", "StoredResult", "load_stored"]
