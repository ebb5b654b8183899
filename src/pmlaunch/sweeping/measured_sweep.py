"""What the cells of a sweep measured, read from its results.jsonl and the plans of its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.running.success import read_definition
from pmlaunch.runs.details import MotionResult
from pmlaunch.runs.measured import MeasuredRun, Side, by_unique_name, conditions_of
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.json import as_mapping, numbers_in, parse_json

RESULTS: Final = "results.jsonl"
_LONGEST: Final = 1 << 20  # bytes of a line


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
    cells = _last_attempts(folder / RESULTS)
    found: dict[str, list[dict[str, Any]]] = {}
    for (evaluation, _), cell in cells.items():
        if cell.get("state") == RunState.DONE.value and numbers_in(cell.get("figures")):
            found.setdefault(evaluation, []).append(cell)
    if not found:
        message = f"No cell of {folder} was measured ({len(cells)} have results)."
        raise PmlaunchError("PML372", message, subject=str(folder))
    return Side(folder.name, tuple(_evaluation(folder, own) for own in found.values()))


def _last_attempts(results: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """{(evaluation, motion): line}. A line that is not whole, as after a crash, is left out."""
    found = {}
    try:
        with open_ordinary(results) as file:
            while line := file.readline(_LONGEST):
                cell = as_mapping(parse_json(line))
                evaluation, motion = cell.get("evaluation"), cell.get("motion")
                if isinstance(evaluation, str) and isinstance(motion, str):
                    found[evaluation, motion] = cell
    except OSError as error:
        message = f"{results} cannot be read: {error.strerror or error}."
        raise PmlaunchError("PML372", message, subject=str(results)) from error
    return found


def _evaluation(folder: Path, cells: list[dict[str, Any]]) -> MeasuredRun:
    run = str(cells[0].get("run"))
    conditions, seed, plan = conditions_of(folder / "runs" / run) if Path(run).name == run else ({}, "", {})
    if not plan:
        message = f"{folder.name} has results of the run {run!r}, whose folder with plan.json is missing in {folder}."
        raise PmlaunchError("PML372", message, hint="pmlaunch sweep repeats it", subject=run)
    definition = next((known for cell in cells if (known := read_definition(cell, plan)) is not None), None)
    motions = by_unique_name(_motion(cell) for cell in cells)
    return MeasuredRun(run, conditions, seed, definition, motions)


def _motion(cell: dict[str, Any]) -> MotionResult:
    success = cell.get("success")
    return MotionResult(cell["motion"], success if isinstance(success, bool) else None, numbers_in(cell["figures"]))
