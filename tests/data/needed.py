"""What a machine may lack: elsewhere a test is skipped, in CI it fails."""

from __future__ import annotations

import os

import pytest


def lacks(what):
    """End a test that cannot be run without something."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI is expected to have {what}")
    pytest.skip(f"needs {what}")
