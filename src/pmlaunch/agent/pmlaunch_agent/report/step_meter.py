"""Count control steps, at a cost per step that nobody notices."""

from __future__ import annotations

import functools
from time import monotonic
from typing import Any, Callable

from pmlaunch_agent import START
from pmlaunch_agent.report.ending import StopReason, StopRun
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.observer import Observer

_INTERVAL = 0.25  # seconds between two step events


class StepMeter(Observer):
    """Counts the calls of the watched step, reports them now and then, and ends the run at its limit.

    Args:
        journal: receives the events and holds the count.
        limit: number of steps after which the next one ends the run; None for no limit.
        reporting: whether to write step events; only rank 0 does.
    """

    def __init__(self, journal: Journal, limit: int | None, reporting: bool) -> None:
        self._journal = journal
        self._result = journal.result
        self._limit: float = float("inf") if limit is None else limit
        self._reporting = reporting
        self._due = 0.0  # when the next event may be written; 0: the first step is always reported
        self._latest = 0.0  # when the latest step was counted
        self._reported = (0, 0.0)  # count and time of the latest event

    def counting(self, function: Callable[..., Any], when: str) -> Callable[..., Any]:
        """Wrap `function` to count a step "before" or "after" each call."""
        result, tick = self._result, self._tick

        @functools.wraps(function)
        def count_before(*args: Any, **kwargs: Any) -> Any:
            if result.steps >= self._limit:
                self._stop()
            tick()
            return function(*args, **kwargs)

        @functools.wraps(function)
        def count_after(*args: Any, **kwargs: Any) -> Any:
            if result.steps >= self._limit:
                self._stop()
            returned = function(*args, **kwargs)
            tick()
            return returned

        return count_before if when == "before" else count_after

    def before_progress(self) -> None:
        """Report the steps since the latest event."""
        if self._reporting and self._result.steps > self._reported[0]:
            self._report()

    def before_end(self) -> None:
        """Report the steps since the latest event, and when the last step was."""
        self.before_progress()
        if self._result.steps:
            self._journal.timed("last_step", round(self._latest - START, 3))

    def _tick(self) -> None:
        result = self._result
        result.steps += 1
        self._latest = now = monotonic()
        if now >= self._due:
            if result.steps == 1:
                self._journal.timed("first_step", round(now - START, 3))
                self._journal.running()
            self._due = now + _INTERVAL if self._reporting else float("inf")
            if self._reporting:
                self._report()

    def _report(self) -> None:
        count, since = self._reported
        span = self._latest - since
        # the first step has no step before it to be measured from
        rate = round((self._result.steps - count) / span, 2) if count and span > 0 else None
        self._journal.event("step", n=self._result.steps, rate=rate)
        self._reported = (self._result.steps, self._latest)

    def _stop(self) -> None:
        self._journal.stopping(StopReason.MAX_STEPS)
        raise StopRun
