"""The signal of each region in a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach

if TYPE_CHECKING:
    from brainreg3d.traces.open import open_recording
    from brainreg3d.traces.signals import region_traces

__all__ = ["open_recording", "region_traces"]

_MODULES = {
    "open_recording": "open",
    "region_traces": "signals",
}

__getattr__, __dir__ = attach(__name__, _MODULES)
