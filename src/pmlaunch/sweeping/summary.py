"""How far a sweep is: counts of cells by how they ended, and the failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from pmlaunch.codes import CODES
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.running.run_folder import LOG
from pmlaunch.sweeping.journal import JOBS, RUNS, Tally
from pmlaunch.sweeping.manifest import labels_text
from pmlaunch.sweeping.model import Evaluation

_MOST = 20  # failures and stale evaluations that are listed


class Outcome(Enum):
    """How an evaluation stands. ABNORMAL: its program did not end by itself, in every attempt so far."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    ABNORMAL = "abnormal"


@dataclass(frozen=True)
class Failure:
    """An evaluation without figures: what it is, its run folder, how its latest attempt ended."""

    evaluation: str
    labels: Mapping[str, str]
    run: str
    state: str
    code: str | None
    attempt: int
    message: str = ""

    def __str__(self) -> str:
        how = f"{self.state} ({self.code})" if self.code else self.state
        why = f": {self.message}" if self.message else ""
        return f"{labels_text(self.labels) or self.evaluation}: {how}, attempt {self.attempt}{why}"


@dataclass(frozen=True)
class SweepSummary:
    """Counts of a sweep's cells. `tracked` of those that are done were tracked to their end; `failures` lists the first 20.

    `running` tells whether the sweep is in progress, `process` in which process.
    """

    folder: Path
    cells: int
    done: int = 0
    tracked: int = 0
    failed: int = 0
    abnormal: int = 0
    waiting: int = 0
    evaluations: int = 0
    failures: tuple[Failure, ...] = ()
    running: bool = False
    process: int | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """PML387 if evaluations failed, PML386 if some ended abnormally."""
        return tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        retry = f'pmlaunch sweep retry "{self.folder}"'
        rows = (
            ("PML387", self.failed, "cells have failed", RunState.FAILED.value),
            ("PML386", self.abnormal, "cells are set aside, because their programs ended abnormally", None),
        )
        for code, number, what, state in rows:
            if number:
                listed = [
                    each for each in self.failures if (each.state == RunState.FAILED.value) == (state is not None)
                ]
                named = f", for example {listed[0]}".rstrip(".") if listed else ""
                hint, fix = self._next(listed[0], retry) if listed else (retry, retry)
                yield Finding(code, Severity.ERROR, f"{number} {what}{named}.", hint, fix, str(self.folder))

    def _next(self, failure: Failure, retry: str) -> tuple[str, str]:
        """What to do about a failure, in words, and the first command: look for the cause, which is still there."""
        run = self.folder / RUNS / failure.run
        if failure.run:
            look = f'pmlaunch runs {"logs" if (run / LOG).is_file() else "show"} "{run}"'
            return f"{look}, then {retry}", look
        if failure.state == RunState.FAILED.value:
            return retry, retry
        return f"look into the logs in {self.folder / JOBS}, then {retry}", retry

    @property
    def exit_code(self) -> int:
        """The exit code of a sweep that ended so."""
        return next((CODES[finding.code].exit_code for finding in self.findings), 0)


@dataclass
class Counts:
    """Cells by outcome, kept while a sweep runs."""

    cells: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    evaluations: int = 0
    tracked: int = 0

    def move(self, number: int, before: Outcome, now: Outcome) -> None:
        """Some cells have another outcome than before."""
        self.cells[before] -= number
        self.cells[now] += number

    @property
    def total(self) -> int:
        """The number of cells."""
        return sum(self.cells.values())


def outcome_of(evaluation: Evaluation, tally: Tally | None) -> Outcome:
    """How an evaluation stands, going by its lines in the journal."""
    if tally is None or tally.cells < len(evaluation.motions):
        return Outcome.WAITING
    if not tally.concluded:
        return Outcome.ABNORMAL
    return Outcome.DONE if tally.state == RunState.DONE.value else Outcome.FAILED


def is_left(evaluation: Evaluation, tally: Tally, retries: int, before: int = 0) -> bool:
    """Whether an evaluation has to run: its lines are missing, or it ended abnormally and has an attempt left.

    `before` attempts do not count.
    """
    outcome = outcome_of(evaluation, tally)
    return outcome is Outcome.WAITING or (outcome is Outcome.ABNORMAL and tally.attempt - before <= retries)


def summarize_sweep(folder: Path, evaluations: Iterable[Evaluation], tallies: Mapping[str, Tally]) -> SweepSummary:
    """Count the cells of `evaluations` by what the journal says."""
    counts, tracked, number = dict.fromkeys(Outcome, 0), 0, 0
    failures: list[Failure] = []
    for each in evaluations:
        number += 1
        tally = tallies.get(each.id)
        outcome = outcome_of(each, tally)
        counts[outcome] += len(each.motions)
        if tally is not None and outcome is Outcome.DONE:
            tracked += tally.tracked
        elif tally is not None and outcome is not Outcome.WAITING and len(failures) < _MOST:
            failures.append(
                Failure(each.id, each.shown, tally.run, tally.state, tally.code, tally.attempt, tally.message)
            )
    return SweepSummary(
        folder,
        sum(counts.values()),
        counts[Outcome.DONE],
        tracked,
        counts[Outcome.FAILED],
        counts[Outcome.ABNORMAL],
        counts[Outcome.WAITING],
        number,
        tuple(failures),
    )


def stale_finding(folder: Path, plan: Iterable[Evaluation], tallies: Mapping[str, Tally]) -> Iterator[Finding]:
    """Yield PML385 if the journal has results of evaluations that are not in the plan any more."""
    known = {each.id for each in plan}
    stale = [identity for identity in tallies if identity not in known]
    if stale:
        names = ", ".join(tallies[identity].run or identity for identity in stale[:3])
        more = f" and {len(stale) - 3} more" if len(stale) > 3 else ""
        cells = sum(tallies[identity].cells for identity in stale)
        message = f"{cells} cells of {folder} are not in this plan any more: those of {names}{more}."
        yield Finding("PML385", Severity.WARNING, message, "choose another folder with -o DIR to keep them apart")
