"""The label array of wfield and LocaNMF, read as their own code reads it."""

import csv

import numpy as np
import pandas as pd
from exported import NAMES, label_images, make_content, write
from hypothesis import given
from tiny_brain import make_atlas

from brainreg3d.export.wfield import WfieldExporter

ATLAS = make_atlas()


def read(folder, labels, hemisphere=None):
    content = make_content(labels, hemisphere, atlas=ATLAS)
    paths = write(WfieldExporter(), content, folder)
    # A list of numbers and names, as wfield's atlas_from_landmarks_file returns it.
    table = pd.read_csv(paths["wfield_names"], keep_default_na=False)
    return np.load(paths["wfield_atlas"]), table[["label", "name"]].to_numpy().tolist()


@given(label_images())
def test_the_array_is_the_label_image(tmp_path_factory, drawn):
    labels, hemisphere = drawn
    atlas, areanames = read(tmp_path_factory.mktemp("wfield"), labels, hemisphere)
    assert atlas.dtype == np.int16
    names = dict(areanames)
    assert len(names) == len(areanames), "no number stands for two areas"
    back, sides = np.zeros(labels.shape, int), np.zeros(labels.shape, int)
    for number in np.unique(atlas[atlas != 0]):
        acronym, _, side = names[number].partition("_")
        back[atlas == number] = NAMES.index(acronym) + 1
        sides[atlas == number] = {"left": 1, "right": 2, "": 0}[side]
    np.testing.assert_array_equal(back, labels)
    np.testing.assert_array_equal(sides, np.where(labels > 0, hemisphere, 0))


def test_left_is_positive_and_right_negative(tmp_path):
    """As in wfield's allen_regions_to_atlas: [1, 'MOB_left'], [-1, 'MOB_right'], [2, ...."""
    atlas, areanames = read(tmp_path, np.array([[1, 2, 2, 0]]), np.array([[1, 1, 2, 2]]))
    assert atlas.tolist() == [[1, 2, -2, 0]]
    first = [[1, "ANT_left"], [-1, "ANT_right"], [2, "POST_left"], [-2, "POST_right"]]
    assert areanames[:4] == first
    assert len(areanames) == 2 * len(NAMES), "areas without a pixel too, as wfield lists them"


def test_locanmf_finds_the_regions(tmp_path):
    """LocaNMF's extract_region_metadata takes every number but 0 inside the mask for a region."""
    labels = np.random.default_rng(2).integers(0, 4, (20, 30))
    atlas, areanames = read(tmp_path, labels)
    mask = atlas != 0
    found = np.unique(atlas[mask])
    support = np.stack([(atlas == label)[mask] for label in found])
    assert (support.sum(axis=0) == 1).all()
    assert {dict(areanames)[label] for label in found} == {
        f"{name}_{side}" for name in NAMES[:3] for side in ("left", "right")
    }


def test_the_table_says_what_the_areas_are(tmp_path):
    read(tmp_path, np.ones((2, 4), int))
    with (tmp_path / "mouse_wfield_names.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert first == {
        "label": "1", "name": "ANT_left", "acronym": "ANT", "hemisphere": "left", "id": "11",
    }  # fmt: skip
