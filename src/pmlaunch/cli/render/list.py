"""A list for people: a table of what can be used, then what cannot be used, grouped by reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.tables import short, table_of
from pmlaunch.codes import CODES

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS: Mapping[str, Sequence[tuple[str, str]]] = {
    "models": (
        ("name", "name"),
        ("robot", "robot"),
        ("simulator", "simulator"),
        ("state", "state"),
        ("size", "size"),
    ),
    "motions": (
        ("name", "name"),
        ("robot", "robot"),
        ("frames", "frames"),
        ("fps", "fps"),
        ("seconds", "seconds"),
    ),
    "robots": (("name", "name"), ("title", "title"), ("bodies", "bodies"), ("actions", "actions")),
    "simulators": (("name", "name"), ("title", "title"), ("started by", "runtime"), ("devices", "devices")),
    "constraints": (("name", "name"), ("parses", "parses")),
}
_STATES = {"here": "here", "pointer": "LFS pointer", "missing": "missing"}


def draw_list(kind: str, root: Path | None, rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the rows, which are those of the JSON document. `root` is the checkout's folder, if there is one."""
    from rich.text import Text

    usable = [row for row in rows if not row.get("problem")]
    if usable:
        columns = _COLUMNS[kind]
        table = table_of(*(header for header, _ in columns), title=kind)
        for row in usable:
            table.add_row(*(Text(_cell(key, row)) for _, key in columns))
        console.print(table)
    for reason, names in _unusable(rows).items():
        console.print(Text.assemble((f"{reason}: ", "yellow"), ", ".join(names)), soft_wrap=True)
    if not rows:
        console.print(Text(f"no {kind} here", style="dim"))
    without = "no ProtoMotions checkout here: these come with pmlaunch (--protomotions DIR)"
    console.print(Text(f"checkout  {root}" if root else without, style="dim"), soft_wrap=True)


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


def _cell(key: str, row: Mapping[str, Any]) -> str:
    from pmlaunch.support.text import megabytes

    value = row.get(key)
    if key == "size" and isinstance(value, int):
        return megabytes(value)
    if key == "state":
        return _STATES.get(str(value), str(value))
    if key == "seconds" and value is not None:
        return f"{value:.2f}"
    if key == "fps" and value is not None:
        return f"{value:g}"
    return short(value)
