"""The report of a sweep: read its manifest, journal and run folders, and write one page about all of its cells."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

import numpy as np

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.reporting.contents import MotionRow, tracks_in
from pmlaunch.reporting.figures import motion_figures
from pmlaunch.reporting.page import Subject
from pmlaunch.reporting.report import FILE, write_report
from pmlaunch.reporting.sweep_view import Condition, SweepView
from pmlaunch.reporting.tracks import Track
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.success import SuccessDefinition
from pmlaunch.support.json import from_json
from pmlaunch.sweeping import figures
from pmlaunch.sweeping.figures import MeasuredCell, cells_by
from pmlaunch.sweeping.journal import RUNS, latest_results, tallies_of
from pmlaunch.sweeping.manifest import read_manifest
from pmlaunch.sweeping.model import CellResult, Evaluation
from pmlaunch.sweeping.summary import SweepSummary, summarize_sweep

_POLICY: Final = ("model", "checkpoint")
_MOST_CONDITIONS: Final = 500
_MOST_ROWS: Final = 5_000
_MOST_MOTIONS: Final = 40  # columns of the heat map
_MOST_CELLS: Final = 4_000  # of the heat map by motion
_OWN_PLAYED, _MOST_PLAYED = 60, 600
"""Cells with playback in the report that a sweep writes itself, and in one that was asked for."""
_STEPS: Final = (re.compile(r"(?:step|iter)\w*?[=_-]?(\d+)", re.I), re.compile(r"epoch[=_-]?(\d+)", re.I))


@dataclass
class _Group:
    """Evaluations that differ only in their seed."""

    labels: Mapping[str, str]
    rule: str
    cells: list[MeasuredCell] = field(default_factory=list)
    missing: int = 0


def report_of_sweep(folder: Path, played: int = _MOST_PLAYED) -> Subject:
    """Read the sweep in `folder` for a page on which `played` cells can be watched.

    Raises PML010 if there is no sweep, PML383 for one of another version. Executes nothing.
    """
    folder = folder.resolve()
    evaluations = read_manifest(folder).plan.evaluations
    results: dict[str, list[CellResult]] = {}
    for result in latest_results(folder):
        results.setdefault(result.evaluation, []).append(result)
    groups, place = _grouped(evaluations, results)
    summary = summarize_sweep(folder, evaluations, tallies_of(folder))
    axes = _axes(groups)
    texts = [_texts(group, axes, groups) for group in groups]
    names, rows = _rows(evaluations, results, place, texts)
    shown = _with_tracks(folder, rows, evaluations, played)
    rules = list(dict.fromkeys(group.rule for group in groups if group.rule))
    motions = _worst_motions(groups, min(_MOST_MOTIONS, max(1, _MOST_CELLS // max(len(groups), 1))))
    conditions = [
        _condition(group, text, axes, rules, motions) for group, text in zip(groups, texts, strict=True)
    ]
    view = SweepView(
        title=folder.name,
        verdict=_verdict(summary),
        grade="bad" if not summary.tracked else "good" if summary.tracked == summary.cells else "poor",
        facts=_facts(evaluations, groups, axes, summary),
        axes=axes,
        rules=rules,
        conditions=conditions,
        motions=motions,
        motion_count=len({cell.motion for group in groups for cell in group.cells}),
        evaluations=names,
        rows=[(number, row) for number, row, _ in shown],
        failures=[str(failure) for failure in summary.failures],
        notes=[*_notes(evaluations, place, shown, played)],
    )
    return Subject(f"Sweep {folder.name}", sweep=view)


def own_sweep_report(folder: Path) -> tuple[Finding, ...]:
    """Write report.html of a sweep that has just ended into its folder. A failure is a note and changes no result."""
    try:
        write_report(folder / FILE, report_of_sweep(folder, _OWN_PLAYED), force=True)
    except Exception as error:  # noqa: BLE001 (whatever its runs wrote, the sweep's results stand)
        reason = error.message if isinstance(error, PmlaunchError) else f"{type(error).__name__}: {error}"
        message = f"{FILE} was not written: {reason}"
        return (Finding("PML352", Severity.NOTE, message, f'pmlaunch report "{folder}" -v', subject=str(folder)),)
    return ()


def _grouped(
    evaluations: Iterable[Evaluation], results: Mapping[str, Sequence[CellResult]]
) -> tuple[list[_Group], dict[str, int]]:
    """The groups in the order of the plan, and the place of each evaluation's group; those beyond a limit have none."""
    known: dict[str, tuple[Mapping[str, str], list[CellResult], str]] = {}
    rules: dict[tuple[tuple[str, str], ...], str] = {}  # of evaluations that measured nothing: that of other seeds
    for each in evaluations:
        labels = {name: value for name, value in each.labels.items() if name != "seed"}
        done = [it for it in results.get(each.id, ()) if it.state == RunState.DONE.value and it.figures]
        definition: SuccessDefinition = from_json(SuccessDefinition, done[0].definition if done else {})
        rule = str(definition.rule) if done and done[0].definition else ""
        rules.setdefault(_key(labels), rule)
        rules[_key(labels)] = rules[_key(labels)] or rule
        known[each.id] = (labels, done, rule)
    groups: dict[tuple[object, str], _Group] = {}
    numbers: dict[tuple[object, str], int] = {}
    place: dict[str, int] = {}
    for each in evaluations:
        labels, done, rule = known[each.id]
        key = (_key(labels), rule or rules[_key(labels)])
        if key not in numbers and len(numbers) >= _MOST_CONDITIONS:
            continue
        place[each.id] = numbers.setdefault(key, len(numbers))
        group = groups.setdefault(key, _Group(labels, key[1]))
        seed = each.labels.get("seed", "")
        group.cells += [MeasuredCell(it.motion, seed, it.success, motion_figures(it.figures).error) for it in done]
        group.missing += len(each.motions) - len(done)
    return list(groups.values()), place


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _axes(groups: Sequence[_Group]) -> dict[str, list[str]]:
    """The values of each label that varies, in the order of the plan."""
    names = dict.fromkeys(name for group in groups for name in group.labels)
    values = {name: list(dict.fromkeys(group.labels.get(name, "–") for group in groups)) for name in names}
    return {name: own for name, own in values.items() if len(own) > 1}


