"""The report, opened in headless Chromium and used as a reader would."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile

from brainreg3d import Atlas, BrainReg3D, Pose
from brainreg3d.atlas import Structure, StructureTree
from brainreg3d.export.report import ReportExporter

pytestmark = pytest.mark.gui

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
SHARP = {**DESKTOP, "device_scale_factor": 2}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
SHAPE = (150, 210)
HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=2">&\'"'


@pytest.fixture
def visit(browser):
    """Return a function that opens a file; at the end it must not have asked for any other."""
    contexts, asked, complaints = [], [], []

    def go(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))

        def watch(route):
            asked.append(route.request.url)
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                route.abort()

        contexts[-1].route("**/*", watch)
        page.goto(path.as_uri())
        page.wait_for_selector("#picture[data-ready]")
        page.wait_for_selector("#scene[data-drawn]")
        return page

    yield go
    for context in contexts:
        context.close()
    elsewhere = [url for url in asked if not url.startswith("data:")]
    assert len(elsewhere) == len(contexts), elsewhere
    assert complaints == []


def registered(folder, **options):
    """Label a mirrored, tilted image with oblong pixels, seen by a camera at its side."""
    rng = np.random.default_rng(5)
    image = (rng.random(SHAPE) * 1000).astype(np.uint16)
    path = folder / "mouse 1.tif"
    tifffile.imwrite(path, image)
    return BrainReg3D(
        path,
        image_dims_mm=(14.0, 11.2),
        alignment=Pose((6.1, 7.4, 8.3), yaw_deg=24, pitch_deg=-5, roll_deg=8, mirrored=True),
        atlas="phantom_50um",
        **{"camera_distance_mm": 60.0, "principal_point_px": (60.0, 130.0), **options},
    ).run()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return registered(folder, formats="labels,csv,report", pose_sigma_mm=0.1, pose_sigma_deg=2)


def spots(result, count=20):
    """Return random pixels: mostly in regions, some on other tissue, some off the brain."""
    rng = np.random.default_rng(11)
    chosen = [rng.integers(0, size, count) for size in result.labels.shape]
    return list(zip(*chosen, strict=True))


def point_of(page, row, column, shape=SHAPE):
    """Return where the middle of a pixel is on the page."""
    box = page.locator("#picture").bounding_box()
    return (
        box["x"] + (column + 0.5) / shape[1] * box["width"],
        box["y"] + (row + 0.5) / shape[0] * box["height"],
    )


def numbers(text):
    return [float(word) for word in re.findall(r"-?\d+\.?\d*", text.replace("−", "-"))]


def check_said(text, result, row, column):
    """Compare what the page says of a pixel with the result of the run."""
    lines = [line for line in text.splitlines() if line]
    label, side = int(result.labels[row, column]), int(result.hemisphere[row, column])
    if label:
        region = result.regions[label - 1]
        wanted = f"{region.acronym} · {region.name}, {('', 'left', 'right')[side]}"
    elif side:
        wanted = f"No region asked for, {('', 'left', 'right')[side]} side of the brain"
    else:
        wanted = "Off the brain"
    assert lines[0] == wanted
    assert numbers(lines[1]) == [row, column]
    place = next((line for line in lines if "ML" in line and "AP" in line and "mm" in line), None)
    truth = result.pixel_to_stereotaxic([row], [column])[0]
    if np.isnan(truth).any():
        assert place is None
        return
    np.testing.assert_allclose(numbers(place), truth, atol=0.0011)
    ccf = next(line for line in lines if "CCF" in line)
    np.testing.assert_allclose(numbers(ccf)[:3], result.pixel_to_ccf([row], [column])[0], atol=1.1)
    depth = next(line for line in lines if "below the image plane" in line)
    assert numbers(depth)[0] == pytest.approx(result.depth_mm[row, column], abs=0.002)
    kept = next((line for line in lines if "keeps its label" in line), None)
    if result.pose_sigma is None:
        assert kept is None
        return
    assert numbers(kept)[0] == pytest.approx(100 * result.confidence[row, column], abs=1)


def test_the_spots_are_of_all_kinds(run):
    labels = [int(run.labels[spot]) for spot in spots(run)]
    sides = [int(run.hemisphere[spot]) for spot in spots(run)]
    assert len(set(labels) - {0}) >= 4
    assert {0, 1, 2} <= set(sides)


@pytest.mark.parametrize("device", [DESKTOP, SHARP], ids=["desktop", "two device pixels"])
def test_pointing_tells_region_and_place(run, visit, device):
    page = visit(run.files["report"], **device)
    page.locator("#picture").scroll_into_view_if_needed()
    for row, column in spots(run):
        page.mouse.move(*point_of(page, row, column))
        check_said(page.locator("#tooltip").inner_text(), run, row, column)
        box = page.locator("#tooltip").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1280
        assert 0 <= box["y"] <= 900 - box["height"]
    page.mouse.move(2, 2)
    assert page.locator("#tooltip").is_hidden()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_real_image(visit, real_source, widefield_dir, tmp_path, device):
    result = BrainReg3D(
        widefield_dir / "sample_image.tif",
        alignment=widefield_dir / "sample_image_alignment.json",
        template_source=real_source,
        brain_regions="areas",
        output_dir=tmp_path,
        formats="report",
    ).run()
    assert result.files["report"].stat().st_size < 3_000_000
    page = visit(result.files["report"], **device)
    page.locator("#picture").scroll_into_view_if_needed()
    for row, column in spots(result):
        point = point_of(page, row, column, result.labels.shape)
        if device is PHONE:  # a pixel is less than one of the page there
            page.touchscreen.tap(*point)
        else:
            page.mouse.move(*point)
        said = page.locator("#readout" if device is PHONE else "#tooltip").inner_text()
        check_said(said, result, row, column)


def test_parallel_rays_and_a_bregma_that_is_tilted_and_scaled(visit, tmp_path):
    other = {"camera_distance_mm": None, "principal_point_px": None, "bregma": "community"}
    result = registered(tmp_path, formats="report", **other)
    page = visit(result.files["report"], **DESKTOP)
    page.locator("#picture").scroll_into_view_if_needed()
    for row, column in spots(result, 8):
        page.mouse.move(*point_of(page, row, column))
        check_said(page.locator("#tooltip").inner_text(), result, row, column)


def test_tapping_on_a_phone_tells_the_same(run, visit):
    page = visit(run.files["report"], **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#picture").scroll_into_view_if_needed()
    for row, column in spots(run):
        page.touchscreen.tap(*point_of(page, row, column))
        text = page.locator("#readout").inner_text()
        check_said(text, run, row, column)
        assert page.locator("#tooltip").is_hidden()


def test_the_keyboard_moves_a_cursor_and_selects(run, visit):
    page = visit(run.files["report"], **DESKTOP)
    page.focus("#picture")
    row, column = SHAPE[0] // 2, SHAPE[1] // 2
    for key, down, along in [
        ("ArrowRight", 0, 1),
        ("ArrowDown", 1, 0),
        ("Shift+ArrowLeft", 0, -10),
    ]:
        page.keyboard.press(key)
        row, column = row + down, column + along
        check_said(page.locator("#readout").inner_text(), run, row, column)
    page.keyboard.press("Enter")
    acronym = run.regions[run.labels[row, column] - 1].acronym
    assert page.locator("#regions tr.chosen th").inner_text().strip() == acronym
    page.keyboard.press("Escape")
    assert page.locator("#regions tr.chosen").count() == 0


def test_rows_masks_and_picture_select_each_other(run, visit):
    page = visit(run.files["report"], **DESKTOP)
    acronym = "VIS"
    row = page.locator("#regions tbody tr", has=page.locator(f"button:text-is('{acronym}')"))
    row.locator("button").click()
    tile = page.locator(".tile.chosen")
    assert tile.inner_text().strip() == acronym
    assert row.locator("button").get_attribute("aria-pressed") == "true"
    label = [region.acronym for region in run.regions].index(acronym) + 1
    seen = np.argwhere(run.labels == label)
    assert page.locator("#chosen use").count() == len(
        np.unique(run.hemisphere[run.labels == label])
    )
    # The white outline lies around the pixels of the region, and nowhere else.
    left, top, width, height = page.evaluate(
        """() => {
            const box = document.getElementById("chosen").getBBox();
            return [box.x, box.y, box.width, box.height];
        }"""
    )
    first, last = seen.min(axis=0) - 0.5, seen.max(axis=0) + 0.5
    np.testing.assert_allclose([top, left], first, atol=1e-3)
    np.testing.assert_allclose([top + height, left + width], last, atol=1e-3)
    tile.click()
    assert page.locator(".chosen").count() == 0
    spot = seen[len(seen) // 2]
    page.locator("#picture").scroll_into_view_if_needed()
    page.mouse.click(*point_of(page, *spot))
    assert page.locator("#regions tr.chosen th").inner_text().strip() == acronym


def test_the_table_sorts_and_finds(run, visit):
    page = visit(run.files["report"], **DESKTOP)
    names = page.locator("#regions tbody tr:visible th")
    counts = np.bincount(run.labels.ravel(), minlength=len(run.regions) + 1)[1:]
    seen = {r.acronym: n for r, n in zip(run.regions, counts.tolist(), strict=True) if n}
    page.click("#regions thead button:has-text('Pixels')")
    found = [name.strip() for name in names.all_inner_texts()]
    assert [seen[name] for name in found] == sorted(seen.values(), reverse=True)
    head = page.locator("#regions thead th", has_text="Pixels")
    assert head.get_attribute("aria-sort") == "descending"
    page.click("#regions thead button:has-text('Region')")
    found = [name.strip() for name in names.all_inner_texts()]
    assert found == sorted(seen, key=str.lower)
    page.fill("#find", "visual")
    wanted = {r.acronym for r in run.regions if "visual" in r.name.lower()} & set(seen)
    assert wanted
    assert {name.strip() for name in names.all_inner_texts()} == wanted


def test_outlines_names_and_colours_can_be_switched(run, visit):
    page = visit(run.files["report"], **DESKTOP)
    for box, what in [("#show-lines", ".lines"), ("#show-names", ".wide-names")]:
        assert page.locator(what).is_visible()
        page.uncheck(box)
        assert page.locator(what).is_hidden()
    page.locator("#opacity").fill("0")
    assert page.locator("#opacity-value").inner_text() == "0 %"
    bare = page.locator("#picture").screenshot()
    page.locator("#opacity").fill("100")
    full = page.locator("#picture").screenshot()
    colors = picture_colors(full)
    labels = np.unique(run.labels)
    shown = {tuple(run.regions[n - 1].rgb) for n in labels[labels > 0]}
    assert shown <= colors
    assert not shown & picture_colors(bare)


def picture_colors(png):
    import io

    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    found, counts = np.unique(pixels, axis=0, return_counts=True)
    return {tuple(color) for color in found[counts > 3].tolist()}


def hostile_atlas(tiny):
    """Return the tiny brain with names that would end a text, an attribute or a script."""
    atlas = tiny.make_atlas()
    tree = StructureTree(
        Structure(s.id, s.acronym, f"{s.name} {HOSTILE}", s.rgb, s.parent_id)
        for s in atlas.structures
    )
    return Atlas(f"tiny{HOSTILE}", atlas.annotation, tree, citation=HOSTILE)


def run_tiny(tiny, folder, **options):
    shape = (90, 60)
    return BrainReg3D(
        np.arange(shape[0] * shape[1]).reshape(shape),
        image_dims_mm=(4.2, 7.6),
        alignment=Pose((2.0, 3.6, 5.0)),
        atlas=hostile_atlas(tiny),
        brain_regions=["ANT", "POST", "MARK", "BULB", "DEEP"],
        output_dir=folder,
        formats="report",
        **options,
    ).run()


def test_names_cannot_become_code(tiny, visit, tmp_path):
    stem = "<b onclick=hacked()>&amp;\"'"
    page = visit(run_tiny(tiny, tmp_path, stem=stem).files["report"], **DESKTOP)
    assert page.evaluate("window.hacked") is None
    assert page.locator("h1").inner_text() == stem
    assert page.locator("h1 b").count() == 0
    assert HOSTILE in page.locator("#regions tbody").inner_text()
    assert HOSTILE in page.locator("#record").inner_text()
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert HOSTILE in page.locator("#tooltip").inner_text()
    assert page.locator("#tooltip img, #tooltip script").count() == 0


def test_the_scene_shows_regions_where_they_are(tiny, visit, tmp_path):
    page = visit(run_tiny(tiny, tmp_path, stem="tiny").files["report"], **DESKTOP)
    page.select_option("#scene-image", "none")
    page.locator("#scene-shell").fill("0")

    def seen_from(name):
        """Return the rows and columns of MARK and of all regions, as shares of the box of all."""
        page.click(f"[data-turn={name}]")
        page.wait_for_timeout(400)
        width, values = page.evaluate(
            """() => {
                const canvas = document.getElementById("scene");
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                return [width, Array.from(data)];
            }"""
        )
        pixels = np.array(values, dtype=float).reshape(-1, width, 4)
        pixels[-120:, :120] = 0  # the compass
        drawn = np.argwhere(pixels[..., 3] > 250)
        hue = pixels[..., :3] / np.maximum(pixels[..., :3].max(axis=-1, keepdims=True), 1)
        mark = np.array([(37 * 30) % 256, (91 * 30) % 256, (53 * 30) % 256], dtype=float)
        own = (np.abs(hue - mark / mark.max()).max(axis=-1) < 0.03) & (pixels[..., 3] > 250)
        low, high = drawn.min(axis=0), drawn.max(axis=0)
        return (np.argwhere(own).mean(axis=0) - low) / (high - low)

    # MARK lies on voxels 13 to 15 of 2 to 17 along x, and 15 to 17 of 2 to 21 along y.
    down, along = seen_from("top")
    assert along == pytest.approx(12.5 / 16, abs=0.06)
    assert down == pytest.approx(1 - 14.5 / 20, abs=0.06)
    down, along = seen_from("image")  # the image is level, and anterior is up in it
    assert along == pytest.approx(12.5 / 16, abs=0.06)
    down, along = seen_from("right")  # anterior is to the right; it is on top
    assert along == pytest.approx(14.5 / 20, abs=0.06)
    assert down < 0.25


def test_dragging_and_keys_turn_the_scene(run, visit):
    page = visit(run.files["report"], **DESKTOP)
    scene = page.locator("#scene")
    scene.scroll_into_view_if_needed()
    content = "document.getElementById('scene').toDataURL()"
    before = page.evaluate(content)
    box = scene.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y + 30, steps=4)
    page.mouse.up()
    page.wait_for_timeout(500)
    turned = page.evaluate(content)
    assert turned != before
    page.focus("#scene")
    for _ in range(36):  # 10 degrees each
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    again = page.evaluate(
        """([address, other]) => Promise.all([address, other].map(async (uri) => {
            const image = new Image();
            image.src = uri;
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [100, 60];
            canvas.getContext("2d").drawImage(image, 0, 0, 100, 60);
            return Array.from(canvas.getContext("2d").getImageData(0, 0, 100, 60).data);
        }))""",
        [turned, page.evaluate(content)],
    )
    np.testing.assert_allclose(*np.array(again, dtype=float), atol=12)  # once around


def test_a_large_image_is_thinned_and_says_so(run, visit, tmp_path):
    path = tmp_path / "thin.html"
    ReportExporter(most_px=60).write(run.export_content(), {"report": path})
    page = visit(path, **DESKTOP)
    assert "one pixel in 4 × 4" in page.locator("#image").inner_text()
    page.locator("#picture").scroll_into_view_if_needed()
    for row, column in spots(run):
        page.mouse.move(*point_of(page, row, column))
        text = page.locator("#tooltip").inner_text()
        assert "≈" in text
        spot = zip((row, column), SHAPE, strict=True)
        near = [min(value // 4 * 4 + 2, size - 1) for value, size in spot]
        check_said(text, run, *near)


def test_it_prints_without_controls(run, visit):
    page = visit(run.files["report"], viewport={"width": 700, "height": 990})
    page.emulate_media(media="print")
    for gone in ("nav", ".controls", "#readout", ".copy"):
        assert page.locator(gone).first.is_hidden()
    for kept in ("#picture", "#regions", "#scene", "#command"):
        assert page.locator(kept).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 12
