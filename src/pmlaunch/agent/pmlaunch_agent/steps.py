"""Counting simulation steps, at a cost per step that nobody notices."""

from __future__ import annotations

import functools
from time import monotonic

from pmlaunch_agent import START
from pmlaunch_agent.outcome import StopRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from pmlaunch_agent.record import Record

_INTERVAL = 0.25  # seconds between two step events


class StepMeter:
    """Counts the calls of the watched step, reports them now and then, and ends the run after too many.

    Args:
        record: receives the events.
        limit: the number of steps after which the next one ends the run; None for no end.
        reporting: write step events? Only rank 0 does.
    """

    def __init__(self, record: Record, limit: int | None, reporting: bool):
        self.count = 0
        self._record = record
        self._limit: float = float("inf") if limit is None else limit
        self._reporting = reporting
        self._due = 0.0  # when the next event may be written; 0: the first step is always reported
        self._latest = 0.0  # when the latest step was counted
        self._reported = (0, 0.0)  # count and time of the latest event

    def watching(self, function: Callable[..., Any], when: str) -> Callable[..., Any]:
        """`function`, counted "before" or "after" each call."""
        tick = self._tick

        @functools.wraps(function)
        def count_before(*args: Any, **kwargs: Any) -> Any:
            if self.count >= self._limit:
                self._stop()
            tick()
            return function(*args, **kwargs)

        @functools.wraps(function)
        def count_after(*args: Any, **kwargs: Any) -> Any:
            if self.count >= self._limit:
                self._stop()
            returned = function(*args, **kwargs)
            tick()
            return returned

        return count_before if when == "before" else count_after

    def report_now(self) -> None:
        """Report the steps since the latest event."""
        if self._reporting and self.count > self._reported[0]:
            self._report()

    def report_last(self) -> None:
        """Report the steps since the latest event, and when the last step was."""
        self.report_now()
        if self.count:
            self._record.verdict.time("last_step", round(self._latest - START, 3))

    def _tick(self) -> None:
        self.count += 1
        self._latest = now = monotonic()
        if now >= self._due:
            if self.count == 1:
                self._record.verdict.time("first_step", round(now - START, 3))
                self._record.save(status="running")
            self._due = now + _INTERVAL if self._reporting else float("inf")
            if self._reporting:
                self._report()

    def _report(self) -> None:
        count, since = self._reported
        span = self._latest - since
        # the first step has no step before it to be measured from
        rate = round((self.count - count) / span, 2) if count and span > 0 else None
        self._record.events.emit("step", n=self.count, rate=rate)
        self._reported = (self.count, self._latest)

    def _stop(self) -> None:
        self._record.stopping("max_steps")
        raise StopRun
