"""Writing atlases and results in the formats of other tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module

from brainreg3d.steps.exporting import Exporter

_EXPORTERS = {
    "rois": ("rois", "RoiExporter"),
    "geojson": ("contours", "ContourExporter"),
    "ome": ("ome", "OmeExporter"),
    "wfield": ("wfield", "WfieldExporter"),
    "nwb": ("nwb", "NwbExporter"),
    "preview": ("preview", "PreviewExporter"),
    "report": ("report", "ReportExporter"),
}
"""Module and class of each format; imported when it is asked for."""


def is_exported(name: str) -> bool:
    """Tell whether a format is written by an exporter, not by `MaskWriter` itself.

    Parameters
    ----------
    name : str
        A key of `brainreg3d.steps.exporting.FORMATS`.

    Returns
    -------
    bool
        True for formats of other tools.
    """
    return name in _EXPORTERS


def exporter(name: str) -> Exporter:
    """Return what writes a format.

    Parameters
    ----------
    name : str
        A format for which `is_exported` is true.

    Returns
    -------
    Exporter
        Ready to write.
    """
    module, kind = _EXPORTERS[name]
    made: Exporter = getattr(import_module(f"brainreg3d.export.{module}"), kind)()
    return made


def exporters_of(
    formats: Iterable[str], given: Mapping[str, Exporter] | None = None
) -> dict[str, Exporter]:
    """Return what writes some formats.

    Parameters
    ----------
    formats : iterable of str
        Keys of `brainreg3d.steps.exporting.FORMATS`.
    given : mapping of str to Exporter, optional
        Exporters of someone's own, which go before those of the package.

    Returns
    -------
    dict of str to Exporter
        Of those that `MaskWriter` does not write itself, and all that were given.
    """
    given = given or {}
    own = {name: exporter(name) for name in formats if is_exported(name) and name not in given}
    return {**own, **given}


def check_exporters(formats: Iterable[str], given: Mapping[str, Exporter] | None = None) -> None:
    """Find out before anything slow whether formats can be written.

    Parameters
    ----------
    formats, given
        As for `exporters_of`.

    Raises
    ------
    InputError
        If a package is missing that one of them needs.
    """
    names = list(formats)
    exporters = exporters_of(names, given)
    for name in filter(is_exported, names):
        exporters[name].check()
