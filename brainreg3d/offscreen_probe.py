"""Renders a red square and ends; run as a program of its own by `brainreg3d.offscreen`.

Without a working OpenGL, VTK does not fail but takes the whole process down. Here that process
is this one, never the user's. The module stands alone: it imports nothing of the package.
"""

from __future__ import annotations

import sys

_SIDE_PX = 32


def probe() -> bool:
    """Tell whether a red square on white can be rendered.

    Returns
    -------
    bool
        True when it comes out as such, translucent surfaces switched on.
    """
    import vtkmodules.vtkRenderingOpenGL2
    from vtkmodules.vtkFiltersSources import vtkPlaneSource
    from vtkmodules.vtkRenderingCore import (
        vtkActor,
        vtkPolyDataMapper,
        vtkRenderer,
        vtkRenderWindow,
    )

    del vtkmodules  # needed only for what it registers
    square, mapper, actor = vtkPlaneSource(), vtkPolyDataMapper(), vtkActor()
    mapper.SetInputConnection(square.GetOutputPort())
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(1.0, 0.0, 0.0)
    actor.GetProperty().LightingOff()
    renderer, window = vtkRenderer(), vtkRenderWindow()
    renderer.SetBackground(1.0, 1.0, 1.0)
    renderer.SetUseDepthPeeling(True)
    renderer.AddActor(actor)
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(_SIDE_PX, _SIDE_PX)
    window.AddRenderer(renderer)
    renderer.GetActiveCamera().SetParallelProjection(True)
    renderer.ResetCamera()
    window.Render()
    middle, corner = _color(window, _SIDE_PX // 2), _color(window, 1)
    return middle[0] > 200 and middle[1] < 60 and min(corner) > 240


def _color(window: object, place_px: int) -> tuple[int, int, int]:
    """Return the colour of one pixel on the diagonal of a render window."""
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

    data = vtkUnsignedCharArray()
    window.GetPixelData(place_px, place_px, place_px, place_px, 0, data, 0)  # type: ignore[attr-defined]
    red, green, blue = (int(value) for value in data.GetTuple3(0))
    return red, green, blue


if __name__ == "__main__":
    sys.exit(0 if probe() else 3)
