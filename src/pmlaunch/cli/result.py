"""The result of a command: one frozen object, printed once, as JSON or as text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pmlaunch.errors import PmlaunchError

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.model import Finding

Draw = Callable[["Console"], None]
"""Prints a result for people."""


@dataclass(frozen=True)
class CommandResult:
    """The result of a command.

    Attributes:
        data: the command's own part of the JSON document, for `to_json`.
        draw: prints the result for people; None if findings and errors say it all.
    """

    command: str
    exit_code: int = 0
    data: object = field(default_factory=dict)
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
            "data": self.data,
            "findings": self.findings,
            "errors": self.errors,
        }


def show(result: CommandResult, *, as_json: bool) -> int:
    """Print the result to stdout, and findings and errors to stderr; with --json one document to stdout.

    Returns the exit code.
    """
    if as_json:
        from pmlaunch.cli.render import terminal
        from pmlaunch.cli.render.encoding import is_utf8
        from pmlaunch.support.json import dumps, to_json
        from pmlaunch.support.secrets import redact_document

        document = redact_document(to_json(result))
        terminal.write_json(sys.stdout, dumps(document, indent=2, ascii_only=not is_utf8(sys.stdout)))
    else:
        _print(result)
    return result.exit_code


def _print(result: CommandResult) -> None:
    from pmlaunch.cli.render.layout import SEVERITY_STYLES
    from pmlaunch.cli.render.terminal import console_on
    from pmlaunch.model import Severity

    stdout, stderr = console_on(sys.stdout), console_on(sys.stderr)
    if result.draw is not None:
        result.draw(stdout)

    order = list(reversed(Severity))  # the error comes last, next to the prompt
    for finding in sorted(result.findings, key=lambda finding: order.index(finding.severity)):
        _say_why(stderr, (finding.severity.value, SEVERITY_STYLES[finding.severity]), finding)
    for error in result.errors:
        _say_why(stderr, ("error", "bold red"), error)


def _say_why(console: Console, label: tuple[str, str], told: Finding | PmlaunchError) -> None:
    from pmlaunch.cli.render.layout import advice, say

    say(console, label, " ", (told.code, "bold"), " ", told.message)
    if told.hint:
        say(console, f"  {advice(told)}", style="green")
