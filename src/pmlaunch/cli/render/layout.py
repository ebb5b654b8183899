"""The lines, symbols and tables that all drawings are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from pmlaunch.model import Severity
from pmlaunch.support.secrets import redact
from pmlaunch.support.text import clean, clean_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.measure import Measurement
    from rich.table import Table

    from pmlaunch.errors import PmlaunchError
    from pmlaunch.model import Finding

_PARTS = re.compile(r"[^\\/ ]*[\\/ ]|[^\\/ ]+")  # of a path or a sentence, each with what ends it
_ITEMS = 4  # of a list that a cell shows
SEVERITY_STYLES: Mapping[Severity, str] = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.NOTE: "cyan",
}


def say(console: Console, *parts: Any, style: str = "", wrap: bool = False) -> None:
    """Print a line of texts and (text, style) pairs. Unless `wrap`, it is not broken and can be copied as a whole."""
    from rich.text import Text

    shown = [
        _shown(part) if isinstance(part, str) else (_shown(part[0]), part[1]) if _is_pair(part) else part
        for part in parts
    ]
    console.print(Text.assemble(*shown, style=style), soft_wrap=not wrap)


def advice(told: Finding | PmlaunchError) -> str:
    """The line below a message: only a complete command is announced as the next one."""
    return f"{'next' if told.hint == told.fix else 'hint'}: {told.hint}"


def _shown(text: str) -> str:
    """`text` without secrets; lines after the first are indented, so that none looks like one of pmlaunch's own."""
    return clean(redact(text)).replace("\n", "\n    ")


def _is_pair(part: object) -> bool:
    return isinstance(part, tuple) and isinstance(part[0], str)


def symbol(console: Console, fancy: str, plain: str) -> str:
    """`fancy`, or `plain` on a console that is limited to ASCII."""
    return plain if console.options.ascii_only else fancy


def table_of(*headers: str, title: str | None = None) -> Table:
    """An empty table that wraps long values but never a header."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", min_width=cell_len(header))
    return table


class Breakable:
    """Text for a cell that is broken after a path's separators or a blank, and within a part only if that is too long."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        from rich.cells import cell_len
        from rich.measure import Measurement

        parts = [cell_len(part.rstrip()) for part in _PARTS.findall(self._text)]
        return Measurement(max(parts, default=1), cell_len(self._text)).with_maximum(options.max_width)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        from rich.cells import cell_len, chop_cells
        from rich.text import Text

        line = ""
        for part in _PARTS.findall(self._text):
            for piece in chop_cells(part, options.max_width):
                if line and cell_len(line + piece.rstrip()) > options.max_width:
                    yield Text(line.rstrip())
                    line = ""
                line += piece
        yield Text(line.rstrip())


def short(value: Any) -> str:
    """A value as text for a cell: "-" for None, "yes" or "no", or the first items of a list."""
    if value is None:
        return "-"
    if isinstance(value, (tuple, list)):
        more = [f"and {len(value) - _ITEMS} more"] if len(value) > _ITEMS else []
        return ", ".join([*map(short, value[:_ITEMS]), *more]) or "-"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean_line(str(value))
