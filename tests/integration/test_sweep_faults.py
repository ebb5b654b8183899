"""Faults during a sweep: a killed launcher, two launchers, a full disk, a clock that steps."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from disks import fill

from pmlaunch.errors import PmlaunchError
from pmlaunch.sweeping import lock, recovery
from pmlaunch.sweeping.control import show_status, stop_sweep
from pmlaunch.sweeping.executor import run_sweep
from pmlaunch.sweeping.journal import read_results
from pmlaunch.sweeping.model import Evaluation, SweepPlan
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions, Slot
from started import wait_for
from sweep_jobs import DIARY, job_command, sweep_plan, working_in

ROOT = Path(__file__).parents[2]
TRIALS = ROOT / "scripts" / "sweep_kill_trials.py"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="skipped: /proc and signals")
OPTIONS = ExecutorOptions(jobs=2, job_command=job_command)


@pytest.fixture(autouse=True)
def _no_guardians(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_GUARDIANS_TIME", 0.1)  # the stand-in's runs have none to wait for


def diary(folder: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in (folder / DIARY).read_text().splitlines())


def launch(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(TRIALS), "--launch", str(folder), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_launcher_killed_at_random_moments() -> None:
    done = subprocess.run([sys.executable, str(TRIALS), "-n", "20"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@LINUX
def test_killed_launcher_leaves_no_process_and_continues(tmp_path: Path) -> None:
    """With the real job program and the demo."""
    launcher = launch(tmp_path, "--demo")
    journal = tmp_path / "results.jsonl"
    wait_for(lambda: journal.exists() and len(journal.read_bytes().splitlines()) >= 2, "two results", 120)
    launcher.kill()
    launcher.communicate()
    wait_for(lambda: not working_in(tmp_path), "the end of all processes", 5)
    before = {each.run for each in read_results(tmp_path)}
    states = [json.loads(path.read_text())["state"] for path in (tmp_path / "runs").glob("*/record.json")]
    assert set(states) <= {"done", "abnormal"}, "the guardians of the runs correct their records"
    launcher = launch(tmp_path, "--demo")
    wait_for(lambda: len(journal.read_bytes().splitlines()) > len(before), "another result", 120)
    assert stop_sweep(tmp_path).politely
    assert launcher.wait(60) == 130
    launcher.communicate()
    results = list(read_results(tmp_path))
    assert len({each.evaluation for each in results}) == len(results), "nothing ran twice"
    assert before < {each.run for each in results}
    assert {each.state for each in results} == {"done"}
    assert working_in(tmp_path) == []


def test_two_launchers(tmp_path: Path) -> None:
    first, second = launch(tmp_path), launch(tmp_path)
    ended = [(each, each.communicate(timeout=120)[1].decode()) for each in (first, second)]
    refused = [text for each, text in ended if "PML384" in text or "Another sweep is running" in text]
    assert len(refused) == 1
    assert set(diary(tmp_path).values()) == {1}
    assert show_status(tmp_path).waiting == 0


class Filling(SweepObserver):
    """Fills the disk once the first evaluation has ended."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk

    def ended(self, *_: object) -> None:
        if not (self.disk / "filler").exists():
            fill(self.disk)


@LINUX
def test_full_disk_stops_the_sweep_and_loses_nothing(small_disk: Path) -> None:
    plan = sweep_plan(small_disk / "sweep", ["done"], *[["done 0.3"] * 2] * 6, motions=("walk", "wave"))
    with pytest.raises(PmlaunchError) as caught:
        run_sweep(plan, OPTIONS, Filling(small_disk))
    assert (caught.value.code, caught.value.exit_code) == ("PML389", 5)
    assert "No space left" in caught.value.message
    (small_disk / "filler").unlink()
    outcome = run_sweep(plan, OPTIONS, SweepObserver())
    assert (outcome.summary.done, outcome.exit_code) == (26, 0)
    cells = Counter((each.evaluation, each.motion) for each in read_results(plan.folder) if each.state == "done")
    assert set(cells.values()) == {1}
    assert set(diary(plan.folder).values()) == {1}


def test_disk_that_is_full_for_a_run_stops_the_sweep(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError) as caught:
        run_sweep(sweep_plan(tmp_path, ["done"], ["disk"], *[["done 30"]] * 4), OPTIONS, SweepObserver())
    assert caught.value.code == "PML204"
    assert {each.state for each in read_results(tmp_path)} == {"done"}


