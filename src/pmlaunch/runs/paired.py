"""Whether one policy tracks better than another: both on the same motions, seeds and conditions, motion by motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from typing import Final

from pmlaunch.reporting.figures import length
from pmlaunch.running.success import SuccessDefinition
from pmlaunch.runs import statistics
from pmlaunch.runs.measured import Side
from pmlaunch.runs.pairing import Cell, Cells, Options, Pairs, match
from pmlaunch.runs.statistics import Estimate

SIGNIFICANT: Final = 1 - statistics.LEVEL
_FEWEST_TO_LOSE = 6  # motions: of fewer, not even the loss of all is significant
_Number = Fraction | float
_Both = tuple[_Number, _Number]  # A's and B's


class Verdict(str, Enum):
    """What a test says about B."""

    WORSE = "worse"
    BETTER = "better"
    UNDECIDED = "no significant difference"


@dataclass(frozen=True)
class Measure:
    """What is compared: a field of `Cell`, over all motions or those that both policies tracked to their end."""

    name: str
    over: str
    unit: str
    decides: bool = True


ALL, SUCCEEDED = "all", "succeeded"
ABOUT: Final = {ALL: "all motions", SUCCEEDED: "motions that both tracked"}
_SUCCESS: Final = Measure("success", ALL, "share of motions")
MEASURES: Final = (
    _SUCCESS,
    Measure("error", ALL, "m"),
    Measure("error", SUCCEEDED, "m"),
    Measure("rotation", ALL, "deg", decides=False),
    Measure("rotation", SUCCEEDED, "deg", decides=False),
)
_OF_SUCCESS: Final = [measure for measure in MEASURES if measure is _SUCCESS or measure.over == SUCCEEDED]


@dataclass(frozen=True)
class Spread:
    """How a total varies over the seeds: mean with interval, and standard deviation, of A and of B."""

    a: Estimate
    b: Estimate
    deviation_a: float | None
    deviation_b: float | None


@dataclass(frozen=True)
class Row:
    """A measure of both policies over the same motions.

    Attributes:
        change: B - A.
        p: two-sided, of no difference; `adjusted` for the number of tests that decide. None if there are too few motions.
        worsening: how much worse B is: motions lost as a share of all, or the growth of an error as a share of A's.
        verdict: None if the measure does not decide.
    """

    measure: str
    over: str
    unit: str
    a: Estimate
    b: Estimate
    change: Estimate
    p: float | None
    adjusted: float | None
    worsening: float
    verdict: Verdict | None
    spread: Spread | None


@dataclass(frozen=True)
class MotionPair:
    """One motion of both policies, averaged over the seeds: success (share of seeds), errors in m."""

    name: str
    success_a: float | None
    success_b: float | None
    error_a: float | None
    error_b: float | None

    @property
    def gained(self) -> float:
        """How much more often B tracks it."""
        return 0.0 if self.success_a is None or self.success_b is None else self.success_b - self.success_a

    @property
    def grown(self) -> float:
        """By how much B's error is larger, in m."""
        return 0.0 if self.error_a is None or self.error_b is None else self.error_b - self.error_a


