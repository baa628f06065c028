"""A picture of the image with the outlines of the regions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from brainreg3d.errors import InputError
from brainreg3d.steps.exporting import ExportContent


class PreviewExporter:
    """Write ``<stem>_preview.png``: the image with outlines and names at its pose."""

    def check(self) -> None:
        """Do nothing: a picture can always be drawn."""

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the picture.

        Parameters
        ----------
        content : ExportContent
            What there is to draw.
        paths : mapping of str to pathlib.Path
            Where to, under ``"preview"``.

        Raises
        ------
        InputError
            If the image is not at hand.
        """
        from brainreg3d.views import draw_overlay, save_figure

        if content.image is None:
            message = (
                "A preview shows the image, which is not at hand. Give it: "
                'BrainReg3D.load(path, image=...), or leave "preview" out of the formats.'
            )
            raise InputError(message)
        figure = draw_overlay(
            content.image, content.alignment, content.regions, content.labels, atlas=content.atlas
        )
        save_figure(figure, paths["preview"])
