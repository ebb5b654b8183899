"""result.json: the agent's own account of how the program went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pmlaunch.support.json import as_list, as_mapping, numbers_in

RESULT_FILE = "result.json"
OTHER_RANKS = "result.rank*.json"


@dataclass(frozen=True)
class AgentResult:
    """result.json, of which only values of the right type are kept: another process wrote it.

    Attributes:
        status: "finished" or "closing" once the agent has given its verdict.
        exit_code: the program's own, 1 for an exception.
        exception: {type, message, traceback, cause}.
        stopped_by: what ended the program early: "max_steps", "interrupt", "stop_file" or "max_seconds".
        seconds: when each milestone was reached, since the agent's start.
        hooks: the hooks that took effect, each {hook, ...}.
        left_out: why an artifact ("motion", "video") was not written.
    """

    status: str | None = None
    exit_code: int = 0
    exception: Mapping[str, Any] | None = None
    stopped_by: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    steps: int | None = None
    hooks: tuple[Mapping[str, Any], ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the program came to an end that the agent saw."""
        return self.status in ("finished", "closing")

    @property
    def stopped_from_outside(self) -> bool:
        """Whether it ended because someone asked it to."""
        return self.stopped_by in ("interrupt", "stop_file", "max_seconds")


def agent_result(document: Mapping[str, Any]) -> AgentResult:
    """Return the content of a result.json."""
    exit_code, steps = document.get("exit_code"), document.get("steps")
    reasons = [entry for entry in as_list(document.get("left_out")) if isinstance(entry, dict)]
    return AgentResult(
        _text(document.get("status")),
        exit_code if isinstance(exit_code, int) else 0,
        as_mapping(document.get("exception")) or None,
        _text(document.get("stopped_by")),
        numbers_in(document.get("seconds")),
        steps if isinstance(steps, int) else None,
        tuple(hook for hook in as_list(document.get("hooks_applied")) if isinstance(hook, dict)),
        {str(entry.get("what")): str(entry.get("reason")) for entry in reasons},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