@dataclass(frozen=True)
class Group:
    """The motions that were measured under the same conditions.

    Attributes:
        conditions: {name: value}, "A's / B's" where that was allowed to differ.
        definition: of success, for both; None if it is not known, and success is then not compared.
        wins, losses: motions that B tracks more often, and less often.
        closer, farther: motions on which B's error is smaller, and larger.
        motions: the worst regressions first.
    """

    conditions: Mapping[str, str]
    definition: SuccessDefinition | None
    seeds: tuple[str, ...]
    rows: tuple[Row, ...]
    wins: int
    losses: int
    closer: int
    farther: int
    motions: tuple[MotionPair, ...]

    @property
    def name(self) -> str:
        """Its conditions in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.conditions.items())


@dataclass(frozen=True)
class PairedComparison:
    """B compared with A. `worse` and `better` are sentences, one for each significant change."""

    a: str
    b: str
    groups: tuple[Group, ...]
    verdict: Verdict
    worse: tuple[str, ...]
    better: tuple[str, ...]
    notes: tuple[str, ...] = ()
    level: float = field(default=statistics.LEVEL)


def compare_policies(a: Side, b: Side, options: Options) -> PairedComparison:
    """Compare B with A.

    Raises:
        PmlaunchError: PML370 to PML372, they cannot be compared.
    """
    found = match(a, b, options)
    groups = _judged([_group(pairs) for pairs in found], options.min_effect)
    changed = [(group, row) for group in groups for row in group.rows]
    worse, better = (
        tuple(_sentence(group, row, several=len(groups) > 1) for group, row in changed if row.verdict is wanted)
        for wanted in (Verdict.WORSE, Verdict.BETTER)
    )
    verdict = Verdict.WORSE if worse else Verdict.BETTER if better else Verdict.UNDECIDED
    notes = [note for side in (a, b) for run in side.runs for note in (f"{run.run}: {text}" for text in run.notes)]
    notes += [note for pairs in found for note in pairs.notes]
    if any(len(group.motions) < _FEWEST_TO_LOSE for group in groups):
        few = f"With fewer than {_FEWEST_TO_LOSE} motions, no difference in success can be significant"
        notes.append(f"{few}; with fewer than {statistics.FEWEST}, none in errors.")
    return PairedComparison(a.name, b.name, tuple(groups), verdict, worse, better, tuple(dict.fromkeys(notes)))


def _group(pairs: Pairs) -> Group:
    measures = [it for it in MEASURES if pairs.definition is not None or it not in _OF_SUCCESS]
    shown = [_means(it, pairs.cells) if it in measures else {} for it in MEASURES[:2]]
    motions = [
        _motion(name, *(means.get(name) for means in shown)) for name in dict.fromkeys(n for n, _ in pairs.cells)
    ]
    motions.sort(key=lambda motion: (motion.gained, -motion.grown))
    rows = [row for measure in measures if (row := _row(measure, pairs.cells)) is not None]
    wins, losses = sum(it.gained > 0 for it in motions), sum(it.gained < 0 for it in motions)
    closer, farther = sum(it.grown < 0 for it in motions), sum(it.grown > 0 for it in motions)
    seeds = tuple(dict.fromkeys(seed for _, seed in pairs.cells))
    return Group(pairs.conditions, pairs.definition, seeds, tuple(rows), wins, losses, closer, farther, tuple(motions))


def _grouped(cells: Cells, by: int) -> dict[str, list[tuple[Cell, Cell]]]:
    """The pairs of each motion (by 0) or seed (by 1)."""
    found: dict[str, list[tuple[Cell, Cell]]] = {}
    for key, pair in cells.items():
        found.setdefault(key[by], []).append(pair)
    return found


def _means(measure: Measure, cells: Cells, by: int = 0) -> dict[str, _Both]:
    """{motion or seed: (mean of A, mean of B)} over the cells that both have the figure of."""
    means: dict[str, _Both] = {}
    for name, own in _grouped(cells, by).items():
        judged = [pair for pair in own if measure.over == ALL or (pair[0].success and pair[1].success)]
        both = [(getattr(a, measure.name), getattr(b, measure.name)) for a, b in judged]
        known = [pair for pair in both if None not in pair]
        if known:
            totals = [sum(side) for side in zip(*known, strict=True)]
            exact = measure is _SUCCESS
            first, second = (Fraction(it, len(known)) if exact else it / len(known) for it in totals)
            means[name] = (first, second)
    return means


def _motion(name: str, success: _Both | None, error: _Both | None) -> MotionPair:
    success_a, success_b, error_a, error_b = (
        None if pair is None else float(pair[side]) for pair in (success, error) for side in (0, 1)
    )
    return MotionPair(name, success_a, success_b, error_a, error_b)


def _row(measure: Measure, cells: Cells) -> Row | None:
    pairs = list(_means(measure, cells).values())
    if not pairs:
        return None
    if measure is _SUCCESS:
        a, b = (statistics.wilson(float(sum(side) / len(pairs)), len(pairs)) for side in zip(*pairs, strict=True))
        change = statistics.success_change([Fraction(y) - Fraction(x) for x, y in pairs])
        worsening = a.value - b.value
    else:
        a, b = (statistics.mean_over_motions([float(it) for it in side]) for side in zip(*pairs, strict=True))
        change = statistics.paired_change([float(y - x) for x, y in pairs])
        worsening = change.estimate.value / a.value if a.value else float(b.value > 0)
    of_seeds = list(_means(measure, cells, by=1).values())
    spread = None
    if len(of_seeds) > 1:
        (mean_a, by_a), (mean_b, by_b) = (
            statistics.mean_over_seeds([float(it) for it in side]) for side in zip(*of_seeds, strict=True)
        )
        spread = Spread(mean_a, mean_b, by_a, by_b)
    what = (measure.name, measure.over, measure.unit)
    return Row(*what, a, b, change.estimate, change.p, None, worsening, None, spread)


def _judged(groups: Sequence[Group], least: float) -> list[Group]:
    """The groups with a verdict on every row that decides: Holm's method over all of these, and a worsening of `least`."""
    deciding = {(measure.name, measure.over) for measure in MEASURES if measure.decides}
    ps = {
        (number, row.measure, row.over): row.p
        for number, group in enumerate(groups)
        for row in group.rows
        if row.p is not None and (row.measure, row.over) in deciding
    }
    adjusted = statistics.holm(ps)

    def judged(number: int, row: Row) -> Row:
        p = adjusted.get((number, row.measure, row.over))
        if p is None:
            return row
        verdict = Verdict.WORSE if row.worsening > 0 else Verdict.BETTER
        if p >= SIGNIFICANT or abs(row.worsening) < least:
            verdict = Verdict.UNDECIDED
        return replace(row, adjusted=p, verdict=verdict)

    return [
        replace(group, rows=tuple(judged(number, row) for row in group.rows)) for number, group in enumerate(groups)
    ]


def _sentence(group: Group, row: Row, *, several: bool) -> str:
    of_rate = row.measure == "success"
    a, b = (f"{100 * it.value:.1f} %" if of_rate else length(it.value) for it in (row.a, row.b))
    what = "success" if of_rate else f"mean error of {ABOUT[row.over]}"
    where = f" ({group.name})" if several else ""
    return f"{what} {a} -> {b}, p = {row.adjusted:.2g}{where}"
