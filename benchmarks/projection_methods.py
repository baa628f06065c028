"""What `projection.py` compares the rays with."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np

from brainreg3d.offscreen import environment_set, working_environment
from brainreg3d.surfaces import SurfaceMaker

CHUNK = 1 << 14
_FINEST_MESH_MM, _COARSER_MESH_UM = 0.02, 30


@numba.njit(nogil=True)
def _march(volume, spacing, origins, directions, begin, opaque, step, out):
    """Look at one point every `step` mm; what lies between two points is not seen."""
    n_z, n_y, n_x = volume.shape
    length = np.sqrt((n_x * spacing[0]) ** 2 + (n_y * spacing[1]) ** 2 + (n_z * spacing[2]) ** 2)
    for i in range(out.size):
        x, y, z = origins[min(i, origins.shape[0] - 1)]
        along_x, along_y, along_z = directions[min(i, directions.shape[0] - 1)]
        for k in range(int(length / step) + 1):
            t = begin[i] + (k + 0.5) * step
            ix = int(np.floor((x + t * along_x) / spacing[0]))
            iy = int(np.floor((y + t * along_y) / spacing[1]))
            iz = int(np.floor((z + t * along_z) / spacing[2]))
            if 0 <= ix < n_x and 0 <= iy < n_y and 0 <= iz < n_z:
                place = volume[iz, iy, ix]
                if opaque[place]:
                    out[i] = place
                    break


def march(annotation, volume, view):
    """Return what a march in steps of half a voxel meets first, for each pixel.

    `volume` is the annotation's index as a whole: making it, where it is held cropped, is no part
    of the march.
    """
    rays, spacing = view.rays(), np.array(annotation.spacing_mm[::-1])
    with np.errstate(divide="ignore"):
        one = (0.0 - rays.origins_mm) / rays.directions
        other = (np.array(annotation.grid.box_mm) - rays.origins_mm) / rays.directions
    begin = np.maximum(np.minimum(one, other).max(axis=1), rays.start_mm)
    out = np.zeros(begin.size, np.uint16)
    opaque = annotation.ids != 0

    def work(start):
        part = slice(start, start + CHUNK)
        given = volume, spacing, rays.origins_mm, rays.directions[part], begin[part]
        _march(*given, opaque, spacing.min() / 2, out[part])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, range(0, out.size, CHUNK)))
    return out


def reference(annotation, view, rows, cols):
    """Return what some pixels see, slowly, from all faces that their rays cross, sorted."""
    rays, spacing = view.rays_at(rows, cols), annotation.spacing_mm[::-1]
    shape, index = annotation.index.shape[::-1], annotation.index
    found = np.zeros(len(rays.directions), np.uint16)
    for i, direction in enumerate(rays.directions):
        origin = rays.origins_mm[min(i, len(rays.origins_mm) - 1)]
        with np.errstate(divide="ignore"):
            faces = [
                np.sort((np.arange(n + 1) * size - start) / along)
                for n, size, start, along in zip(shape, spacing, origin, direction, strict=True)
            ]
        enter = max(rays.start_mm, *(times[0] for times in faces))
        leave = min(times[-1] for times in faces)
        times = np.unique(np.concatenate([[enter], *faces, [leave]]))
        times = times[(times >= enter) & (times <= leave)]
        if times.size < 2:
            continue
        middle = (times[1:] + times[:-1])[times[1:] - times[:-1] > 1e-9] / 2
        x, y, z = (
            np.clip(np.floor((start + middle * along) / size).astype(int), 0, n - 1)
            for n, size, start, along in zip(shape, spacing, origin, direction, strict=True)
        )
        values = index[z, y, x]
        found[i] = values[np.argmax(values > 0)] if values.any() else 0
    return found


class ZBuffer:
    """VTK's picture of region meshes from the image's camera, without light, read back."""

    def __init__(self, atlas, regions, view):
        environment, reason = working_environment()
        if environment is None:
            raise RuntimeError(reason)
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers what renders
        from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
        from vtkmodules.vtkRenderingCore import (
            vtkActor,
            vtkPolyDataMapper,
            vtkRenderer,
            vtkRenderWindow,
        )

        self.shape = view.shape
        fine = max(atlas.annotation.spacing_mm) < _FINEST_MESH_MM
        surfaces = SurfaceMaker(atlas.annotation, _COARSER_MESH_UM if fine else 1)
        label_of_index = regions.label_of_index(atlas.annotation)
        renderer, self.window = vtkRenderer(), vtkRenderWindow()
        renderer.SetBackground(0.0, 0.0, 0.0)
        for label in range(len(regions) + 1):
            member = (label_of_index == label) & (atlas.annotation.ids != 0)
            vertices, faces = surfaces.mesh(member)
            if not len(faces):
                continue
            points, cells, mesh = vtkPoints(), vtkCellArray(), vtkPolyData()
            points.SetData(numpy_to_vtk(vertices.astype(np.float32), deep=True))
            offsets = numpy_to_vtkIdTypeArray(np.arange(0, faces.size + 1, 3), deep=True)
            cells.SetData(offsets, numpy_to_vtkIdTypeArray(faces.ravel(), deep=True))
            mesh.SetPoints(points)
            mesh.SetPolys(cells)
            mapper, actor = vtkPolyDataMapper(), vtkActor()
            mapper.SetInputData(mesh)
            actor.SetMapper(mapper)
            actor.GetProperty().LightingOff()
            actor.GetProperty().SetColor((label + 1) / 255, 0.0, 0.0)
            renderer.AddActor(actor)
        self._place_camera(renderer, view)
        self.window.SetOffScreenRendering(True)
        self.window.SetMultiSamples(0)
        self.window.SetSize(view.shape[1], view.shape[0])
        self.window.AddRenderer(renderer)
        with environment_set(environment):
            self.window.Render()

    @staticmethod
    def _place_camera(renderer, view):
        camera, half = renderer.GetActiveCamera(), view.shape[0] * view.pixel_size_mm[0] / 2
        camera.SetPosition(view.camera_position_mm)
        camera.SetFocalPoint(view.pose.center_mm)
        camera.SetViewUp(-view.pose.axes[1])
        camera.SetViewAngle(2 * np.degrees(np.arctan(half / view.camera.distance_mm)))
        camera.SetClippingRange(view.camera.distance_mm - 20, view.camera.distance_mm + 30)

    def labels(self):
        """Render, read back, and return the label of each pixel; other tissue is 0."""
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

        self.window.Modified()
        self.window.Render()
        data = vtkUnsignedCharArray()
        self.window.GetPixelData(0, 0, self.shape[1] - 1, self.shape[0] - 1, 0, data, 0)
        red = vtk_to_numpy(data).reshape(*self.shape, 3)[::-1, :, 0]
        return np.maximum(red.astype(np.int16) - 1, 0)


def peak_mb(work):
    """Return by how many MB the memory of this process rises during some work, on Linux."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return float("nan")

    def read(name):
        line = next(row for row in status.read_text().splitlines() if row.startswith(name))
        return int(line.split()[1]) / 1024

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)  # what was freed and not given back would hide what is taken again
    before = read("VmRSS")
    reset.write_text("5")
    work()
    return read("VmHWM") - before
