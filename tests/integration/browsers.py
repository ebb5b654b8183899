"""Chromium for tests of what runs in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from recorded_runs import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with software rendering; the test is skipped without it."""
    playwright: Any = pytest.importorskip("playwright.sync_api", reason="skipped: playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("skipped: there is no Chromium in /usr/bin")
    with playwright.sync_playwright() as started:
        arguments = ["--enable-unsafe-swiftshader", "--no-sandbox", "--disable-gpu"]
        opened = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()
