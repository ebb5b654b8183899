"""What a page shows of a sweep: policies by conditions with their figures, and the cells, the worst first.

Texts are as the sweep's files hold them; the page cleans and escapes whatever it shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pmlaunch.reporting.contents import MotionRow
from pmlaunch.reporting.plain_text import plain
from pmlaunch.reporting.published_view import PublishedView

UNKNOWN_RULE: Final = "what counts as a failure is not recorded"


@dataclass(frozen=True)
class Figure:
    """A rate (a share) or an error (m): a number with its 95 % interval, the same as texts, and what it is taken over."""

    value: float
    low: float | None
    high: float | None
    text: str
    interval: str
    over: str

    def __str__(self) -> str:
        return f"{self.text} [{self.interval}]" if self.interval else self.text


@dataclass(frozen=True)
class Condition:
    """A policy under a condition: a cell of the heat map.

    Attributes:
        labels: {axis: value}, without the seed.
        rule: index in the sweep's rules of success; -1 if it is not known.
        tracked: the error of the motions that were tracked; `error` is that of all.
        spread: (of the success, of the error): standard deviation of the totals over the seeds, as text.
        series, step: of which training this is a checkpoint, and after how many steps; None if its name does not tell.
        by_motion: {index in the sweep's motions: (success, error)}.
        missing: cells without figures.
    """

    row: str
    column: str
    labels: Mapping[str, str]
    rule: int
    success: Figure | None = None
    error: Figure | None = None
    tracked: Figure | None = None
    spread: tuple[str, str] = ("", "")
    series: str = ""
    step: int | None = None
    by_motion: Mapping[int, tuple[Figure | None, Figure | None]] = field(default_factory=dict)
    missing: int = 0


@dataclass(frozen=True)
class SweepView:
    """A sweep.

    Attributes:
        grade: "good", "poor" or "bad", as for a run.
        axes: {axis: values} of those that vary, without seed and motion.
        rules: definitions of success.
        motions: the names of the heat map's motions, the worst first, of `motion_count`.
        evaluations: (text, index of its condition) for the rows.
        rows: (index of the evaluation, cell), the worst first.
        failures: evaluations without figures, in words.
        published: what the sweep is compared with; None without a suite of published values.
    """

    title: str
    verdict: str
    grade: str
    facts: Mapping[str, object]
    axes: Mapping[str, Sequence[str]]
    rules: Sequence[str]
    conditions: Sequence[Condition]
    motions: Sequence[str]
    motion_count: int
    evaluations: Sequence[tuple[str, int]]
    rows: Sequence[tuple[int, MotionRow]]
    failures: Sequence[str] = ()
    notes: Sequence[str] = ()
    published: PublishedView | None = None

    def rule(self, condition: Condition) -> str:
        """The definition of success under a condition."""
        return self.rules[condition.rule] if condition.rule >= 0 else UNKNOWN_RULE

    def document(self) -> dict[str, Any]:
        """What the page's script needs, cleaned."""
        return {
            "axes": {plain(name, 40): [plain(value, 80) for value in values] for name, values in self.axes.items()},
            "rules": [plain(rule) for rule in self.rules],
            "unknownRule": UNKNOWN_RULE,
            "motions": [plain(name, 160) for name in self.motions],
            "motionCount": self.motion_count,
            "conditionOf": [condition for _, condition in self.evaluations],
            "conditions": [
                {
                    "row": plain(each.row, 160),
                    "column": plain(each.column, 160),
                    "labels": {plain(name, 40): plain(value, 80) for name, value in each.labels.items()},
                    "rule": each.rule,
                    "success": _numbers(each.success),
                    "error": _numbers(each.error),
                    "spread": each.spread,
                    "series": plain(each.series, 160),
                    "step": each.step,
                    "byMotion": {index: [*map(_numbers, pair)] for index, pair in each.by_motion.items()},
                    "missing": each.missing,
                }
                for each in self.conditions
            ],
        }


def _numbers(figure: Figure | None) -> list[object] | None:
    """A figure for the script: value, low, high, text, interval, what it is taken over."""
    if figure is None:
        return None
    numbers = (None if it is None else round(it, 5) for it in (figure.value, figure.low, figure.high))
    return [*numbers, figure.text, figure.interval, figure.over]
