"""The report as a file: what it holds, and that the command in it gives the same labels."""

import base64
import csv
import html
import json
import os
import re
import subprocess
import sys
import zlib

import attrs
import numpy as np
import pytest
import tifffile

from brainreg3d import BrainReg3D, Pose
from brainreg3d.cli import main
from brainreg3d.export.report import ReportExporter
from brainreg3d.export.report._drawing import path_data
from brainreg3d.export.report._html import element, script_json
from brainreg3d.export.report._packing import pack
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.steps import DepthResolver, PixelLabeller
from brainreg3d.views.outlines import Part

SHAPE = (60, 84)
ATLAS = "phantom_100um"
POSE = Pose((5.9, 7.4, 8.3), yaw_deg=24, pitch_deg=-5, roll_deg=8)


def write_image(folder, name="mouse.tif", frames=0):
    rng = np.random.default_rng(3)
    shape = (frames, *SHAPE) if frames else SHAPE
    pixels = rng.integers(0, 4000, shape).astype(np.uint16)
    tifffile.imwrite(folder / name, pixels, photometric="minisblack")
    return folder / name


def register(image, **options):
    given = {
        "image_dims_mm": (12.6, 9.0),
        "alignment": POSE,
        "atlas": ATLAS,
        "formats": "labels,csv,report",
        **options,
    }
    return BrainReg3D(image, **given)


