"""The record of a run: its events and its verdict, kept in step with each other."""

from __future__ import annotations

import sys

from pmlaunch_agent import elapsed
from pmlaunch_agent.evaluate_v3 import Batches, Bodies
from pmlaunch_agent.events import EventLog
from pmlaunch_agent.outcome import EXIT_INTERRUPTED, Outcome, outcome_of
from pmlaunch_agent.recording import Video
from pmlaunch_agent.scores import Scores
from pmlaunch_agent.steps import StepMeter
from pmlaunch_agent.verdict import Verdict
from pmlaunch_agent.versions import imported_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pmlaunch_agent.spec import Spec


class Record:
    """What the hooks report to.

    Args:
        spec: names the files, and the number of steps after which to stop.
        rank: local rank.
        argv: the script's arguments, for the verdict.

    Raises:
        OSError: result.json or events.jsonl cannot be written.
    """

    def __init__(self, spec: Spec, rank: int, argv: list[str]):
        self.events = EventLog(spec.events, rank)
        facts = {"script": spec.script or spec.module, "argv": argv, "backend_requested": spec.ddp_backend}
        self.verdict = Verdict(spec.result, rank, facts)
        self.steps = StepMeter(self, spec.max_steps, reporting=rank == 0)
        self.scores = Scores(self, spec.metrics if rank == 0 and spec.agent is None else None)
        kept = spec.save_motion["file"] if spec.save_motion and rank == 0 and spec.agent is None else None
        self.bodies = Bodies(self, kept, spec.metrics)
        self.batches = Batches(self, reporting=rank == 0)
        self.video = Video(self, str(spec.record["path"]) if spec.record and rank == 0 else None)
        self._healed: list[str] = []
        data = self.verdict.data
        self.events.emit("started", **{key: data[key] for key in ("pid", "python", "executable", "platform")})

    def milestone(self, event: str, key: str | None = None, **fields: Any) -> None:
        """Report an event, and in the verdict the second of its first time, under `key` or its name."""
        self.events.emit(event, **fields)
        self.verdict.time(key or event, elapsed())
        self.save(status="running")

    def applied(self, hook: str, **details: Any) -> None:
        """Say in the verdict that a hook took effect."""
        self.verdict.add("hooks_applied", {"hook": hook, **details})

    def healed(self, class_name: str) -> None:
        """Say in the verdict that a dataclass exists only because of a repair."""
        if class_name not in self._healed:
            self._healed.append(class_name)
        self.applied("mutable_dataclass_defaults", classes=self._healed)

    def note(self, text: str) -> None:
        """Put a remark into the verdict: something that the launcher should know and that harms nothing."""
        self.verdict.add("notes", text)

    def remark(self, text: str) -> None:
        """A note that whoever reads the output should see as well: an extra that the run goes without."""
        self.note(text)
        print(f"pmlaunch_agent: {text}", file=sys.stderr)

    def stopping(self, reason: str) -> None:
        """The agent is about to end the run: "max_steps", "max_seconds" or "stop_file"."""
        self.save(stopped_by=reason)

    def closing(self, error: BaseException | None, exit_code: int = 0) -> None:
        """Write the verdict before something that may end the process.

        Args:
            error: the exception on its way up, if there is one; it decides the exit code.
            exit_code: the one given to the process, if it is known.
        """
        if self.verdict.finished:
            return
        outcome = outcome_of(error)
        if exit_code:
            outcome.exit_code = exit_code
        elif error is None and self.verdict.data["stopped_by"] in ("max_seconds", "stop_file"):
            # A signal handler of the simulator closes it before KeyboardInterrupt is raised.
            outcome.exit_code = EXIT_INTERRUPTED
        self.steps.report_last()
        _flush()
        self.events.emit("closing", exit_code=outcome.exit_code)
        self._conclude("closing", outcome)

    def finish(self, error: BaseException | None) -> int:
        """Write the last word on a script that `error` ended (None: nothing did); returns the exit code."""
        outcome = outcome_of(error)
        self.steps.report_last()
        _flush()
        if not self._conclude("finished", outcome):
            print(f"pmlaunch_agent: {self.verdict.path} cannot be written any more", file=sys.stderr)
        self.events.emit("finished", status="finished", exit_code=outcome.exit_code)
        return outcome.exit_code

    def save(self, **entries: Any) -> bool:
        """Write the verdict with these entries changed; False if it cannot be, which does not end the run."""
        try:
            self.verdict.update(steps=self.steps.count, **entries)
        except OSError:
            return False
        return True

    def _conclude(self, status: str, outcome: Outcome) -> bool:
        stopped_by = self.verdict.data["stopped_by"] or ("interrupt" if outcome.interrupted else None)
        return self.save(
            versions=imported_versions(),
            exit_code=outcome.exit_code,
            exception=outcome.exception,
            stopped_by=stopped_by,
            status=status,
        )


def _flush() -> None:
    """What was printed must not be lost with a process that ends without Python's own end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
