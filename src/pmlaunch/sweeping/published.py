"""Published values beside measured ones as texts: in tables with one definition of success each, with their units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.reporting.published_view import PublishedTable, PublishedValue, PublishedView
from pmlaunch.running.metrics import unit_of
from pmlaunch.sweeping.model import Suite
from pmlaunch.sweeping.suite import SUCCESS, Compared

_ERROR: Final = "mean position error"
_FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "mean_position_error_m": ("error", _ERROR),
    "eval/masked_gt_err": ("observed", f"{_ERROR} of the observed bodies"),
}
"""{figure: (short name, what it measures)}; all in metres."""


def published_view(suite: Suite, compared: Iterable[Compared], *, more: bool = False) -> PublishedView:
    """Return the values in tables; rates that were counted by different limits are in different ones.

    `more` says that the suite has further values.
    """
    rows = list(compared)
    limits = _limits(rows)
    tables: dict[tuple[str, float | None], list[PublishedValue]] = {}
    for row in rows:
        tables.setdefault((row.table, limits[_row(row)]), []).append(_value(row))
    parts = [PublishedTable(name, _rule(limit), own) for (name, limit), own in tables.items()]
    return PublishedView(suite.title, parts, suite.differs, more)


def _rule(limit: float | None) -> str:
    return "" if limit is None else f"failed above {limit:g} m"


def _limits(rows: Sequence[Compared]) -> dict[tuple[str, str, str], float | None]:
    """{row: the limit of its rate of success}. A row without a limit goes with the first limit of its table."""
    found: dict[tuple[str, str, str], float | None] = {}
    first: dict[str, float] = {}
    for row in rows:
        found.setdefault(_row(row), None)
        if row.figure == SUCCESS and row.limit is not None:
            found[_row(row)] = row.limit
            first.setdefault(row.table, row.limit)
    return {key: first.get(key[0]) if limit is None else limit for key, limit in found.items()}


def _row(it: Compared) -> tuple[str, str, str]:
    return it.table, it.row, it.model


def _value(it: Compared) -> PublishedValue:
    name, definition = _FIGURES.get(it.figure, (it.figure, it.figure))
    if it.figure == SUCCESS:
        name, definition = "success", f"success: {_rule(it.limit) or 'limit of failure not known'}"
    interval = "" if it.interval is None else " to ".join(_text(it.figure, end) for end in it.interval)
    return PublishedValue(
        it.row,
        it.model,
        name,
        definition,
        _text(it.figure, it.published),
        it.source,
        "" if it.measured is None else _text(it.figure, it.measured),
        interval,
        it.motions,
        it.differs,
    )


def _text(figure: str, value: float) -> str:
    """A share in percent, metres as millimetres, anything else as it is."""
    if figure == SUCCESS:
        return f"{100 * value:.1f} %"
    units = {unit_of(adapter.metrics.units, figure.removeprefix("eval/")) for adapter in GENERATIONS.values()}
    return f"{1000 * value:.1f} mm" if figure in _FIGURES or "m" in units else f"{value:g}"
