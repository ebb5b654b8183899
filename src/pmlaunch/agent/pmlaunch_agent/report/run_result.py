"""What is known of a run: the content of result.json."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pmlaunch_agent import elapsed
from pmlaunch_agent.report.ending import StopReason


class Status(str, Enum):
    """How far a run is. CLOSING: the process may end at any moment. FINISHED: the result is final."""

    STARTED = "started"
    RUNNING = "running"
    CLOSING = "closing"
    FINISHED = "finished"


@dataclass
class RunResult:
    """The content of result.json, schema 1.

    Attributes:
        seconds: {milestone: seconds from the agent's start to its first occurrence}.
        steps: control steps so far.
        left_out: artifacts that are not there although they were asked for, each {what, reason}.
    """

    status: Status = Status.STARTED
    exit_code: int | None = None
    exception: dict[str, Any] | None = None
    stopped_by: StopReason | None = None
    backend: str | None = None
    backend_requested: str | None = None
    world_size: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    hooks_applied: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    pid: int = field(default_factory=os.getpid)
    rank: int = 0
    python: str = sys.version.split()[0]
    executable: str = sys.executable
    platform: str = sys.platform
    script: str | None = None
    argv: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The JSON document; it has no `left_out` if nothing is."""
        entries = {name: value for name, value in vars(self).items() if name != "left_out" or value}
        return {"schema": 1, **entries, "seconds": {**self.seconds, "total": elapsed()}}
