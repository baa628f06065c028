"""What the window is made of, as VTK wants it; nothing here knows of images or brains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkBillboardTextActor3D,
    vtkPolyDataMapper,
    vtkTextActor,
    vtkTextProperty,
    vtkTexture,
)

from brainreg3d.surfaces import Surface

VTK_FONT_FILE = 4
RGB = tuple[float, float, float]


def points_of(points: ArrayLike) -> vtkPoints:
    """Return points as VTK's.

    Parameters
    ----------
    points : array_like, shape (N, 3)
        Positions.

    Returns
    -------
    vtkPoints
        A copy.
    """
    found = vtkPoints()
    found.SetData(numpy_to_vtk(np.ascontiguousarray(points, dtype=np.float64), deep=True))
    return found


def mesh_data(surface: Surface, grey: NDArray[np.uint8] | None = None) -> vtkPolyData:
    """Return a triangle mesh with normals, so that it looks smooth.

    Parameters
    ----------
    surface : Surface
        The mesh.
    grey : numpy.ndarray of uint8, shape (N,), optional
        Grey value of each vertex.

    Returns
    -------
    vtkPolyData
        The mesh.
    """
    data = vtkPolyData()
    data.SetPoints(points_of(surface.vertices_mm))
    cells = vtkCellArray()
    faces = np.ascontiguousarray(surface.faces, dtype=np.int64)
    offsets = np.arange(0, faces.size + 1, 3, dtype=np.int64)
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True),
        numpy_to_vtkIdTypeArray(faces.ravel(), deep=True),
    )
    data.SetPolys(cells)
    if grey is not None:
        data.GetPointData().SetScalars(numpy_to_vtk(np.repeat(grey[:, None], 3, axis=1), deep=True))
    normals = vtkPolyDataNormals()
    normals.SetInputData(data)
    normals.SplittingOff()
    normals.AutoOrientNormalsOff()
    normals.ConsistencyOff()
    normals.Update()
    return normals.GetOutput()


def mesh_actor(
    surface: Surface, rgb: RGB, opacity: float = 1.0, grey: NDArray[np.uint8] | None = None
) -> vtkActor:
    """Return a lit surface.

    Parameters
    ----------
    surface : Surface
        The mesh.
    rgb : tuple of float
        Its colour.
    opacity : float
        1 hides what is behind it.
    grey : numpy.ndarray of uint8, shape (N,), optional
        Grey value of each vertex, instead of the colour.

    Returns
    -------
    vtkActor
        To be added to a renderer.
    """
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh_data(surface, grey))
    mapper.SetScalarVisibility(grey is not None)
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetColor(rgb)
    look.SetOpacity(opacity)
    look.SetAmbient(0.30)
    look.SetDiffuse(0.75)
    look.SetSpecular(0.05)
    actor.PickableOff()
    return actor


def push_back(actor: vtkActor) -> None:
    """Draw a surface a little farther away than it is, so that it does not flicker.

    Parameters
    ----------
    actor : vtkActor
        A surface that coincides with another one.
    """
    mapper = actor.GetMapper()
    mapper.SetResolveCoincidentTopologyToPolygonOffset()
    mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(4, 400)


class Picture:
    """A grey image on a quadrilateral, unlit.

    Parameters
    ----------
    grey : numpy.ndarray of uint8, shape (H, W)
        The image; row 0 is its top.
    """

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        image = vtkImageData()
        image.SetDimensions(grey.shape[1], grey.shape[0], 1)
        image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(grey).ravel(), deep=True))
        texture = vtkTexture()
        texture.SetInputData(image)
        texture.InterpolateOn()
        texture.EdgeClampOn()
        self._data = vtkPolyData()
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
        self._data.SetPoints(points_of(np.zeros((4, 3))))
        cells = vtkCellArray()
        cells.InsertNextCell(4, [0, 1, 2, 3])
        self._data.SetPolys(cells)
        self._data.GetPointData().SetTCoords(numpy_to_vtk(corners, deep=True))
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._data)
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.SetTexture(texture)
        self.actor.GetProperty().LightingOff()
        self.actor.PickableOff()

    def place(self, corners_mm: ArrayLike) -> None:
        """Put the image somewhere.

        Parameters
        ----------
        corners_mm : array_like, shape (4, 3)
            Of its top left, top right, bottom right and bottom left.
        """
        self._data.SetPoints(points_of(corners_mm))
        self._data.Modified()


class Lines:
    """Many polylines in one actor, each with a colour of its own.

    Parameters
    ----------
    width_px : float
        Their width on the screen.
    """

    def __init__(self, width_px: float) -> None:
        self._data = vtkPolyData()
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._data)
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        look = self.actor.GetProperty()
        look.LightingOff()
        look.SetLineWidth(width_px)
        self.actor.PickableOff()

    def draw(self, lines_mm: Sequence[NDArray[np.float64]], colors: Iterable[RGB]) -> None:
        """Replace the lines.

        Parameters
        ----------
        lines_mm : sequence of numpy.ndarray, shape (N, 3)
            Points along each.
        colors : iterable of tuple of float
            The colour of each.
        """
        cells = vtkCellArray()
        start = 0
        for line in lines_mm:
            cells.InsertNextCell(len(line), list(range(start, start + len(line))))
            start += len(line)
        points = np.concatenate([np.empty((0, 3)), *lines_mm])
        rgb = np.array(list(colors), dtype=np.float64).reshape(-1, 3)
        self._data.SetPoints(points_of(points))
        self._data.SetLines(cells)
        self._data.GetCellData().SetScalars(
            numpy_to_vtk(np.rint(rgb * 255).astype(np.uint8), deep=True)
        )
        self._data.Modified()


def label_at(text: str, position_mm: ArrayLike, size_px: int, rgb: RGB) -> vtkBillboardTextActor3D:
    """Return a text that faces the viewer at a point of the scene.

    Parameters
    ----------
    text : str
        What it says.
    position_mm : array_like, shape (3,)
        Where its middle stands.
    size_px : int
        Height of its letters.
    rgb : tuple of float
        Its colour.

    Returns
    -------
    vtkBillboardTextActor3D
        To be added to a renderer.
    """
    actor = vtkBillboardTextActor3D()
    actor.SetInput(text)
    actor.SetPosition(*np.asarray(position_mm, dtype=float).tolist())
    style(actor.GetTextProperty(), size_px, rgb)
    actor.GetTextProperty().SetJustificationToCentered()
    actor.GetTextProperty().SetVerticalJustificationToCentered()
    actor.PickableOff()
    return actor


def text_block(size_px: int, rgb: RGB, *, mono: bool = False) -> vtkTextActor:
    """Return a text that stands on the screen.

    Parameters
    ----------
    size_px : int
        Height of its letters.
    rgb : tuple of float
        Its colour.
    mono : bool
        Whether all letters are equally wide.

    Returns
    -------
    vtkTextActor
        To be filled and placed.
    """
    actor = vtkTextActor()
    style(actor.GetTextProperty(), size_px, rgb, mono=mono)
    actor.PickableOff()
    return actor


def style(properties: vtkTextProperty, size_px: int, rgb: RGB, *, mono: bool = False) -> None:
    """Set the font of a text; those built into VTK have no Greek letters and few signs.

    Parameters
    ----------
    properties : vtkTextProperty
        Of the text.
    size_px : int
        Height of its letters.
    rgb : tuple of float
        Its colour.
    mono : bool
        Whether all letters are equally wide.
    """
    properties.SetFontFamily(VTK_FONT_FILE)
    properties.SetFontFile(_font_file(mono=mono))
    properties.SetFontSize(size_px)
    properties.SetColor(rgb)
    properties.SetShadow(True)
    properties.SetShadowOffset(1, -1)


def _font_file(*, mono: bool) -> str:
    import matplotlib as mpl  # its fonts come with it

    name = "DejaVuSansMono.ttf" if mono else "DejaVuSans.ttf"
    return f"{mpl.get_data_path()}/fonts/ttf/{name}"


def sphere_actor(center_mm: ArrayLike, radius_mm: float, rgb: RGB) -> Any:
    """Return a small ball.

    Parameters
    ----------
    center_mm : array_like, shape (3,)
        Its centre.
    radius_mm : float
        Its radius.
    rgb : tuple of float
        Its colour.

    Returns
    -------
    vtkActor
        To be added to a renderer.
    """
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    source = vtkSphereSource()
    source.SetRadius(radius_mm)
    source.SetThetaResolution(20)
    source.SetPhiResolution(20)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(source.GetOutputPort())
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.SetPosition(*np.asarray(center_mm, dtype=float).tolist())
    actor.GetProperty().SetColor(rgb)
    actor.GetProperty().SetAmbient(0.5)
    actor.PickableOff()
    return actor
