"""Settings of the window in a browser, without a browser."""

import numpy as np
import pytest

from brainreg3d.errors import InputError
from brainreg3d.gui.web import WebWindow


@pytest.mark.parametrize("port", [-1, 65536, 80.5, "8080", None, True])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(InputError, match=r"port is a whole number from 0"):
        WebWindow(port)


@pytest.mark.parametrize("name", ["reconnect_s", "timeout_s"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "30", True])
def test_what_is_no_time_is_refused(name, seconds):
    with pytest.raises(InputError, match=f"{name} is a positive number of seconds"):
        WebWindow(**{name: seconds})


def test_good_settings_are_kept():
    window = WebWindow(np.int64(8123), reconnect_s=0.5)
    assert type(window.port) is int
    assert (window.port, window.reconnect_s, window.timeout_s) == (8123, 0.5, None)
    with pytest.raises(InputError, match="reconnect_s"):
        WebWindow(reconnect_s=None)
