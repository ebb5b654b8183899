"""Runs side by side: their figures, their motions, and the conditions in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pmlaunch.reporting.figures import definition, motion_figures
from pmlaunch.runs.details import MotionResult, Run
from pmlaunch.runs.html import table

_LIMITS = ("runs", "timeout", "silence")  # of the start, which change no figure
_BETTER_IF_MORE = ("success_rate",)
_BETTER_IF_LESS = ("err", "failure_rate", "jerk")


@dataclass(frozen=True)
class Compared:
    """One value for each run, None where a run has none. `best` are the positions of the best ones; empty if equal."""

    name: str
    values: tuple[float | None, ...]
    best: tuple[int, ...] = ()
    unit: str = ""

    def cell(self, position: int) -> str:
        """The value of one run as text, with a star if it is the best."""
        value = self.values[position]
        return "-" if value is None else f"{value:.4g}{' *' if position in self.best else ''}"


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        conditions: {name: value of each run} of what differs between the runs.
        figures: the metrics over all motions.
        motions: the mean position error in m of each motion.
        lost: {motion: positions of the runs that lost it}.
        notes: why figures are not comparable.
    """

    runs: tuple[str, ...]
    conditions: Mapping[str, tuple[str | None, ...]]
    figures: tuple[Compared, ...]
    motions: tuple[Compared, ...]
    lost: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        names = ("", *self.runs)
        conditions = [(name, *(value or "-" for value in values)) for name, values in self.conditions.items()]
        rows = [(f"{row.name} {row.unit}".strip(), *map(row.cell, range(len(self.runs)))) for row in self.all_rows()]
        return table("Conditions that differ", names, conditions) + table("Figures", names, rows)

    def all_rows(self) -> tuple[Compared, ...]:
        """The figures, then the motions."""
        return (*self.figures, *self.motions)


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare two or more runs. Motions are matched by name."""
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    units = {figure.name: figure.unit for run in runs for figure in run.figures}
    figures = [_compared(name, [run.metrics.get(name) for run in runs], _better(name), units[name]) for name in metrics]
    by_name = [{motion.name: motion for motion in run.motions} for run in runs]
    names = list(dict.fromkeys(name for motions in by_name for name in motions))
    return Comparison(
        runs=tuple(run.name for run in runs),
        conditions=_differing(runs),
        figures=tuple(figures),
        motions=tuple(_compared(name, [_error(motions.get(name)) for motions in by_name], min, "m") for name in names),
        lost={name: lost for name in names if (lost := _lost(name, by_name))},
        notes=_notes(runs, by_name),
    )


def _error(motion: MotionResult | None) -> float | None:
    return motion_figures(motion.metrics).error if motion else None


def _lost(name: str, by_name: Sequence[Mapping[str, MotionResult]]) -> tuple[int, ...]:
    return tuple(at for at, motions in enumerate(by_name) if (found := motions.get(name)) and found.success is False)


def _better(name: str) -> Callable[..., float] | None:
    """What picks the better of two values of a metric; None if neither is better."""
    if any(part in name for part in _BETTER_IF_MORE):
        return max
    return min if any(part in name for part in _BETTER_IF_LESS) and definition(name) else None


def _compared(name: str, values: Sequence[float | None], better: Callable[..., float] | None, unit: str) -> Compared:
    present = [value for value in values if value is not None]
    best: tuple[int, ...] = ()
    if better is not None and len(set(present)) > 1:
        wanted = better(present)
        best = tuple(at for at, value in enumerate(values) if value == wanted)
    return Compared(name, tuple(values), best, unit)


def _differing(runs: Sequence[Run]) -> dict[str, tuple[str | None, ...]]:
    names = dict.fromkeys(name for run in runs for name in run.conditions if name not in _LIMITS)
    rows = {name: tuple(_text(run.conditions.get(name)) for run in runs) for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return str(value)


def _notes(runs: Sequence[Run], by_name: Sequence[Mapping[str, MotionResult]]) -> tuple[str, ...]:
    notes = [f"{run.name}: {note}" for run in runs if not run.comparable for note in run.notes or ("not comparable",)]
    if len({frozenset(motions) for motions in by_name}) > 1:
        notes.append("The runs did not play the same motions, so their totals are averages over different motions.")
    return tuple(notes)
