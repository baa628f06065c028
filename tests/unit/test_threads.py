"""One way to limit threads, which all parts of the package keep to."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from brainreg3d import load_atlas
from brainreg3d._threads import count_threads
from brainreg3d.atlas.block_search import find_blocks
from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.raycast import cast_first_hits
from brainreg3d.registration.threads import in_threads


def test_the_variable_goes_before_the_cores(monkeypatch):
    monkeypatch.setenv("BRAINREG3D_NUM_THREADS", " 3 ")
    assert count_threads() == 3
    monkeypatch.setenv("BRAINREG3D_NUM_THREADS", "")
    assert 1 <= count_threads() <= os.cpu_count()


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_a_number_that_cannot_be_meant_is_refused(monkeypatch, text):
    monkeypatch.setenv("BRAINREG3D_NUM_THREADS", text)
    with pytest.raises(InputError, match="BRAINREG3D_NUM_THREADS is a whole number from 1 on"):
        count_threads()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no such call on this system")
def test_a_process_that_was_given_one_core_counts_one():
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
        "from brainreg3d._threads import count_threads; print(count_threads())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "BRAINREG3D_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_threads_are_started(monkeypatch, most):
    monkeypatch.setenv("BRAINREG3D_NUM_THREADS", str(most))
    atlas = load_atlas("phantom_100um")
    view = ImageView((400, 400), (0.02, 0.02), Pose((5.7, 6.6, 8.0)))
    jobs = (
        lambda: cast_first_hits(atlas.annotation, view),
        lambda: find_blocks(atlas.annotation.index),
        lambda: in_threads(np.sum, [np.ones(10)] * 20),
    )
    started = []
    start = threading.Thread.start

    def counted(thread):
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    for job in jobs:
        job()
        assert len(started) <= most
        started.clear()
