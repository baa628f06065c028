"""The camera of the window for looking around, without a window."""

import numpy as np
import pytest

from brainreg3d import BrainReg3D, ImageView, Pose
from brainreg3d.errors import InputError
from brainreg3d.gui.free_camera import FreeCamera, check_window_camera

VIEW = ImageView((40, 60), (0.02, 0.02), Pose((5.0, 6.0, 7.0), 30.0))
GOOD = {"pos": (5, -20, 30), "focal_point": (5, 6, 4), "viewup": (0, 0, 1), "view_angle": 30}

WRONG = [
    ({**GOOD, "position": (1, 2, 3)}, "cam takes pos.*got 'position'"),
    ({"viewpu": (0, 0, 1)}, "Did you mean viewup"),
    ({"pos": (1, 2)}, "cam's pos is three numbers"),
    ({"focal_point": None}, "cam's focal_point is three numbers"),
    ({"view_angle": 0}, "view_angle is 0.1 to 150"),
    ({**GOOD, "viewup": (0, -26, 26)}, "its own viewup"),
    ({**GOOD, "pos": (5, 6, 4)}, "focal_point; give another pos"),
    ("top", "cam is a mapping"),
]


@pytest.mark.parametrize(("cam", "words"), WRONG, ids=str)
def test_a_wrong_camera_is_known_before_anything_is_loaded(cam, words, tmp_path):
    """The image has no atlas to be found: nothing of that is tried."""
    registration = BrainReg3D(
        np.zeros((40, 60), np.uint8), (6.0, 4.0), cam=cam, alignment=VIEW.pose,
        atlas="nowhere_25um", output_dir=tmp_path,
    )  # fmt: skip
    with pytest.raises(InputError, match=words):
        registration.run()
    with pytest.raises(InputError, match=words):
        FreeCamera.starting(VIEW, cam)


def test_a_camera_along_its_own_viewup_is_refused_wherever_the_image_lies():
    """The image looks straight down, so a camera that does has to be told what is up."""
    check_window_camera({"pos": (5.0, 6.0, 50.0), "viewup": (0, 0, 1)})
    with pytest.raises(InputError, match="viewup"):
        FreeCamera.starting(VIEW, {"pos": (5.0, 6.0, 50.0), "viewup": (0, 0, 1)})


def test_it_stands_where_it_is_told():
    camera = FreeCamera.starting(VIEW, GOOD)
    towards = np.array([0.0, -26.0, 26.0]) / np.hypot(26, 26)
    assert np.allclose(camera.axes[2], towards)
    assert np.allclose(camera.axes @ camera.axes.T, np.eye(3))
    assert camera.axes[1] @ (0, 0, 1) > 0.5
