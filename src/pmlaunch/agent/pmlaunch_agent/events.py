"""events.jsonl: what happens in the run, one JSON object a line, for the launcher's progress display."""

from __future__ import annotations

import json
import os

from pmlaunch_agent import elapsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class EventLog:
    """Appends events to a file that all ranks share.

    Args:
        path: the file; None writes nothing.
        rank: local rank; written into the events of every rank but 0.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str | None, rank: int):
        self._rank = rank
        self._pid = os.getpid()
        # Unbuffered, in append mode: a line is one write, so that lines of several ranks do not mix
        # and nothing is lost when the process dies.
        self._file = open(path, "ab", buffering=0) if path else None  # noqa: SIM115  # open as long as the run

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event. A file that cannot be written any more never ends the run."""
        if self._file is None or os.getpid() != self._pid:  # a forked child has no say
            return
        entry: dict[str, Any] = {"event": event, "t": elapsed()}
        if self._rank:
            entry["rank"] = self._rank
        entry.update(fields)
        try:
            self._file.write(json.dumps(entry, default=str).encode() + b"\n")
        except (OSError, ValueError):
            self._file = None
