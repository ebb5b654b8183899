"""What the agent reports: events.jsonl while the program runs, result.json at its end."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import Status, StopReason
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import as_list, as_mapping, from_json, parse_json, read_json

RESULT_FILE = "result.json"
OTHER_RANKS = "result.rank*.json"
_LONGEST_TEXT = 20_000  # characters of a message or traceback; patterns are looked for in them
_MOST_EVENTS = 1 << 24  # bytes of events read at once; a run writes a few a second
EXIT_LIMIT = 30.0  # seconds from the agent's verdict to the end of its process; Isaac Sim may hang there


@dataclass(frozen=True)
class AgentResult:
    """The agent's report on the program: result.json.

    Attributes:
        status: a `Status`; FINISHED or CLOSING once the agent has given its verdict.
        exit_code: the program's own, 1 for an exception.
        exception: {type, message, traceback, cause}.
        stopped_by: what ended the program early, a `StopReason`.
        seconds: when each milestone was reached, since the agent's start.
        hooks: the hooks that took effect, each {hook, ...}.
        left_out: why an artifact ("motion", "video") was not written.
        run: the name of the run folder that it was written for; None if it does not tell.
    """

    status: str | None = None
    exit_code: int = 0
    exception: Mapping[str, Any] | None = None
    stopped_by: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    steps: int | None = None
    hooks: tuple[Mapping[str, Any], ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    run: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the program came to an end that the agent saw."""
        return self.status in (Status.FINISHED, Status.CLOSING)

    @property
    def is_own_end(self) -> bool:
        """Whether the program ended by itself, so that its verdict stands whatever happens afterwards."""
        return self.is_final and not self.stopped_from_outside

    @property
    def stopped_from_outside(self) -> bool:
        """Whether it ended because someone asked it to."""
        return self.stopped_by in (StopReason.INTERRUPT, StopReason.STOP_FILE, StopReason.MAX_SECONDS)


def agent_result(document: Mapping[str, Any]) -> AgentResult:
    """Read the content of a result.json. Values of a wrong type are dropped: another process wrote it.

    What is dropped never makes a failure a success: an exception of a wrong type is one, and without an exit code there
    is no verdict.
    """
    reasons = [entry for entry in as_list(document.get("left_out")) if isinstance(entry, dict)]
    named_otherwise = {
        "exception": _exception(document.get("exception")),
        "status": document.get("status") if type(document.get("exit_code")) is int else None,
        "hooks": document.get("hooks_applied"),
        "left_out": {str(entry.get("what")): str(entry.get("reason")) for entry in reasons},
    }
    return from_json(AgentResult, {**document, **named_otherwise})


def _exception(value: object, depth: int = 3) -> dict[str, Any] | None:
    """The exception in a result.json: type, message and traceback are texts, the cause is one of `depth` others."""
    if not value:
        return None
    entries = value if isinstance(value, dict) else {"type": "unknown", "message": value}
    named = {name: str(entries.get(name) or "")[:_LONGEST_TEXT] for name in ("type", "message")}
    cause = _exception(entries.get("cause"), depth - 1) if depth else None
    return {**named, "traceback": str(entries.get("traceback") or "")[-_LONGEST_TEXT:], "cause": cause}


class VerdictWatch:
    """Tells whether the agent has given its verdict. Reads result.json again only when it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen, self._result = path, (0, 0), AgentResult()

    def is_given(self) -> bool:
        """Whether result.json is final now; a program that continues after SimulationApp.close() makes it unfinished again."""
        with contextlib.suppress(OSError):
            found = self._path.stat()
            identity = found.st_ino, found.st_mtime_ns
            if identity != self._seen and (document := read_json(self._path)) is not None:
                self._seen, self._result = identity, agent_result(as_mapping(document))
        return self._result.is_final

    def is_success(self) -> bool:
        """Whether it is given, and the program came to its own end without an error."""
        given, result = self.is_given(), self._result
        return given and not (result.exit_code or result.exception or result.stopped_by)


class EventTail:
    """Reads the events of a run as they are written, each once. An incomplete line is kept until the rest arrives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """Return the events since the last call, in order. Lines that are not events are skipped, and so is a flood."""
        try:
            content = read_bytes(self._path, _MOST_EVENTS, self._position)
        except OSError as error:
            if error.errno == errno.EFBIG:  # otherwise it can be read the next time
                with contextlib.suppress(OSError):
                    self._position, self._rest = max(self._position, self._path.stat().st_size), b""
            return []
        self._position += len(content)
        *lines, rest = (self._rest + content).split(b"\n")
        self._rest = rest if len(rest) <= _MOST_EVENTS else b""
        events = (as_mapping(parse_json(line)) for line in lines)
        return [event for event in events if isinstance(event.get("event"), str)]
