"""A list for people: a table of what can be used, then what cannot be used, grouped by reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.layout import say, short, table_of
from pmlaunch.codes import CODES
from pmlaunch.support.json import as_mapping
from pmlaunch.support.text import megabytes

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS: Mapping[str, Sequence[str]] = {
    "models": ("name", "robot", "simulator", "state", "size"),
    "motions": ("name", "robot", "frames", "fps", "seconds"),
    "robots": ("name", "title", "bodies", "actions"),
    "simulators": ("name", "title", "runtime", "devices"),
    "constraints": ("name", "parses"),
}
_NUMBERS = ("size", "frames", "fps", "seconds", "bodies", "actions")
_HEADERS = {"runtime": "started by"}


def draw_list(kind: str, root: Path | None, rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the rows, which are those of the JSON document. `root` is the checkout's folder, if there is one."""
    usable = [row for row in rows if not row.get("problem")]
    if usable:
        table = table_of(*(_HEADERS.get(key, key) for key in _COLUMNS[kind]), title=kind, right=_NUMBERS)
        for row in usable:
            table.add_row(*(_cell(key, row.get(key)) for key in _COLUMNS[kind]))
        console.print(table)
    for reason, names in _unusable(rows).items():
        say(console, (f"{reason}: ", "yellow"), ", ".join(names))
        fixes = (as_mapping(row.get("problem")).get("fix") for row in rows if row.get("name") == names[0])
        if fix := next(filter(None, fixes), None):
            say(console, f"  next, for {names[0]}: {fix}", style="green")
    if not rows:
        say(console, f"no {kind} here", style="dim")
    without = "no ProtoMotions checkout here: these come with pmlaunch (--protomotions DIR)"
    say(console, f"checkout  {root}" if root else without, style="dim")


def _unusable(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, list[str]]:
    """Names by reason: the code and its title, since the message is about one file, or else the problem in words."""
    found: dict[str, list[str]] = {}
    for row in rows:
        problem = row.get("problem")
        if problem:
            known = CODES.get(str(problem.get("code"))) if isinstance(problem, Mapping) else None
            reason = f"{known.code} {known.title}" if known else " ".join(str(problem).split())
            found.setdefault(reason, []).append(str(row.get("name")))
    return found


def _cell(key: str, value: Any) -> str:
    if key == "size" and isinstance(value, int):
        return megabytes(value)
    if (key, value) == ("state", "pointer"):
        return "LFS pointer"
    if key == "seconds" and value is not None:
        return f"{value:.2f}"
    if key == "fps" and value is not None:
        return f"{value:g}"
    return short(value)
