"""What cells add up to: success and errors of a policy under a condition, with intervals and the spread over seeds.

As in `pmlaunch compare`, the seeds of a motion are averaged first, so that n is the number of motions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from pmlaunch.reporting.figures import MotionFigures, length
from pmlaunch.reporting.sweep_view import Figure
from pmlaunch.runs.statistics import Estimate, mean_over_motions, mean_over_seeds, wilson


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """What one cell measured; `run` is its run folder."""

    motion: str
    seed: str
    success: bool | None
    figures: MotionFigures
    run: str = ""

    @property
    def error(self) -> float | None:
        """The mean position error in m."""
        return self.figures.error


def success_figure(cells: Sequence[MeasuredCell]) -> Figure | None:
    """The share of motions that were tracked, with Wilson's interval; None if no cell tells."""
    means = _means(cells, lambda cell: cell.motion, _success)
    return _rate(wilson(fmean(means), len(means)), _over(len(means), cells)) if means else None


def error_figure(cells: Sequence[MeasuredCell], resamples: int) -> Figure | None:
    """The mean error over motions with a bootstrap interval; None if no cell has one."""
    means = _means(cells, lambda cell: cell.motion, _error)
    return _error_of(mean_over_motions(means, resamples), _over(len(means), cells)) if means else None


def figures_of_motion(cells: Sequence[MeasuredCell]) -> tuple[Figure | None, Figure | None]:
    """(success, error) of one motion over its seeds; one seed has no interval."""
    successes, errors = ([it for it in map(of, cells) if it is not None] for of in (_success, _error))
    over = f"{len(cells)} seed{'s' * (len(cells) != 1)}"
    rate = error = None
    if successes:
        share, n = fmean(successes), len(successes)
        rate = _rate(wilson(share, n) if n > 1 else Estimate(share, None, None, n), over)
    if errors:
        mean = mean_over_seeds(errors)[0]
        error = _error_of(mean if mean.low is None else replace(mean, low=max(mean.low, 0.0)), over)
    return rate, error


def spread_over_seeds(cells: Sequence[MeasuredCell]) -> tuple[str, str]:
    """The standard deviations of the totals (success, error) over the seeds, as texts; empty for one seed."""
    shown: list[str] = []
    for of, form in ((_success, _percent), (_error, length)):
        means = _means(cells, lambda cell: cell.seed, of)
        deviation = mean_over_seeds(means)[1] if means else None
        shown.append("" if deviation is None else form(deviation))
    return shown[0], shown[1]


def cells_by(cells: Iterable[MeasuredCell], key: Callable[[MeasuredCell], str]) -> Mapping[str, list[MeasuredCell]]:
    """The cells of each motion or seed."""
    found: dict[str, list[MeasuredCell]] = {}
    for cell in cells:
        found.setdefault(key(cell), []).append(cell)
    return found


def _means(
    cells: Sequence[MeasuredCell], key: Callable[[MeasuredCell], str], of: Callable[[MeasuredCell], float | None]
) -> list[float]:
    known = (([it for it in map(of, own) if it is not None]) for own in cells_by(cells, key).values())
    return [fmean(own) for own in known if own]


def _success(cell: MeasuredCell) -> float | None:
    return None if cell.success is None else float(cell.success)


def _error(cell: MeasuredCell) -> float | None:
    return cell.error


def _over(motions: int, cells: Sequence[MeasuredCell]) -> str:
    seeds = len({cell.seed for cell in cells})
    return f"{motions} motion{'s' * (motions != 1)}, {seeds} seed{'s' * (seeds != 1)}"


def _rate(it: Estimate, over: str) -> Figure:
    interval = "" if it.low is None or it.high is None else f"{100 * it.low:.1f}–{100 * it.high:.1f} %"
    return Figure(it.value, it.low, it.high, _percent(it.value), interval, over)


def _error_of(it: Estimate, over: str) -> Figure:
    interval = ""
    if it.low is not None and it.high is not None:
        small = it.high < 1
        interval = f"{100 * it.low:.1f}–{100 * it.high:.1f} cm" if small else f"{it.low:.2f}–{it.high:.2f} m"
    return Figure(it.value, it.low, it.high, length(it.value), interval, over)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
