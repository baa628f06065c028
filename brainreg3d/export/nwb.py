"""Results in Neurodata Without Borders files, with ndx-anatomical-localization."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas
from brainreg3d.errors import InputError
from brainreg3d.export.nwb_content import fill, is_ccf
from brainreg3d.steps.exporting import Exportable, ExportContent

if TYPE_CHECKING:
    from pynwb import NWBFile

_PACKAGES = ("pynwb", "ndx_anatomical_localization")
NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a session whose date is not known: NWB files must have one."""


@attrs.frozen
class NwbExporter:
    """Write ``<stem>.nwb``: image, coordinates of all pixels, region masks and landmarks.

    Parameters
    ----------
    session_start_time : datetime.datetime
        When the image was taken, with its time zone. Images do not say; `NO_DATE` when not given.
    subject : mapping
        Arguments of `pynwb.file.Subject` that are known, such as ``subject_id``, ``age`` and
        ``sex``.
    session : mapping
        Further arguments of `pynwb.NWBFile`, such as ``experimenter`` and ``institution``.
    """

    session_start_time: datetime = NO_DATE
    subject: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    session: Mapping[str, Any] = attrs.field(factory=dict, hash=False)

    def check(self) -> None:
        """Raise an error if anything is missing, or wrong with what is known of the session.

        Raises
        ------
        InputError
            If pynwb or ndx-anatomical-localization is not installed, NWB has no such fields, or
            the date has no time zone.
        """
        for name in _PACKAGES:
            try:
                import_module(name)
            except ImportError as error:
                message = (
                    f"Writing NWB files needs {name.replace('_', '-')}, which cannot be imported "
                    f'({error}): pip install "brainreg3d[nwb]", or leave "nwb" out of the formats.'
                )
                raise InputError(message) from error
        if self.session_start_time.tzinfo is None:
            message = (
                f"session_start_time needs a time zone, such as datetime(2024, 5, 6, "
                f"tzinfo=datetime.UTC); got {self.session_start_time!r}."
            )
            raise InputError(message)
        self._new_file("a check", uuid.uuid5(uuid.NAMESPACE_OID, "check"), None)

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the file.

        Parameters
        ----------
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, under ``"nwb"``.
        """
        from pynwb import NWBHDF5IO

        nwbfile = self._new_file(
            f"Brain regions of the image {content.stem}",
            content.identifier,
            species=_species(content.atlas),
        )
        fill(nwbfile, content, _compressed)
        _number_objects(nwbfile, content.identifier)
        with NWBHDF5IO(str(paths["nwb"]), "w") as io:
            io.write(nwbfile)

    def _new_file(self, description: str, identifier: uuid.UUID, species: str | None) -> NWBFile:
        from pynwb import NWBFile
        from pynwb.file import Subject

        unknown = {
            "subject_id": "unknown",
            "species": species,
            "sex": "U",
            "age": "P0D/",  # NWB's way to say: any age
            "description": "Images do not say.",
        }
        try:
            fields = {
                "session_description": description,
                "identifier": str(identifier),
                "session_start_time": self.session_start_time,
                "file_create_date": self.session_start_time,  # not now: equal runs, equal files
                "subject": Subject(**unknown | dict(self.subject)),
            }
            return NWBFile(**fields | dict(self.session))
        except (TypeError, ValueError) as error:
            message = (
                f"NWB files take the arguments of pynwb.NWBFile as session= and those of "
                f"pynwb.file.Subject as subject=: {error}"
            )
            raise InputError(message) from error


def add_to_nwb(nwbfile: NWBFile, result: Exportable) -> None:
    """Add a result to an NWB file in memory, such as that of the recording.

    The processing module ``ophys``, made if there is none, gets ``brain_region_images`` (the
    image and a map for each thing known of a pixel) and the table ``brain_regions``. The lab
    metadata ``localization`` get ``brain_surface``, the coordinates of all pixels, and
    ``brain_region_masks``, the region of each labelled one; ``atlas_registration`` gets the
    landmarks, if there are any.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        A file that is written afterwards.
    result : Result
        Of a run that labelled pixels.

    Raises
    ------
    InputError
        If packages are missing, or the file holds a result already.
    """
    NwbExporter().check()
    fill(nwbfile, result.export_content())


def _species(atlas: Atlas) -> str | None:
    """Return the species of an atlas where it has a Latin name, as NWB wants it."""
    if is_ccf(atlas):
        return "Mus musculus"
    known = not atlas.synthetic and re.fullmatch(r"[A-Z][a-z]+ [a-z]+", atlas.species)
    return atlas.species if known else None


def _compressed(data: NDArray[Any]) -> Any:
    from pynwb import H5DataIO

    return H5DataIO(np.ascontiguousarray(data), compression="gzip")


def _number_objects(nwbfile: NWBFile, namespace: uuid.UUID) -> None:
    """Give all objects identifiers that follow from their place: equal runs, equal files.

    hdmf has no way to ask for that. Should it keep them elsewhere some day, they stay random.
    """
    for item in [nwbfile, *nwbfile.all_children()]:
        place, here = [], item
        while here is not None:
            place.append(f"{type(here).__name__}:{here.name}")
            here = here.parent
        if hasattr(item, "_AbstractContainer__object_id"):
            own = uuid.uuid5(namespace, "/".join(reversed(place)))
            item._AbstractContainer__object_id = str(own)  # noqa: SLF001
