"""`pmlaunch sweep status|stop|retry FOLDER`, where nothing has to be started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from json_schemas import schemas
from pmlaunch.cli.app import run
from pmlaunch.model import RunState
from pmlaunch.settings import Settings
from pmlaunch.support.json import to_json
from pmlaunch.sweeping.cells import unmeasured
from pmlaunch.sweeping.control import show_status
from pmlaunch.sweeping.journal import Journal
from pmlaunch.sweeping.lock import SweepLock
from pmlaunch.sweeping.manifest import write_manifest
from pmlaunch.sweeping.model import CellResult
from sweep_jobs import sweep_plan

CAUSE = "The program ended with exit code 1 and left no verdict. Last output: MPI_Init failed."
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
                CellResult(
                    each.id, motion, f"run-{each.id}", state, success, {}, {}, code, 2, f"{CAUSE if code else ''}"
                )
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
    assert f"do=crash: abnormal (PML330), attempt 2: {CAUSE}" in shown


def test_findings_tell_the_cause_and_lead_to_the_log(sweep: Path) -> None:
    failed, aside = show_status(sweep).findings
    runs = [sweep / "runs" / f"run-{number:012x}" for number in (1, 2)]
    retry = f'pmlaunch sweep retry "{sweep}"'
    assert (failed.code, aside.code) == ("PML387", "PML386")
    assert aside.message == (
        "2 cells are set aside, because their programs ended abnormally, for example "
        f"do=crash: abnormal (PML330), attempt 2: {CAUSE}"
    )
    assert (failed.fix, aside.fix) == tuple(f'pmlaunch runs show "{run}"' for run in runs), "there is no log"
    runs[1].mkdir(parents=True)
    (runs[1] / "output.log").write_text("MPI", encoding="utf-8")
    (_, aside) = show_status(sweep).findings
    assert (aside.hint, aside.fix) == (
        f'pmlaunch runs logs "{runs[1]}", then {retry}',
        f'pmlaunch runs logs "{runs[1]}"',
    )


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("failed", 'pmlaunch sweep retry "{0}"'),
        ("abnormal", 'look into the logs in {1}, then pmlaunch sweep retry "{0}"'),
    ],
)
def test_findings_about_evaluations_without_a_run(tmp_path: Path, state: str, hint: str) -> None:
    plan = sweep_plan(tmp_path, ["die"])
    write_manifest(plan, Settings.here())
    (evaluation,) = plan.evaluations
    with Journal(tmp_path) as journal:
        journal.append(unmeasured(evaluation, RunState(state), "PML330", 1, "No\x1b[31m hf_abcdefgh12345\nroom"))
    (finding,) = show_status(tmp_path).findings
    assert finding.message.endswith("do=die motion=walk: " + state + " (PML330), attempt 1: No <secret> room.")
    assert finding.hint == hint.format(tmp_path, tmp_path / "jobs")


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
