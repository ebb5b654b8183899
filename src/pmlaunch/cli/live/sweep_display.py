"""Progress of a sweep on stderr: what each slot does, how many cells are done or failed, and the time left.

A terminal gets a live region; a file, a CI log or a dumb terminal gets the same facts as lines.
"""

from __future__ import annotations

import contextlib
import sys
import time
from contextlib import AbstractContextManager
from typing import Any

from pmlaunch.cli.live.quiet_keys import no_echo
from pmlaunch.cli.live.run_display import is_live
from pmlaunch.cli.render.terminal import console_on, write
from pmlaunch.support.text import duration
from pmlaunch.sweeping.journal import Tally
from pmlaunch.sweeping.manifest import labels_text
from pmlaunch.sweeping.model import Evaluation
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import Slot
from pmlaunch.sweeping.summary import Counts, Outcome

_REFRESH = 0.25  # seconds
_EVERY = 5.0  # seconds between plain lines about progress: a sweep may end a hundred cells a second
_HEARTBEAT = 60.0  # the same while nothing ends
_MOST_SLOTS = 16  # shown
_MOST_FAILURES = 3


class SweepDisplay(SweepObserver, AbstractContextManager["SweepDisplay"]):
    """Shows nothing (for --quiet). Keeps count; subclasses show it."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.counts = Counts()
        self.slots = 0
        self.already = 0  # cells that an earlier session ended
        self.busy: dict[Slot, tuple[str, float]] = {}

    def __exit__(self, *_: object) -> None: ...

    def started(self, counts: Counts, slots: int) -> None:
        self.begin = time.monotonic()
        self.counts, self.slots, self.already = counts, slots, counts.total - counts.cells[Outcome.WAITING]

    def evaluating(self, slot: Slot, evaluation: Evaluation, run: str) -> None:
        self.busy[slot] = labels_text(evaluation.shown) or evaluation.id, time.monotonic()

    def idle(self, slot: Slot) -> None:
        self.busy.pop(slot, None)

    def progress(self) -> str:
        """Progress such as "5 of 60 cells, 1 failed, 2 of 4 slots busy, about 3 min 20 s left"."""
        cells = self.counts.cells
        ended = self.counts.total - cells[Outcome.WAITING]
        parts = [f"{ended} of {self.counts.total} cells"]
        parts += [f"{cells[each]} {text}" for each, text in _FAILURES if cells[each]]
        parts.append(f"{len(self.busy)} of {self.slots} slots busy")
        if (left := self.seconds_left()) is not None:
            parts.append(f"about {duration(left)} left")
        return ", ".join(parts)

    def seconds_left(self) -> float | None:
        """Seconds that the rest will take, at the rate of this session; None before its first cells have ended."""
        waiting = self.counts.cells[Outcome.WAITING]
        ended = self.counts.total - waiting - self.already
        return (time.monotonic() - self.begin) / ended * waiting if ended > 0 and waiting else None


_FAILURES = ((Outcome.FAILED, "failed"), (Outcome.ABNORMAL, "set aside"))


def failure_line(evaluation: Evaluation, outcome: Outcome, tally: Tally) -> str:
    """An evaluation that has no figures, in one line."""
    what = {Outcome.WAITING: "will be repeated", Outcome.ABNORMAL: "set aside"}.get(outcome, "failed")
    why = f" ({tally.code})" if tally.code else ""
    where = f" in {tally.run}" if tally.run else ""
    return f"{labels_text(evaluation.shown) or evaluation.id}: {tally.state}{why}{where}, {what}"


class PlainSweepDisplay(SweepDisplay):
    """For a file, a pipe or CI: a line for each failure, and one about progress every few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()
        self._news = False

    def __exit__(self, *_: object) -> None:
        if self.counts.total:
            self._line(self.progress())

    def started(self, counts: Counts, slots: int) -> None:
        super().started(counts, slots)
        self._line(self.progress())

    def ended(self, evaluation: Evaluation, outcome: Outcome, tally: Tally) -> None:
        self._news = True
        if outcome is not Outcome.DONE:
            why = f": {tally.message}" if tally.message else ""
            self._line(f"{failure_line(evaluation, outcome, tally)}{why}")

    def tick(self) -> None:
        if time.monotonic() - self._said >= (_EVERY if self._news else _HEARTBEAT):
            self._said, self._news = time.monotonic(), False
            self._line(self.progress())

    def stopping(self, reason: str) -> None:
        self._line(reason)

    def _line(self, text: str) -> None:
        write(sys.stderr, f"[{time.monotonic() - self.begin:7.1f} s] {text}\n")


class LiveSweepDisplay(SweepDisplay):
    """For a terminal: a region that is redrawn four times a second and erased at the end."""

    def __init__(self) -> None:
        super().__init__()
        from rich.live import Live

        self._console = console_on(sys.stderr)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._open = contextlib.ExitStack()
        self._failures: list[tuple[str, str]] = []
        self._message = ""
        self._drawn = 0.0

    def __enter__(self) -> SweepDisplay:
        self._open.enter_context(no_echo())
        self._open.enter_context(self._live)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ended(self, evaluation: Evaluation, outcome: Outcome, tally: Tally) -> None:
        if outcome is not Outcome.DONE:
            self._failures = [*self._failures, (failure_line(evaluation, outcome, tally), tally.message)]
            self._failures = self._failures[-_MOST_FAILURES:]

    def stopping(self, reason: str) -> None:
        self._message, self._drawn = reason, 0.0

    def tick(self) -> None:
        now = time.monotonic()
        if now - self._drawn >= _REFRESH:
            self._drawn = now
            self._live.update(self._picture(now), refresh=True)

    def _picture(self, now: float) -> Any:
        from rich.console import Group
        from rich.text import Text

        lines = [Text(self.progress(), style="bold")]
        for slot, (text, since) in sorted(self.busy.items(), key=lambda item: item[0].number)[:_MOST_SLOTS]:
            gpu = f" gpu {slot.gpu}" if slot.gpu is not None else ""
            lines.append(Text(f"  {slot.number + 1}{gpu}  {text}  {duration(now - since)}", style="cyan"))
        for failure, why in self._failures:
            lines.append(Text(f"  {failure}", style="yellow"))
            lines += [Text(f"    {why}", style="yellow")] if why else []
        lines.append(Text(f"  {self._message or duration(now - self.begin)}", style="bold" if self._message else "dim"))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis" if not self._console.options.ascii_only else "crop"
        return Group(*lines)


def make_sweep_display(*, quiet: bool, verbose: bool) -> SweepDisplay:
    """The display for this stderr: live in a terminal, plain elsewhere or if `verbose`, silent if `quiet`."""
    if quiet:
        return SweepDisplay()
    return LiveSweepDisplay() if is_live(verbose=verbose) else PlainSweepDisplay()
