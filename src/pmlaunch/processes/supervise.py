"""Run one child process under supervision: stream and log its output, enforce limits, end everything it started."""

from __future__ import annotations

import time
from collections.abc import Callable
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
    NOT_READY = "not ready"
    LINGERED = "lingered"


class Stage(Enum):
    """How far a child is. CONCLUDED: its result is known, and only its exit is left."""

    STARTING = "starting"
    READY = "ready"
    CONCLUDED = "concluded"


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
    """Seconds a child may take (None: no limit): in total, and without a sign of life; and its grace at the end.

    `start` limits the time until it is ready, `exit` the time from its result to its exit.
    """

    time: float | None = None
    silence: float | None = None
    grace: Grace = Grace()
    start: float | None = None
    exit: float | None = None

    def exceeded(self, running: float, silent: float, stage: Stage, in_stage: float) -> Ending | None:
        """Return the limit that is exceeded after `running` seconds.

        The child has been in its `stage` for `in_stage` seconds, and has given no sign of life for `silent` seconds.
        """
        limits = (
            (Ending.LINGERED, in_stage, self.exit if stage is Stage.CONCLUDED else None),
            (Ending.TIME_LIMIT, running, self.time),
            (Ending.NOT_READY, in_stage, self.start if stage is Stage.STARTING else None),
            (Ending.SILENT, silent, self.silence),
        )
        return next((ending for ending, seconds, limit in limits if limit is not None and seconds > limit), None)


class Watcher:
    """Callbacks from a supervised child. Only `output` is called on another thread.

    `listener` gets the output; a change of what `progress` returns is a sign of life; `has_concluded` tells of the result.
    """

    def __init__(
        self,
        listener: Callable[[bytes], object] | None = None,
        progress: Callable[[], object] | None = None,
        has_concluded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._listener, self._progress, self._has_concluded = listener, progress, has_concluded
        self._seen: object = None

    def started(self, pid: int) -> None:
        """The child is running."""

    def output(self, chunk: bytes) -> None:
        """The child wrote `chunk` to stdout or stderr."""
        if self._listener is not None:
            self._listener(chunk)

    def poll(self) -> bool:
        """Called regularly, and once more after the end. Return True for a sign of life other than output."""
        before, self._seen = self._seen, self._progress() if self._progress else None
        return self._seen != before

    def stage(self) -> Stage:
        """Called after each `poll`. Return how far the child is."""
        return Stage.CONCLUDED if self._has_concluded() else Stage.READY

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


def run_child(command: ChildCommand, mark: str, limits: ChildLimits, watcher: Watcher) -> ChildResult:
    """Supervise `command` with a guardian of its own, whose mark is `mark`.

    Ctrl+C ends the child and everything it started, then raises KeyboardInterrupt. Raises PML204 and PML205 as
    `supervised` does.
    """
    with Interrupts() as interrupts, Guardian(mark) as guardian:
        result = supervised(command, guardian, interrupts, limits, watcher)
    interrupts.raise_if_any()
    return result


def supervised(
    command: ChildCommand, guardian: Guardian, interrupts: Interrupts, limits: ChildLimits, watcher: Watcher
) -> ChildResult:
    """Run `command` until it ends or has to be stopped. No descendant of it is left running.

    A child is stopped when an interrupt was counted, a limit is exceeded, or its log cannot be written. It is first
    asked to end by itself (`Watcher.stopping`); when its grace is over, or on another interrupt, the tree is killed.
    One that has concluded is not asked: that could only change its result.
    `guardian` kills the tree if the launcher itself is killed; dismissing it is up to the caller.

    Raises PML204 if the log cannot be opened and PML205 if the program cannot be started.
    """
    begin = alive = time.monotonic()
    join_job()  # after the guardian has started: it must outlive the job
    child = Child(replace(command, environment={**command.environment, MARKER: guardian.mark}), watcher.output)
    exit_code = why = None
    asked, interrupted = begin, 0
    stage, entered = Stage.STARTING, begin
    try:
        guardian.watch(child.pid)
        watcher.started(child.pid)
        while (exit_code := child.wait(_PERIOD)) is None:
            guardian.watch(child.pid)
            if watcher.poll():
                alive = time.monotonic()
            now = time.monotonic()
            before, stage = stage, watcher.stage()
            if stage is not before:
                entered = now
            if why is None:
                if interrupts.count:
                    why = Ending.INTERRUPTED
                elif child.log_error is not None:
                    why = Ending.LOG_FAILED
                else:
                    why = limits.exceeded(now - begin, now - max(alive, child.last_output), stage, now - entered)
                if why is not None:
                    if stage is Stage.CONCLUDED:
                        break
                    asked, interrupted = now, interrupts.count
                    watcher.stopping(why, child.log_error)
            grace_is_over = now >= limits.grace.deadline(asked, child.last_output)
            if why is not None and (grace_is_over or interrupts.count > interrupted):
                break
    finally:
        if exit_code is None:
            exit_code = child.end_tree()
        guardian.kill_leftovers()
        child.close()
    watcher.poll()
    return ChildResult(exit_code, child.tail(), command.log, why or Ending.EXITED, time.monotonic() - begin)
