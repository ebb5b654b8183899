"""events.jsonl: what the agent reports while the program runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pmlaunch.support.json import as_mapping, parse_json


class EventTail:
    """Reads the events of a run as they are written, each once. An incomplete line is kept until the rest arrives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """Return the events since the last call, in order. Lines that are no event are skipped."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                content = file.read()
        except OSError:
            return []
        self._position += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [event for line in lines if "event" in (event := as_mapping(parse_json(line)))]
