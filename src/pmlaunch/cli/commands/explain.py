"""`pmlaunch explain [CODE]`: the cause and the fix of an error or a finding, or a list of all codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.codes import CODES, Code
from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.request import argument

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class ExplainOptions:
    """The options of `pmlaunch explain`."""

    code: str | None = argument("A code such as PML101; default: list all codes.", None)


@command(ExplainOptions)
def explain_command(_: Invocation, options: ExplainOptions) -> CommandResult:
    """Explain what CODE means, why it happens and how to fix it."""
    typed = options.code
    if typed is None:
        return CommandResult("explain", data={"codes": list(CODES.values())}, draw=_draw_all)
    code = CODES.get(typed.upper()) or CODES.get(f"PML{typed}")
    if code is None:
        raise PmlaunchError(
            "PML010", f"No code is called {typed!r}.{did_you_mean(typed, list(CODES))}", fix="pmlaunch explain"
        )
    return CommandResult("explain", data=code, draw=partial(draw_code, code))


def draw_code(code: Code, console: Console) -> None:
    """Print one entry of the registry."""
    from pmlaunch.cli.render.layout import say

    say(console, (code.code, "bold"), f"  {code.title}  (exit code {code.exit_code})", wrap=True)
    say(console, f"  why:  {code.cause}", wrap=True)
    say(console, f"  fix:  {code.cure}", style="green", wrap=True)


def _draw_all(console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for code in CODES.values():
        say(console, (code.code, "bold"), f"  {code.title}")
