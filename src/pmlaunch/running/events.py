"""Read events.jsonl while the agent writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class EventTail:
    """The events of a run, each handed out once. A line that is not whole yet waits for its end."""

    def __init__(self, path: Path):
        self._path = path
        self._position = 0
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """The events since the last call, in order."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                content = file.read()
        except OSError:
            return []
        self._position += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [event for line in lines if (event := _parsed(line)) is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
