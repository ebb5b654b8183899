"""Files of a run that a report carries for the reader to save. A new one needs a function and a row in `DOWNLOADS`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pmlaunch.reporting.contents import RunContents
from pmlaunch.reporting.plain_text import plain

_MOST_COLUMNS = 200


@dataclass(frozen=True)
class Download:
    """A file with the suffix of its name, such as "csv", its media type, and the function that makes its content."""

    label: str
    suffix: str
    media_type: str
    make: Callable[[RunContents], bytes]


def figures_table(contents: RunContents) -> bytes:
    """A CSV table with one row for each motion, for spreadsheets (UTF-8 with a byte order mark)."""
    measured = contents.measured.rest.get("per_motion", ())
    names = list(dict.fromkeys(name for entry in measured for name in entry["metrics"]))[:_MOST_COLUMNS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    units = contents.measured.units
    titles = [_cell(f"{name} [{units[name]}]" if units.get(name) else name) for name in names]
    writer.writerow(["motion", "success", "failed_at [s]", "worst_body", *titles])
    for row in contents.rows:
        at = "" if row.failed_at is None else f"{row.failed_at:.4f}"
        success = "" if row.success is None else str(row.success).lower()
        worst = _cell(row.worst_body or "")
        writer.writerow([_cell(row.name), success, at, worst, *(row.metrics.get(name, "") for name in names)])
    return text.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = plain(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


DOWNLOADS: Sequence[Download] = (Download("Metrics (CSV)", "csv", "text/csv", figures_table),)
"""What a report offers of each run; of a motion, the page makes files itself (assets/export.js)."""
