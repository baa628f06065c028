"""What a run was made of: versions, hashes, steps, citation, and how to repeat it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from brainreg3d.export.report._html import Html, definitions, element, join, table
from brainreg3d.export.report._reproduce import FOLDER, recipe
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.steps.write import FILE_NAMES


def reproduce_section(content: ExportContent) -> Html:
    """Return how to repeat the run.

    Parameters
    ----------
    content : ExportContent
        A labelled image with the record of its run.

    Returns
    -------
    Html
        One command, or Python where a command cannot say it; and the alignment file.
    """
    found = recipe(content.run, content.stem)
    if found is None:
        words = (
            "No command repeats this: it was made from a result whose steps were not recorded, "
            "such as that of a lone alignment, or of an earlier run with another image or atlas."
        )
        return join([element("p", words), _alignment(content)])
    command = found.command()
    where = f"In the folder of {content.stem}{FILE_NAMES['run']}"
    if command is not None:
        parts = [
            element("p", f"{where}, in a POSIX shell:"),
            _code(command, "command"),
        ]
    else:
        reasons = element("ul", *(element("li", reason) for reason in found.obstacles))
        parts = [
            element("p", "One command cannot repeat this run:"),
            reasons,
            element("p", f"{where}, in Python:"),
            _code(found.python(), "python"),
        ]
    check = (
        f"It writes to the folder {FOLDER}. With equal versions, files have the hashes that are "
        "listed below, byte for byte."
    )
    return join([*parts, element("p", check), _alignment(content)])


def files_section(content: ExportContent) -> Html:
    """Return the files of the run, and what they were made from, with their hashes.

    Parameters
    ----------
    content : ExportContent
        A labelled image with the record of its run.

    Returns
    -------
    Html
        Two tables.
    """
    written = [
        (entry["file"], kind, element("code", entry["sha256"]))
        for kind, entry in content.run.get("outputs", {}).items()
    ]
    read = [(name, kind, element("code", sha256)) for name, kind, sha256 in _inputs(content)]
    head = ("File", "What", "SHA-256")
    parts = [element("h3", "Read"), table(head, read, "What the run was made from")]
    if written:
        parts += [element("h3", "Written"), table(head, written, "Files of the run")]
    return join(parts)


def versions_section(content: ExportContent) -> Html:
    """Return versions and the parameters of all steps.

    Parameters
    ----------
    content : ExportContent
        A labelled image with the record of its run.

    Returns
    -------
    Html
        Lists, and a table that is folded away.
    """
    run = content.run
    packages = run.get("packages", {})
    entries = [
        ("brainreg3d", run.get("brainreg3d")),
        ("Python", run.get("python")),
        *((name, version) for name, version in packages.items() if version),
        ("Method", run.get("method")),
        ("Regions asked for", ", ".join(str(name) for name in run.get("brain_regions", ()))),
    ]
    rows = [
        (entry["slot"], entry["class"].rpartition(".")[2], entry["version"], _parameters(entry))
        for entry in run.get("steps", ())
    ]
    steps = element(
        "details",
        element("summary", "Steps and their parameters"),
        table(("Slot", "Step", "Version", "Parameters"), rows, "Steps of the run"),
    )
    return join([definitions(entries), steps if rows else None])


def citation_section(content: ExportContent) -> Html:
    """Return what to cite for the atlas.

    Parameters
    ----------
    content : ExportContent
        A labelled image.

    Returns
    -------
    Html
        A paragraph.
    """
    atlas = content.atlas
    words = atlas.citation or "The atlas came without a citation; cite where its files come from."
    return join([element("p", element("b", atlas.title), ". ", words)])


def _inputs(content: ExportContent) -> Iterator[tuple[str, str, str]]:
    """Yield file, kind and hash; files of a local atlas stand there once, by their names."""
    listed = set()
    for name, kind, sha256 in _all_inputs(content):
        if not (kind.startswith("atlas: ") and sha256 in listed):
            yield name, kind, sha256
        listed.add(sha256)


def _all_inputs(content: ExportContent) -> Iterator[tuple[str, str, str]]:
    run = content.run
    for what in ("image", "window_mask", "volume"):
        entry = run.get(what)
        if entry:
            yield entry.get("file") or "an array", what.replace("_", " "), entry["sha256"]
    if "image" not in run and content.image is not None:
        path = content.image.path
        yield path.name if path else "an array", "image", content.image.sha256
    for step in run.get("steps", ()):
        for name, value in step["parameters"].items():
            if isinstance(value, Mapping) and {"file", "sha256"} <= set(value):
                yield value["file"], name, value["sha256"]
    for what, sha256 in content.atlas.sha256.items():
        yield content.atlas.full_name, f"atlas: {what}", sha256


def _parameters(step: Mapping[str, Any]) -> Html:
    """Return parameters as lines."""
    lines = [
        join([element("b", name), " ", json.dumps(value, ensure_ascii=False)])
        for name, value in step["parameters"].items()
        if value is not None
    ]
    return Html("<br>".join(lines))


def _code(text: str, name: str) -> Html:
    return element(
        "div",
        element("pre", element("code", text, id=name)),
        element("button", "Copy", type="button", class_="copy", data_copy=name),
        class_="code",
    )


def _alignment(content: ExportContent) -> Html:
    """Return the alignment file itself, so that the report alone holds the pose."""
    text = json.dumps(content.alignment_file, indent=1, ensure_ascii=False) + "\n"
    name = f"{content.stem}{FILE_NAMES['alignment']}"
    encoded = base64.b64encode(text.encode()).decode("ascii")
    link = element(
        "a", f"Save {name}", href=f"data:application/json;base64,{encoded}", download=name
    )
    return element(
        "details",
        element("summary", f"The alignment file, {name}"),
        element("p", link),
        element("pre", element("code", text)),
    )
