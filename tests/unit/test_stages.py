"""The stage that takes the time, and what to expect from an earlier run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.live.run_display import LiveDisplay, PlainDisplay, RunDisplay
from pmlaunch.cli.live.stages import StageTrack
from pmlaunch.model import LaunchPlan, RunRecord, RunState
from pmlaunch.planning.plan import Planned
from pmlaunch.running.timings import Timings, earlier_timings, remember_timings
from pmlaunch.support.text import duration

STAGES = {
    "imported:torch": 10.0,
    "imported:lightning": 15.0,
    "process_group": 16.0,
    "simulator_ready": 60.0,
    "checkpoint_loaded": 61.0,
    "evaluation_started": 62.0,
    "first_step": 64.0,
    "last_step": 74.0,
    "total": 76.0,
}
EARLIER = Timings(STAGES, 30.0)
GENESIS = b"[Genesis] Compiling simulation kernels...\n"
WARP = b"Module newton.solvers 1a2b load on device 'cuda:0' took 912.00 ms  (compiled)\n"


@pytest.fixture
def plan_of(plan: Callable[..., Planned], composed_at_once: None) -> LaunchPlan:
    return plan(headless=True, max_steps=45).plan


def event(name: str, module: str | None = None) -> dict[str, Any]:
    return {"event": name, "module": module} if module else {"event": name}


def test_stages_follow_the_events_of_a_run() -> None:
    track = StageTrack(Timings())
    seen = [track.present]
    for each in (
        event("started"),
        event("importing", "lightning"),
        event("importing", "torch"),
        event("imported", "torch"),
        event("imported", "lightning"),
        event("simulator_starting"),
        event("simulator_started"),
        event("process_group"),
        event("simulator_ready"),
        event("checkpoint_loaded"),
        event("evaluation_started"),
        event("evaluation_finished"),
        event("importing", "antigravity"),
    ):
        track.hear(each, 1.0)
        if track.present != seen[-1]:
            seen.append(track.present)
    assert seen == [
        *("starting Python", "loading the program", "importing Lightning", "importing torch", "importing Lightning"),
        *("loading the program", "starting Isaac Sim", "loading the program", "starting the simulator"),
        *("loading the checkpoint", "preparing the evaluation", "evaluating", "writing the results"),
    ]


@pytest.mark.parametrize("log", [GENESIS, WARP])
def test_compiling_is_noticed_in_the_log(log: bytes) -> None:
    track = StageTrack(Timings())
    track.hear(event("process_group"), 1.0)
    track.hear_log(log)
    assert track.present.startswith("compiling kernels")
    track.hear(event("simulator_ready"), 2.0)
    assert track.present == "loading the checkpoint"
    track.hear_log(log)
    track.step()
    assert track.present == "loading the checkpoint"


def test_each_stage_has_its_usual_time() -> None:
    track = StageTrack(EARLIER)
    track.hear(event("importing", "torch"), 1.0)
    assert track.usual() == 10.0
    track.hear(event("imported", "torch"), 9.0)
    track.hear(event("importing", "lightning"), 9.0)
    assert track.usual() == 5.0
    for name, module in (("imported", "lightning"), ("process_group", None)):
        track.hear(event(name, module), 16.0)
    assert (track.present, track.usual(), track.since) == ("starting the simulator", 44.0, 16.0)
    assert StageTrack(Timings()).usual() is None


def test_expected_time_of_a_run() -> None:
    assert EARLIER.seconds(300) == 64.0 + 10.0 + 2.0
    assert EARLIER.seconds(None) is None
    assert Timings(STAGES, 0.0).seconds(300) is None
    assert Timings({"simulator_ready": 2.0}, 30.0).seconds(300) is None


def test_timings_of_the_last_complete_run_are_kept(plan_of: LaunchPlan, tmp_path: Path) -> None:
    assert earlier_timings(plan_of) == Timings()
    record = RunRecord(tmp_path, RunState.FAILED, 1, "", stages=STAGES, steps_per_second=30.0)
    remember_timings(plan_of, record)
    assert earlier_timings(plan_of) == Timings()
    remember_timings(plan_of, replace(record, state=RunState.DONE))
    assert earlier_timings(plan_of) == EARLIER
    assert earlier_timings(replace(plan_of, simulator="genesis")) == Timings()


def test_expected_time_is_corrected_during_the_run(plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.cli.live.run_display.earlier_timings", lambda _: EARLIER)
    display = RunDisplay(plan_of)
    monkeypatch.setattr(display, "seconds", lambda: 100.0)
    assert display.expected() == 64.0 + 1.5 + 2.0
    display.event({"event": "step", "n": 15, "rate": 3.0})
    assert display.expected() == 100.0 + 10.0 + 2.0


def test_a_quiet_run_reports_every_half_minute(
    plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pmlaunch.cli.live.run_display.earlier_timings", lambda _: EARLIER)
    monkeypatch.setattr("pmlaunch.cli.live.run_display._HEARTBEAT", 0.0)
    display = PlainDisplay(plan_of, stream=False)
    display.event(event("process_group"))
    display.tick()
    assert "starting the simulator, 0 s (usually 44 s)\n" in capsys.readouterr().err
    display.event(event("evaluation_started"))
    display.event({"event": "step", "n": 15, "rate": 3.0})
    display.tick()
    assert "15 of 45 steps, 3.0/s, 10 s left\n" in capsys.readouterr().err


@pytest.mark.parametrize(("ascii_only", "bar"), [(False, "━━━━━━━━━━────────────────────  33%"), (True, "#" * 10)])
def test_bar(plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch, ascii_only: bool, bar: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    display = LiveDisplay(plan_of)
    monkeypatch.setattr(type(display._console.options), "ascii_only", ascii_only)
    display.event({"event": "step", "n": 15, "rate": 3.0})
    assert "".join(text for text, _ in display._bar()).startswith(bar)
    display.total = None
    assert display._bar() == []


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.6, 200.0)] == ["0 s", "1 min 0 s", "3 min 20 s"]