def _texts(group: _Group, axes: Mapping[str, Sequence[str]], groups: Sequence[_Group]) -> tuple[str, str]:
    """(policy, condition) in words. Rates of different definitions are in different columns."""
    policy = [group.labels.get(name, "–") for name in _POLICY if name in axes]
    others = [name for name in axes if name not in _POLICY]
    found = [
        f"{name} {group.labels.get(name, '–')}" if len(others) > 1 else group.labels.get(name, "–") for name in others
    ]
    rules = list(dict.fromkeys(each.rule for each in groups if each.rule))
    if len(rules) > 1 and group.rule:
        found.append(f"definition {rules.index(group.rule) + 1}")
    return " · ".join(policy) or group.labels.get("model", "policy"), ", ".join(found) or "all motions"


def _condition(
    group: _Group, texts: tuple[str, str], axes: Container[str], rules: Sequence[str], motions: Sequence[str]
) -> Condition:
    series, step = training_step({name: text for name, text in group.labels.items() if name in axes})
    own = cells_by(group.cells, lambda cell: cell.motion)
    return Condition(
        *texts,
        labels=group.labels,
        rule=rules.index(group.rule) if group.rule else -1,
        success=figures.success_figure(group.cells),
        error=figures.error_figure(group.cells),
        tracked=figures.error_figure([cell for cell in group.cells if cell.success]),
        spread=figures.spread_over_seeds(group.cells),
        series=series,
        step=step,
        by_motion={
            index: figures.figures_of_motion(own[name]) for index, name in enumerate(motions) if own.get(name)
        },
        missing=group.missing,
    )


def training_step(labels: Mapping[str, str]) -> tuple[str, int | None]:
    """(training, steps or epochs) of a checkpoint's file name, such as epoch_100 or last-step=5000; None without one."""
    name = "checkpoint" if "checkpoint" in labels else "model"
    path = PurePath(labels.get(name, "").replace("\\", "/"))
    if name == "model" and path.suffix != ".ckpt":
        return "", None
    found = next((it for pattern in _STEPS if (it := pattern.search(path.stem))), None)
    numbers = [found[1]] if found else re.findall(r"\d+", path.stem)
    pattern = str(path.with_name(re.sub(r"\d+", "#", path.stem)))
    series = ", ".join(pattern if key == name else value for key, value in labels.items())
    return series, int(numbers[-1]) if numbers and len(numbers[-1]) < 13 else None


def _worst_motions(groups: Sequence[_Group], most: int) -> list[str]:
    """The motions that are lost most often, then those with the largest errors."""
    own = cells_by((cell for group in groups for cell in group.cells), lambda cell: cell.motion)

    def badness(motion: str) -> tuple[float, float]:
        lost = sum(cell.success is False for cell in own[motion]) / len(own[motion])
        return lost, math.fsum(cell.error or 0.0 for cell in own[motion]) / len(own[motion])

    return heapq.nlargest(most, own, key=badness)


