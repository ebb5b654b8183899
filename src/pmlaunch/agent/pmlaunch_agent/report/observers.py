"""What reacts to the journal: a base class, and the files events.jsonl and result.json."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from pmlaunch_agent import elapsed
from pmlaunch_agent.report.files import of_rank, write_whole
from pmlaunch_agent.report.result import RunResult


class Observer:
    """Reacts to what the journal is told. Each method does nothing unless a subclass overrides it."""

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        """Something happened."""

    def on_change(self, result: RunResult) -> None:
        """The result changed."""

    def before_progress(self) -> None:
        """Report what is pending: the progress of an evaluation comes next."""

    def before_end(self) -> None:
        """Report what is pending: the end of an evaluation or of the run comes next."""

    def on_evaluation(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """An evaluation ended. `metrics` has upstream's names, and None for what is not finite."""


class EventsFile(Observer):
    """events.jsonl: append events, one JSON object per line, to a file that all ranks share; None writes nothing.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str | None, rank: int) -> None:
        self._rank = {"rank": rank} if rank else {}
        self._pid = os.getpid()
        # Unbuffered append: each line is one write, so lines of several ranks do not mix and none is lost in a crash.
        self._file = open(path, "ab", buffering=0) if path else None  # noqa: SIM115  # open as long as the run

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        """Write one event. A failing write ends the events, never the run."""
        if self._file is None or os.getpid() != self._pid:  # a forked child must not report
            return
        entry = {"event": event, "t": elapsed(), **self._rank, **fields}
        try:
            self._file.write(json.dumps(entry, default=str).encode() + b"\n")
        except (OSError, ValueError):
            self._file = None


class ResultFile(Observer):
    """result.json: how the run went by its own account, replaced as a whole at every change.

    The launcher trusts this file, not the exit code: isaaclab.bat always returns 0, and Isaac Sim may end the process
    with 0 while an exception is propagating. Rank N writes result.rankN.json beside that of rank 0.

    Attributes:
        error: why the file lacks the latest change; None if it has it.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: str, result: RunResult) -> None:
        self.path = of_rank(path, result.rank)
        self.error: OSError | None = None
        self._save(result)

    def on_change(self, result: RunResult) -> None:
        """Write the result, except in a forked child. A failing write does not end the run."""
        if os.getpid() != result.pid:
            return
        try:
            self._save(result)
            self.error = None
        except OSError as error:
            self.error = error

    def _save(self, result: RunResult) -> None:
        document = result.document()
        write_whole(self.path, lambda file: json.dump(document, file, indent=1, default=str))
