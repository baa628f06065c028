"""The buttons of the browser window: they press keys."""

from __future__ import annotations

from typing import Any

_NONE = ("", "", "", "")

_PADS = (
    (
        "Move",
        (
            ("[", "↺", "Rotate 1° counter-clockwise ([)", ""),
            ("up", "↑", "Move up 100 µm (arrow key)", ""),
            ("]", "↻", "Rotate 1° clockwise (])", ""),
            ("left", "←", "Move left 100 µm (arrow key)", ""),
            ("down", "↓", "Move down 100 µm (arrow key)", ""),
            ("right", "→", "Move right 100 µm (arrow key)", ""),
        ),
    ),
    (
        "Tilt: raise edge",
        (
            _NONE,
            ("i", "▴", "Raise the top edge 1° (i)", ""),
            _NONE,
            ("j", "◂", "Raise the left edge 1° (j)", ""),
            ("k", "▾", "Raise the bottom edge 1° (k)", ""),
            ("l", "▸", "Raise the right edge 1° (l)", ""),
        ),
    ),
)
_ROWS = (
    (
        "Scale",
        "half",
        (
            ("-", "−", "Smaller by 1 % (-)", ""),
            ("+", "+", "Larger by 1 % (+)", ""),
            ("u", "unlock", "Lock or unlock the scale (u)", "unlocked"),
        ),
    ),
    (
        "Height",
        "half",
        (
            ("pagedown", "lower", "Lower by 100 µm (Page Down)", ""),
            ("pageup", "higher", "Raise by 100 µm (Page Up)", ""),
        ),
    ),
    (
        "Show",
        "row",
        (
            ("b", "image", "Show or hide the image (b)", "image"),
            ("o", "outlines", "Show or hide the outlines (o)", "outlines"),
            ("m", "earlier", "Show or hide the earlier image (m)", "earlier"),
            ("v", "look around", "Turn the brain instead of the image, and back (v)", "around"),
        ),
    ),
    (
        "View",
        "half",
        (
            ("zoom-", "−", "Look from further away (Ctrl+wheel)", ""),
            ("zoom+", "+", "Look from nearer (Ctrl+wheel)", ""),
            ("c", "centre", "Centre the view on the image (c)", ""),
        ),
    ),
    (
        "Image",
        "half",
        (
            ("f", "mirror", "Mirror the image (f)", ""),
            ("p", "points", "Click landmarks (p)", "landmarks"),
        ),
    ),
    (
        "Steps",
        "row",
        (
            ("z", "undo", "Take back the last step (z)", ""),
            ("y", "redo", "Do again what was taken back (y)", ""),
            ("r", "reset", "Back to the start (r)", ""),
        ),
    ),
)


def button_groups(*, has_earlier_image: bool) -> list[dict[str, Any]]:
    """Return the buttons, as the page takes them.

    Parameters
    ----------
    has_earlier_image : bool
        Whether there is an earlier image to show.

    Returns
    -------
    list of dict
        ``"name"``, ``"shape"`` and ``"buttons"`` of each group; of each button ``"key"``,
        ``"label"``, ``"hint"``, and in ``"flag"`` what tells whether it is switched on.
    """
    groups = [(name, "pad", buttons) for name, buttons in _PADS] + list(_ROWS)
    return [
        {
            "name": name,
            "shape": shape,
            "buttons": [
                dict(zip(("key", "label", "hint", "flag"), button, strict=True))
                for button in buttons
                if button[0] != "m" or has_earlier_image
            ],
        }
        for name, shape, buttons in groups
    ]
