"""Text that is HTML already, and text that has to become it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

_EMPTY = frozenset({"img", "input", "br"})


class Html(str):
    """Text that is safe to stand in a page as it is."""

    __slots__ = ()


def escape(value: Any) -> Html:
    """Return a text as HTML.

    Parameters
    ----------
    value : object
        HTML stays as it is; None gives nothing.

    Returns
    -------
    Html
        Without any character that could end a text or an attribute.
    """
    if isinstance(value, Html):
        return value
    return Html("" if value is None else html.escape(str(value), quote=True))


def join(parts: Iterable[Any], between: str = "") -> Html:
    """Return texts one after the other.

    Parameters
    ----------
    parts : iterable
        Texts, or HTML.
    between : str
        Text that stands between them.

    Returns
    -------
    Html
        All of them.
    """
    return Html(escape(between).join(escape(part) for part in parts))


def element(tag: str, *children: Any, **attributes: Any) -> Html:
    """Return an element of a page.

    Parameters
    ----------
    tag : str
        Its name.
    *children
        Texts, which are escaped, or HTML.
    **attributes
        Underscores become hyphens, and one at the end is dropped (``class_``); None leaves an
        attribute out, and True gives it no value.

    Returns
    -------
    Html
        The element.
    """
    words = [tag]
    for name, value in attributes.items():
        key = name.rstrip("_").replace("_", "-")
        if value is True:
            words.append(key)
        elif value is not None and value is not False:
            words.append(f'{key}="{escape(value)}"')
    opening = f"<{' '.join(words)}>"
    return Html(opening if tag in _EMPTY else f"{opening}{join(children)}</{tag}>")


def definitions(entries: Iterable[tuple[Any, Any]]) -> Html:
    """Return a list of terms and what is to be said of each.

    Parameters
    ----------
    entries : iterable of (term, text)
        Those without a text are left out.

    Returns
    -------
    Html
        A ``dl``.
    """
    pairs = [
        element("div", element("dt", term), element("dd", text))
        for term, text in entries
        if text not in (None, "")
    ]
    return element("dl", *pairs)


def table(head: Iterable[Any], rows: Iterable[Iterable[Any]], caption: str) -> Html:
    """Return a plain table that scrolls inside its own box where it is too wide.

    Parameters
    ----------
    head : iterable
        What the columns are called.
    rows : iterable of iterable
        Their cells; the first of each row names it.
    caption : str
        What the table shows, for those who hear it.

    Returns
    -------
    Html
        The table in its box.
    """
    body = []
    for row in rows:
        first, *others = row
        cells = [element("td", cell) for cell in others]
        body.append(element("tr", element("th", first, scope="row"), *cells))
    top = element("tr", *(element("th", name, scope="col") for name in head))
    inner = element(
        "table",
        element("caption", caption, class_="unseen"),
        element("thead", top),
        element("tbody", *body),
    )
    return element("div", inner, class_="wide", tabindex="0", role="region", aria_label=caption)


def script_json(content: Any) -> Html:
    """Return data as JSON that may stand inside a script element.

    Parameters
    ----------
    content : object
        Ready for JSON.

    Returns
    -------
    Html
        Without ``<``, so that no text in it can end the element.
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Html(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
