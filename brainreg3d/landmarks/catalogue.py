"""Landmarks that go by a name."""

from __future__ import annotations

from types import MappingProxyType

from brainreg3d.errors import InputError, did_you_mean

LANDMARKS_MM = MappingProxyType(
    {
        "bregma": (0.0, 0.0),
        "lambda": (0.0, -4.2),
        "OB_left": (-1.95, 3.45),
        "OB_center": (0.0, 3.45),
        "OB_right": (1.95, 3.45),
        "RSP_base": (0.0, -3.2),
        "MOp_left": (-3.63, 1.87),
        "MOp_right": (3.63, 1.87),
        "SS_left": (-5.08, -1.53),
        "SS_right": (5.08, -1.53),
    }
)
"""Named landmarks: (ML, AP) in mm from bregma, to the right and to anterior.

The four from ``OB_left`` to ``RSP_base`` are those of wfield (J. Couto et al. 2021, Nature
Protocols 16, 3241-3263): the outer corners and the middle of the border between olfactory bulb and
frontal cortex, and the rear end of the retrosplenial cortex. The pairs on primary motor and on
somatosensory cortex are what its users add: they lie far below the others, on the outline of the
brain as seen from above, which fixes the tilt.
"""


def find_landmark(name: str) -> str:
    """Return the name of a landmark as the catalogue spells it.

    Parameters
    ----------
    name : str
        As it was typed; case does not matter.

    Returns
    -------
    str
        A key of `LANDMARKS_MM`.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    by_lower = {known.lower(): known for known in LANDMARKS_MM}
    found = by_lower.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None:
        hint = did_you_mean(str(name), LANDMARKS_MM)
        message = (
            f"Unknown landmark {name!r}.{hint} Expected one of {', '.join(LANDMARKS_MM)}; give any "
            f'other point by "stereotaxic_mm": [ml, ap] or "ccf_um": [ap, dv, ml].'
        )
        raise InputError(message)
    return found
