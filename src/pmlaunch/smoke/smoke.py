"""Run a smoke test: doctor, one evaluation, thresholds. The first failure determines the exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import Exit
from pmlaunch.doctor.check import CheckGroup, MachineCheck
from pmlaunch.doctor.examination import Examination, examine
from pmlaunch.doctor.registry import MACHINE_CHECKS
from pmlaunch.doctor.target import TargetRequest, resolve_target
from pmlaunch.errors import AmbiguousNameError, PmlaunchError, UnknownNameError
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, LaunchPlan, RunRecord, Severity
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.settings import Settings
from pmlaunch.smoke.case import Case, CaseVerdict, SmokeResult, Suite
from pmlaunch.smoke.thresholds import POSITION_ERROR, SUCCESS, Threshold, judge

Evaluate = Callable[[LaunchPlan, tuple[Finding, ...]], RunRecord]


@dataclass(frozen=True)
class EvaluationResult:
    """The result of the evaluation: its case, its exit code, its run folder and its metrics.json."""

    case: Case
    exit_code: int
    folder: str | None = None
    metrics: Mapping[str, Any] | None = None


def run_smoke(
    request: EvalRequest, settings: Settings, thresholds: Sequence[Threshold], evaluate: Evaluate
) -> SmokeResult:
    """Test this machine with one evaluation; `evaluate` runs a plan to its end.

    If doctor finds an error nothing is started, since the run would only fail later. Wrong usage is raised before
    doctor begins (PML001, PML002, PML003); whatever is missing becomes a failed case, since CI needs a report. For
    an unknown or ambiguous name that is the only case: the machine is not to blame.
    """
    start = time.monotonic()
    plan, findings, missing = _plan(request, settings)
    if isinstance(missing, (UnknownNameError, AmbiguousNameError)):
        cases = tuple(_not_started(request, None, missing, thresholds))
        return SmokeResult(request.model, cases, missing.exit_code, time.monotonic() - start)
    examination = examine(resolve_target(_target_of(request, plan), settings), _checks(plan))
    doctor = doctor_cases(examination)
    if plan is None or examination.exit_code != Exit.DONE:
        cases = (*doctor, *_not_started(request, plan, missing, thresholds))
        exit_code = missing.exit_code if missing else examination.exit_code
        return SmokeResult(request.model, cases, exit_code, time.monotonic() - start)
    evaluation = _evaluate(plan, findings, evaluate)
    judged = [_judged(wanted, evaluation) for wanted in thresholds]
    exit_code = evaluation.exit_code
    if exit_code == Exit.DONE and any(case.verdict is not CaseVerdict.PASSED for case in judged):
        exit_code = Exit.FAILED
    cases = (*doctor, evaluation.case, *judged)
    return SmokeResult(request.model, cases, exit_code, time.monotonic() - start, evaluation.folder)


def _plan(
    request: EvalRequest, settings: Settings
) -> tuple[LaunchPlan | None, Sequence[Finding], PmlaunchError | None]:
    """The plan with preflight's findings, or the reason why there is no plan."""
    try:
        planned = make_plan(request, settings)
    except PmlaunchError as error:
        if error.exit_code == Exit.USAGE:
            raise
        return None, (), error
    return planned.plan, preflight(planned), None


def _not_started(
    request: EvalRequest, plan: LaunchPlan | None, missing: PmlaunchError | None, thresholds: Sequence[Threshold]
) -> list[Case]:
    if missing is not None:
        text = f"{missing.message} Next: {missing.hint}" if missing.hint else missing.message
        first = Case(Suite.EVALUATION, request.model, CaseVerdict.ERROR, text, code=missing.code)
    else:
        text = "not started: doctor found what would stop it; without Isaac Lab and a checkout: --model demo"
        first = Case(Suite.EVALUATION, _name(plan) if plan else request.model, CaseVerdict.SKIPPED, text)
    return [first, *(_skipped(wanted, "nothing was measured") for wanted in thresholds)]


def _skipped(threshold: Threshold, why: str) -> Case:
    return Case(Suite.THRESHOLDS, threshold.name, CaseVerdict.SKIPPED, why)


