"""The limits of a child, and when it is ready and has concluded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit_help import Plan

from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.model import LaunchPlan, RunRecord, RunState
from pmlaunch.processes.supervise import ChildLimits, Ending, Stage
from pmlaunch.running.agent_reports import EXIT_LIMIT, VerdictWatch
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.run_watcher import START_LIMIT, RunWatcher
from pmlaunch.running.started_run import StartedRun

LIMITS = ChildLimits(time=100.0, silence=10.0, start=50.0, exit=5.0)


@pytest.mark.parametrize(
    ("running", "silent", "stage", "in_stage", "expected"),
    [
        (99.0, 9.0, Stage.READY, 99.0, None),
        (101.0, 0.0, Stage.READY, 1.0, Ending.TIME_LIMIT),
        (20.0, 11.0, Stage.READY, 1.0, Ending.SILENT),
        (49.0, 0.0, Stage.STARTING, 49.0, None),
        (51.0, 0.0, Stage.STARTING, 51.0, Ending.NOT_READY),
        (51.0, 11.0, Stage.STARTING, 51.0, Ending.NOT_READY),
        (51.0, 0.0, Stage.READY, 51.0, None),
        (51.0, 0.0, Stage.CONCLUDED, 4.0, None),
        (51.0, 0.0, Stage.CONCLUDED, 6.0, Ending.LINGERED),
        (101.0, 11.0, Stage.CONCLUDED, 6.0, Ending.LINGERED),
    ],
)
def test_exceeded_limit(running: float, silent: float, stage: Stage, in_stage: float, expected: Ending | None) -> None:
    assert LIMITS.exceeded(running, silent, stage, in_stage) is expected
    assert ChildLimits().exceeded(running, silent, stage, in_stage) is None


def test_limits_of_a_run() -> None:
    assert (START_LIMIT, EXIT_LIMIT) == (1800.0, 30.0)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_verdict_is_seen_and_taken_back(folder: RunFolder) -> None:
    watch = VerdictWatch(folder.file("result.json"))
    assert not watch.is_given()
    for status, given in (("running", False), ("closing", True), ("running", False), ("finished", True)):
        folder.write("result.json", {"status": status, "exit_code": 0})
        assert watch.is_given() == given
        assert watch.is_given() == given, "without reading it again"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"status": ["finished"]}', '"finished"'])
def test_malformed_result_is_no_verdict(folder: RunFolder, content: str) -> None:
    folder.write_text("result.json", content)
    assert not VerdictWatch(folder.file("result.json")).is_given()


def test_result_that_cannot_be_read_for_a_moment_is_read_again(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = VerdictWatch(folder.file("result.json"))
    folder.write("result.json", {"status": "finished", "exit_code": 0})
    with monkeypatch.context() as locked:
        locked.setattr("pmlaunch.running.agent_reports.read_json", lambda _: None)
        assert not watch.is_given()
    assert watch.is_given()


def watcher_of(plan: LaunchPlan, folder: RunFolder) -> RunWatcher:
    record = RunRecord(folder.path, RunState.RUNNING, None, "now")
    return RunWatcher([StartedRun(plan, folder, record)], RunDisplay(plan))


@pytest.mark.parametrize("event", ["simulator_ready", "checkpoint_loaded", "step"])
def test_stages_of_a_run(plan: Plan, folder: RunFolder, event: str) -> None:
    watcher = watcher_of(plan("tracker").plan, folder)
    seen = []
    for line in ({"event": "started"}, {"event": "imported"}, {"event": event}):
        with folder.file("events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        watcher.poll()
        seen.append(watcher.stage())
    assert seen == [Stage.STARTING, Stage.STARTING, Stage.READY]
    folder.write("result.json", {"status": "closing", "exit_code": 0})
    assert watcher.stage() is Stage.CONCLUDED


def test_program_without_that_milestone_is_ready_at_once(plan: Plan, folder: RunFolder) -> None:
    made: Any = plan("tracker").plan
    object.__setattr__(made, "watch", ())
    assert watcher_of(made, folder).stage() is Stage.READY
