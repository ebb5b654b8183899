"""`pmlaunch sweep status|stop|retry FOLDER`, where nothing has to be started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from json_schemas import schemas
from pmlaunch.cli.app import run
from pmlaunch.settings import Settings
from pmlaunch.support.json import to_json
from pmlaunch.sweeping.journal import Journal
from pmlaunch.sweeping.lock import SweepLock
from pmlaunch.sweeping.manifest import write_manifest
from pmlaunch.sweeping.model import CellResult
from sweep_jobs import sweep_plan

Json = Callable[..., dict[str, Any]]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """The folder of a sweep of three evaluations: one is done, one has failed, one was set aside."""
    folder = tmp_path / "sweep"
    folder.mkdir()
    plan = sweep_plan(folder, ["done", "failed"], ["crash"], motions=("walk", "wave"))
    write_manifest(plan, Settings.here())
    with Journal(folder) as journal:
        for each, state, code in zip(
            plan.evaluations, ("done", "failed", "abnormal"), (None, "PML301", "PML330"), strict=True
        ):
            cells = [(motion, motion == "walk" if state == "done" else None) for motion in each.motions]
            journal.append(
                CellResult(each.id, motion, f"run-{each.id}", state, success, {}, {}, code, 2)
                for motion, success in cells
            )
    return folder


def test_status(sweep: Path, as_json: Json, capsys: pytest.CaptureFixture[str]) -> None:
    summary = as_json("sweep", "status", str(sweep))["data"]["summary"]
    counts = [summary[name] for name in ("cells", "done", "tracked", "failed", "abnormal", "waiting", "running")]
    assert counts == [6, 2, 1, 2, 2, 0, False]
    assert [(each["labels"], each["code"], each["attempt"]) for each in summary["failures"]] == [
        ({"do": "failed"}, "PML301", 2),
        ({"do": "crash"}, "PML330", 2),
    ]
    with SweepLock(sweep):
        assert as_json("sweep", "status", str(sweep))["data"]["summary"]["running"]
    assert run(["sweep", "status", str(sweep)]) == 0
    shown = capsys.readouterr().out
    assert "2 of 6 cells done, 1 of them tracked to the end" in shown
    assert "do=crash: abnormal (PML330), attempt 2" in shown


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("status",), "PML001", 2),
        (("stop", "a", "b"), "PML001", 2),
        (("status", "nowhere"), "PML010", 3),
        (("stop", "nowhere"), "PML010", 3),
        (("retry", "nowhere"), "PML010", 3),
        (("retry", "nowhere", "--jobs", "0"), "PML010", 3),
    ],
)
def test_mistakes(as_json: Json, words: tuple[str, ...], code: str, exit_code: int) -> None:
    document = as_json("sweep", *words)
    assert ([error["code"] for error in document["errors"]], document["exit_code"]) == ([code], exit_code)


def test_retry_of_somebody_elses_sweep(sweep: Path, as_json: Json) -> None:
    manifest = sweep / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 2', '"seed": 3'))
    (error,) = as_json("sweep", "retry", str(sweep))["errors"]
    assert error["code"] == "PML388"


def test_lines_have_the_published_schema() -> None:
    cell = to_json(CellResult("0" * 12, "walk", "run", "done", True, {"err": 0.1}, {"limit": 0.5}))
    assert cell.keys() == schemas()["results"]["properties"].keys()
