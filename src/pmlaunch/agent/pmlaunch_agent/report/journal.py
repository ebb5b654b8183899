"""The journal of a run: hooks report to it, observers react."""

from __future__ import annotations

import sys
import threading
from typing import Any, Mapping

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import MUTABLE_DATACLASS_DEFAULTS, Artifact
from pmlaunch_agent.report.ending import EXIT_INTERRUPTED, Ending, StopReason, ending_of
from pmlaunch_agent.report.observer import Observer
from pmlaunch_agent.report.run_result import RunResult, Status
from pmlaunch_agent.report.versions import imported_versions


class Journal:
    """What hooks report to.

    Args:
        result: kept up to date here; everybody else only reads it.
        observers: told of everything, in this order.
    """

    def __init__(self, result: RunResult, *observers: Observer) -> None:
        self.result = result
        self._observers = list(observers)
        self._repaired: list[str] = []
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
        entry = {"hook": hook, **details}
        with self._lock:
            if entry not in self.result.hooks_applied:
                self.result.hooks_applied.append(entry)

    def repaired(self, class_name: str) -> None:
        """A dataclass exists only because of a repair."""
        if class_name not in self._repaired:
            self._repaired.append(class_name)
        self.applied(MUTABLE_DATACLASS_DEFAULTS, classes=self._repaired)

    def note(self, text: str) -> None:
        """Add a note for the launcher: something that harms nothing."""
        with self._lock:
            if text not in self.result.notes:
                self.result.notes.append(text)

    def remark(self, text: str) -> None:
        """Add a note that a reader of the output sees as well."""
        self.note(text)
        print(f"pmlaunch_agent: {text}", file=sys.stderr)

    def left_out(self, artifact: Artifact, text: str) -> None:
        """An artifact that was asked for will not be there; `text` says so and why. The first reason counts."""
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

    def stopping(self, reason: StopReason) -> None:
        """The agent is about to end the run."""
        self._change(stopped_by=reason)

    def closing(self, error: BaseException | None, exit_code: int = 0) -> None:
        """Report the result before something that may end the process.

        Args:
            error: the exception that is propagating, if any; it decides the exit code.
            exit_code: the one given to the process, if it is known.
        """
        if self.result.status is Status.FINISHED:
            return
        ending = ending_of(error)
        if exit_code:
            ending.exit_code = exit_code
        elif error is None and self.result.stopped_by in (StopReason.MAX_SECONDS, StopReason.STOP_FILE):
            # The simulator's own signal handler closes it before KeyboardInterrupt is raised.
            ending.exit_code = EXIT_INTERRUPTED
        self._before_end()
        _flush()
        self.event("closing", exit_code=ending.exit_code)
        self._conclude(Status.CLOSING, ending)

    def finish(self, error: BaseException | None) -> int:
        """Report the final result of a script that `error` ended (None: nothing did); returns the exit code."""
        ending = ending_of(error)
        self._before_end()
        _flush()
        self._conclude(Status.FINISHED, ending)
        self.event("finished", status=Status.FINISHED, exit_code=ending.exit_code)
        return ending.exit_code

    def _conclude(self, status: Status, ending: Ending) -> None:
        self._change(
            versions=imported_versions(),
            exit_code=ending.exit_code,
            exception=ending.exception,
            stopped_by=self.result.stopped_by or (StopReason.INTERRUPT if ending.interrupted else None),
            status=status,
        )

    def _change(self, **entries: Any) -> None:
        """Change the result, unless it is final: atexit and interpreter shutdown come after that."""
        with self._lock:
            if self.result.status is Status.FINISHED:
                return
            for name, value in entries.items():
                setattr(self.result, name, value)
            for observer in self._observers:
                observer.on_change(self.result)

    def _before_end(self) -> None:
        for observer in self._observers:
            observer.before_end()


def _flush() -> None:
    """Flush what was printed: the process may end without Python's own shutdown."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
