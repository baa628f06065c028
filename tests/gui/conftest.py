"""A browser for tests of pages."""

from __future__ import annotations

import shutil

import pytest
from needed import lacks

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    found = [path for path in map(shutil.which, CHROMIUM) if path]
    if not found:
        lacks("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacks("Playwright")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield chromium
        chromium.close()
