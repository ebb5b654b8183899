"""Run the installation steps: plan each one, carry it out, and collect the results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Progress, Reporter
from pmlaunch.installing.checkpoints.models import refuse_unknown_models
from pmlaunch.installing.context import InstallContext, error_finding
from pmlaunch.installing.python.target_python import NoAnswerError
from pmlaunch.installing.step import AlreadyDone, InstallStep, StepResult, StepState, Todo, seconds_since
from pmlaunch.model import Finding
from pmlaunch.support.disk import require_room


class InstallObserver(Protocol):
    """Receives the events of an installation."""

    def begins(self, step: InstallStep, todo: Todo) -> None:
        """A step begins; one with nothing to do does not."""

    def progress(self, progress: Progress) -> None:
        """The step got this far. May be called on another thread."""

    def ended(self, result: StepResult) -> None:
        """A step has ended, or had nothing to do."""


@dataclass(frozen=True)
class Installation:
    """The result of each step that was reached, all findings, and the error that ended it, if any.

    `plans` is what each step planned, in the order of the steps; None for one that could not be planned. `notes` are
    the findings that belong to no result.
    """

    results: tuple[StepResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: PmlaunchError | None = None
    plans: tuple[AlreadyDone | Todo | None, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes to download, as far as known."""
        return sum(result.bytes or 0 for result in self.results)


def steps(packages: bool = True) -> list[InstallStep]:
    """The steps in order; without `packages` the simulator's Python is left alone."""
    from pmlaunch.installing.checkout.checkout_step import CheckoutStep
    from pmlaunch.installing.checkpoints.checkpoints_step import CheckpointsStep
    from pmlaunch.installing.python.imports_step import ImportsStep
    from pmlaunch.installing.python.packages_step import PackagesStep
    from pmlaunch.installing.tools_step import ToolsStep
    from pmlaunch.installing.workspace_step import WorkspaceStep

    inside: list[InstallStep] = [PackagesStep(), ImportsStep()] if packages else []
    return [ToolsStep(), CheckoutStep(), CheckpointsStep(), *inside, WorkspaceStep()]


def plan(chosen: Sequence[InstallStep], context: InstallContext) -> Installation:
    """Plan every step; nothing is changed. The error says why an installation could not begin.

    A step that cannot be planned does not stop the planning of the others, so all that is missing is shown at once.
    """
    error: PmlaunchError | None = None
    plans: list[AlreadyDone | Todo | None] = []
    results: list[StepResult] = []
    try:
        refuse_unknown_models(context)
    except PmlaunchError as unknown:
        return Installation(findings=context.findings, error=unknown, notes=context.findings)
    for step in chosen:
        try:
            planned = step.plan(context)
        except PmlaunchError as failed:
            plans.append(None)
            results.append(_unplanned(step, failed, error))
            error = error or failed
            continue
        if isinstance(planned, AlreadyDone):
            context = context.knowing(planned.learned)
        plans.append(planned)
        results.append(_planned(step, planned))
    try:
        require_room(context.checkout, sum(item.room for item in plans if isinstance(item, Todo)))
    except PmlaunchError as too_small:
        error = error or too_small
    notes = (*context.findings, *(note for item in plans if item for note in item.notes))
    return Installation(tuple(results), _merged(notes, results), error, tuple(plans), notes)


def install(
    chosen: Sequence[InstallStep], context: InstallContext, observer: InstallObserver, planned: Installation
) -> Installation:
    """Carry out the steps in order until one fails. Can be called again after an interruption.

    `planned` holds until the first step has changed something; the steps after that are planned again.
    """
    results: list[StepResult] = []
    notes = list(planned.notes)
    error: PmlaunchError | None = None
    changed = False
    for step, expected in zip(chosen, planned.plans, strict=True):
        begin, report = time.monotonic(), Reporter(observer.progress)
        try:
            todo = step.plan(context) if changed or expected is None else expected
            notes += todo.notes
            result = _planned(step, todo)
            if isinstance(todo, AlreadyDone):
                context = context.knowing(todo.learned)
            else:
                changed = True
                observer.begins(step, todo)
                done = step.do(context, report)
                context = context.knowing(done.learned)
                seconds = seconds_since(begin)
                result = replace(result, state=StepState.DONE, text=done.text, seconds=seconds, log=report.last_log)
        except PmlaunchError as failed:
            error = failed
            log = failed.log if isinstance(failed, NoAnswerError) else report.last_log
            result = StepResult(step.name, step.title, StepState.FAILED, failed.message, seconds_since(begin), log=log)
        notes += report.findings
        results.append(result)
        observer.ended(result)
        if error:
            break
    return Installation(tuple(results), _merged(notes, results), error, planned.plans, tuple(notes))


def _planned(step: InstallStep, planned: AlreadyDone | Todo) -> StepResult:
    result = StepResult(step.name, step.title, StepState.ALREADY, planned.text)
    if isinstance(planned, AlreadyDone):
        return result
    findings = planned.findings
    return replace(result, state=StepState.PLANNED, commands=planned.commands, bytes=planned.bytes, findings=findings)


def _unplanned(step: InstallStep, error: PmlaunchError, first: PmlaunchError | None) -> StepResult:
    """A step that cannot be planned. The first such error is the installation's; other errors become findings."""
    known = first is not None and (first.code, first.message) == (error.code, error.message)
    text = "cannot be planned until the problem above is solved" if known else error.message
    findings = () if first is None or known else (error_finding(error),)
    return StepResult(step.name, step.title, StepState.FAILED, text, findings=findings)


def _merged(notes: Iterable[Finding], results: Iterable[StepResult]) -> tuple[Finding, ...]:
    """Every finding once: the notes first, then those of the results."""
    return tuple(dict.fromkeys([*notes, *(finding for result in results for finding in result.findings)]))
