"""A plan for people: the values and their sources, and the lines to copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.encoding import can_show
from pmlaunch.cli.render.layout import Breakable, say, short, table_of
from pmlaunch.cli.render.motions import motion_count
from pmlaunch.model import LaunchPlan
from pmlaunch.running.spec import measuring_overrides, wrapped
from pmlaunch.support.text import clean

if TYPE_CHECKING:
    from rich.console import Console

_LIBRARY_LINES = 40


def draw_plan(plan: LaunchPlan, console: Console) -> None:
    """Print what would be run and why, in tables and in lines that can be pasted."""
    table = table_of("what", "value", "from", title=f"Plan: evaluate {plan.model} on {plan.platform}")
    table.columns[0].no_wrap = True
    table.columns[2].style = "dim"
    for name, sourced in plan.provenance.items():
        value = sourced.value if name == "checkout" else _within(sourced.value, plan.cwd)
        table.add_row(short(name), Breakable(short(value)), short(str(sourced.source)))
    console.print(table)
    if len(plan.motions) > 1 or plan.left_out:
        say(console, f"{motion_count(plan)}\n")
    what = "Overrides for " if plan.hydra else "Arguments of "
    _block(console, what + plan.script.name, plan.overrides)
    if plan.measuring.library is not None:
        lines = plan.measuring.library.splitlines()
        more = [f"... {len(lines)} lines"] if len(lines) > _LIBRARY_LINES else []
        _block(console, "motions.yaml, written to the run folder", lines[:_LIBRARY_LINES] + more)
    added = measuring_overrides(plan)
    if added:
        _block(console, "Added in the run, to measure and to keep", added)
    _block(console, "Started as", [" ".join(plan.command), f"in {plan.cwd}"])
    shell = "powershell" if plan.windows else "bash"
    line = plan.plain_command[shell]
    _block(console, f"The same without pmlaunch ({shell})", [line], _limitations(plan, line, console))


def _limitations(plan: LaunchPlan, line: str, console: Console) -> list[str]:
    """What the plain command line lacks, compared with a run by pmlaunch."""
    notes = []
    if not can_show(console.encoding, line) or clean(line) != line:
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


def _block(console: Console, title: str, lines: Sequence[str], notes: Sequence[str] = ()) -> None:
    """Print lines to copy, neither wrapped nor decorated, and `notes` below them."""
    say(console, title, style="bold")
    for line in lines:
        say(console, f"  {line}")
    for note in notes:
        say(console, note, style="yellow")
    console.print()
