"""The Python API: the same as the commands, silent, and with exceptions that carry a code."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import pmlaunch
from pmlaunch import api
from pmlaunch.model import Finding, LaunchPlan, RunRecord, RunState, Severity
from run_folders import make_run


@pytest.fixture
def runs(typed_in: Path) -> Path:
    folder = typed_in / "runs"
    make_run(folder, "a", errors={"<b>walk": 0.02}, started="2026-11-20T10:00:00+00:00")
    make_run(folder, "b", model="<script>", errors={"<b>walk": 0.01}, started="2026-11-21T10:00:00+00:00")
    return folder


def test_every_public_name_is_there_and_documented() -> None:
    for name in api.__all__:
        assert inspect.getdoc(getattr(pmlaunch, name)), name
    assert set(api.__all__) <= set(dir(pmlaunch))
    stub = Path(str(pmlaunch.__file__)).with_suffix(".pyi").read_text(encoding="utf-8")
    assert [name for name in api.__all__ if f"import {name} as {name}\n" not in stub] == []
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = pmlaunch.nothing_like_it  # type: ignore[attr-defined]


def test_runs_are_loaded_listed_and_compared_silently(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [run.name for run in pmlaunch.list_runs()] == ["b", "a"]
    assert [run.name for run in pmlaunch.list_runs(model="demo", runs=runs)] == ["a"]
    latest = pmlaunch.load_run()
    assert (latest.name, latest.metrics["eval/gt_err"]) == ("b", 0.01)
    assert pmlaunch.load_run(runs / "a").folder == runs / "a"
    comparison = pmlaunch.compare("a", latest)
    assert [row.best for row in comparison.motions] == [(1,)]
    assert capsys.readouterr() == ("", "")


def test_notebooks_show_tables_in_which_texts_are_inert(runs: Path) -> None:
    assert runs.is_dir()
    pages = [
        pmlaunch.list_runs()._repr_html_(),
        pmlaunch.load_run()._repr_html_(),
        pmlaunch.compare("a", "b")._repr_html_(),
    ]
    for page in pages:
        assert page.startswith("<table>")
        assert "<b>walk" not in page
        assert "<script>" not in page


def test_plan_takes_options_as_the_command_does(typed_in: Path) -> None:
    planned = pmlaunch.plan("demo", motions="walk", seed=4, runs=typed_in / "elsewhere")
    assert isinstance(planned, LaunchPlan)
    assert (planned.measuring.seed, planned.runs) == (4, typed_in / "elsewhere")
    request = pmlaunch.EvalRequest("demo", ("walk",))
    assert pmlaunch.plan(request, seed=4).overrides == planned.overrides


@pytest.mark.parametrize(
    ("options", "code"), [({"sed": 1}, "PML001"), ({"seed": "one"}, "PML001"), ({"motions": "hop"}, "PML010")]
)
def test_bad_options_raise_a_code(typed_in: Path, options: dict[str, Any], code: str) -> None:
    assert typed_in.is_dir()
    with pytest.raises(pmlaunch.PmlaunchError) as caught:
        pmlaunch.plan("demo", **options)
    assert caught.value.code == code


def test_one_run_cannot_be_compared() -> None:
    with pytest.raises(pmlaunch.PmlaunchError, match="two runs"):
        pmlaunch.compare("a")


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, typed_in: Path) -> dict[str, Any]:
    """Runs end at once in the state that the test puts here; `asked` is what they were started with."""
    told: dict[str, Any] = {"state": RunState.DONE}
    folder = make_run(typed_in / "runs", "one")

    def run_it(_: LaunchPlan, __: object, observer: Any, asked: object) -> RunRecord:
        told["asked"] = asked
        events: list[Mapping[str, Any]] = [{"event": "step", "t": 1.5, "n": 3}, {"event": "motion", "done": 1, "of": 2}]
        for event in events:
            observer.event(event)
        error = Finding("PML301", Severity.ERROR, "It broke.", "look")
        findings = () if told["state"] is RunState.DONE else (error,)
        return RunRecord(folder, told["state"], 0, "2026-11-20T10:00:00+00:00", findings=findings)

    monkeypatch.setattr("pmlaunch.api.run_plan", run_it)
    return told


def test_evaluation_reports_its_progress_and_returns_the_run(ended: dict[str, Any]) -> None:
    seen: list[api.Progress] = []
    run = pmlaunch.evaluate("demo", motions="walk", seed=3, progress=seen.append)
    assert run.name == "one"
    assert seen[0] == api.Progress("step", 1.5, step=3)
    assert (seen[1].done, seen[1].of) == (1, 2)
    assert ended["asked"].command == ("eval", "demo", "--motion", "walk", "--seed", "3")


def test_evaluation_that_fails_raises_its_code_unless_unchecked(ended: dict[str, Any]) -> None:
    ended["state"] = RunState.FAILED
    with pytest.raises(pmlaunch.PmlaunchError, match="It broke") as caught:
        pmlaunch.evaluate("demo", motions="walk")
    assert (caught.value.code, caught.value.hint) == ("PML301", "look")
    assert pmlaunch.evaluate("demo", motions="walk", check=False).name == "one"


def test_evaluation_that_cannot_start_raises(ended: dict[str, Any]) -> None:
    foreign = "linux" if os.name == "nt" else "windows"
    for options in ({"target_os": foreign}, {"endless": True, "headless": True}):
        with pytest.raises(pmlaunch.PmlaunchError):
            pmlaunch.evaluate("demo", motions="walk", **options)
    assert "asked" not in ended
