"""TemplateSource: where the atlas comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import attrs

from brainreg3d.atlas import Atlas
from brainreg3d.errors import AtlasError, PlanError
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import optional_path


def _check_atlas(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str | Atlas):
        expected = 'a name such as "allen_mouse_25um", or an Atlas'
        message = f"{attribute.name} is {expected}; got {value!r}."
        raise AtlasError(message)


class TemplateSource(Step):
    """Load an atlas by name.

    Parameters
    ----------
    atlas : str or Atlas
        ``allen_mouse_{10,25,50,100}um`` for Allen's own files, ``phantom_{25,50,100}um`` for the
        synthetic brain, the name of any installed BrainGlobe atlas, or an atlas of your own.
    """

    provides: ClassVar[str] = "atlas"

    atlas: str | Atlas = attrs.field(default="allen_mouse_25um", validator=_check_atlas)

    def compute(self) -> Atlas:  # type: ignore[override]
        """Return the atlas.

        Returns
        -------
        Atlas
            With annotation and structure tree; the template is loaded when first used.

        Raises
        ------
        AtlasError
            If there is no atlas of that name.
        DownloadError
            If its files are not cached and cannot be fetched.
        """
        from brainreg3d.sources import load_atlas

        return self.atlas if isinstance(self.atlas, Atlas) else load_atlas(self.atlas)


class LocalTemplateSource(Step):
    """Load an atlas from files on disk.

    Parameters
    ----------
    annotation : path-like, optional
        Volume of structure ids: NRRD, NIfTI or TIFF.
    structures : path-like, optional
        Structure tree: Allen's JSON, BrainGlobe's JSON, or a CSV; needed with an annotation.
    template : path-like, optional
        Grey-value volume of the same physical box; its voxels may have another size. Alone it is
        enough to register volumes to, but not to label an image.
    name : str
        Name of the atlas in everything that is written.
    orientation : str, optional
        Where the files' axes grow to, such as ``"PIR"`` (Allen), or lower-case BrainGlobe letters
        for the corner they start from, such as ``"asl"``. By default NRRD and TIFF are read as
        Allen lays them out and NIfTI by its header.
    spacing_um : float or tuple of float, optional
        Voxel size in µm along the file's axes, when the file does not say it right.
    """

    provides: ClassVar[str] = "atlas"

    annotation: Path | None = attrs.field(default=None, converter=optional_path)
    structures: Path | None = attrs.field(default=None, converter=optional_path)
    template: Path | None = attrs.field(default=None, converter=optional_path)
    name: str = "local"
    orientation: str | None = None
    spacing_um: float | tuple[float, float, float] | None = None

    def __attrs_post_init__(self) -> None:
        is_whole = self.annotation is not None and self.structures is not None
        is_lone = self.annotation is None and self.structures is None
        if not is_whole and not (is_lone and self.template is not None):
            message = (
                "An atlas of local files needs annotation and structures (--annotation FILE "
                "--structures FILE), or a template alone to register volumes to."
            )
            raise PlanError(message)

    def compute(self) -> Atlas:  # type: ignore[override]
        """Return the atlas.

        Returns
        -------
        Atlas
            With annotation and structure tree; the template is loaded when first used.

        Raises
        ------
        AtlasError
            If a file cannot be read or the files do not fit together.
        MissingFileError
            If a file does not exist.
        """
        from brainreg3d.sources.local import load_local_atlas, load_lone_template

        reading: dict[str, Any] = {
            "name": self.name,
            "orientation": self.orientation,
            "spacing_um": self.spacing_um,
        }
        if self.annotation is not None and self.structures is not None:
            return load_local_atlas(self.annotation, self.structures, self.template, **reading)
        return load_lone_template(self.template or Path(), **reading)
