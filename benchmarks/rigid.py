"""Rigid registration compared: this package, plain SimpleITK, ANTs and elastix.

Cases with a known pose are made from the average template (``--data``, a folder with
``average_template_100.nrrd`` and ``annotation_100.nrrd``) and from the phantom. Every registrar
works on each case before the next case is made, in changing order, so that whatever else the
machine does falls on all of them alike. Success is a mean distance over brain voxels below 0.2 mm.

    python benchmarks/rigid.py --data DIR --cases 4 --registrars ours,original,ants,elastix

ANTs (antspyx) and elastix (itk-elastix) are used where they are installed. With ``--memory`` each
registration runs in a process of its own, whose peak memory is reported.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from rigid_cases import CATEGORIES, Case, allen_source, make_case, phantom_source

from brainreg3d.errors import RegistrationFailed
from brainreg3d.registration import register_rigid
from brainreg3d.registration.rotations import rotation_from_euler_deg

SUCCESS_MM = 0.2
_ABSURD_SHIFT_MM = 20.0


def ours(case: Case) -> NDArray[np.float64]:
    """Return what this package finds, orientation unknown."""
    return register_rigid(case.fixed, case.moving).matrix


def original(case: Case) -> NDArray[np.float64]:
    """Return what SimpleITK finds at the settings of the original's description.

    The moving volume is resampled into the atlas box from a shared corner, then registered in
    four levels from moments, with all voxels of each level.
    """
    fixed = sitk.Cast(case.fixed.to_sitk(), sitk.sitkFloat32)
    moving = sitk.Resample(sitk.Cast(case.moving.to_sitk(), sitk.sitkFloat32), fixed)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(50)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([8, 4, 2, 1])
    method.SetSmoothingSigmasPerLevel([4, 2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 1000)
    method.SetOptimizerScalesFromPhysicalShift()
    start = sitk.Euler3DTransform(
        sitk.CenteredTransformInitializer(
            fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
        )
    )
    if np.linalg.norm(start.GetTranslation()) > _ABSURD_SHIFT_MM:
        start.SetTranslation((0.0, 0.0, 0.0))
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(fixed, moving)
    return _from_points(start.TransformPoint)


def ants(case: Case) -> NDArray[np.float64]:
    """Return what ANTs finds at the defaults of its rigid transform."""
    import ants as library

    fixed, moving = (
        library.from_numpy(
            np.ascontiguousarray(image.data.astype(np.float32).transpose(2, 1, 0)),
            origin=list(image.origin_mm),
            spacing=[float(size) for size in image.spacing_xyz_mm],
        )
        for image in (case.fixed, case.moving)
    )
    found = library.registration(fixed, moving, type_of_transform="Rigid")
    transform = library.read_transform(found["fwdtransforms"][0])
    return _from_points(lambda point: library.apply_ants_transform_to_point(transform, point))


def elastix(case: Case) -> NDArray[np.float64]:
    """Return what elastix finds at its default rigid parameters."""
    import itk

    images = []
    for source in (case.fixed, case.moving):
        image = itk.image_from_array(np.ascontiguousarray(source.data.astype(np.float32)))
        image.SetSpacing([float(size) for size in source.spacing_xyz_mm])
        image.SetOrigin([float(value) for value in source.origin_mm])
        images.append(image)
    parameters = itk.ParameterObject.New()
    rigid = parameters.GetDefaultParameterMap("rigid")
    rigid["AutomaticTransformInitialization"] = ["true"]
    parameters.AddParameterMap(rigid)
    _, found = itk.elastix_registration_method(*images, parameter_object=parameters)
    result = found.GetParameterMap(0)
    numbers = np.array([float(value) for value in result["TransformParameters"]])
    center = np.array([float(value) for value in result["CenterOfRotationPoint"]])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_from_euler_deg(np.degrees(numbers[:3]))
    matrix[:3, 3] = numbers[3:] + center - matrix[:3, :3] @ center
    return matrix


REGISTRARS: dict[str, Callable[[Case], NDArray[np.float64]]] = {
    "ours": ours,
    "original": original,
    "ants": ants,
    "elastix": elastix,
}


def _from_points(transform: Callable) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix of a rigid map of points."""
    zero = np.array(transform((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    for axis in range(3):
        matrix[:3, axis] = np.array(transform(tuple(np.eye(3)[axis]))) - zero
    matrix[:3, 3] = zero
    return matrix


def measure(name: str, case: Case) -> dict:
    """Run one registrar on one case."""
    began, cpu = time.perf_counter(), time.process_time()
    try:
        matrix = REGISTRARS[name](case)
        outcome = {"error_mm": case.error_mm(matrix)}
    except (RegistrationFailed, ValueError, RuntimeError) as error:
        outcome = {"error_mm": None, "reported": str(error).strip().splitlines()[-1][:120]}
    outcome |= {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
    return {"registrar": name, "case": case.name, "category": case.category} | outcome


def _measure_apart(name: str, case: Case, results: multiprocessing.Queue) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = measure(name, case)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results.put(outcome | {"peak_mb": peak / 1024, "peak_before_mb": before / 1024})


def run(args: argparse.Namespace) -> list[dict]:
    """Run all cases; each line of results is printed as it comes, as JSON."""
    context = multiprocessing.get_context("spawn")
    sources = {"phantom-": phantom_source()}
    if args.data:
        sources["allen-"] = allen_source(args.data)
    rows = []
    for number in range(args.first, args.first + args.cases):
        for category in args.categories:
            prefix = list(sources)[(number + CATEGORIES.index(category)) % len(sources)]
            case = make_case(sources[prefix], category, number, prefix)
            shift = number % len(args.registrars)
            for name in args.registrars[shift:] + args.registrars[:shift]:
                if args.memory:
                    results = context.Queue()
                    process = context.Process(target=_measure_apart, args=(name, case, results))
                    process.start()
                    rows.append(results.get())
                    process.join()
                else:
                    rows.append(measure(name, case))
                print(json.dumps(rows[-1]), flush=True)
    return rows


def summarise(rows: list[dict]) -> None:
    """Print successes, errors and times by registrar and category."""
    registrars = list(dict.fromkeys(row["registrar"] for row in rows))
    own_time = {row["case"]: row["seconds"] for row in rows if row["registrar"] == registrars[0]}
    print(f"\n{platform.platform()}, {os.cpu_count()} cores")
    print("registrar  category          success  reported  median mm  worst mm  median s  / first")
    for name in registrars:
        for category in (*CATEGORIES, "all"):
            chosen = [
                row
                for row in rows
                if row["registrar"] == name and category in ("all", row["category"])
            ]
            if not chosen:
                continue
            errors = np.array([np.nan if r["error_mm"] is None else r["error_mm"] for r in chosen])
            found = errors[np.isfinite(errors)]
            good, reported = int((errors < SUCCESS_MM).sum()), int(np.isnan(errors).sum())
            ratio = np.median([row["seconds"] / own_time[row["case"]] for row in chosen])
            middle, worst = (np.median(found), found.max()) if found.size else (np.nan, np.nan)
            seconds = np.median([row["seconds"] for row in chosen])
            print(
                f"{name:10} {category:17} {good:3}/{len(chosen):<3} {reported:7} "
                f"{middle:11.4f} {worst:9.3f} {seconds:8.2f} {ratio:8.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the average template")
    parser.add_argument("--cases", type=int, default=2, help="cases of each category")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--categories", default=",".join(CATEGORIES))
    parser.add_argument("--registrars", default="ours,original")
    parser.add_argument("--memory", action="store_true", help="a process for each registration")
    args = parser.parse_args()
    args.categories = args.categories.split(",")
    args.registrars = args.registrars.split(",")
    summarise(run(args))


if __name__ == "__main__":
    main()
