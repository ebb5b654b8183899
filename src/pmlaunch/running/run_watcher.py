"""What the launcher does while a process runs: it passes on output and events, and concludes what has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.supervise import ChildResult, Ending, Stage, Watcher
from pmlaunch.running.agent_reports import RESULT_FILE, EventTail, VerdictWatch
from pmlaunch.running.run_folder import LOG, RunFolder
from pmlaunch.running.spec import STOP_FILE
from pmlaunch.running.started_run import StartedRun, identity

_STOP_MESSAGES = {
    Ending.INTERRUPTED: "Interrupted by Ctrl+C or a request to end.",
    Ending.TIME_LIMIT: "The run took longer than --timeout {plan.timeout:g} s and was stopped.",
    Ending.SILENT: "The run wrote nothing for {plan.silence:g} s (--silence) and was stopped.",
    Ending.LOG_FAILED: "The run was stopped because output.log can no longer be written ({reason}).",
    Ending.NOT_READY: "The run was stopped because the simulator was not ready after {minutes:g} minutes.",
}
START_LIMIT = 1800.0  # seconds until the simulator is ready; a first start compiles shaders for minutes
_READY = ("simulator_ready", "checkpoint_loaded", "evaluation_started", "step", "motion")


class RunObserver(Protocol):
    """Receives progress callbacks during a run. Only `output` is called on another thread."""

    def started(self, folder: RunFolder, pid: int) -> None:
        """The program is running; called again for each further run in the same process, once the last is recorded."""

    def event(self, event: Mapping[str, Any]) -> None:
        """The agent reported an event; see docs/architecture.md."""

    def output(self, chunk: bytes) -> None:
        """The program wrote to stdout or stderr."""

    def tick(self) -> None:
        """Called several times a second."""

    def stopping(self, reason: str) -> None:
        """The run is about to be stopped."""


class RunWatcher(Watcher):
    """Watches the runs of a process, which come one after another, and concludes each but the last that it comes to.

    It asks the program to end by creating the stop file.
    """

    def __init__(self, runs: Sequence[StartedRun], observer: RunObserver) -> None:
        super().__init__(observer.output)
        self.pid: int | None = None
        self._runs, self._observer = runs, observer
        self._stop_message = ""
        self._ready = not any(point.event in _READY for point in runs[0].plan.watch)
        self._watch(0)

    def _watch(self, number: int) -> None:
        self._present, folder = number, self._runs[number].folder
        self._events, self._verdict = EventTail(folder.file("events.jsonl")), VerdictWatch(folder.file(RESULT_FILE))

    def started(self, pid: int) -> None:
        """Record the process in every run, and give each run the log."""
        self.pid = pid
        for run in self._runs:
            run.write(child=identity(pid))
        first, *others = self._runs
        for other in others:
            with contextlib.suppress(OSError):  # no hard links on this file system: the first run has the log
                other.folder.file(LOG).hardlink_to(first.folder.file(LOG))
        self._observer.started(first.folder, pid)

    def poll(self) -> bool:
        """Pass on events, and conclude a run once the next one has begun."""
        alive = self._read_events()
        while self._next_has_begun():
            self._read_events()  # those that came before the verdict
            run, following = self._runs[self._present : self._present + 2]
            seconds = time.monotonic() - run.begun
            following.begin()
            run.conclude(ChildResult(0, (), run.folder.file(LOG), seconds=seconds))
            with contextlib.suppress(PmlaunchError):  # written again at the end
                run.folder.conclude(run.record)
            self._watch(self._present + 1)
            self._observer.started(following.folder, self.pid or 0)
        self._observer.tick()
        return alive

    def _next_has_begun(self) -> bool:
        if self._present + 1 == len(self._runs) or not self._verdict.is_success():
            return False
        return self._runs[self._present + 1].folder.file(RESULT_FILE).is_file()

    def _read_events(self) -> bool:
        events = self._events.read()
        for event in events:
            self._observer.event(event)
            self._ready = self._ready or event["event"] in _READY
        return bool(events)

    def stage(self) -> Stage:
        """CONCLUDED once the present run has given its verdict, unless another one follows."""
        if self._verdict.is_given():
            return Stage.CONCLUDED
        return Stage.READY if self._ready else Stage.STARTING

    def stopping(self, why: Ending, log_error: OSError | None) -> None:
        """Tell the observer, and create the stop file."""
        reason = getattr(log_error, "strerror", None) or log_error
        plan = self._runs[0].plan
        self._stop_message = _STOP_MESSAGES[why].format(plan=plan, reason=reason, minutes=START_LIMIT / 60)
        self._observer.stopping(self._stop_message)
        with contextlib.suppress(OSError):
            self._runs[self._present].folder.file(STOP_FILE).touch()

    def conclude(self, ended: ChildResult) -> None:
        """Make the records of the runs final that have none yet: the process has ended."""
        last, *unbegun = self._runs[self._present :]
        last.conclude(
            replace(ended, seconds=time.monotonic() - last.begun) if self._present else ended, self._stop_message
        )
        for run in unbegun:
            run.conclude_unbegun(last.record)
