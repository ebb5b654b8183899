"""Run a smoke test: doctor, one evaluation, thresholds. The first failure determines the exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import CODES, Exit
from pmlaunch.doctor.check import CheckGroup, CheckState
from pmlaunch.doctor.examination import Examination, examine
from pmlaunch.doctor.registry import MACHINE_CHECKS
from pmlaunch.doctor.target import TargetRequest, resolve_target
from pmlaunch.errors import AmbiguousNameError, PmlaunchError, UnknownNameError
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, LaunchPlan, RunRecord, Severity
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest, from_options
from pmlaunch.settings import Settings
from pmlaunch.smoke.case import Case, CaseVerdict, SmokeResult, Suite
from pmlaunch.smoke.thresholds import POSITION_ERROR, SUCCESS, Threshold, judge
from pmlaunch.support.json import numbers_in

Evaluate = Callable[[LaunchPlan, tuple[Finding, ...]], RunRecord]


@dataclass(frozen=True)
class EvaluationResult:
    """The evaluation's case, exit code and run folder, and its metrics.json or why there is none."""

    case: Case
    exit_code: int
    folder: str | None = None
    metrics: Mapping[str, Any] | None = None
    unmeasured: str = "the evaluation did not finish"


_NOT_KNOWN = frozenset(("PML160", "PML162", "PML247"))  # what a check could not tell


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
    doctor: list[Case] = []
    exit_code: int = Exit.DONE
    if not isinstance(missing, (UnknownNameError, AmbiguousNameError)):
        examination = _examine(request, plan, settings)
        doctor, exit_code = doctor_cases(examination), examination.exit_code
    if missing is not None:
        case = Case(Suite.EVALUATION, request.model, CaseVerdict.ERROR, _with_hint(missing), code=missing.code)
        evaluation = EvaluationResult(case, missing.exit_code, unmeasured="nothing was measured")
    elif plan is None or exit_code != Exit.DONE:
        text = "not started, because doctor found errors; without Isaac Lab and a checkout, use --model demo"
        case = Case(Suite.EVALUATION, _name(plan) if plan else request.model, CaseVerdict.SKIPPED, text)
        evaluation = EvaluationResult(case, exit_code, unmeasured="nothing was measured")
    else:
        evaluation = _evaluate(plan, findings, evaluate)
    judged = [_judged(wanted, evaluation) for wanted in thresholds]
    exit_code = evaluation.exit_code
    if exit_code == Exit.DONE and any(case.verdict is not CaseVerdict.PASSED for case in judged):
        exit_code = Exit.FAILED
    cases = (*doctor, evaluation.case, *judged)
    not_started = tuple(found for found in findings if found.code == "PML145" and found.severity is Severity.WARNING)
    return SmokeResult(request.model, cases, exit_code, time.monotonic() - start, evaluation.folder, not_started)


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
    refused = [each.finding(Severity.ERROR) for each in planned.untrusted]
    return planned.plan, [*preflight(planned), *refused], None


def _examine(request: EvalRequest, plan: LaunchPlan | None, settings: Settings) -> Examination:
    """Doctor's checks of exactly what the plan would use, without those of the model, which preflight makes."""
    target = from_options(TargetRequest, request, simulator=plan.simulator if plan else request.simulator)
    others = {CheckGroup.MODELS}
    if plan is not None and GENERATIONS[plan.generation].embedded:
        others.add(CheckGroup.CHECKOUT)
    checks = {name: check for name, check in MACHINE_CHECKS.items() if check.group not in others}
    return examine(resolve_target(target, settings), checks)


def doctor_cases(examination: Examination) -> list[Case]:
    """A case for each of doctor's checks; one with warnings and notes only passes and lists them."""
    cases = []
    for result in examination.results:
        name, findings = f"{result.check.group.value}: {result.check.title}", result.observation.findings
        verdict, code = CaseVerdict.PASSED, None
        text = "; ".join(f"{found.code} {found.message}" for found in findings)
        if result.state is CheckState.ERROR:
            verdict, text, code = CaseVerdict.FAILED, *_errors(findings)
        elif result.observation.skipped is not None:
            verdict, text = CaseVerdict.SKIPPED, result.observation.skipped
        elif _NOT_KNOWN.intersection(result.codes):  # and therefore not passed
            verdict = CaseVerdict.SKIPPED
        cases.append(Case(Suite.DOCTOR, name, verdict, text, result.seconds, code))
    return cases


def _evaluate(plan: LaunchPlan, findings: Sequence[Finding], evaluate: Evaluate) -> EvaluationResult:
    name = _name(plan)
    text, code = _errors(findings)
    if code:
        return EvaluationResult(
            Case(Suite.EVALUATION, name, CaseVerdict.FAILED, text, 0.0, code), exit_code_of(findings)
        )
    try:
        record = evaluate(plan, tuple(findings))
    except PmlaunchError as error:
        text = f"{error.message} {error.hint or ''}".strip()
        return EvaluationResult(Case(Suite.EVALUATION, name, CaseVerdict.ERROR, text, 0.0, error.code), error.exit_code)
    folder, seconds = str(record.folder), record.seconds or 0.0
    exit_code = record.exit_code if record.exit_code is not None else Exit.INTERNAL
    if exit_code != Exit.DONE:
        text, code = _errors(record.findings)
        return EvaluationResult(
            Case(Suite.EVALUATION, name, CaseVerdict.FAILED, text, seconds, code), exit_code, folder
        )
    metrics = {"metrics": record.metrics, "common": record.evaluation.get("common") or {}}
    if not record.metrics:
        text = "The run computed no metrics, so nothing shows that it succeeded."
        unmeasured = Case(Suite.EVALUATION, name, CaseVerdict.FAILED, text, seconds, "PML325")
        return EvaluationResult(unmeasured, CODES["PML325"].exit_code, folder, metrics)
    passed = Case(Suite.EVALUATION, name, CaseVerdict.PASSED, ", ".join(_figures(record, metrics)), seconds)
    return EvaluationResult(passed, exit_code, folder, metrics)


def _figures(record: RunRecord, metrics: Mapping[str, Any]) -> Iterator[str]:
    """Steps and speed of a run, and the two figures common to all generations if it produced them."""
    yield f"{record.steps} steps" if record.steps else "done"
    if record.steps_per_second:
        yield f"{record.steps_per_second:g} steps/s"
    common = numbers_in(metrics.get("common"))
    success, error = common.get(SUCCESS), common.get(POSITION_ERROR)
    if success is not None:
        yield f"success rate {success:g}"
    if error is not None:
        yield f"mean position error {error:.4g} m"


def _judged(threshold: Threshold, evaluation: EvaluationResult) -> Case:
    if evaluation.metrics is None:
        return Case(Suite.THRESHOLDS, threshold.name, CaseVerdict.SKIPPED, evaluation.unmeasured)
    return judge(threshold, evaluation.metrics)


def _errors(findings: Sequence[Finding]) -> tuple[str, str | None]:
    """(the errors among the findings as text, the code of the first)."""
    errors = [found for found in findings if found.severity is Severity.ERROR]
    return "; ".join(map(_with_hint, errors)), errors[0].code if errors else None


def _with_hint(problem: Finding | PmlaunchError) -> str:
    return problem.message + (f" Next: {problem.hint}" if problem.hint else "")


def _name(plan: LaunchPlan) -> str:
    return f"{plan.model}, {', '.join(motion.name for motion in plan.motions) or 'its own motion'}"
