"""What the cells of a sweep measured, read from its results.jsonl and the plans of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.running.success import read_definition
from pmlaunch.runs.details import MotionResult
from pmlaunch.runs.measured import MeasuredRun, Side, by_unique_name, conditions_of
from pmlaunch.sweeping.journal import RESULTS, RUNS, latest_results
from pmlaunch.sweeping.model import CellResult


def is_sweep(folder: Path) -> bool:
    """Whether a folder holds the results of a sweep."""
    try:
        return (folder / RESULTS).is_file()
    except (OSError, ValueError):  # a null character in the path
        return False


def measured_sweep(folder: Path) -> Side:
    """The cells that were measured; of one with several attempts, the last.

    Raises PML372 if there are none, or if a run folder that the results name is missing.
    """
    found: dict[str, list[CellResult]] = {}
    cells = 0
    for cells, cell in enumerate(latest_results(folder), 1):  # noqa: B007 (their number is told)
        if cell.state == RunState.DONE.value and cell.figures:
            found.setdefault(cell.evaluation, []).append(cell)
    if not found:
        message = f"No cell of {folder} was measured ({cells} have results)."
        raise PmlaunchError("PML372", message, subject=str(folder))
    return Side(folder.name, tuple(_evaluation(folder, own) for own in found.values()))


def _evaluation(folder: Path, cells: Sequence[CellResult]) -> MeasuredRun:
    run = cells[0].run
    conditions, seed, plan = conditions_of(folder / RUNS / run) if Path(run).name == run else ({}, "", {})
    if not plan:
        message = f"{folder.name} has results of the run {run!r}, whose folder with plan.json is missing in {folder}."
        raise PmlaunchError("PML372", message, hint="pmlaunch sweep repeats it", subject=run)
    definition = next(
        (known for cell in cells if (known := read_definition({"definition": cell.definition}, plan)) is not None), None
    )
    motions = by_unique_name(MotionResult(cell.motion, cell.success, cell.figures) for cell in cells)
    return MeasuredRun(run, conditions, seed, definition, motions)
