"""`pmlaunch explain [CODE]`: the cause and the fix of an error or a finding, or a list of all codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.codes import CODES, Code
from pmlaunch.request import argument

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.cli.result import CommandResult


@dataclass(frozen=True)
class ExplainOptions:
    """The options of `pmlaunch explain`."""

    code: str | None = field(default=None, metadata=argument("A code such as PML101; default: list all codes."))


@command(ExplainOptions)
def explain_command(_: Invocation, options: ExplainOptions) -> CommandResult:
    """Explain what CODE means, why it happens and how to fix it."""
    from pmlaunch.cli.result import CommandResult
    from pmlaunch.errors import PmlaunchError, did_you_mean
    from pmlaunch.support.json import to_json

    typed = options.code
    if typed is None:
        return CommandResult("explain", data={"codes": list(CODES.values())}, draw=_draw_all)
    code = CODES.get(typed.upper()) or CODES.get(f"PML{typed}")
    if code is None:
        raise PmlaunchError(
            "PML010", f"No code is called {typed!r}.{did_you_mean(typed, list(CODES))}", hint="pmlaunch explain"
        )
    return CommandResult("explain", data=to_json(code), draw=partial(draw_code, code))


def draw_code(code: Code, console: Console) -> None:
    """Print one entry of the registry."""
    from rich.text import Text

    console.print(Text.assemble((code.code, "bold"), f"  {code.title}  (exit code {code.exit_code})"))
    console.print(Text(f"  why:  {code.cause}"))
    console.print(Text(f"  next: {code.cure}", style="green"))


def _draw_all(console: Console) -> None:
    from rich.text import Text

    for code in CODES.values():
        console.print(Text.assemble((code.code, "bold"), f"  {code.title}"), soft_wrap=True)
