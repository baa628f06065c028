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
