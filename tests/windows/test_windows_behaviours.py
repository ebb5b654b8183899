"""Each behaviour of a program inside Isaac Lab, through python.exe and batch files: outcome and verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from evaluation import evaluate
from lab import DIRECT, LABS, Lab

from behaviours import BEHAVIOURS, behave, check_outcome, make_behaving

GetLab = Callable[[str], Lab]
# everywhere: a hang after the verdict, and an exception that Isaac Sim swallows
EVERYWHERE = ("hang in close()", "exception, native exit in close()")
THOROUGH = (DIRECT, "2.3 conda")
QUICK = [*(("2.3 conda", behaviour) for behaviour in BEHAVIOURS), *((DIRECT, behaviour) for behaviour in EVERYWHERE)]
TRIALS = [
    trial if trial in QUICK else pytest.param(*trial, marks=pytest.mark.slow)
    for name in (DIRECT, *LABS)
    for trial in ((name, behaviour) for behaviour in (BEHAVIOURS if name in THOROUGH else EVERYWHERE))
]


@pytest.fixture(scope="module")
def behaving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose program a test decides on."""
    return make_behaving(tmp_path_factory.mktemp("behaving"))


@pytest.mark.parametrize(("name", "what"), TRIALS)
def test_outcome_of_each_behaviour(
    lab: GetLab, behaving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    options = behave(BEHAVIOURS[what], behaving, tmp_path / "packages", monkeypatch)
    check_outcome(evaluate(lab(name), tmp_path, behaving, **{"metrics": None, **options}), BEHAVIOURS[what])
