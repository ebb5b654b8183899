"""Tables as all commands draw them, and how a value stands in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def table_of(*headers: str, title: str | None = None) -> Table:
    """An empty table; what is too long for its column goes on below, but a header stays in one piece."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", min_width=cell_len(header))
    return table


def short(value: Any) -> str:
    """A value in a cell: "-" for None, "yes" and "no", and the entries of a list."""
    if value is None:
        return "-"
    if isinstance(value, (tuple, list)):
        return ", ".join(short(item) for item in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
