"""The conditions of a sweep: evaluations that differ only in their seed, with the figures of their cells."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from pmlaunch.model import RunState
from pmlaunch.reporting.figures import motion_figures
from pmlaunch.reporting.sweep_view import Condition
from pmlaunch.running.success import SuccessDefinition
from pmlaunch.support.json import from_json
from pmlaunch.sweeping import figures
from pmlaunch.sweeping.figures import MeasuredCell, cells_by
from pmlaunch.sweeping.journal import latest_results
from pmlaunch.sweeping.model import Evaluation

POLICY: Final = ("model", "checkpoint")
"""The labels that name the policy. The others are conditions."""
MOST: Final = 500
_MOST_MOTIONS: Final = 40  # columns of the heat map
_MOST_CELLS: Final = 4_000  # of the heat map by motion
_ALL: Final = "all motions"
_STEPS: Final = (
    re.compile(r"(?:step|iter)\w*?[=_-]?(\d+)", re.IGNORECASE),
    re.compile(r"epoch[=_-]?(\d+)", re.IGNORECASE),
)


@dataclass
class Measured:
    """The cells of an evaluation, and its definition of success; empty if that is not known."""

    rule: str
    cells: list[MeasuredCell] = field(default_factory=list)


@dataclass
class Group:
    """Evaluations that differ only in their seed. `missing` cells have no figures."""

    labels: Mapping[str, str]
    rule: str
    cells: list[MeasuredCell] = field(default_factory=list)
    missing: int = 0


@dataclass(frozen=True)
class Conditions:
    """The groups in the order of the plan, at most `MOST`.

    Attributes:
        place: {id of an evaluation: index of its group}.
        axes: {label: values} of those that vary.
        motions: the worst, which the heat map shows.
    """

    groups: Sequence[Group]
    place: Mapping[str, int]
    axes: Mapping[str, Sequence[str]]
    rules: Sequence[str]
    motions: Sequence[str]


def measured_cells(folder: Path, evaluations: Iterable[Evaluation]) -> dict[str, Measured]:
    """{id of an evaluation: its measured cells}, from the latest attempts in the journal."""
    known = {each.id: each for each in evaluations}
    found: dict[str, Measured] = {}
    for it in latest_results(folder):
        if it.evaluation not in known or it.state != RunState.DONE.value or not it.figures:
            continue
        if it.evaluation not in found:
            definition: SuccessDefinition = from_json(SuccessDefinition, it.definition)
            found[it.evaluation] = Measured(str(definition.rule) if it.definition else "")
        each, own = known[it.evaluation], found[it.evaluation].cells
        if len(own) < len(each.motions):  # a stranger's journal may have more lines than cells
            figures_of = motion_figures(it.figures)
            own.append(MeasuredCell(it.motion, each.labels.get("seed", ""), it.success, figures_of, it.run))
    return found


def conditions_of(evaluations: Sequence[Evaluation], measured: Mapping[str, Measured]) -> Conditions:
    """Group evaluations that differ only in their seed. Different definitions of success make different groups."""
    rules: dict[tuple[tuple[str, str], ...], str] = {}  # of evaluations without figures: that of other seeds
    for each in evaluations:
        if each.id in measured:
            rules.setdefault(_key(each), measured[each.id].rule)
    groups: dict[tuple[object, str], Group] = {}
    numbers: dict[tuple[object, str], int] = {}
    place: dict[str, int] = {}
    for each in evaluations:
        own = measured.get(each.id) or Measured(rules.get(_key(each), ""))
        key = (_key(each), own.rule)
        if key not in numbers and len(numbers) >= MOST:
            continue
        place[each.id] = numbers.setdefault(key, len(numbers))
        group = groups.setdefault(key, Group(dict(_key(each)), own.rule))
        group.cells += own.cells
        group.missing += len(each.motions) - len(own.cells)
    found = list(groups.values())
    names = dict.fromkeys(name for group in found for name in group.labels)
    values = {name: list(dict.fromkeys(group.labels.get(name, "–") for group in found)) for name in names}
    axes = {name: own for name, own in values.items() if len(own) > 1}
    return Conditions(found, place, axes, _distinct(group.rule for group in found), _worst_motions(found))


def _key(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in evaluation.labels.items() if name != "seed")


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _worst_motions(groups: Sequence[Group]) -> list[str]:
    """The motions that are lost most often, then those with the largest errors."""
    own = cells_by((cell for group in groups for cell in group.cells), lambda cell: cell.motion)

    def badness(motion: str) -> tuple[float, float]:
        lost = sum(cell.success is False for cell in own[motion]) / len(own[motion])
        return lost, math.fsum(cell.error or 0.0 for cell in own[motion]) / len(own[motion])

    return heapq.nlargest(min(_MOST_MOTIONS, max(1, _MOST_CELLS // max(len(groups), 1))), own, key=badness)


def text_of(group: Group, of: Conditions) -> tuple[str, str]:
    """(policy, condition) in words. Rates of different definitions are different conditions."""
    policy = [group.labels.get(name, "–") for name in POLICY if name in of.axes]
    others = [(name, group.labels.get(name, "–")) for name in of.axes if name not in POLICY]
    found = [f"{name} {value}" if len(others) > 1 else value for name, value in others]
    if len(of.rules) > 1 and group.rule:
        found.append(f"definition {of.rules.index(group.rule) + 1}")
    return " · ".join(policy) or group.labels.get("model", "policy"), ", ".join(found) or _ALL


def text_of_evaluation(evaluation: Evaluation, texts: tuple[str, str]) -> str:
    """An evaluation in words: policy, condition, seed."""
    seed = [f"seed {evaluation.labels['seed']}"] if "seed" in evaluation.labels else []
    return " · ".join([*(text for text in texts if text != _ALL), *seed])


def condition_of(group: Group, of: Conditions) -> Condition:
    """A group with its figures."""
    row, column = text_of(group, of)
    resamples = 9_999 if len(of.groups) <= 100 else 1_999  # a second takes 100 of the former
    series, step = training_step({name: text for name, text in group.labels.items() if name in of.axes})
    own = cells_by(group.cells, lambda cell: cell.motion)
    return Condition(
        row,
        column,
        labels=group.labels,
        rule=of.rules.index(group.rule) if group.rule else -1,
        success=figures.success_figure(group.cells),
        error=figures.error_figure(group.cells, resamples),
        tracked=figures.error_figure([cell for cell in group.cells if cell.success], resamples),
        spread=figures.spread_over_seeds(group.cells),
        series=series,
        step=step,
        by_motion={index: figures.figures_of_motion(own[it]) for index, it in enumerate(of.motions) if own.get(it)},
        missing=group.missing,
    )


def training_step(labels: Mapping[str, str]) -> tuple[str, int | None]:
    """(training, steps or epochs) of a checkpoint's file name, such as epoch_100 or last-step=5000; None without one."""
    name = "checkpoint" if "checkpoint" in labels else "model"
    path = PurePosixPath(labels.get(name, "").replace("\\", "/"))
    if not path.name or (name == "model" and path.suffix != ".ckpt"):
        return "", None
    stem = path.name.removesuffix(".ckpt")
    found = next((it for pattern in _STEPS if (it := pattern.search(stem))), None)
    numbers = [found[1]] if found else re.findall(r"\d+", stem)
    training = str(path.with_name(re.sub(r"\d+", "#", stem)))
    series = ", ".join(training if key == name else value for key, value in labels.items())
    return series, int(numbers[-1]) if numbers and len(numbers[-1]) < 13 else None
