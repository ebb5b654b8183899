"""Stop a run from another console: ask it to end, then kill its processes, and only those."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.cli.app import run as pmlaunch
from pmlaunch.errors import PmlaunchError
from pmlaunch.running import run, stop
from pmlaunch.running.run import GRACE_TO_WRITE
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.stop import Stopped, choose_run, running_runs, stop_run

LAUNCHER, CHILD = {"pid": 100, "created": 1.0}, {"pid": 200, "created": 2.0}


class Machine:
    """Fake processes and clock. `alive` holds (pid, created); `at` maps seconds to what happens then."""

    def __init__(self) -> None:
        self.alive = {(100, 1.0), (200, 2.0)}
        self.ended: list[int] = []
        self.now = 0.0
        self.at: dict[float, Callable[[], Any]] = {}

    def is_running(self, pid: object, created: object) -> bool:
        return (pid, created) in self.alive

    def end_tree(self, pid: int) -> None:
        self.ended.append(pid)
        self.alive = {process for process in self.alive if process[0] != pid}

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when in [when for when in self.at if when <= self.now]:
            self.at.pop(when)()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    clock = SimpleNamespace(monotonic=lambda: machine.now, sleep=machine.sleep, time=lambda: 0.0)
    monkeypatch.setattr("pmlaunch.running.stop.time", clock)
    monkeypatch.setattr("pmlaunch.running.stop.is_running", machine.is_running)
    monkeypatch.setattr("pmlaunch.running.stop.end_tree", machine.end_tree)
    return machine


def a_run(runs: Path, name: str = "20250102-030405-demo-walk", **record: Any) -> RunFolder:
    folder = RunFolder(runs / name)
    folder.path.mkdir(parents=True)
    folder.write("record.json", {"state": "running", "launcher": LAUNCHER, "child": CHILD, **record})
    return folder


def test_runs_in_progress(machine: Machine, tmp_path: Path) -> None:
    mine = a_run(tmp_path, "2")
    a_run(tmp_path, "1", launcher={"pid": 7, "created": 1.0})  # its child is running
    a_run(tmp_path, "3", state="done")
    a_run(tmp_path, "4", launcher={"pid": 100, "created": 9.9}, child=None)  # the pid was reused
    (tmp_path / "5").mkdir()
    (tmp_path / "6").mkdir()
    (tmp_path / "6" / "record.json").write_text("{", encoding="utf-8")
    assert [run.path.name for run in running_runs(tmp_path)] == ["1", mine.path.name]
    machine.alive.clear()
    assert running_runs(tmp_path) == []


def test_choose_by_name(machine: Machine, tmp_path: Path) -> None:
    walk, spin = a_run(tmp_path, "20250102-demo-walk"), a_run(tmp_path, "20250103-demo-动作")
    for name in ("20250102-demo-walk", "walk", "2025-0102", str(walk.path)):
        assert choose_run(tmp_path, name).path == walk.path
    assert choose_run(tmp_path, "动作").path == spin.path
    with pytest.raises(
        PmlaunchError, match="Several runs are in progress: 20250102-demo-walk, 20250103-demo-动作"
    ) as caught:
        choose_run(tmp_path, None)
    assert caught.value.code == "PML011"
    with pytest.raises(PmlaunchError, match="No run called 'jump' is in progress") as caught:
        choose_run(tmp_path, "jump")
    assert caught.value.code == "PML010"


def test_the_only_run_needs_no_name(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError, match="No run is in progress"):
        choose_run(tmp_path / "no runs yet", None)
    folder = a_run(tmp_path)
    assert choose_run(tmp_path, None).path == folder.path


def test_polite_stop(machine: Machine, tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    machine.at[1.0] = lambda: folder.write("record.json", {"state": "interrupted"})
    assert stop_run(folder) == Stopped(folder.path, "interrupted", True)
    assert folder.file("stop").is_file()
    assert machine.ended == []


def test_run_that_hangs_after_its_verdict_is_not_asked(machine: Machine, tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    folder.write("result.json", {"status": "finished", "exit_code": 0})
    machine.at[1.0] = lambda: folder.write("record.json", {"state": "done"})
    assert stop_run(folder) == Stopped(folder.path, "done", True)
    assert machine.ended == [200], "the launcher has yet to record the result"
    assert not folder.file("stop").exists()


def test_unresponsive_run_is_killed_child_first(machine: Machine, tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    assert stop_run(folder, grace=3.0) == Stopped(folder.path, "interrupted", False)
    assert machine.ended == [200, 100]
    record = folder.read("record.json")
    assert record is not None
    assert (record["state"], record["exit_code"], record["child"]) == ("interrupted", 130, CHILD)


def test_the_guardians_state_is_kept(machine: Machine, tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    machine.at[4.0] = lambda: folder.write("record.json", {"state": "abnormal", "exit_code": 8})
    assert stop_run(folder, grace=3.0) == Stopped(folder.path, "abnormal", False)
    assert folder.read("record.json") == {"state": "abnormal", "exit_code": 8}


def test_no_wait_for_processes_that_vanished(machine: Machine, tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    machine.at[1.0] = machine.alive.clear
    assert stop_run(folder) == Stopped(folder.path, "interrupted", False)
    assert machine.ended == []
    assert machine.now < 5.0


def test_reused_pid_is_not_killed(machine: Machine, tmp_path: Path) -> None:
    folder = a_run(tmp_path, launcher={"pid": 300, "created": 3.0})
    machine.alive = {(200, 2.0), (300, 12345.0)}
    stop_run(folder, grace=1.0)
    assert machine.ended == [200]


@pytest.mark.parametrize(
    "record", [{"state": "done"}, {"launcher": None, "child": None}, {"launcher": {}, "child": {}}]
)
def test_ended_run_cannot_be_stopped(machine: Machine, tmp_path: Path, record: dict[str, Any]) -> None:
    folder = a_run(tmp_path, **record)
    with pytest.raises(PmlaunchError, match="no longer in progress"):
        stop_run(folder)
    assert machine.ended == []
    assert not folder.file("stop").exists()


def test_stop_command_json(machine: Machine, typed_in: Path, as_json: Callable[..., dict[str, Any]]) -> None:
    document = as_json("stop")
    assert ([error["code"] for error in document["errors"]], document["exit_code"]) == (["PML010"], 3)
    folder = a_run(typed_in / "runs")
    machine.at[1.0] = lambda: folder.write("record.json", {"state": "interrupted"})
    data = as_json("stop", "walk")["data"]
    assert data == {"folder": str(folder.path), "state": "interrupted", "politely": True}


def test_stop_command_text(machine: Machine, typed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(typed_in / "elsewhere")
    assert pmlaunch(["stop", "--runs", "elsewhere"]) == 0
    assert "(interrupted; its processes were ended)" in capsys.readouterr().out
    assert pmlaunch(["stop", "--runs", "elsewhere"]) == 3
    assert json.loads(next(typed_in.glob("elsewhere/*/record.json")).read_text("utf-8"))["state"] == "interrupted"


@pytest.mark.parametrize(
    ("plan", "patient"),
    [
        ({"record": True}, True),
        ({"asks_for_motion": True}, True),
        ({"save_motion": True}, False),
        ({"record": False}, False),
        (None, False),
    ],
)
def test_grace_for_a_video_exceeds_the_launchers(tmp_path: Path, plan: dict[str, Any] | None, patient: bool) -> None:
    folder = RunFolder(tmp_path)
    if plan is not None:
        folder.write("plan.json", plan)
    assert (stop._grace(folder) > GRACE_TO_WRITE.total) == patient


@pytest.mark.parametrize(
    ("writes", "last_output", "deadline"),
    [
        ({}, 100.0, 95.0),
        ({"record": True}, 50.0, 150.0),
        ({"asks_for_motion": True}, 50.0, 150.0),
        ({"record": True}, 100.0, 160.0),
        ({"record": True}, 1e4, 690.0),
    ],
)
def test_grace_is_extended_while_a_video_reports_progress(
    writes: dict[str, bool], last_output: float, deadline: float
) -> None:
    plan: Any = SimpleNamespace(**{"record": False, "asks_for_motion": False, **writes})
    assert run._grace(plan).deadline(90.0, last_output) == deadline
