"""Run one child process under supervision: stream and log its output, enforce limits, end everything it started."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from pmlaunch.processes.child import Child, ChildCommand
from pmlaunch.processes.guardian import MARKER, Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.job_object import join_job

_PERIOD = 0.05  # seconds between two polls


class Ending(Enum):
    """Why a supervised child ended: by itself, or the reason it was stopped."""

    EXITED = "exited"
    INTERRUPTED = "interrupted"
    TIME_LIMIT = "time limit"
    SILENT = "silent"
    LOG_FAILED = "log failed"


@dataclass(frozen=True)
class Grace:
    """Seconds a child gets to end by itself once it was asked to: without output, and in total."""

    silence: float = 0.0
    total: float = 0.0

    def deadline(self, asked: float, last_output: float) -> float:
        """Return when the grace ends. `asked`, `last_output` and the result are time.monotonic() values."""
        return min(max(asked, last_output) + self.silence, asked + self.total)


@dataclass(frozen=True)
class ChildLimits:
    """Seconds a child may run in total and without a sign of life (None: no limit), and its grace at the end."""

    time: float | None = None
    silence: float | None = None
    grace: Grace = Grace()


class Watcher:
    """Callbacks from a supervised child, all of which do nothing here. Only `output` is called on another thread."""

    def started(self, pid: int) -> None:
        """The child is running."""

    def output(self, chunk: bytes) -> None:
        """The child wrote `chunk` to stdout or stderr."""

    def poll(self) -> bool:
        """Called regularly, and once more after the end. Return True for a sign of life other than output."""
        return False

    def stopping(self, why: Ending, log_error: OSError | None) -> None:
        """The child is about to be stopped: ask it to end by itself within its grace."""


@dataclass(frozen=True)
class ChildResult:
    """How a child ended: its exit code (None if the system gave none), the last lines of its output, its whole log."""

    exit_code: int | None
    tail: tuple[str, ...]
    log: Path
    ending: Ending = Ending.EXITED
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.exit_code == 0 and self.ending is Ending.EXITED


def supervised(
    command: ChildCommand,
    guardian: Guardian,
    interrupts: Interrupts,
    limits: ChildLimits = ChildLimits(),
    watcher: Watcher = Watcher(),  # noqa: B008 (stateless)
) -> ChildResult:
    """Run `command` until it ends or has to be stopped. No descendant of it is left running.

    A child is stopped when an interrupt was counted, a limit is exceeded, or its log cannot be written. It is first
    asked to end by itself (`Watcher.stopping`); when its grace is over, or on another interrupt, the tree is killed.
    `guardian` kills the tree if the launcher itself is killed; dismissing it is up to the caller.

    Raises PML204 if the log cannot be opened and PML205 if the program cannot be started.
    """
    begin = time.monotonic()
    join_job()  # after the guardian has started: it must outlive the job
    marked = replace(command, environment={**command.environment, MARKER: guardian.mark})
    child = Child(marked, watcher.output)
    exit_code = None
    try:
        guardian.watch(child.pid)
        watcher.started(child.pid)
        exit_code, ending = _Supervision(child, interrupts, limits, watcher, begin).run()
    finally:
        if exit_code is None:
            child.end_tree()
        child.close()
    watcher.poll()
    return ChildResult(exit_code, child.tail(), command.log, ending, time.monotonic() - begin)


@dataclass
class _Supervision:
    """A child being watched; `alive` is when it last gave a sign of life other than output."""

    child: Child
    interrupts: Interrupts
    limits: ChildLimits
    watcher: Watcher
    begin: float
    alive: float = 0.0

    def run(self) -> tuple[int | None, Ending]:
        self.alive = self.begin
        while True:
            exit_code = self._wait()
            if exit_code is not None:
                return exit_code, Ending.EXITED
            why = self._reason_to_stop()
            if why is not None:
                return self._stop(why), why

    def _wait(self) -> int | None:
        exit_code = self.child.wait(_PERIOD)
        if self.watcher.poll():
            self.alive = time.monotonic()
        return exit_code

    def _reason_to_stop(self) -> Ending | None:
        now, limits = time.monotonic(), self.limits
        if self.interrupts.count:
            return Ending.INTERRUPTED
        if self.child.log_error is not None:
            return Ending.LOG_FAILED
        if limits.time is not None and now - self.begin > limits.time:
            return Ending.TIME_LIMIT
        if limits.silence is not None and now - max(self.child.last_output, self.alive) > limits.silence:
            return Ending.SILENT
        return None

    def _stop(self, why: Ending) -> int | None:
        count, asked = self.interrupts.count, time.monotonic()
        self.watcher.stopping(why, self.child.log_error)
        exit_code = None
        while exit_code is None and self.interrupts.count == count:
            if time.monotonic() >= self.limits.grace.deadline(asked, self.child.last_output):
                break
            exit_code = self._wait()
        killed = self.child.end_tree()
        return exit_code if exit_code is not None else killed