@pytest.mark.parametrize("step", [86400.0, -86400.0])
def test_clock_that_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    plan = sweep_plan(tmp_path, ["done", "crash:done"], ["done 0.3"], ["done 60"])
    real, calls = time.time, count()
    monkeypatch.setattr(time, "time", lambda: real() + step * (next(calls) % 3))
    monkeypatch.setattr(lock, "created", lambda _: real() + step)  # psutil reckons it from the clock
    seen: list[bool] = []

    class Stopping(SweepObserver):
        def tick(self) -> None:
            if not seen and show_status(tmp_path).done == 3:
                seen.append(show_status(tmp_path).running)
                (tmp_path / "stop").touch()

    outcome = run_sweep(plan, OPTIONS, Stopping())
    assert (seen, outcome.summary.done, outcome.summary.waiting, outcome.exit_code) == ([True], 3, 1, 130)
    short = SweepPlan(tmp_path, plan.jobs[:2])
    assert run_sweep(short, OPTIONS, SweepObserver()).summary.done == 3
    assert set(diary(tmp_path).values()) == {1}


@LINUX
def test_interrupt_stops_politely_and_a_second_one_at_once(tmp_path: Path) -> None:
    launcher = launch(tmp_path, "--demo")
    wait_for(lambda: list((tmp_path / "runs").glob("*/events.jsonl")), "the first run", 120)
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(60) == 130
    launcher.communicate()
    assert working_in(tmp_path) == []
    states = {json.loads(path.read_text())["state"] for path in (tmp_path / "runs").glob("*/record.json")}
    assert states <= {"interrupted", "done"}
    assert not [each for each in read_results(tmp_path) if each.state == "interrupted"]


@LINUX
def test_killed_job_is_repeated(tmp_path: Path) -> None:
    """The job's process is killed, not the launcher: its run ends with it and counts as an attempt."""
    plan = sweep_plan(tmp_path, ["done 60:done"])
    killed: list[int] = []

    class Killing(SweepObserver):
        def tick(self) -> None:
            for run in (tmp_path / "runs").glob("*-1-*") if not killed else ():
                killed.append(int(re.findall(r"\d+$", run.name)[0]))
                os.kill(killed[0], signal.SIGKILL)

    outcome = run_sweep(plan, OPTIONS, Killing())
    assert outcome.summary.done == 1
    assert [(each.attempt, each.state) for each in read_results(tmp_path)] == [(1, "abnormal"), (2, "done")]


@LINUX
def test_simulator_killed_in_a_shared_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real job program: the evaluation that was cut off is charged, and those not begun are not."""
    monkeypatch.setattr(recovery, "_GUARDIANS_TIME", 3.0)
    (job,) = sweep_plan(tmp_path, ["done"] * 3).jobs
    short = [replace(each, request=replace(each.request, headless=True, max_steps=40)) for each in job.evaluations]
    plan = SweepPlan(tmp_path, (replace(job, evaluations=tuple(short)),))
    started: list[str] = []

    class Killing(SweepObserver):
        def evaluating(self, slot: Slot, evaluation: Evaluation, run: str) -> None:
            started.append(evaluation.id)
            if len(started) == 2:
                record = json.loads((tmp_path / "runs" / run / "record.json").read_text())
                os.kill(record["child"]["pid"], signal.SIGKILL)

    outcome = run_sweep(plan, ExecutorOptions(), Killing())
    assert outcome.summary.done == 3
    first, second, third = (each.id for each in short)
    assert started == [first, second, third, second]
    found = list(read_results(tmp_path))
    attempts = [(each.evaluation, each.attempt, each.state) for each in found]
    assert "signal SIGKILL" in found[1].message
    assert [each.message for each in found if each.state == "done"] == [""] * 3
    assert attempts == [(first, 1, "done"), (second, 1, "abnormal"), (third, 1, "done"), (second, 2, "done")]
    assert len(list((tmp_path / "runs").iterdir())) == 4, "runs that were not begun are not kept"


def test_sweep_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(PmlaunchError) as caught:
        run_sweep(replace(sweep_plan(tmp_path, ["done"]), folder=tmp_path / "taken"), OPTIONS, SweepObserver())
    assert caught.value.code == "PML389"