def page_of(result):
    return result.files["report"].read_text(encoding="utf-8")


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def unpack(packed):
    """Undo what the page undoes, written from the description of the format."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8)
    steps = planes.reshape(packed["bytes"], -1).astype(np.uint64)
    total = sum(plane << np.uint64(8 * k) for k, plane in enumerate(steps))
    return np.cumsum(total) % np.uint64(256 ** packed["bytes"])


def command_of(page):
    found = re.search(r'<code id="command">(.*?)</code>', page, re.DOTALL)
    return None if found is None else html.unescape(found[1])


def words_of(command):
    """Return the words of a command as a shell takes it apart."""
    return subprocess.run(
        ["sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return register(write_image(tmp_path_factory.mktemp("plain"))).run()


def test_arrays_survive_packing():
    rng = np.random.default_rng(0)
    for kind in (np.uint8, np.uint16, np.uint32):
        array = rng.integers(0, np.iinfo(kind).max, (7, 11), endpoint=True).astype(kind)
        array[0, :2] = 0, np.iinfo(kind).max
        assert np.array_equal(unpack(pack(array)).astype(kind), array.ravel())


def test_every_pixel_is_embedded(plain):
    pixels = data_of(page_of(plain))["pixels"]
    assert (pixels["rows"], pixels["columns"], pixels["step"]) == (*SHAPE, 1)
    assert np.array_equal(unpack(pixels["labels"]).reshape(SHAPE), plain.labels)
    assert np.array_equal(unpack(pixels["sides"]).reshape(SHAPE), plain.hemisphere)
    assert "confidence" not in pixels


def test_outlines_enclose_the_pixels_of_their_regions():
    from matplotlib.path import Path

    rng = np.random.default_rng(8)
    mask = rng.random((9, 12)) < 0.5
    words = re.findall(r"([MHVZ])([-\d.]*) ?([-\d.]*)", path_data(Part(1, 1, (20, 30), mask)))
    inside = np.zeros((40, 50), dtype=int)
    rows, columns = np.indices(inside.shape)
    centers = np.column_stack([columns.ravel(), rows.ravel()])
    x = y = 0.0
    corners = []
    for kind, first, second in words:
        if kind == "Z":
            hit = Path(corners).contains_points(centers).reshape(inside.shape)
            inside += hit  # even and odd: holes count twice
            corners = []
            continue
        x = float(first) if kind in "MH" else x
        y = float(second) if kind == "M" else float(first) if kind == "V" else y
        corners.append((x, y))
    wanted = np.zeros(inside.shape, dtype=bool)
    wanted[20:29, 30:42] = mask
    assert np.array_equal(inside % 2 == 1, wanted)


def test_equal_runs_write_equal_pages(plain, tmp_path):
    other = register(write_image(tmp_path)).run()
    assert other.files["report"].read_bytes() == plain.files["report"].read_bytes()
    again = tmp_path / "again.html"
    ReportExporter().write(plain.export_content(), {"report": again})
    # The report of the run lists the files before it; one that is exported later has none.
    listed = re.sub(r"<h3>Written</h3>.*?</table></div>", "", page_of(plain), flags=re.DOTALL)
    assert listed != page_of(plain)
    assert again.read_text(encoding="utf-8") == listed


def test_the_page_asks_for_nothing(plain):
    page = page_of(plain)
    outside = re.findall(r'(?:src|href|action|data)="([^"]*)"', page)
    assert outside
    assert all(address.startswith(("data:", "#")) for address in outside)
    assert not re.search(r"@import|url\(", page)
    policy = html.unescape(re.search(r'Policy" content="([^"]*)"', page)[1])
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert page.count("http://") == page.count("http://www.w3.org/2000/svg")
    assert len(page) < 3_000_000


def test_the_table_is_the_one_of_the_file(plain):
    page = page_of(plain)
    body = re.search(r'<table id="regions">.*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r"<tr data-mask.*?</tr>", body, re.DOTALL)
    with plain.files["regions"].open(encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file) if int(row["n_pixels"])]
    assert len(rows) == len(listed) > 5
    for text, row in zip(rows, listed, strict=True):
        values = [float(value) for value in re.findall(r'data-value="([^"]*)"', text)]
        assert html.unescape(text).count(row["name"]) == 1
        assert row["color"] in text
        surface = np.nansum(plain.area_mm2[plain.mask(row["acronym"])])
        wanted = [row["n_pixels"], row["area_mm2"], surface, row["centroid_row_px"]]
        wanted += [row["centroid_col_px"], row["mean_depth_mm"]]
        np.testing.assert_allclose(values, np.array(wanted, dtype=float), rtol=1e-3, atol=1e-4)


def test_hidden_regions_are_listed_with_their_reasons(tmp_path):
    result = register(write_image(tmp_path), brain_regions=["MOp", "VIS", "TH", "HY"]).run()
    section = re.search(r'<section id="hidden".*?</section>', page_of(result), re.DOTALL)[0]
    assert result.unseen
    for acronym, reason in result.unseen.items():
        assert acronym in section
        assert html.escape(reason) in section
    assert f"{len(result.unseen)} of the 4 regions" in section


def test_versions_hashes_and_what_is_synthetic(plain):
    page = html.unescape(page_of(plain))
    for kind in ("labels", "regions"):
        assert sha256_of_file(plain.files[kind]) in page
    assert plain.image.sha256 in page
    run = json.loads(plain.files["run"].read_text(encoding="utf-8"))
    for version in (run["brainreg3d"], run["python"], *run["packages"].values()):
        assert version in page
    assert "Synthetic data" in page
    assert plain.atlas.citation in page
    assert run["outputs"]["report"]["sha256"] == sha256_of_file(plain.files["report"])


def test_the_alignment_file_can_be_saved_from_the_page(plain):
    encoded = re.search(r'href="data:application/json;base64,([^"]*)"', page_of(plain))[1]
    assert base64.b64decode(encoded) == plain.files["alignment"].read_bytes()


def test_what_is_known_of_the_pose(plain, tmp_path):
    assert "Nothing is known of how certain the pose is" in page_of(plain)
    told = register(write_image(tmp_path), pose_sigma_mm=0.2, pose_sigma_deg=3).run()
    page = html.unescape(page_of(told))
    assert "1 sigma of the pose: 0.2 mm within the image plane, 3° of yaw" in page
    kept = np.mean(told.confidence[told.labels > 0] >= 0.95)
    assert f"{kept:.0%} of the labelled pixels keep their region" in page
    found = unpack(data_of(page_of(told))["pixels"]["confidence"]).reshape(SHAPE) / 255
    np.testing.assert_allclose(found, told.confidence, atol=1 / 500)


def test_landmarks_are_listed_with_their_residuals(plain, tmp_path):
    from brainreg3d.landmarks import Landmark

    names = [("bregma", (0.0, 0.0)), ("lambda", (0.0, -4.2)), ("right", (2.5, -1.0))]
    names += [("left", (-2.5, -1.5)), ("front", (1.0, 1.5))]
    landmarks = []
    for place, (name, (ml, ap)) in enumerate(names):
        row, column = plain.stereotaxic_to_pixel([ml, ap, -0.5])
        landmarks.append(
            Landmark(row + 0.3 * place, column, name=f"<{name}>", stereotaxic_mm=(ml, ap))
        )
    result = register(write_image(tmp_path), alignment=None, landmarks=landmarks).run()
    page = page_of(result)
    for entry in result.alignment.extra["landmarks"]:
        assert f"&lt;{entry['name'][1:-1]}&gt;" in page
        assert f"{entry['residual_mm']:.3f}" in page
    assert "1 sigma of the pose" in page


def test_labels_without_their_image_are_shown_on_grey(plain, tmp_path):
    content = attrs.evolve(plain.export_content(), image=None)
    ReportExporter().write(content, {"report": tmp_path / "r.html"})
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert 'class="lines"' in page
    assert 'href="#brain" class="brain"' in page


def test_confidence_that_nobody_asked_for_does_not_delay_large_images(plain, monkeypatch):
    def slow():
        message = "confidence was computed"
        raise AssertionError(message)

    monkeypatch.setattr("brainreg3d.export.report._exporter._QUICK_PX", 1000)
    content = attrs.evolve(plain.export_content(), certain=slow)
    assert "was not computed, as the image is large" in ReportExporter().page(content)
    asked = attrs.evolve(content, run={**content.run, "pose_sigma_deg": 2.0})
    with pytest.raises(AssertionError, match="confidence was computed"):
        ReportExporter().page(asked)


def test_a_result_without_a_record_says_so(plain):
    page = ReportExporter().page(attrs.evolve(plain.export_content(), run={"outputs": {}}))
    assert "whose steps were not recorded" in page
    assert command_of(page) is None
    assert plain.image.sha256 in page


def test_an_image_off_the_brain_gives_a_page(tmp_path):
    result = register(write_image(tmp_path), alignment=Pose((60.0, 60.0, 8.0))).run()
    assert not result.labels.any()
    page = page_of(result)
    assert f"{len(result.regions)} of the {len(result.regions)} regions" in page


def test_a_report_needs_neither_screen_nor_vtk(plain, tmp_path):
    code = f"""
