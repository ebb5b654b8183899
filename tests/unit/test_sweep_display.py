"""What a sweep shows while it runs, in a terminal and as lines."""

from __future__ import annotations

import io
import sys
import time
from dataclasses import replace

import pytest

from pmlaunch.cli.live import sweep_display
from pmlaunch.cli.live.sweep_display import LiveSweepDisplay, PlainSweepDisplay, SweepDisplay, make_sweep_display
from pmlaunch.request import EvalRequest
from pmlaunch.sweeping.journal import Tally
from pmlaunch.sweeping.model import Evaluation
from pmlaunch.sweeping.slots import Slot
from pmlaunch.sweeping.summary import Counts, Outcome

EACH = Evaluation("a", EvalRequest("demo"), {"model": "demo", "seed": "3"}, ("walk",))
CRASHED = Tally(2, "abnormal", "20260101-run", "PML330", 1)


def counts(**cells: int) -> Counts:
    return Counts({each: cells.get(each.value, 0) for each in Outcome})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_counts_and_reckons(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    display, cells = SweepDisplay(), counts(done=10, waiting=20)
    display.started(cells, 4)
    assert display.progress() == "10 of 30 cells, 0 of 4 slots busy"
    now[0] += 10
    cells.move(4, Outcome.WAITING, Outcome.DONE)
    cells.move(1, Outcome.WAITING, Outcome.FAILED)
    display.evaluating(Slot(0), EACH, "run")
    assert display.progress() == "15 of 30 cells, 1 failed, 1 of 4 slots busy, about 30 s left"
    display.idle(Slot(0))
    cells.move(15, Outcome.WAITING, Outcome.ABNORMAL)
    assert display.progress() == "30 of 30 cells, 1 failed, 15 set aside, 0 of 4 slots busy"


def test_lines_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(sweep_display, "_EVERY", 0.0)
    with PlainSweepDisplay() as display:
        cells = counts(waiting=2)
        display.started(cells, 1)
        display.ended(EACH, Outcome.WAITING, replace(CRASHED, message="Aborted"))
        display.ended(EACH, Outcome.ABNORMAL, CRASHED)
        display.tick()
        display.stopping("Asked to stop.")
    lines = [line.partition("] ")[2] for line in out.getvalue().splitlines()]
    assert lines == [
        "0 of 2 cells, 0 of 1 slots busy",
        "model=demo seed=3 motion=walk: abnormal (PML330) in 20260101-run, will be repeated: Aborted",
        "model=demo seed=3 motion=walk: abnormal (PML330) in 20260101-run, set aside",
        "0 of 2 cells, 0 of 1 slots busy",
        "Asked to stop.",
        "0 of 2 cells, 0 of 1 slots busy",
    ]


def test_picture_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    with make_sweep_display(quiet=False, verbose=False) as display:
        assert isinstance(display, LiveSweepDisplay)
        display.started(counts(waiting=2), 2)
        display.evaluating(Slot(1, "0"), EACH, "run")
        display.ended(EACH, Outcome.ABNORMAL, replace(CRASHED, message="MPI cannot start"))
        display.tick()
    shown = out.getvalue()
    assert "0 of 2 cells, 1 of 2 slots busy" in shown
    assert "2 gpu 0  model=demo seed=3 motion=walk  0 s" in shown
    assert "set aside" in shown
    assert "MPI cannot start" in shown


def test_kind_of_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert type(make_sweep_display(quiet=False, verbose=False)) is PlainSweepDisplay
    assert type(make_sweep_display(quiet=True, verbose=False)) is SweepDisplay
