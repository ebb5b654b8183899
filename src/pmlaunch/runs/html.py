"""Tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], most: int = 200) -> str:
    """An HTML table with a caption; of more than `most` rows the first ones and the number of the others."""
    head = "".join(f"<th>{escape(header)}</th>" for header in headers)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[:most])
    more = f"<p>and {len(rows) - most} more</p>" if len(rows) > most else ""
    return f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
