"""The display of progress during a run."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.cli.live.run_display import LiveDisplay, PlainDisplay, RunDisplay, make_run_display
from pmlaunch.model import LaunchPlan
from pmlaunch.planning.plan import Planned
from pmlaunch.running.run_folder import RunFolder

EVENTS: list[dict[str, Any]] = [
    {"event": "started", "t": 0.0},
    {"event": "started", "t": 0.1, "rank": 1},
    {"event": "importing", "module": "torch"},
    {"event": "imported", "module": "torch"},
    {"event": "imported", "module": "no_such_package"},
    {"event": "process_group", "backend": "gloo", "world_size": 2, "rank": 0},
    {"event": "simulator_ready"},
    {"event": "simulator_ready"},
    {"event": "unheard_of"},
    {"event": "evaluation_started"},
    {"event": "step", "n": 1, "rate": None},
    {"event": "step", "n": 15, "rate": 60.0},
    {"event": "step", "n": 9, "rate": 1.0, "rank": 1},
]


@pytest.fixture
def plan_of(plan: Callable[..., Planned], composed_at_once: None) -> LaunchPlan:
    return plan(headless=True, max_steps=45).plan


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")
    # not sys itself: pytest restores its own stream between a fixture and its test
    monkeypatch.setattr("pmlaunch.cli.live.run_display.sys", SimpleNamespace(stderr=stream))
    return stream


def text_of(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


def test_plain_display_prints_a_line_per_stage(plan_of: LaunchPlan, stderr: io.TextIOWrapper, tmp_path: Path) -> None:
    with PlainDisplay(plan_of, stream=False) as display:
        display.started(RunFolder(tmp_path / "run"), 42)
        for event in EVENTS:
            display.event(event)
        display.output(b"not shown\n")
        display.event({"event": "step", "n": 45, "rate": 50.0})
        display.event({"event": "evaluation_finished"})
        display.stopping("Interrupted by Ctrl+C.")
    lines = [re.sub(r"^\[ *[\d.]+ s\] ", "", line) for line in text_of(stderr).splitlines()]
    assert lines == [
        f"motion_tracker / smpl / isaaclab / smpl_humanoid_walk  (pid 42, {tmp_path / 'run'})",
        "Python started",
        "torch imported",
        "process group gloo x 2",
        "simulator ready",
        "evaluating",
        "evaluated 45 of 45 steps, 50.0/s",
        "Interrupted by Ctrl+C.",
    ]


def test_plain_display_passes_the_log_on_in_whole_lines(plan_of: LaunchPlan, stderr: io.TextIOWrapper) -> None:
    display = PlainDisplay(plan_of, stream=True)
    chunk = "走路 ✓\r50%\x1b[31m".encode() + b"\xff\r\nhalf"
    for start in range(len(chunk)):
        display.output(chunk[start : start + 1])
    assert text_of(stderr) == "走路 ✓\n50%\N{REPLACEMENT CHARACTER}\n"
    display.output(b" a line\n")
    assert text_of(stderr).endswith("\nhalf a line\n")


def test_plain_display_on_a_console_without_utf8(plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", errors="replace", newline="\n")
    monkeypatch.setattr(sys, "stderr", stream)
    PlainDisplay(plan_of, stream=True).output("é ✓\n".encode())
    assert text_of(stream) == "é ?\n"


@pytest.mark.parametrize(
    ("events", "steps", "text"),
    [
        ([], 45, ""),
        ([{"n": 1, "rate": None}], 45, "1 of 45 steps"),
        ([{"n": 15, "rate": 60.0}], 45, "15 of 45 steps, 60.0/s, 0 s left"),
        ([{"n": 15, "rate": 2.0}], 45, "15 of 45 steps, 2.0/s, 15 s left"),
        ([{"n": 45, "rate": 2.0}], 45, "45 of 45 steps, 2.0/s"),
        ([{"n": 50, "rate": 2.0}], 45, "50 of 45 steps, 2.0/s"),
        ([{"n": 15, "rate": 2.5}], None, "15 steps, 2.5/s"),
        ([{}], 45, ""),
    ],
)
def test_progress(plan_of: LaunchPlan, events: list[dict[str, Any]], steps: int | None, text: str) -> None:
    from dataclasses import replace

    display = RunDisplay(replace(plan_of, max_steps=steps))
    for event in events:
        display.event({"event": "step", **event})
    assert display.progress() == text


def test_progress_of_many_motions(plan_of: LaunchPlan, stderr: io.TextIOWrapper) -> None:
    display = PlainDisplay(plan_of, stream=False)
    display.event({"event": "motion", "done": 0, "of": 3, "steps": 300})
    assert display.progress() == "0 of 3 motions"
    display.event({"event": "step", "n": 100, "rate": 50.0})
    display.event({"event": "motion", "done": 1, "of": 3, "steps": 300, "rank": 1})
    assert display.progress() == "0 of 3 motions, 100 of 300 steps, 50.0/s, 4 s left"
    display.event({"event": "motion", "done": 2, "of": 3, "steps": 300})
    assert re.sub(r"^\[ *[\d.]+ s\] ", "", text_of(stderr)) == "2 of 3 motions, 100 of 300 steps, 50.0/s, 4 s left\n"
    one = RunDisplay(plan_of)
    one.event({"event": "motion", "done": 0, "of": 1, "steps": 30})
    one.event({"event": "step", "n": 15, "rate": None})
    assert one.progress() == "15 of 30 steps"


def test_stage_starts_a_new_line(plan_of: LaunchPlan, stderr: io.TextIOWrapper) -> None:
    display = PlainDisplay(plan_of, stream=True)
    display.output(b"half a line")
    display.stopping("Interrupted.")
    assert text_of(stderr) == "half a line\nInterrupted.\n"


def test_headline_of_many_motions(plan_of: LaunchPlan) -> None:
    from dataclasses import replace

    assert RunDisplay(replace(plan_of, motions=plan_of.motions * 4)).headline().endswith("/ 4 motions, 4.0 s")


def test_only_the_first_event_of_rank_0_counts_for_a_stage(plan_of: LaunchPlan) -> None:
    display = RunDisplay(plan_of)
    for event in EVENTS:
        display.event(event)
    assert list(display.track.reached) == [
        *("started", "imported:torch", "process_group", "simulator_ready", "evaluation_started"),
    ]
    assert display.steps == 15


def test_headline_without_a_motion(plan_of: LaunchPlan) -> None:
    from dataclasses import replace

    assert RunDisplay(replace(plan_of, motions=())).headline().endswith("/ the checkpoint's motion")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "term", "options", "kind"),
    [
        (True, "xterm", {}, LiveDisplay),
        (True, "", {}, LiveDisplay),  # Windows
        (True, "dumb", {}, PlainDisplay),
        (True, "xterm", {"verbose": True}, PlainDisplay),
        (True, "xterm", {"quiet": True}, RunDisplay),
        (False, "xterm", {}, PlainDisplay),
        (False, "xterm", {"quiet": True}, RunDisplay),
    ],
)
def test_display_depends_on_stream_and_options(
    plan_of: LaunchPlan,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    term: str,
    options: dict[str, bool],
    kind: type,
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    display = make_run_display(plan_of, **{"quiet": False, "verbose": False, **options})
    assert type(display) is kind


@pytest.mark.parametrize(("encoding", "columns"), [("utf-8", 100), ("ascii", 100), ("cp1252", 20), ("utf-8", 5)])
def test_live_display_works_on_any_terminal(
    plan_of: LaunchPlan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str, columns: int
) -> None:
    terminal = Terminal()
    terminal.encoding = encoding
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("pmlaunch.cli.live.run_display._REFRESH", 0.0)
    with LiveDisplay(plan_of) as display:
        display.started(RunFolder(tmp_path), 42)
        display.output(b"loading \x1b[2J 10%\r loading 100%\n\xff\n" + b"[bold]line[/bold]\n" * 20)
        for event in EVENTS:
            display.event(event)
            display.tick()
        display.stopping("Interrupted by Ctrl+C.")
    drawn = terminal.getvalue()
    assert "\x1b[2J" not in drawn  # the log cannot move the cursor
    if encoding == "utf-8":
        assert "[bold]line" not in drawn, "the log stays in its file"
        assert columns < 20 or "output.log: 22 lines (-v)" in drawn
        assert columns < 20 or "15 of 45 steps" in drawn
    else:
        assert drawn.isascii()