import sys
from brainreg3d import load_registration_result
load_registration_result({str(plain.files["run"])!r}).export("report", {str(tmp_path)!r})
heavy = {{name.split(".")[0] for name in sys.modules}} & {{"vtk", "vtkmodules", "vedo", "pyvista"}}
assert not heavy, heavy
assert "matplotlib.pyplot" not in sys.modules
"""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert (tmp_path / "mouse_report.html").is_file()


def test_text_is_escaped_everywhere():
    hostile = "</script>\"'<&>"
    made = element("td", hostile, title=hostile)
    inside = html.escape(hostile, quote=True)
    assert made == f'<td title="{inside}">{inside}</td>'
    assert "<" not in script_json({hostile: hostile})
    assert json.loads(script_json({hostile: hostile})) == {hostile: hostile}


OPTIONS = {
    "plain": {},
    "left": {"hemisphere": "left"},
    "original": {"method": "original"},
    "original, all tissue hides": {"method": "original", "occluders": "tissue"},
    "surface": {"method": "surface"},
    "below": {"label_depth_um": 150.0, "along": "normal"},
    "named": {
        "brain_regions": [985, "Secondary motor area", "VIS", "SSp"],
        "label_values": "ids",
        "split_hemispheres": True,
        "stem": "an 'odd' $name; rm",
    },
    "inside each other": {"brain_regions": "VIS,Isocortex", "overlap": "deepest"},
    "camera": {"camera_distance_mm": 40.0, "principal_point_px": (10.0, 70.0), "bregma": "wfield"},
    "parallel": {"camera_distance_mm": None},
    "focal point": {"focal_point": (1.0, -2.0, 80.0)},
    "uncertain": {"pose_sigma_deg": 2.5},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_command_gives_the_same_labels(options, tmp_path, monkeypatch):
    image = write_image(tmp_path, "it's my mouse, 2.tif")
    result = register(image, output_dir=tmp_path / "out folder", **options).run()
    command = command_of(page_of(result))
    words = words_of(command)
    assert words[:2] == ["brainreg3d", "run"]
    monkeypatch.chdir(result.files["report"].parent)
    assert main(words[1:]) == 0
    for kind in ("labels", "regions"):
        again = tmp_path / "out folder" / "reproduced" / result.files[kind].name
        assert sha256_of_file(again) == sha256_of_file(result.files[kind])


def test_frames_windows_and_local_atlases_stand_in_the_command(tiny, tmp_path, monkeypatch):
    from brainreg3d import LocalTemplateSource

    volume = tiny.write_tiff(tmp_path / "labels.tif", tiny.make_volume())
    structures = tiny.write_structures(tmp_path)
    z, y, x = (1000 * size for size in tiny.SPACING_MM)
    window = np.zeros(SHAPE, np.uint8)
    window[5:50, 10:70] = 1
    tifffile.imwrite(tmp_path / "window.tif", window)
    result = register(
        write_image(tmp_path, "-stack.tif", frames=3),
        frame=2,
        image_dims_mm=(4.2, 7.6),
        alignment=Pose((2.0, 3.6, 5.0)),
        atlas=None,
        template_source=LocalTemplateSource(
            annotation=volume, structures=structures, spacing_um=(y, z, x), orientation="PIR"
        ),
        window_mask=tmp_path / "window.tif",
        brain_regions=["ANT", "POST"],
    ).run()
    monkeypatch.chdir(tmp_path)
    words = words_of(command_of(page_of(result)))
    assert words[2] == "./-stack.tif"
    assert main(words[1:]) == 0
    again = tmp_path / "reproduced" / result.files["labels"].name
    assert sha256_of_file(again) == sha256_of_file(result.files["labels"])


class Dilated(PixelLabeller):
    """A labeller of the user's own."""


