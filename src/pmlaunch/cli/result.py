"""What a command returns: one frozen result, rendered once, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding
from pmlaunch.support.json import to_json


@dataclass(frozen=True)
class Outcome:
    """The result of `command`; `data` is JSON data, `shown` what the renderer draws instead."""

    command: str
    exit_code: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    errors: Sequence[PmlaunchError] = ()
    shown: Any = None

    def __json__(self) -> dict[str, Any]:
        """The document that every command prints with --json."""
        return {
            "schema": 1,
            "command": self.command,
            "ok": self.exit_code == 0,
            "exit_code": self.exit_code,
            "data": dict(self.data),
            "findings": to_json(self.findings),
            "errors": [
                {"code": error.code, "message": error.message, "hint": error.hint, "subject": error.subject}
                for error in self.errors
            ],
        }