_Row = tuple[int, MotionRow, CellResult]


def _rows(
    evaluations: Iterable[Evaluation],
    results: Mapping[str, Sequence[CellResult]],
    place: Mapping[str, int],
    texts: Sequence[tuple[str, str]],
) -> tuple[list[tuple[str, int]], list[_Row]]:
    """The evaluations in words, and the measured cells, the worst first."""
    names: list[tuple[str, int]] = []
    rows: list[_Row] = []
    for each in evaluations:
        if each.id not in place:
            continue
        row, column = texts[place[each.id]]
        seed = [f"seed {each.labels['seed']}"] if "seed" in each.labels else []
        names.append((" · ".join([row, *([column] if column != "all motions" else []), *seed]), place[each.id]))
        for it in results.get(each.id, ()):
            if it.state == RunState.DONE.value and it.figures:
                cell = MotionRow(it.motion, it.success, motion_figures(it.figures), metrics=it.figures)
                rows.append((len(names) - 1, cell, it))
    return names, heapq.nsmallest(_MOST_ROWS, rows, key=lambda row: row[1].severity)


def _with_tracks(folder: Path, rows: Sequence[_Row], evaluations: Iterable[Evaluation], played: int) -> list[_Row]:
    """The rows with the playback of the worst, and of the same motion and condition of the other policies."""
    labels = {each.id: each.labels for each in evaluations}
    alike: dict[object, list[int]] = {}
    for index, (_, row, it) in enumerate(rows):
        same = tuple(pair for pair in sorted(labels[it.evaluation].items()) if pair[0] not in _POLICY)
        alike.setdefault((row.name, same), []).append(index)
    order = dict.fromkeys(index for own in alike.values() for index in own)
    wanted: dict[str, dict[str, list[int]]] = {}
    for index in list(order)[:played]:
        it = rows[index][2]
        wanted.setdefault(it.run, {}).setdefault(it.motion, []).append(index)
    shown = list(rows)
    for run, motions in wanted.items():
        if not run or PurePath(run).name != run or run in (".", ".."):
            continue
        tracks, _ = tracks_in(RunFolder(folder / RUNS / run))
        for motion, indexes in motions.items():
            own = [track for track in tracks if _last(track.name) == _last(motion)]
            for index, track in zip(indexes, own, strict=False):
                number, row, it = rows[index]
                shown[index] = (number, replace(row, track=_alone(track)), it)
    return shown


def _last(motion: str) -> str:
    return re.split(r"[\\/]", motion)[-1]


def _alone(track: Track) -> Track:
    """A copy of a track, so that the other motions of its file need not stay in memory."""
    reference = None if track.reference is None else np.array(track.reference)
    return replace(track, positions=np.array(track.positions), reference=reference)


def _verdict(summary: SweepSummary) -> str:
    text = f"Tracked {summary.tracked} of {summary.done} cells." if summary.done else "No cell was measured."
    rest = {"failed": summary.failed, "ended abnormally": summary.abnormal, "not run yet": summary.waiting}
    missing = ", ".join(f"{number} {what}" for what, number in rest.items() if number)
    return f"{text} Without figures: {missing}." if missing else text


def _facts(
    evaluations: Sequence[Evaluation], groups: Sequence[_Group], axes: Mapping[str, object], summary: SweepSummary
) -> dict[str, object]:
    fixed = {name: text for group in groups[:1] for name, text in group.labels.items() if name not in axes}
    seeds = list(dict.fromkeys(each.labels["seed"] for each in evaluations if "seed" in each.labels))
    shown = ", ".join(seeds[:10]) + (f" and {len(seeds) - 10} more" if len(seeds) > 10 else "")
    motions = len({motion for each in evaluations for motion in each.motions})
    counts = {"Cells": summary.cells, "Evaluations": summary.evaluations, "Motions": motions}
    return {**{name.capitalize(): value for name, value in fixed.items()}, **counts, **({"Seeds": shown} if seeds else {})}


def _notes(
    evaluations: Sequence[Evaluation], place: Mapping[str, int], rows: Sequence[_Row], played: int
) -> Iterator[str]:
    if len(place) < len(evaluations):
        yield f"This page shows the first {_MOST_CONDITIONS} conditions of this sweep."
    if len(rows) == _MOST_ROWS:
        yield f"The table has the worst {_MOST_ROWS} cells."
    if len(rows) > played:
        more = f" `pmlaunch report FOLDER` plays {_MOST_PLAYED}." if played < _MOST_PLAYED else ""
        yield f"The worst motions can be watched, with those of the other policies: {played} cells.{more}"
