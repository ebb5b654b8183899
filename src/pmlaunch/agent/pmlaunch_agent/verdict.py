"""result.json: the run's own account of how it went, replaced as a whole at every stage.

The launcher trusts this file, not the exit code: isaaclab.bat returns 0 whatever happened, and Isaac Sim may
end the process with 0 while an exception is on its way up.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from pmlaunch_agent import elapsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ATTEMPTS = 20
_PAUSE = 0.02  # seconds between two attempts to replace a file that another process has open


class Verdict:
    """The content of result.json, and its file.

    Args:
        path: the file of rank 0; rank N writes result.rankN.json beside it.
        rank: local rank.
        facts: the entries known from the start (script, argv, ...).

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: str, rank: int, facts: dict[str, Any]):
        stem, extension = os.path.splitext(path)
        self.path = f"{stem}.rank{rank}{extension}" if rank else path
        self.data: dict[str, Any] = {
            "schema": 1,
            "status": "started",
            "exit_code": None,
            "exception": None,
            "stopped_by": None,
            "backend": None,
            "backend_requested": None,
            "world_size": None,
            "versions": {},
            "seconds": {},
            "steps": 0,
            "hooks_applied": [],
            "notes": [],
            "pid": os.getpid(),
            "rank": rank,
            "python": sys.version.split()[0],
            "executable": sys.executable,
            "platform": sys.platform,
        }
        self.data.update(facts)
        # Reentrant: a signal handler that closes the simulator may come while the main thread writes.
        self._lock = threading.RLock()
        self._saves = 0
        self._save()

    @property
    def finished(self) -> bool:
        """Is the last word spoken? What happens afterwards (atexit, interpreter shutdown) changes nothing."""
        return bool(self.data["status"] == "finished")

    def add(self, section: str, entry: Any) -> None:
        """Append to "notes" or "hooks_applied" what it does not yet hold; the next update writes it."""
        with self._lock:
            if entry not in self.data[section]:
                self.data[section].append(entry)

    def reached(self, milestone: str) -> bool:
        """Has a time been put down for this milestone?"""
        return milestone in self.data["seconds"]

    def time(self, milestone: str, second: float) -> None:
        """Put down when a milestone was first reached; the next update writes it."""
        with self._lock:
            self.data["seconds"].setdefault(milestone, second)

    def update(self, **entries: Any) -> None:
        """Change entries and write the file; once finished, or in a forked child, do nothing.

        Raises:
            OSError: the file cannot be written any more.
        """
        with self._lock:
            if self.finished or os.getpid() != self.data["pid"]:
                return
            self.data.update(entries)
            self._save()

    def _save(self) -> None:
        """Write a new file and put it in the place of the old one: no reader sees half of it."""
        self.data["seconds"]["total"] = elapsed()
        self._saves += 1
        beside = f"{self.path}.{os.getpid()}.{self._saves}.tmp"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1, default=str)
        for attempt in range(_ATTEMPTS):
            try:
                os.replace(beside, self.path)
                return
            except PermissionError:  # Windows: the launcher is reading the old one
                if attempt == _ATTEMPTS - 1:
                    os.unlink(beside)
                    raise
                time.sleep(_PAUSE)
