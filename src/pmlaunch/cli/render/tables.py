"""The tables of all commands, and the format of a value in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def table_of(*headers: str, title: str | None = None) -> Table:
    """An empty table that wraps long values but never a header."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", min_width=cell_len(header))
    return table


def short(value: Any) -> str:
    """A value as text for a cell: "-" for None, "yes" or "no", or the items of a list."""
    if value is None:
        return "-"
    if isinstance(value, (tuple, list)):
        return ", ".join(short(item) for item in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
