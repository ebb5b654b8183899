"""The course of a smoke test: doctor, one evaluation, thresholds. Each says what it found; the first failure counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import Exit
from pmlaunch.doctor.check import Check, Group, Site
from pmlaunch.doctor.examination import Examination, examine
from pmlaunch.doctor.registry import CHECKS
from pmlaunch.doctor.target import make_site
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import EvalRequest, Finding, Generation, LaunchPlan, RunRecord, Severity
from pmlaunch.planning.plan import make_plan
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.settings import Settings
from pmlaunch.smoke.case import Case, SmokeResult, Verdict
from pmlaunch.smoke.thresholds import POSITION_ERROR, SUCCESS, Threshold, judge

Evaluate = Callable[[LaunchPlan, tuple[Finding, ...]], RunRecord]
_PLANNED_FOR = "evaluation"
_TYPED = ("PML010", "PML011")  # names that nothing, or several things, answer to: no machine mends that


@dataclass(frozen=True)
class Evaluated:
    """What came of the evaluation: its case, its exit code, its folder and its metrics.json."""

    case: Case
    exit_code: int
    folder: str | None = None
    metrics: Mapping[str, Any] | None = None


def run_smoke(
    request: EvalRequest, settings: Settings, thresholds: Sequence[Threshold], evaluate: Evaluate
) -> SmokeResult:
    """Test this machine with one evaluation; `evaluate` runs a plan to its end.

    Where doctor finds an error nothing is started: the run would only fail later. What was typed wrongly is raised
    before doctor begins (PML001, PML002, PML003); what is not there is a case that failed, since a CI wants a report.
    Of a name that is wrong the report says only that: doctor would speak of a machine that was not asked about.
    """
    start = time.monotonic()
    plan, findings, missing = _plan(request, settings)
    if missing is not None and missing.code in _TYPED:
        mistyped = tuple(_not_started(request, None, missing, thresholds))
        return SmokeResult(request.model, mistyped, missing.exit_code, time.monotonic() - start)
    site = _site(request, settings, plan.simulator if plan else request.simulator)
    seen = examine(site, _checks(plan))
    cases = doctor_cases(seen)
    if plan is None or seen.exit_code != Exit.DONE:
        cases += _not_started(request, plan, missing, thresholds)
        exit_code = missing.exit_code if missing else seen.exit_code
        return SmokeResult(request.model, tuple(cases), exit_code, time.monotonic() - start)
    came = _evaluated(plan, findings, evaluate)
    cases.append(came.case)
    judged = [_judged(wanted, came) for wanted in thresholds]
    exit_code = came.exit_code
    if exit_code == Exit.DONE and any(case.verdict is not Verdict.PASSED for case in judged):
        exit_code = Exit.FAILED
    return SmokeResult(request.model, (*cases, *judged), exit_code, time.monotonic() - start, came.folder)


def _plan(
    request: EvalRequest, settings: Settings
) -> tuple[LaunchPlan | None, Sequence[Finding], PmlaunchError | None]:
    """The plan with what preflight finds, or what is missing for one."""
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
        first = Case(_PLANNED_FOR, request.model, Verdict.ERROR, text, code=missing.code)
    else:
        text = "not started: doctor found what would stop it; without Isaac Lab and a checkout: --model demo"
        first = Case(_PLANNED_FOR, _name(plan) if plan else request.model, Verdict.SKIPPED, text)
    skipped = [Case("thresholds", wanted.name, Verdict.SKIPPED, "nothing was measured") for wanted in thresholds]
    return [first, *skipped]


def _checks(plan: LaunchPlan | None) -> dict[str, Check]:
    """Doctor's checks, but for what this run does not touch: its own model is looked at by preflight."""
    others = {Group.MODELS}
    if plan is not None and plan.generation is Generation.DEMO:
        others.add(Group.CHECKOUT)
    return {name: check for name, check in CHECKS.items() if check.group not in others}


def _site(request: EvalRequest, settings: Settings, simulator: str | None) -> Site:
    """What doctor looks at: the very things that the plan would use."""
    return make_site(
        settings,
        simulator=simulator,
        protomotions=request.protomotions,
        isaaclab=request.isaaclab,
        python=request.python,
        via=request.via,
        runs=request.runs,
        device=request.device,
    )


def doctor_cases(seen: Examination) -> list[Case]:
    """A case for every check of doctor's; its warnings and notes are told and pass."""
    cases = []
    for result in seen.results:
        errors = [found for found in result.seen.findings if found.severity is Severity.ERROR]
        others = [f"{found.code} {found.message}" for found in result.seen.findings if found not in errors]
        verdict, text, code = Verdict.PASSED, "; ".join(others), None
        if errors:
            verdict, text, code = Verdict.FAILED, _told(errors), errors[0].code
        elif result.seen.skipped is not None:
            verdict, text = Verdict.SKIPPED, result.seen.skipped
        name = f"{result.check.group.value}: {result.check.title}"
        cases.append(Case("doctor", name, verdict, text, result.seconds, code))
    return cases


def _evaluated(plan: LaunchPlan, findings: Sequence[Finding], evaluate: Evaluate) -> Evaluated:
    name = _name(plan)
    errors = [found for found in findings if found.severity is Severity.ERROR]
    code = exit_code_of(findings)
    if code != Exit.DONE:
        return Evaluated(Case(_PLANNED_FOR, name, Verdict.FAILED, _told(errors), 0.0, errors[0].code), code)
    try:
        record = evaluate(plan, tuple(findings))
    except PmlaunchError as error:
        case = Case(_PLANNED_FOR, name, Verdict.ERROR, f"{error.message} {error.hint or ''}".strip(), 0.0, error.code)
        return Evaluated(case, error.exit_code)
    folder, seconds = str(record.folder), record.seconds or 0.0
    exit_code = record.exit_code if record.exit_code is not None else Exit.INTERNAL
    if exit_code != Exit.DONE:
        errors = [found for found in record.findings if found.severity is Severity.ERROR]
        code_of = errors[0].code if errors else None
        return Evaluated(Case(_PLANNED_FOR, name, Verdict.FAILED, _told(errors), seconds, code_of), exit_code, folder)
    steps = f"{record.steps} steps" if record.steps else "done"
    rate = f", {record.steps_per_second:g} steps/s" if record.steps_per_second else ""
    metrics = RunFolder(record.folder).read("metrics.json")
    return Evaluated(
        Case(_PLANNED_FOR, name, Verdict.PASSED, f"{steps}{rate}{_figures(metrics)}", seconds),
        exit_code,
        folder,
        metrics or {},
    )


def _figures(metrics: Mapping[str, Any] | None) -> str:
    """The two figures that every generation has, where the run gave them."""
    common = (metrics or {}).get("common") or {}
    success, error = common.get(SUCCESS), common.get(POSITION_ERROR)
    said = [f"success rate {success:g}"] if isinstance(success, (int, float)) else []
    said += [f"mean position error {error:.4g} m"] if isinstance(error, (int, float)) else []
    return "".join(f", {figure}" for figure in said)


def _judged(threshold: Threshold, came: Evaluated) -> Case:
    if came.metrics is None:
        return Case("thresholds", threshold.name, Verdict.SKIPPED, "the evaluation was not finished")
    return judge(threshold, came.metrics)


def _told(findings: Sequence[Finding]) -> str:
    return "; ".join(found.message + (f" Next: {found.hint}" if found.hint else "") for found in findings)


def _name(plan: LaunchPlan) -> str:
    return f"{plan.model}, {', '.join(motion.name for motion in plan.motions) or 'its own motion'}"
