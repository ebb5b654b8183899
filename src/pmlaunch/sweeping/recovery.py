"""Find what an interrupted sweep has done but not written into its journal: runs that ended just before it did."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.processes.guardian import MARKER
from pmlaunch.processes.guardian_program import abnormal, end_processes
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.sweeping.cells import attempt_of, results_of
from pmlaunch.sweeping.journal import CONCLUDED, RUNS, Tally
from pmlaunch.sweeping.model import CellResult, Evaluation

_GUARDIANS_TIME = 3.0  # seconds in which a run's guardian corrects the record of a run whose launcher is gone


def unwritten_results(
    folder: Path, evaluations: Mapping[str, Evaluation], tallies: Mapping[str, Tally]
) -> Iterator[CellResult]:
    """Yield the results that are in run folders of `folder` but not in its journal, of evaluations that came to their end.

    An earlier attempt than the last counts too if none came to its end: a worker that was given up may have finished it.
    No job of the sweep may be running. Records of runs that were cut off are completed.
    """
    written, found = {tally.run for tally in tallies.values()}, set()
    for name in _names(folder / RUNS):
        run = RunFolder(folder / RUNS / name)
        attempt = attempt_of(run) if name not in written else None
        evaluation = evaluations.get(attempt.evaluation) if attempt else None
        if attempt is None or evaluation is None or evaluation.id in found:  # several machines may have sent one
            continue
        state, tally = final_record(run).get("state"), tallies.get(evaluation.id, Tally())
        if state in CONCLUDED and (attempt.number > tally.attempt or not tally.concluded):
            found.add(evaluation.id)
            yield from results_of(evaluation, run, max(attempt.number, tally.attempt + 1))
    for identity, tally in tallies.items():
        evaluation = evaluations.get(identity)
        cut_off = evaluation is not None and tally.concluded and tally.cells < len(evaluation.motions)
        if cut_off and evaluation is not None and tally.run:
            yield from results_of(
                evaluation, RunFolder(folder / RUNS / PureWindowsPath(tally.run).name), tally.attempt
            )[tally.cells :]


def final_record(run: RunFolder) -> Mapping[str, Any]:
    """The record of a run whose job has ended. Completed here if the run's guardian does not: nothing of it is left then."""
    deadline = time.monotonic() + _GUARDIANS_TIME
    while (record := run.read(RECORD) or {}).get("state") == RunState.RUNNING.value:
        if time.monotonic() >= deadline:
            end_processes([], f"{MARKER}={run.file('spec.json')}", quiet=1)
            record = abnormal(record)
            try:
                run.conclude(record)
            except PmlaunchError:  # a full disk: the record will be completed the next time
                break
        else:
            time.sleep(0.05)
    return record


def _names(runs: Path) -> list[str]:
    try:
        with os.scandir(runs) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []
