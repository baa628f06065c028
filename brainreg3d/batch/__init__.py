"""Many sessions at once: on all cores of a computer, or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach

if TYPE_CHECKING:
    from brainreg3d.batch.run import run_batch
    from brainreg3d.batch.summary import BatchSummary, SessionOutcome

__all__ = ["BatchSummary", "SessionOutcome", "run_batch"]

_MODULES = {
    "BatchSummary": "summary",
    "SessionOutcome": "summary",
    "run_batch": "run",
}

__getattr__, __dir__ = attach(__name__, _MODULES)
