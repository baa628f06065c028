"""What the keys of the alignment window do, and what windows call them."""

from __future__ import annotations

import attrs


@attrs.frozen
class Binding:
    """A key, or a pair of keys with opposite meaning.

    Parameters
    ----------
    keys : tuple of str
        Names as `canonical_key` returns them.
    shown : str
        How they are written on the screen.
    meaning : str
        What they do.
    """

    keys: tuple[str, ...]
    shown: str
    meaning: str


BINDINGS = (
    Binding((), "drag", "move"),
    Binding((), "right drag", "rotate"),
    Binding((), "wheel", "scale, if unlocked"),
    Binding((), "Ctrl+wheel", "zoom"),
    Binding((), "middle drag", "pan"),
    Binding(("left", "right", "up", "down"), "arrows", "move 100 µm"),
    Binding(("[", "]"), "[  ]", "rotate 1°"),
    Binding(("i", "k"), "i  k", "tilt top edge 1°"),
    Binding(("j", "l"), "j  l", "tilt side edges 1°"),
    Binding(("pageup", "pagedown"), "PgUp PgDn", "height 100 µm"),
    Binding(("+", "-"), "+  -", "scale 1 %"),
    Binding((), "Shift+key", "a tenth of it"),
    Binding(("u",), "u", "lock / unlock scale"),
    Binding(("f",), "f", "mirror the image"),
    Binding((",", "."), ",  .", "opacity"),
    Binding(("b",), "b", "blink the image"),
    Binding(("o",), "o", "outlines"),
    Binding(("m",), "m", "earlier image"),
    Binding(("c",), "c", "centre the view"),
    Binding(("v",), "v", "look around, and back"),
    Binding(("p",), "p", "click landmarks"),
    Binding(("z", "y"), "z  y", "undo, redo"),
    Binding(("r",), "r", "reset"),
    Binding(("h",), "h", "hide these keys"),
    Binding(("enter",), "Enter", "accept"),
    Binding(("escape", "q"), "Esc", "cancel"),
)
"""All of them, in the order in which they are shown."""

_SAME = {
    "arrowleft": "left",
    "arrowright": "right",
    "arrowup": "up",
    "arrowdown": "down",
    "kp_left": "left",
    "kp_right": "right",
    "kp_up": "up",
    "kp_down": "down",
    "bracketleft": "[",
    "bracketright": "]",
    "braceleft": "[",
    "braceright": "]",
    "{": "[",
    "}": "]",
    "plus": "+",
    "equal": "+",
    "=": "+",
    "kp_add": "+",
    "minus": "-",
    "underscore": "-",
    "_": "-",
    "kp_subtract": "-",
    "prior": "pageup",
    "next": "pagedown",
    "page_up": "pageup",
    "page_down": "pagedown",
    "comma": ",",
    "less": ",",
    "<": ",",
    "period": ".",
    "greater": ".",
    ">": ".",
    "return": "enter",
    "kp_enter": "enter",
    "esc": "escape",
    "backspace": "backspace",
    "tab": "tab",
    "iso_left_tab": "tab",
}


def canonical_key(name: str) -> str:
    """Return one name for a key that VTK, browsers and keyboards call differently.

    Parameters
    ----------
    name : str
        A key symbol of X11 or VTK (``"bracketleft"``), or a browser's (``"ArrowLeft"``).

    Returns
    -------
    str
        As in `BINDINGS`; a name that is not known there comes back in lower case.
    """
    lower = name.lower()
    return _SAME.get(lower, lower)
