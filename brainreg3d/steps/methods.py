"""What each method sets in the steps that label pixels."""

from __future__ import annotations

from typing import Any

METHODS: dict[str, dict[str, dict[str, Any]]] = {
    "exact": {},
    "original": {
        "Projector": {"sampling": "vertices", "occluders": "regions"},
        "DepthResolver": {"cell_px": 10},
        "PixelLabeller": {"n_neighbors": 11, "max_gap_px": 15.0},
    },
    "surface": {
        "Projector": {"sampling": "surface"},
        "PixelLabeller": {"n_neighbors": 5},
    },
}
"""Parameters by slot; what is not named keeps the default of the step."""
