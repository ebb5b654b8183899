"""The main screens as they are shown: help and results at 60, 80 and 120 columns, on ASCII consoles and with Chinese names.

They are compared with the files in screens/. If you changed one on purpose, record it again and look at the difference:

    PMLAUNCH_RECORD=1 python -m pytest tests/unit/test_screens.py
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.cli.live.run_display import LiveDisplay, PlainDisplay, RunDisplay
from pmlaunch.cli.render.record import draw_brief, draw_record
from pmlaunch.cli.render.terminal import console_on
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.model import LaunchPlan, RunRecord, RunState
from pmlaunch.planning.plan import Planned
from pmlaunch.running.timings import Timings

pytestmark = [
    pytest.mark.usefixtures("typed_in"),
    pytest.mark.skipif(os.name == "nt", reason="the files have the separators of Linux"),
]
SCREENS = Path(__file__).with_name("screens")
RECORDING = bool(os.environ.get("PMLAUNCH_RECORD"))  # read before the fixtures clean the environment
RUN = Path("runs/20250102-030405-maskmimic-走路")
EARLIER = Timings(
    {"imported:torch": 12.0, "process_group": 13.0, "simulator_ready": 60.0, "first_step": 62.0, "last_step": 71.0},
    30.0,
)


def matches(name: str, shown: str) -> None:
    """Compare what is shown with the file, or write the file."""
    text = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    path = SCREENS / f"{name}.txt"
    if RECORDING:
        SCREENS.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", ["", "eval"])
def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    run([*command.split(), "--help"])
    matches(f"help-{command or 'root'}-{columns}", capsys.readouterr().out)


def entry(name: str, success: bool, error: float, largest: float) -> Mapping[str, Any]:
    return {"motion": name, "success": success, "metrics": {"eval/gt_err": error, "eval/gt_err_max": largest}}


def record(*motions: Mapping[str, Any], **more: Any) -> RunRecord:
    failed = [motion["motion"] for motion in motions if not motion["success"]]
    tracked = len(motions) - len(failed)
    common = {"motions": len(motions), "failed": failed, "success_rate": tracked / max(len(motions), 1)}
    errors = {"mean_position_error_m": 0.123, "mean_rotation_error_deg": 8.04} if motions else {}
    evaluation = {
        "common": {**common, **errors},
        "per_motion": list(motions),
        "notes": ["Motions are 120 Hz, and were played at 30 Hz."] * 2,
        "seconds": {"start": 40.0, "load": 0.01, "evaluation": 9.1},
    }
    given: dict[str, Any] = {
        "state": RunState.DONE,
        "exit_code": 0,
        "started": "",
        "seconds": 51.25,
        "steps": 300,
        "steps_per_second": 33.3,
        "metrics": {"eval/gt_err": 0.123, "eval/gt_err_min": 0.004, "eval/gt_err_max": 2.4},
        "units": {"eval/gt_err": "m"},
        "evaluation": evaluation,
    }
    return RunRecord(RUN, **{**given, **more})


WALK, WAVE, FALL = entry("走路", True, 0.013, 0.022), entry("wave", True, 0.02, 0.041), entry("摔倒", False, 0.34, 2.4)
KICK = entry("kick_with_the_left_leg_while_turning_around", False, 1.24, 2.9)
RESULTS = {
    "tracked": record(WALK),
    "some-lost": record(WALK, FALL, WAVE, KICK),
    "all-lost": record(FALL, KICK),
    "failed": record(state=RunState.FAILED, exit_code=1, metrics={}, evaluation={}, steps=0, steps_per_second=None),
}


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("name", RESULTS)
def test_result(monkeypatch: pytest.MonkeyPatch, name: str, columns: int) -> None:
    matches(f"result-{name}-{columns}", shown(monkeypatch, draw_record, RESULTS[name], columns))


def test_result_on_an_ascii_console(monkeypatch: pytest.MonkeyPatch) -> None:
    matches("result-some-lost-ascii", shown(monkeypatch, draw_record, RESULTS["some-lost"], 80, "ascii"))


def test_quiet_result(monkeypatch: pytest.MonkeyPatch) -> None:
    matches("result-some-lost-quiet", shown(monkeypatch, draw_brief, RESULTS["some-lost"], 80))


def shown(
    monkeypatch: pytest.MonkeyPatch, draw: Callable[..., None], result: RunRecord, columns: int, encoding: str = "utf-8"
) -> str:
    """What `draw` shows on a console of this width and encoding."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")
    monkeypatch.setattr("pmlaunch.cli.result.sys", SimpleNamespace(stdout=stream, stderr=stream))
    monkeypatch.setenv("COLUMNS", str(columns))
    show(CommandResult("eval", draw=partial(draw, result)), as_json=False)
    return text_of(stream)


def text_of(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


EVENTS: list[Mapping[str, Any]] = [
    {"event": "started"},
    {"event": "importing", "module": "torch"},
    {"event": "imported", "module": "torch"},
    {"event": "process_group", "backend": "gloo", "world_size": 1},
    {"event": "simulator_ready"},
    {"event": "evaluation_started"},
    {"event": "motion", "done": 1, "of": 4, "steps": 300},
    {"event": "step", "n": 120, "rate": 30.0},
    {"event": "evaluation_finished"},
]


@pytest.fixture
def plan_of(plan: Callable[..., Planned], composed_at_once: None, monkeypatch: pytest.MonkeyPatch) -> LaunchPlan:
    monkeypatch.setattr("pmlaunch.cli.live.run_display.earlier_timings", lambda _: EARLIER)
    monkeypatch.setattr(RunDisplay, "seconds", lambda display: 10.0 * (len(display.track.reached) + 1))
    return plan(headless=True, max_steps=45).plan


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_live_display(plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    matches(f"live-{columns}", live(plan_of, "utf-8"))


def test_live_display_on_an_ascii_console(plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    matches("live-ascii", live(plan_of, "ascii"))


def live(plan: LaunchPlan, encoding: str) -> str:
    """The pictures of the live display after each event, one below the other."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")
    display = LiveDisplay(plan)
    display._console = console_on(stream)
    for event in EVENTS:
        display.event(event)
        display.output(b"a warning of upstream's\n")
        display._console.print(display._picture())
        display._console.print()
    return text_of(stream)


def test_plain_display(plan_of: LaunchPlan, capsys: pytest.CaptureFixture[str]) -> None:
    display = PlainDisplay(plan_of, stream=False)
    display.started(SimpleNamespace(path=RUN), 42)  # type: ignore[arg-type]
    for event in EVENTS:
        display.event(event)
        display.output(b"a warning of upstream's\n")
    matches("plain", capsys.readouterr().err)
