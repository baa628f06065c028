"""Values kept with the objects they belong to, in threads and in forked processes."""

import gc
import os
import subprocess
import sys

import pytest

from brainreg3d._kept import Kept


class Owner:
    """Something that can be referred to weakly."""


def test_the_value_not_asked_for_the_longest_goes_first():
    kept, owner, other = Kept(2), Owner(), Owner()
    kept.put(owner, "a", 1)
    kept.put(owner, "b", 2)
    kept.put(other, "a", 3)
    assert kept.get(owner, "a") == 1
    kept.put(owner, "c", 4)
    assert [kept.get(owner, key) for key in "abc"] == [1, None, 4]
    assert kept.get(other, "a") == 3
    kept.put(owner, "a", 5)
    assert kept.get(owner, "a") == 5


def test_nothing_outlives_its_owner():
    kept, owner, value = Kept(2), Owner(), Owner()
    kept.put(owner, 1, value)
    before = len(gc.get_referrers(value))
    del owner
    gc.collect()
    assert len(gc.get_referrers(value)) == before - 1


FORKS = """
import os, signal, sys, threading
import numpy as np
from brainreg3d.atlas import Annotation
from brainreg3d.atlas import block_search
from brainreg3d.raycast import _gaps

annotation = Annotation(np.ones((9, 9, 9), np.uint16), np.arange(2, dtype=np.uint32), (0.1,) * 3)
member, search = annotation.ids == 1, block_search.find_blocks
searching, go_on = threading.Event(), threading.Event()

def slow_search(index):
    searching.set()
    go_on.wait()
    return search(index)

def fork_and_ask():
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends this process if it hangs
        block_search.find_blocks = search
        os._exit(int(_gaps.gaps_around(annotation, member).box[3] != 9))
    return os.waitpid(child, 0)[1]

search(annotation.index)  # compiled
block_search.find_blocks = slow_search
thread = threading.Thread(target=_gaps.gaps_around, args=(annotation, member))
thread.start()
searching.wait()
during = fork_and_ask()
go_on.set()
thread.join()
locks = [value._lock for module in (_gaps, block_search) for value in vars(module).values()
         if hasattr(value, "_lock")]
for lock in locks:
    lock.acquire()
locked = fork_and_ask()
sys.exit(f"{during} {locked} {len(locks)}")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_during_a_search_does_not_hang():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, timeout=120
    )
    assert done.stderr.strip() == "0 0 2", "status of the child forked during it, and under a lock"
