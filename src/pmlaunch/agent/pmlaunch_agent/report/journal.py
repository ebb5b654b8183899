"""The journal of a run: hooks report to it, observers react."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Mapping

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import Artifact, Status, StopReason
from pmlaunch_agent.report.ending import EXIT_INTERRUPTED, describe, ending_of
from pmlaunch_agent.report.result import RunResult, imported_versions

_OVERDUE = 0.5  # seconds after which an interrupt that had no effect is taken for lost


class Observer:
    """Reacts to entries of the journal. Each method does nothing unless a subclass overrides it."""

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        """Something happened."""

    def on_change(self, result: RunResult) -> None:
        """The result changed."""

    def before_progress(self) -> None:
        """Report what is pending: the progress of an evaluation comes next."""

    def before_end(self) -> None:
        """Report what is pending: the end of an evaluation or of the run comes next."""

    def on_next(self, folder: str) -> None:
        """Another evaluation begins; its files belong into `folder`, and the journal's result is its own."""

    def on_evaluation(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """An evaluation ended. `metrics` has upstream's names, and None for what is not finite."""


class Journal:
    """What hooks report to. It keeps `result`, which everybody else only reads, and tells `observers` in their order."""

    def __init__(self, result: RunResult, *observers: Observer) -> None:
        self.result = result
        self._observers = list(observers)
        self._folder: str | None = None  # of the present evaluation's run, unless it is the first
        self._repaired: dict[str, list[str]] = {}
        self._stopping_since = 0.0
        # Reentrant: a signal handler that closes the simulator may run while the main thread reports.
        self._lock = threading.RLock()

    def add(self, observer: Observer) -> None:
        """Let `observer` react from now on, after those that are there."""
        self._observers.append(observer)

    def event(self, event: str, /, **fields: Any) -> None:
        """Report an event."""
        for observer in self._observers:
            observer.on_event(event, fields)

    def milestone(self, event: str, /, key: str | None = None, **fields: Any) -> None:
        """Report an event, and in the result when it first happened, under `key` or its name."""
        self.event(event, **fields)
        self.timed(key or event, elapsed())
        self.running()

    def timed(self, milestone: str, second: float) -> None:
        """Note when a milestone was first reached; the next change saves it."""
        with self._lock:
            self.result.seconds.setdefault(milestone, second)

    def running(self) -> None:
        """The script is running."""
        self._change(status=Status.RUNNING)

    def applied(self, hook: str, **details: Any) -> None:
        """A hook took effect."""
        with self._lock:
            _add_once(self.result.hooks_applied, {"hook": hook, **details})

    def repaired(self, repair: str, what: str) -> None:
        """A repair took effect on `what`; the record of the run lists it."""
        entries = self._repaired.setdefault(repair, [])
        _add_once(entries, what)
        self.applied(repair, repaired=entries)

    def note(self, text: str) -> None:
        """Add a note for the launcher: something that harms nothing."""
        with self._lock:
            _add_once(self.result.notes, text)

    def remark(self, text: str) -> None:
        """Add a note that a reader of the output sees as well."""
        self.note(text)
        print(f"pmlaunch_agent: {text}", file=sys.stderr)

    def left_out(self, artifact: Artifact, text: str) -> None:
        """Record why a requested artifact will be missing or incomplete. The first reason counts."""
        with self._lock:
            if all(entry["what"] != artifact for entry in self.result.left_out):
                self.result.left_out.append({"what": artifact, "reason": text})
        self.remark(text)

    def process_group(self, backend: str, world_size: int, rank: int) -> None:
        """torch.distributed formed a process group."""
        self.result.backend, self.result.world_size = backend, world_size
        self.milestone("process_group", backend=backend, world_size=world_size, rank=rank)

    def progress(self, /, **fields: Any) -> None:
        """Report how far the evaluation is, e.g. {done, of, steps}."""
        for observer in self._observers:
            observer.before_progress()
        self.event("motion", **fields)

    def evaluated(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """An evaluation ended; see `Observer.on_evaluation`."""
        if metrics:
            self.event("metric", **metrics)
        self._before_end()
        for observer in self._observers:
            observer.on_evaluation(metrics, seconds)
        self.milestone("evaluation_finished", seconds=seconds)

    def begin_next(self, folder: str) -> None:
        """The evaluation is done, and another begins, whose run folder is `folder`.

        Raises KeyboardInterrupt if somebody asked for the end.
        """
        if self.result.stopped_by is not None:
            raise KeyboardInterrupt
        self.finish(None)
        with self._lock:
            self.result, self._folder = self.result.following(), folder
            for observer in self._observers:
                observer.on_next(folder)
        self.running()

    def in_run(self, path: str) -> str:
        """Where a file of the first evaluation's run folder lies in that of the present one."""
        return path if self._folder is None else os.path.join(self._folder, os.path.basename(path))

    def stopping(self, reason: StopReason) -> None:
        """The agent is about to end the run."""
        self._stopping_since = elapsed()
        self._change(stopped_by=reason)

    def interrupt_was_lost(self) -> bool:
        """Whether the run continues despite an interrupt: Kit swallows exceptions raised in its callbacks."""
        from_outside = self.result.stopped_by in (StopReason.MAX_SECONDS, StopReason.STOP_FILE)
        return from_outside and elapsed() - self._stopping_since > _OVERDUE

    def closing(self, error: BaseException | None, exit_code: int = 0) -> None:
        """Report the result before something that may end the process.

        `error` is the exception that is propagating, if any; it decides the exit code unless that is known.
        """
        if self.result.status is Status.FINISHED:
            return
        own_code, cause = ending_of(error)
        if error is None and self.result.stopped_by in (StopReason.MAX_SECONDS, StopReason.STOP_FILE):
            # The simulator's own signal handler closes it before KeyboardInterrupt is raised.
            own_code = EXIT_INTERRUPTED
        self._before_end()
        self.event("closing", exit_code=exit_code or own_code)
        self._conclude(Status.CLOSING, exit_code or own_code, cause)

    def finish(self, error: BaseException | None) -> int:
        """Report the final result of a script that `error` ended (None: nothing did); returns the exit code."""
        exit_code, cause = ending_of(error)
        self._before_end()
        self._conclude(Status.FINISHED, exit_code, cause)
        self.event("finished", status=Status.FINISHED, exit_code=exit_code)
        return exit_code

    def _conclude(self, status: Status, exit_code: int, cause: BaseException | None) -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()  # the process may end without Python's own shutdown
            except (AttributeError, OSError, ValueError):
                pass
        interrupt = StopReason.INTERRUPT if isinstance(cause, KeyboardInterrupt) else None
        self._change(
            versions=imported_versions(),
            exit_code=exit_code,
            exception=describe(cause) if cause is not None else None,
            stopped_by=self.result.stopped_by or interrupt,
            status=status,
        )

    def _change(self, **entries: Any) -> None:
        """Change the result, unless it is final: atexit and interpreter shutdown come after that."""
        with self._lock:
            if self.result.status is Status.FINISHED:
                return
            vars(self.result).update(entries)
            for observer in self._observers:
                observer.on_change(self.result)

    def _before_end(self) -> None:
        for observer in self._observers:
            observer.before_end()


def _add_once(entries: list[Any], entry: Any) -> None:
    if entry not in entries:
        entries.append(entry)
