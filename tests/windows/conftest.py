"""Fixtures for tests that need a Windows Python: on Windows, or under Wine (python scripts/test.py --windows)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from evaluation import make_program
from lab import Lab, make_lab

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.windows)
            if os.name != "nt":
                item.add_marker(pytest.mark.skip(reason="needs Windows; scripts/test.py --windows runs it"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pmlaunch cache for all tests: its keys hash content, and an empty one costs a second per test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMLAUNCH_CACHE", str(cache))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lab]:
    """Return the runtime with the given name; each is created once."""
    root = tmp_path_factory.mktemp("labs")
    made: dict[str, Lab] = {}

    def named(name: str) -> Lab:
        if name not in made:
            made[name] = make_lab(name, root)
        return made[name]

    return named


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose program reports its arguments and ends as STANDIN_ENDING says."""
    return make_program(tmp_path_factory.mktemp("program") / "protomotions")
