"""Where compiled functions are kept."""

import os
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from brainreg3d.atlas.compact import compact_annotation
import numba
compact_annotation(np.zeros((2, 2, 2), np.uint32), (1.0, 1.0, 1.0))
print(repr(numba.config.CACHE_DIR))
"""


@pytest.mark.parametrize("variable", ["BRAINREG3D_CACHE_DIR", "NUMBA_CACHE_DIR"])
def test_compiled_code_lies_where_caches_go_and_others_are_not_moved(tmp_path, variable):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment["BRAINREG3D_CACHE_DIR"] = str(tmp_path / "ours")
    environment[variable] = str(tmp_path / "chosen")
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True
    )
    files = [path.relative_to(tmp_path).parts for path in tmp_path.rglob("*.nbi")]
    assert files
    assert {parts[0] for parts in files} == {"chosen"}
    theirs = str(tmp_path / "chosen") if variable == "NUMBA_CACHE_DIR" else ""
    assert done.stdout.strip() == repr(theirs)


FUNCTIONS = """
from brainreg3d._compiled import njit
from other import FACTOR, shifted

@njit()
def scaled(x):
    return FACTOR * shifted(x)
"""
OTHER = """
from brainreg3d._compiled import njit
FACTOR = {factor}

@njit()
def shifted(x):
    return x + {shift}
"""


def test_constants_and_functions_of_other_files_may_change(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    environment["PYTHONPATH"] = str(tmp_path)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # Python tells files apart by whole seconds
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    answers = []
    for factor, shift in ((2, 1), (3, 1), (3, 5)):
        (tmp_path / "other.py").write_text(OTHER.format(factor=factor, shift=shift))
        command = [sys.executable, "-c", "from functions import scaled; print(scaled(10))"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        answers.append(int(done.stdout))
    assert answers == [22, 33, 45]