def python_of(page):
    return html.unescape(re.search(r'<code id="python">(.*?)</code>', page, re.DOTALL)[1])


def test_python_stands_in_where_a_command_cannot_say_it(tmp_path):
    registration = register(write_image(tmp_path), hemisphere="right")
    registration.DepthResolver = DepthResolver(cell_px=3)
    registration.PixelLabeller = PixelLabeller(n_neighbors=5, max_gap_px=4.0)
    result = registration.run()
    page = page_of(result)
    assert command_of(page) is None
    assert "The slot DepthResolver held a step with cell_px=3" in html.unescape(page)
    subprocess.run([sys.executable, "-c", python_of(page)], cwd=tmp_path, check=True)
    again = tmp_path / "reproduced" / result.files["labels"].name
    assert sha256_of_file(again) == sha256_of_file(result.files["labels"])


def test_own_steps_and_arrays_are_named(tmp_path):
    registration = register(np.ones(SHAPE), output_dir=tmp_path, stem="array")
    registration.PixelLabeller = Dilated
    page = page_of(registration.run())
    assert command_of(page) is None
    text = html.unescape(page)
    assert "The image was an array, which a command cannot name." in text
    assert f"{Dilated.__module__}.Dilated filled the slot PixelLabeller." in text
    assert f"from {Dilated.__module__} import Dilated" in python_of(page)
    assert "registration.PixelLabeller = Dilated(" in python_of(page)
    compile(python_of(page), "report", "exec")