def _checks(plan: LaunchPlan | None) -> dict[str, MachineCheck]:
    """The checks of doctor that concern this run; preflight checks its model."""
    others = {CheckGroup.MODELS}
    if plan is not None and GENERATIONS[plan.generation].embedded:
        others.add(CheckGroup.CHECKOUT)
    return {name: check for name, check in MACHINE_CHECKS.items() if check.group not in others}


def _target_of(request: EvalRequest, plan: LaunchPlan | None) -> TargetRequest:
    """Make doctor examine exactly what the plan would use."""
    return TargetRequest(
        simulator=plan.simulator if plan else request.simulator,
        protomotions=request.protomotions,
        isaaclab=request.isaaclab,
        python=request.python,
        via=request.via,
        runs=request.runs,
        device=request.device,
    )


def doctor_cases(examination: Examination) -> list[Case]:
    """A case for each of doctor's checks; one with warnings and notes only passes and lists them."""
    cases = []
    for result in examination.results:
        findings, skipped = result.observation.findings, result.observation.skipped
        errors = [found for found in findings if found.severity is Severity.ERROR]
        others = [f"{found.code} {found.message}" for found in findings if found not in errors]
        verdict, text, code = CaseVerdict.PASSED, "; ".join(others), None
        if errors:
            verdict, text, code = CaseVerdict.FAILED, _described(errors), errors[0].code
        elif skipped is not None:
            verdict, text = CaseVerdict.SKIPPED, skipped
        name = f"{result.check.group.value}: {result.check.title}"
        cases.append(Case(Suite.DOCTOR, name, verdict, text, result.seconds, code))
    return cases


def _evaluate(plan: LaunchPlan, findings: Sequence[Finding], evaluate: Evaluate) -> EvaluationResult:
    name = _name(plan)
    errors = [found for found in findings if found.severity is Severity.ERROR]
    if errors:
        case = Case(Suite.EVALUATION, name, CaseVerdict.FAILED, _described(errors), 0.0, errors[0].code)
        return EvaluationResult(case, exit_code_of(findings))
    try:
        record = evaluate(plan, tuple(findings))
    except PmlaunchError as error:
        text = f"{error.message} {error.hint or ''}".strip()
        return EvaluationResult(Case(Suite.EVALUATION, name, CaseVerdict.ERROR, text, 0.0, error.code), error.exit_code)
    return _result(name, record)


def _result(name: str, record: RunRecord) -> EvaluationResult:
    """The result of a run that ended."""
    folder, seconds = str(record.folder), record.seconds or 0.0
    exit_code = record.exit_code if record.exit_code is not None else Exit.INTERNAL
    if exit_code != Exit.DONE:
        errors = [found for found in record.findings if found.severity is Severity.ERROR]
        code = errors[0].code if errors else None
        failed = Case(Suite.EVALUATION, name, CaseVerdict.FAILED, _described(errors), seconds, code)
        return EvaluationResult(failed, exit_code, folder)
    steps = f"{record.steps} steps" if record.steps else "done"
    rate = f", {record.steps_per_second:g} steps/s" if record.steps_per_second else ""
    metrics = RunFolder(record.folder).read("metrics.json") or {}
    passed = Case(Suite.EVALUATION, name, CaseVerdict.PASSED, f"{steps}{rate}{_figures(metrics)}", seconds)
    return EvaluationResult(passed, exit_code, folder, metrics)


def _figures(metrics: Mapping[str, Any]) -> str:
    """The two figures common to all generations, if the run produced them."""
    common = metrics.get("common") or {}
    success, error = common.get(SUCCESS), common.get(POSITION_ERROR)
    figures = [f"success rate {success:g}"] if isinstance(success, (int, float)) else []
    figures += [f"mean position error {error:.4g} m"] if isinstance(error, (int, float)) else []
    return "".join(f", {figure}" for figure in figures)


def _judged(threshold: Threshold, evaluation: EvaluationResult) -> Case:
    if evaluation.metrics is None:
        return _skipped(threshold, "the evaluation was not finished")
    return judge(threshold, evaluation.metrics)


def _described(findings: Sequence[Finding]) -> str:
    return "; ".join(found.message + (f" Next: {found.hint}" if found.hint else "") for found in findings)


def _name(plan: LaunchPlan) -> str:
    return f"{plan.model}, {', '.join(motion.name for motion in plan.motions) or 'its own motion'}"
