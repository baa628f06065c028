"""What stands on the glass of the window: numbers, keys, scale bar, directions, messages."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor2D, vtkPolyDataMapper2D, vtkRenderer

from brainreg3d.gui.vtk_parts import points_of, text_block

_MARGIN = 16
_KEYS_PX = 178  # from the right edge of the window to the end of the keys
_PANEL_EDGE = 8
_MESSAGE_LETTERS = 96  # in a line
_INK, _QUIET, _ACCENT = (0.95, 0.95, 0.95), (0.68, 0.70, 0.72), (1.0, 0.82, 0.35)
_BAR_LENGTHS_MM = tuple(digit * 10.0**power for power in range(-2, 4) for digit in (1, 2, 5))
_LONGEST_BAR = 0.22  # of the window's width
_COMPASS_PX = 34
_BAR_WIDTH_PX, _ARROW_WIDTH_PX = 3.0, 2.0
_USUAL_DPI = 72.0  # for which all of these numbers are
_SHORTEST_ARROW = 0.25  # of its full length; a direction towards the viewer has no arrow


class Hud:
    """Texts and signs that stay in their place on the screen.

    Parameters
    ----------
    renderer : vtkRenderer
        The topmost one.
    """

    def __init__(self, renderer: vtkRenderer) -> None:
        self._title = text_block(17, _INK)
        self._pose = text_block(14, _INK, mono=True)
        self._keys = text_block(13, _INK)
        self._meanings = text_block(13, _QUIET)
        self._message = text_block(17, _ACCENT)
        self._bar_text = text_block(14, _INK)
        self._letters = {letter: text_block(15, _INK) for letter in "RAS"}
        self._message.GetTextProperty().SetJustificationToCentered()
        self._bar_text.GetTextProperty().SetJustificationToCentered()
        for block in (self._title, self._pose, self._keys, self._meanings):
            block.GetTextProperty().SetVerticalJustificationToTop()
        self._keys.GetTextProperty().SetJustificationToRight()
        for letter in self._letters.values():
            letter.GetTextProperty().SetJustificationToCentered()
            letter.GetTextProperty().SetVerticalJustificationToCentered()
        self._bar, self._bar_data = _lines_2d(_BAR_WIDTH_PX)
        self._arrows, self._arrow_data = _lines_2d(_ARROW_WIDTH_PX)
        self._panels, self._panel_data = _panels_2d()
        self._renderer, self._ratio = renderer, 1.0
        renderer.AddViewProp(self._panels)
        blocks = (self._title, self._pose, self._keys, self._meanings, self._message)
        for actor in (*blocks, self._bar_text, *self._letters.values(), self._bar, self._arrows):
            renderer.AddViewProp(actor)

    def write(self, title: str, pose: Sequence[str], keys: Sequence[Sequence[str]]) -> None:
        """Set the texts.

        Parameters
        ----------
        title : str
            What is placed on what.
        pose : sequence of str
            The placement in numbers.
        keys : pair of sequences of str
            Keys, and what they do.
        """
        self._title.SetInput(title)
        self._pose.SetInput("\n".join(pose))
        self._keys.SetInput("\n".join(keys[0]))
        self._meanings.SetInput("\n".join(keys[1]))

    def tell(self, message: str) -> None:
        """Show a message at the bottom.

        Parameters
        ----------
        message : str
            Empty for none.
        """
        self._message.SetInput(textwrap.fill(message, _MESSAGE_LETTERS))

    def arrange(
        self, size_px: tuple[int, int], mm_per_px: float | None, axes: NDArray[np.float64]
    ) -> None:
        """Put everything in its place.

        Parameters
        ----------
        size_px : tuple of int
            (width, height) of the window.
        mm_per_px : float or None
            For the scale bar; None where the scale is not one for the whole picture.
        axes : numpy.ndarray, shape (3, 3)
            Directions of the screen (right, up, towards the viewer) in the atlas frame.
        """
        # Texts grow with the screen's dots per inch, and so do their places.
        self._ratio = self._renderer.GetRenderWindow().GetDPI() / _USUAL_DPI
        width, height = (side / self._ratio for side in size_px)
        self._put(self._title, _MARGIN, height - _MARGIN)
        self._put(self._pose, _MARGIN, height - _MARGIN - 28)
        self._put(self._keys, width - _KEYS_PX, height - _MARGIN)
        self._put(self._meanings, width - _KEYS_PX + 10, height - _MARGIN)
        self._put(self._message, width / 2, _MARGIN + 4)
        self._draw_panels()
        self._draw_bar(width, None if mm_per_px is None else mm_per_px * self._ratio)
        self._draw_compass(np.array([width - 70.0, 64.0]), axes)

    def _put(self, block: Any, x: float, y: float) -> None:
        block.SetPosition(x * self._ratio, y * self._ratio)

    def _draw_panels(self) -> None:
        """Darken what lies behind texts, so that they read well on any brain."""
        boxes = [
            self._box_around(self._title, self._pose),
            self._box_around(self._keys, self._meanings),
            self._box_around(self._message),
        ]
        _set_boxes(self._panel_data, [box for box in boxes if box is not None])

    def _box_around(self, *blocks: Any) -> tuple[float, float, float, float] | None:
        """Return (left, right, bottom, top) around texts; None where there are none."""
        boxes = []
        for block in blocks:
            if block.GetInput() and block.GetVisibility():
                bounds = [0.0] * 4
                block.GetBoundingBox(self._renderer, bounds)
                left, bottom = block.GetPosition()
                boxes.append(np.add(bounds, (left, left, bottom, bottom)))
        if not boxes:
            return None
        lows, highs = np.min(boxes, axis=0), np.max(boxes, axis=0)
        edge = _PANEL_EDGE * self._ratio
        return lows[0] - edge, highs[1] + edge, lows[2] - edge, highs[3] + edge

    def _draw_bar(self, width: float, mm_per_px: float | None) -> None:
        self._bar.SetVisibility(mm_per_px is not None)
        self._bar_text.SetVisibility(mm_per_px is not None)
        if mm_per_px is None:
            return
        fitting = [size for size in _BAR_LENGTHS_MM if size / mm_per_px < _LONGEST_BAR * width]
        length_mm = fitting[-1] if fitting else _BAR_LENGTHS_MM[0]
        stop = _MARGIN + length_mm / mm_per_px
        _set_lines(self._bar_data, [[(_MARGIN, 20.0), (stop, 20.0)]], self._ratio)
        self._bar.GetProperty().SetLineWidth(_BAR_WIDTH_PX * self._ratio)
        text = f"{length_mm:g} mm" if length_mm >= 0.1 else f"{1000 * length_mm:g} µm"
        self._bar_text.SetInput(text)
        self._put(self._bar_text, (_MARGIN + stop) / 2, 28)

    def _draw_compass(self, middle: NDArray[np.float64], axes: NDArray[np.float64]) -> None:
        """Draw where right, anterior and superior are; not those that point at the viewer."""
        lines = []
        for place, letter in enumerate("RAS"):
            direction = axes[:2, place]
            length = float(np.linalg.norm(direction))
            self._letters[letter].SetVisibility(length > _SHORTEST_ARROW)
            if length <= _SHORTEST_ARROW:
                continue
            tip = middle + _COMPASS_PX * direction
            lines += [[tuple(middle), tuple(tip)], *_arrow_head(tip, direction / length)]
            self._letters[letter].SetInput(letter)
            self._put(self._letters[letter], *(tip + 13 * direction / length).tolist())
        _set_lines(self._arrow_data, lines, self._ratio)
        self._arrows.GetProperty().SetLineWidth(_ARROW_WIDTH_PX * self._ratio)


def _arrow_head(tip: NDArray[np.float64], direction: NDArray[np.float64]) -> list[Any]:
    side = np.array([-direction[1], direction[0]])
    barbs = [tip - 7 * direction + 4 * side, tip - 7 * direction - 4 * side]
    return [[tuple(tip), tuple(barb)] for barb in barbs]


def _lines_2d(width_px: float) -> tuple[vtkActor2D, vtkPolyData]:
    data = vtkPolyData()
    mapper = vtkPolyDataMapper2D()
    mapper.SetInputData(data)
    actor = vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(_INK)
    actor.GetProperty().SetLineWidth(width_px)
    return actor, data


def _panels_2d() -> tuple[vtkActor2D, vtkPolyData]:
    actor, data = _lines_2d(1)
    actor.GetProperty().SetColor(0.05, 0.055, 0.065)
    actor.GetProperty().SetOpacity(0.62)
    return actor, data


def _set_boxes(data: vtkPolyData, boxes: Sequence[tuple[float, float, float, float]]) -> None:
    cells = vtkCellArray()
    points: list[tuple[float, float, float]] = []
    for left, right, bottom, top in boxes:
        cells.InsertNextCell(4, list(range(len(points), len(points) + 4)))
        points += [(left, bottom, 0.0), (right, bottom, 0.0), (right, top, 0.0), (left, top, 0.0)]
    data.SetPoints(points_of(np.array(points, dtype=float).reshape(-1, 3)))
    data.SetPolys(cells)
    data.Modified()


def _set_lines(
    data: vtkPolyData, lines: Sequence[Sequence[tuple[float, ...]]], ratio: float
) -> None:
    cells = vtkCellArray()
    points: list[tuple[float, float, float]] = []
    for line in lines:
        cells.InsertNextCell(len(line), list(range(len(points), len(points) + len(line))))
        points += [(ratio * x, ratio * y, 0.0) for x, y in line]
    data.SetPoints(points_of(np.array(points, dtype=float).reshape(-1, 3)))
    data.SetLines(cells)
    data.Modified()
