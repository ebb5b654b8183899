"""Fixtures of doctor's unit tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from doctor_help import GitSays

from pmlaunch.doctor import repository
from pmlaunch.doctor.checks import local_changes
from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target
from pmlaunch.model import FLAG
from pmlaunch.runtimes.interface import python_runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import PLATFORMS


@pytest.fixture
def target(tmp_path: Path) -> DoctorTarget:
    """A target for Genesis with a plain interpreter, without a checkout, not quick."""
    made = resolve_target(TargetRequest("genesis", quick=True), Settings(tmp_path, {"PATH": ""}))
    runtime = python_runtime("/venv/bin/python", FLAG, "3.10")
    return replace(made, quick=False, runtime=runtime, platform=PLATFORMS["linux"], problem=None)


@pytest.fixture
def windows(target: DoctorTarget) -> DoctorTarget:
    settings = replace(target.settings, environment={**target.environment, "SESSIONNAME": "Console"})
    return replace(target, platform=PLATFORMS["windows"], settings=settings)


@pytest.fixture
def git_says(monkeypatch: pytest.MonkeyPatch) -> GitSays:
    """Set what git answers to each command: `{"lfs version": (0, "...")}`. Any other command fails without output."""

    def known(answers: Mapping[str, tuple[int, str]]) -> None:
        def ask(
            _environment: Any, *arguments: str, folder: Path | None = None, changes: bool = False
        ) -> tuple[int, str] | None:
            typed = " ".join(arguments)
            return next((answer for question, answer in answers.items() if typed.startswith(question)), (1, ""))

        for module in (repository, local_changes):
            monkeypatch.setattr(module, "ask_git", ask)

    return known
