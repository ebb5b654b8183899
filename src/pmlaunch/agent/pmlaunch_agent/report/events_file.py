"""events.jsonl: what happens in the run, one JSON object per line, for the launcher's progress display."""

from __future__ import annotations

import json
import os
from typing import Any

from pmlaunch_agent import elapsed
from pmlaunch_agent.report.observer import Observer


class EventsFile(Observer):
    """Append events to a file that all ranks share.

    Args:
        path: the file; None writes nothing.
        rank: local rank; written into the events of every rank but 0.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str | None, rank: int) -> None:
        self._rank = rank
        self._pid = os.getpid()
        # Unbuffered append: each line is one write, so lines of several ranks do not mix and none is lost in a crash.
        self._file = open(path, "ab", buffering=0) if path else None  # noqa: SIM115  # open as long as the run

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        """Write one event. A failing write ends the events, never the run."""
        if self._file is None or os.getpid() != self._pid:  # a forked child must not report
            return
        entry: dict[str, Any] = {"event": event, "t": elapsed()}
        if self._rank:
            entry["rank"] = self._rank
        entry.update(fields)
        try:
            self._file.write(json.dumps(entry, default=str).encode() + b"\n")
        except (OSError, ValueError):
            self._file = None
