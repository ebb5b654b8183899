"""The results of an evaluation's cells, read from its run folder; and the file that ties a run folder to a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pmlaunch.model import RunState
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.support.json import as_list, as_mapping, dumps, exactly, numbers_in
from pmlaunch.support.secrets import redact
from pmlaunch.support.text import clean_line
from pmlaunch.sweeping.journal import LONGEST_MESSAGE
from pmlaunch.sweeping.model import CellResult, Evaluation

TIE = "sweep.json"
_LONGEST = 10_000  # characters of the definition of success, and of a message before it is shortened


@dataclass(frozen=True)
class Attempt:
    """Which attempt at which evaluation a run is: the content of sweep.json in its folder."""

    evaluation: str
    number: int


def tie(run: RunFolder, attempt: Attempt) -> None:
    """Write sweep.json into a run folder. Raises PML204."""
    run.write(TIE, attempt)


def attempt_of(run: RunFolder) -> Attempt | None:
    """The attempt that a run folder holds; None if it is no sweep's."""
    return exactly(Attempt, run.read(TIE))


def results_of(evaluation: Evaluation, run: RunFolder, attempt: int) -> list[CellResult]:
    """The results of all cells of an evaluation whose run has ended. What was not measured has no figures."""
    record = run.read(RECORD) or {}
    state = str(record.get("state", RunState.ABNORMAL.value))
    measured = as_mapping(record.get("evaluation"))
    definition = as_mapping(measured.get("definition"))
    if len(dumps(definition)) > _LONGEST:  # it stands in the line of every cell
        definition = {}
    entries = _per_motion(evaluation, record, [as_mapping(each) for each in as_list(measured.get("per_motion"))])
    code, message = (None, "") if state == RunState.DONE.value else _error_of(record)
    return [
        CellResult(
            evaluation.id,
            motion,
            run.path.name,
            state,
            success if isinstance(success := entry.get("success"), bool) else None,
            _few(numbers_in(entry.get("metrics"))),
            definition,
            code,
            attempt,
            message,
        )
        for motion, entry in zip(evaluation.motions, entries, strict=True)
    ]


def _few(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures, as many as a program really has."""
    return dict(islice(((name, value) for name, value in figures.items() if len(name) <= 200), 500))


def unmeasured(evaluation: Evaluation, state: RunState, code: str, attempt: int, why: str) -> list[CellResult]:
    """The results of the cells of an evaluation that has no run folder."""
    message = told(why)
    return [
        CellResult(evaluation.id, motion, "", state.value, None, {}, {}, code, attempt, message)
        for motion in evaluation.motions
    ]


def _error_of(record: Mapping[str, Any]) -> tuple[str | None, str]:
    """(code, message) of the error that explains a run's end."""
    findings = [as_mapping(each) for each in as_list(record.get("findings"))]
    error = next((each for each in reversed(findings) if each.get("severity") == "error"), None)
    return (None, "") if error is None else (str(error.get("code")), told(str(error.get("message") or "")))


def told(message: str) -> str:
    """A message, or what a program printed, as the journal has it: one short line without secrets."""
    return clean_line(redact(message[:_LONGEST]), LONGEST_MESSAGE)


def _per_motion(
    evaluation: Evaluation, record: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The entries of the evaluation's motions: by name, and by place where names differ but the number is the same.

    A single cell that stands for several motions, or was not measured by motion, has the figures of the whole run.
    """
    named = {_last(str(entry.get("motion"))): entry for entry in entries}
    names = [_last(motion) for motion in evaluation.motions]
    if len(names) == 1 != len(entries) and names[0] not in named:
        common = as_mapping(as_mapping(record.get("evaluation")).get("common"))
        tracked = {0.0: False, 1.0: True}.get(numbers_in(common).get("success_rate", -1.0))
        return [{"metrics": record.get("metrics"), "success": tracked}]
    if len(entries) == len(names) and (len(named) < len(names) or not set(names) <= named.keys()):
        return list(entries)
    return [named.get(name, {}) for name in names]


def _last(motion: str) -> str:
    return motion.rpartition("/")[2]
