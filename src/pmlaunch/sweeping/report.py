"""The report of a sweep: read its manifest, journal and run folders, and write one page about all of its cells."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

import numpy as np

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.motions.clips import Positions
from pmlaunch.reporting.contents import MotionRow, tracks_in
from pmlaunch.reporting.page import Subject
from pmlaunch.reporting.published_view import PublishedView
from pmlaunch.reporting.report import FILE, write_report
from pmlaunch.reporting.sweep_view import SweepView
from pmlaunch.reporting.tracks import Track
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.sweeping.conditions import (
    MOST,
    POLICY,
    Conditions,
    Measured,
    condition_of,
    conditions_of,
    measured_cells,
    text_of,
    text_of_evaluation,
)
from pmlaunch.sweeping.journal import RUNS, latest_results, tallies_of
from pmlaunch.sweeping.manifest import read_manifest
from pmlaunch.sweeping.model import Evaluation, SweepPlan
from pmlaunch.sweeping.published import published_view
from pmlaunch.sweeping.suite import compare_with_published
from pmlaunch.sweeping.summary import SweepSummary, summarize_sweep

_MOST_ROWS: Final = 5_000
_MOST_PUBLISHED: Final = 400
_OWN_PLAYED, _MOST_PLAYED = 60, 600
"""Cells with playback in the report that a sweep writes itself, and in one that was asked for."""
_Row = tuple[Evaluation, str, MotionRow]  # the evaluation, its run folder, the cell


def report_of_sweep(folder: Path, played: int = _MOST_PLAYED) -> Subject:
    """Read the sweep in `folder` for a page on which `played` cells can be watched.

    Raises PML010 if there is no sweep, PML383 for one of another version. Executes nothing.
    """
    folder = folder.resolve()
    plan = read_manifest(folder).plan
    evaluations = plan.evaluations
    measured = measured_cells(folder, evaluations)
    found = conditions_of(evaluations, measured)
    summary = summarize_sweep(folder, evaluations, tallies_of(folder))
    texts = [text_of(group, found) for group in found.groups]
    worst = _worst(evaluations, measured, found)
    rows = _with_tracks(folder, worst, played)
    numbers = {each.id: number for number, each in enumerate({each.id: each for each, _, _ in rows}.values())}
    named = {each.id: each for each, _, _ in rows}.values()
    view = SweepView(
        title=folder.name,
        verdict=_verdict(summary),
        grade="bad" if not summary.tracked else "good" if summary.tracked == summary.cells else "poor",
        facts=_facts(evaluations, found, summary),
        axes=found.axes,
        rules=found.rules,
        conditions=[condition_of(group, found) for group in found.groups],
        motions=found.motions,
        motion_count=len({cell.motion for group in found.groups for cell in group.cells}),
        evaluations=[(text_of_evaluation(each, texts[found.place[each.id]]), found.place[each.id]) for each in named],
        rows=[(numbers[each.id], row) for each, _, row in rows],
        failures=[str(failure) for failure in summary.failures],
        notes=[*_notes(evaluations, found, measured, played)],
        published=_published(plan),
    )
    return Subject(f"Sweep {folder.name}", sweep=view)


def _published(plan: SweepPlan) -> PublishedView | None:
    """The published values that the manifest names beside the measured ones; None if it names none."""
    suite = replace(plan.suite, references=plan.suite.references[:_MOST_PUBLISHED])
    if not suite.references:
        return None
    values = compare_with_published(suite, plan.evaluations, latest_results(plan.folder))
    shown = list(islice(values, _MOST_PUBLISHED))
    more = len(suite.references) < len(plan.suite.references) or next(values, None) is not None
    return published_view(suite, shown, more=more) if shown else None


def own_sweep_report(folder: Path) -> tuple[Path | None, tuple[Finding, ...]]:
    """Write report.html of a sweep that has just ended into its folder; return it, or the note that it is not written."""
    path = folder / FILE
    try:
        write_report(path, report_of_sweep(folder, _OWN_PLAYED), force=True)
    except Exception as error:  # noqa: BLE001 (whatever its runs wrote, the sweep's results stand)
        reason = error.message if isinstance(error, PmlaunchError) else f"{type(error).__name__}: {error}"
        message = f"{FILE} was not written: {reason}"
        hint = f'pmlaunch report "{folder}" -v'
        return None, (Finding("PML352", Severity.NOTE, message, hint, subject=str(folder)),)
    return path, ()


def _worst(evaluations: Sequence[Evaluation], measured: Mapping[str, Measured], found: Conditions) -> list[_Row]:
    """The measured cells, the worst first."""
    rows = (
        (each, cell.run, MotionRow(cell.motion, cell.success, cell.figures))
        for each in evaluations
        if each.id in found.place and each.id in measured
        for cell in measured[each.id].cells
    )
    return heapq.nsmallest(_MOST_ROWS, rows, key=lambda row: row[2].severity)


def _with_tracks(folder: Path, rows: Sequence[_Row], played: int) -> list[_Row]:
    """The rows with the playback of the worst, and of the same motion and conditions of the other policies."""
    alike: dict[object, list[int]] = {}
    for index, (each, _, row) in enumerate(rows):
        same = tuple(pair for pair in each.labels.items() if pair[0] not in POLICY)
        alike.setdefault((row.name, same), []).append(index)
    wanted: dict[str, list[int]] = {}
    order = [index for own in alike.values() for index in own][:played]
    with_turns = set(sorted(order)[: Subject.files])  # the page makes files of the first ones only
    for index in order:
        wanted.setdefault(rows[index][1], []).append(index)
    shown = list(rows)
    for run, indexes in wanted.items():
        if not run or run in (".", "..") or re.search(r"[\\/:]", run):  # not the name of a folder in runs/
            continue
        tracks: dict[str, list[Track]] = {}
        for track in tracks_in(RunFolder(folder / RUNS / run))[0]:
            tracks.setdefault(_last(track.name), []).append(track)
        for index in indexes:
            each, _, row = rows[index]
            if waiting := tracks.get(_last(row.name)):
                shown[index] = (each, run, replace(row, track=_alone(waiting.pop(0), turns=index in with_turns)))
    return shown


def _last(motion: str) -> str:
    return PurePath(motion.replace("\\", "/")).name


def _alone(track: Track, *, turns: bool) -> Track:
    """A copy of a track, with its rotations or without, so that the rest of its file need not stay in memory."""

    def copied(array: Positions | None) -> Positions | None:
        return None if array is None else np.array(array)

    return replace(
        track,
        positions=np.array(track.positions),
        reference=copied(track.reference),
        rotations=copied(track.rotations) if turns else None,
        reference_rotations=copied(track.reference_rotations) if turns else None,
    )


def _verdict(summary: SweepSummary) -> str:
    text = f"Tracked {summary.tracked} of {summary.done} cells." if summary.done else "No cell was measured."
    rest = {"failed": summary.failed, "ended abnormally": summary.abnormal, "not run yet": summary.waiting}
    missing = ", ".join(f"{number} {what}" for what, number in rest.items() if number)
    return f"{text} Without figures: {missing}." if missing else text


def _facts(evaluations: Sequence[Evaluation], found: Conditions, summary: SweepSummary) -> dict[str, object]:
    fixed = {name: text for group in found.groups[:1] for name, text in group.labels.items() if name not in found.axes}
    seeds = list(dict.fromkeys(each.labels["seed"] for each in evaluations if "seed" in each.labels))
    shown = ", ".join(seeds[:10]) + (f" and {len(seeds) - 10} more" if len(seeds) > 10 else "")
    counts = {
        "Cells": summary.cells,
        "Evaluations": summary.evaluations,
        "Motions": len({motion for each in evaluations for motion in each.motions}),
    }
    named = {name.capitalize(): value for name, value in fixed.items()}
    return {**named, **counts, **({"Seeds": shown} if seeds else {})}


def _notes(
    evaluations: Sequence[Evaluation], found: Conditions, measured: Mapping[str, Measured], played: int
) -> Iterator[str]:
    cells = sum(len(each.cells) for each in measured.values())
    if len(found.place) < len(evaluations):
        yield f"This page shows the first {MOST} policies and conditions of this sweep."
    if cells > _MOST_ROWS:
        yield f"The table has the worst {_MOST_ROWS} of {cells} cells."
    if cells > played:
        more = f" `pmlaunch report FOLDER` plays {_MOST_PLAYED}." if played < _MOST_PLAYED else ""
        yield f"{played} cells can be played: the worst motions, of every policy.{more}"
