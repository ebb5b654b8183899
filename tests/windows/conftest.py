"""Tests that need a Windows: a real one, or Wine's with a Windows Python (python scripts/test.py --windows)."""

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
def lab(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lab]:
    """A function from a runtime's name to the runtime, each made once."""
    root = tmp_path_factory.mktemp("labs")
    made: dict[str, Lab] = {}

    def named(name: str) -> Lab:
        if name not in made:
            made[name] = make_lab(name, root)
        return made[name]

    return named


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose program says what reached it and ends as it is told."""
    return make_program(tmp_path_factory.mktemp("program") / "protomotions")
