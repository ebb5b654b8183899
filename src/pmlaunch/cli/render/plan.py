"""A plan for people: the values and their sources, and the lines to copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.encoding import can_show
from pmlaunch.cli.render.tables import short, table_of
from pmlaunch.model import LaunchPlan
from pmlaunch.running.spec import measuring_overrides, wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_LIBRARY_LINES = 40


def draw_plan(plan: LaunchPlan, console: Console) -> None:
    """Print what would be run and why, in tables and in lines that can be pasted."""
    console.print(_values(plan))
    what = "Overrides for " if plan.hydra else "Arguments of "
    _block(console, what + plan.script.name, list(plan.overrides))
    if plan.measuring.library is not None:
        lines = plan.measuring.library.splitlines()
        shown = lines if len(lines) <= _LIBRARY_LINES else [*lines[:_LIBRARY_LINES], f"... {len(lines)} lines"]
        _block(console, "motions.yaml, written to the run folder", shown)
    added = measuring_overrides(plan)
    if added:
        _block(console, "Added in the run, to measure and to keep", added)
    _block(console, "Started as", [" ".join(plan.command), f"in {plan.cwd}"])
    shell = "powershell" if plan.platform == "windows" else "bash"
    line = plan.plain_command[shell]
    _block(console, f"The same without pmlaunch ({shell})", [line], "\n".join(_limitations(plan, line, console)))


def _values(plan: LaunchPlan) -> Table:
    from rich.text import Text

    table = table_of("what", "value", "from", title=f"Plan: evaluate {plan.model} on {plan.platform}")
    table.columns[0].no_wrap = True
    for name, sourced in plan.provenance.items():
        value = sourced.value if name == "checkout" else _within(sourced.value, plan.cwd)
        table.add_row(Text(name), Text(short(value)), Text(str(sourced.source), style="dim"))
    return table


def _limitations(plan: LaunchPlan, line: str, console: Console) -> list[str]:
    """What the plain command line lacks, compared with a run by pmlaunch."""
    notes = []
    if not can_show(console.encoding, line):
        notes.append(f"This console ({console.encoding}) cannot show all of it: do not paste it; --json has it whole.")
    if wrapped(plan):
        notes.append(
            "It measures, keeps and records nothing: what a run adds for that (above) works inside pmlaunch only."
        )
    if plan.measuring.library is not None:
        notes.append("It needs motions.yaml: save the list above, and write its path in the place of motions.yaml.")
    return notes


def _within(value: Any, root: Path) -> Any:
    """`value` with the paths below `root` relative to it, so that a row fits into 80 columns."""
    if isinstance(value, tuple):
        return tuple(_within(item, root) for item in value)
    return value.relative_to(root) if isinstance(value, Path) and value.is_relative_to(root) else value


def _block(console: Console, title: str, lines: Sequence[str], note: str | None = None) -> None:
    """Print lines to copy, neither wrapped nor decorated, and `note` below them."""
    from rich.text import Text

    console.print(Text(title, style="bold"))
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
    if note:
        console.print(Text(note, style="yellow"), soft_wrap=True)
    console.print()
