"""Writing results of an earlier run in further formats."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainreg3d.errors import OutputError
from brainreg3d.export import check_exporters, exporters_of
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.output_folder import is_one_of
from brainreg3d.steps import MaskWriter
from brainreg3d.steps.exporting import FORMATS, ExportContent, format_names
from brainreg3d.steps.write import FILE_NAMES


def write_formats(
    content: ExportContent,
    formats: str | Iterable[str],
    folder: Path,
    writer: MaskWriter | None = None,
) -> dict[str, Path]:
    """Write a labelled image in some formats, all files together or none.

    Parameters
    ----------
    content : ExportContent
        What there is to write.
    formats : str or iterable of str
        Keys of `brainreg3d.steps.exporting.FORMATS`.
    folder : pathlib.Path
        Where to; it is made if needed.
    writer : MaskWriter, optional
        Says how masks and labels are numbered.

    Returns
    -------
    dict of str to pathlib.Path
        The files by kind.

    Raises
    ------
    InputError
        If a format is unknown, or needs what is not there.
    OutputError
        If a file cannot be written; nothing is changed then.
    """
    names = format_names(formats)
    writer = writer or MaskWriter()
    check_exporters(names, writer.exporters)
    writer = writer.replace(exporters=exporters_of(names, writer.exporters))
    targets = {
        kind: folder / f"{content.stem}{FILE_NAMES[kind]}"
        for name in names
        for kind in FORMATS[name]
    }
    _spare_image(content, targets.values())
    with atomic_files() as files:
        for name in names:
            paths = {kind: files.temporary(targets[kind]) for kind in FORMATS[name]}
            writer.write_format(name, content, paths)
    return targets


def _spare_image(content: ExportContent, targets: Iterable[Path]) -> None:
    if content.image is None or content.image.path is None:
        return
    for target in targets:
        if is_one_of(target, [content.image.path]):
            message = (
                f"Writing {target} would replace the image; give another stem= or output_dir=."
            )
            raise OutputError(message)
