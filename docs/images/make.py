"""Make the pictures of the documentation anew, from the demo: synthetic data only."""

import io
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from brainreg3d.demo import run_demo
from brainreg3d.offscreen import working_environment

WIDTH_PX = 760
LEVELS = 64  # of each channel: greys stay grey, and noise does not fill the file
WINDOW_PX, WINDOW_LEVELS = (1280, 860), 32
PICTURES = {"brain_cut": "03_brain_cut", "labels": "06_labels", "overlay": "07_overlay"}


def picture_of_window() -> Image.Image:
    """Draw the alignment window with the image of the demo, without a screen."""
    import attrs
    import numpy as np
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    from brainreg3d import BrainReg3D, load_atlas
    from brainreg3d.atlas import select_regions
    from brainreg3d.gui.session import make_session, open_window
    from brainreg3d.io.images import load_image
    from brainreg3d.sources.phantom.image import demo_view, render_phantom_image
    from brainreg3d.steps.base import AlignmentScene

    atlas, view = load_atlas("phantom_25um"), demo_view()
    image = load_image(render_phantom_image(atlas, view))
    regions = select_regions(atlas, BrainReg3D(image).region_names)
    image = attrs.evolve(image, stem="phantom_image")
    scene = AlignmentScene(image, atlas, regions, view, pixel_size_known=True)
    window, interactor = open_window(WINDOW_PX, offscreen=True)
    make_session(scene, window, interactor, lambda: None)
    window.Render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.Update()
    values = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars())
    pixels = values.reshape(*WINDOW_PX[::-1], 3)[::-1]
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return picture.resize((960, 645), Image.Resampling.LANCZOS)


def picture_of_batch(folder: Path) -> Image.Image:
    """Draw the contact sheet of six synthetic sessions, one of which fails."""
    import attrs
    import tifffile

    from brainreg3d import load_atlas
    from brainreg3d.batch import run_batch
    from brainreg3d.sources.phantom import demo_view, render_phantom_image

    atlas, view = load_atlas("phantom_25um"), demo_view()
    rows = []
    for number in range(6):
        x, y, z = view.pose.center_mm
        center = (x + 0.3 * number - 0.8, y + 0.4 * (number % 3) - 0.3, z)
        pose = attrs.evolve(view.pose, center_mm=center, yaw_deg=4.0 * number - 8.0)
        path = folder / f"day{number + 1}.tif"
        tifffile.imwrite(path, render_phantom_image(atlas, attrs.evolve(view, pose=pose)))
        rows.append({"image": path, "alignment": pose, "pixel_size_mm": view.pixel_size_mm})
    rows[4]["label_depth_um"] = "deep"
    run_batch(rows, folder / "batch", atlas="phantom_25um")
    picture = Image.open(folder / "batch" / "batch_overlays.png").convert("RGB")
    height_px = round(picture.height * WIDTH_PX / picture.width)
    return picture.resize((WIDTH_PX, height_px), Image.Resampling.LANCZOS)


def picture_of_report(page_file: Path) -> Image.Image:
    """Return what a browser shows of a report: a pixel pointed at, and the brain below."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 1060})
        page.goto(page_file.as_uri())
        page.wait_for_selector("#scene[data-drawn]")
        box = page.locator("#picture").bounding_box()
        page.mouse.move(box["x"] + 0.62 * box["width"], box["y"] + 0.45 * box["height"])
        above = Image.open(io.BytesIO(page.screenshot()))
        below = Image.open(io.BytesIO(page.locator("#scene").screenshot()))
        browser.close()
    both = Image.new("RGB", (above.width + below.width, above.height), "white")
    both.paste(above.convert("RGB"), (0, 0))
    both.paste(below.convert("RGB"), (above.width, (above.height - below.height) // 2))
    size = (1200, round(1200 * both.height / both.width))
    return both.resize(size, Image.Resampling.LANCZOS)


def rounded(levels: int) -> list[int]:
    """Return a table that leaves so many levels of each channel."""
    last = levels - 1
    return [round(value / 255 * last) * 255 // last for value in range(256)] * 3


def main() -> None:
    if working_environment()[0]:
        os.environ.update(working_environment()[0])
        small = picture_of_window().point(rounded(WINDOW_LEVELS))
        small.save(Path(__file__).with_name("alignment_window.png"), optimize=True)
    with tempfile.TemporaryDirectory() as folder:
        small = picture_of_batch(Path(folder)).point(rounded(LEVELS))
        small.save(Path(__file__).with_name("batch_overlays.png"), optimize=True)
        outcome = run_demo(folder)
        if shutil.which("chromium"):
            small = picture_of_report(outcome.result.export("report")["report"])
            small = small.point(rounded(WINDOW_LEVELS))
            small.save(Path(__file__).with_name("report.png"), optimize=True)
        plots = {path.stem: path for path in outcome.plots}
        for name, plot in PICTURES.items():
            picture = Image.open(plots[plot]).convert("RGB")
            height_px = round(picture.height * WIDTH_PX / picture.width)
            small = picture.resize((WIDTH_PX, height_px), Image.Resampling.LANCZOS)
            target = Path(__file__).with_name(f"{name}.png")
            small.point(rounded(LEVELS)).save(target, optimize=True)
            print(f"{target.stat().st_size / 1e3:5.0f} kB  {target.name}")


if __name__ == "__main__":
    main()
