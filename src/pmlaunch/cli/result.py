"""The result of a command: one frozen object, printed once, as JSON or as text."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.encoding import is_utf8
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.support.json import to_json

if TYPE_CHECKING:
    from rich.console import Console

Draw = Callable[["Console"], None]
"""Prints a result for people."""
SEVERITY_STYLES: Mapping[Severity, str] = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.NOTE: "cyan",
}


@dataclass(frozen=True)
class CommandResult:
    """The result of a command.

    Attributes:
        data: the command's own part of the JSON document.
        draw: prints the result for people; None if findings and errors say it all.
    """

    command: str
    exit_code: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    errors: Sequence[PmlaunchError] = ()
    draw: Draw | None = None

    def __json__(self) -> dict[str, Any]:
        """The document that --json prints."""
        return {
            "schema": 1,
            "command": self.command,
            "ok": self.exit_code == 0,
            "exit_code": self.exit_code,
            "data": dict(self.data),
            "findings": self.findings,
            "errors": [
                {"code": error.code, "message": error.message, "hint": error.hint, "subject": error.subject}
                for error in self.errors
            ],
        }


def show(result: CommandResult, *, as_json: bool) -> None:
    """Print the result to stdout, and findings and errors to stderr; with --json one document to stdout."""
    if as_json:
        sys.stdout.write(json.dumps(to_json(result), indent=2, ensure_ascii=not is_utf8(sys.stdout)) + "\n")
        sys.stdout.flush()
        return
    if result.draw is not None:
        result.draw(_console(sys.stdout))
    for finding in result.findings:
        style = SEVERITY_STYLES[finding.severity]
        _message((finding.severity.value, style), finding)
    for error in result.errors:
        _message(("error", "bold red"), error)


def _message(label: tuple[str, str], told: Finding | PmlaunchError) -> None:
    from rich.text import Text

    console = _console(sys.stderr)
    console.print(Text.assemble(label, " ", (told.code, "bold"), " ", told.message), soft_wrap=True)
    if told.hint:
        console.print(Text(f"  next: {told.hint}", style="green"), soft_wrap=True)


def _console(stream: Any) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, emoji=False, soft_wrap=False)
