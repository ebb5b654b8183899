"""Whether what a run left is evidence of its success: it belongs to this run, is complete, possible and consistent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pmlaunch.generations.values import LENGTH_OF_THE_MOTION
from pmlaunch.model import Finding, Generation, LaunchPlan, Severity
from pmlaunch.running.agent_reports import RESULT_FILE, AgentResult
from pmlaunch.running.metrics import FILE
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import is_measured
from pmlaunch.support.json import as_list, as_mapping, finite, numbers_in

_OLDER = 2.0  # seconds that the clock of a file system may be coarse
_ERROR = re.compile(r"(?:^|[/_])err(?:ors?)?(?![a-z])", re.IGNORECASE)  # eval/gt_err_max, eval/gt_error/mean
_SHARE = re.compile(r"(?:success|failure)_rate$")


def missing_evidence(plan: LaunchPlan, folder: RunFolder, result: AgentResult) -> Finding | None:
    """Return the first reason why a run that says it is done has not succeeded; None if there is none.

    A run that is not measured needs a result of its own only.
    """
    document = folder.read(FILE) or {}
    measured = _unmeasured(plan, result, document) if is_measured(plan) else ()
    for code, message in chain(_foreign(folder, result, document), measured):
        return Finding(code, Severity.ERROR, message, f"check {folder.path}", subject=str(folder.path))
    return None


def _unmeasured(plan: LaunchPlan, result: AgentResult, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (code, message) for every problem with the metrics of a run."""
    common, motions = as_mapping(document.get("common")), [as_mapping(it) for it in as_list(document.get("per_motion"))]
    if not document:
        yield "PML325", f"The run left no readable {FILE}, so nothing shows that it succeeded."
    totals = {**as_mapping(document.get("metrics")), **common}
    yield from _impossible("the run", totals, ("motions", "failed"))
    for entry in motions:
        yield from _impossible(str(entry.get("motion")), as_mapping(entry.get("metrics")))
    yield from _incomplete(plan, document, motions)
    yield from _contradictory(common, motions)
    yield from _steps(plan, result, document)


def _foreign(folder: RunFolder, result: AgentResult, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, run in ((RESULT_FILE, result.run), (FILE, document.get("run"))):
        if run == folder.path.name:  # whatever the times are: a clock may have been set back meanwhile
            continue
        if run is not None:
            yield "PML328", f"{name} belongs to another run, {str(run)[:100]!r}."
        try:
            age = folder.file("spec.json").stat().st_mtime - folder.file(name).stat().st_mtime
        except OSError:
            continue
        if age > _OLDER:
            yield "PML328", f"{name} is {age:.0f} s older than this run."


def _impossible(of: str, figures: Mapping[str, Any], others: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        if name in others or value is None:
            continue
        number = finite(value)
        if number is None:
            yield "PML326", f"{name} of {of} is not a finite number."
        elif _SHARE.search(name) and not 0 <= number <= 1:
            yield "PML326", f"{name} of {of} is {number:g}, which is not between 0 and 1."
        elif _ERROR.search(name) and not _SHARE.search(name) and number < 0:
            yield "PML326", f"{name} of {of} is {number:g}, but an error cannot be negative."


def _fixes_the_motion(override: str) -> bool:
    """Whether an override picks one motion of a library."""
    name, _, value = override.partition("=")
    return name.rpartition(".")[2].lstrip("+") == "fixed_motion_id" and value not in ("", "null", "None")


def _incomplete(
    plan: LaunchPlan, document: Mapping[str, Any], motions: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    fixed = any(map(_fixes_the_motion, plan.overrides))
    wanted = 1 if fixed else max(1, sum(motion.count for motion in plan.motions))
    asked = {motion.name.rpartition("/")[2] for motion in plan.motions if wanted == len(plan.motions) > 1}
    others = asked - {str(entry.get("motion")).rpartition("/")[2] for entry in motions}
    without = [str(entry.get("motion")) for entry in motions if not numbers_in(entry.get("metrics"))]
    said = finite(as_mapping(document.get("common")).get("motions"))
    if not numbers_in(document.get("metrics")):
        yield "PML325", f"{FILE} contains no metrics."
    elif without:
        yield "PML325", f"There are no metrics for {', '.join(without[:3])} ({len(without)} of {len(motions)} motions)."
    elif motions and others:
        yield "PML325", f"There are no metrics for {', '.join(sorted(others)[:3])}."
    elif motions and len(motions) < wanted:
        yield "PML325", f"There are metrics for {len(motions)} motions, but {wanted} were requested."
    elif not motions if said is None else said < wanted:
        yield "PML325", f"{said or 0:.0f} motions were measured, but {wanted} were requested."


def _contradictory(common: Mapping[str, Any], motions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    verdicts = [entry.get("success") for entry in motions]
    failed = as_list(common.get("failed"))
    lost = [entry.get("motion") for entry in motions if entry.get("success") is False]
    rate = finite(common.get("success_rate"))
    if any(verdict not in (True, False, None) for verdict in verdicts) or common.get("failed", []) != failed:
        yield "PML329", "The results of the motions have the wrong type."
    elif motions and sorted(map(str, failed)) != sorted(map(str, lost)):
        yield (
            "PML329",
            f"{len(failed)} motions are listed as failed, but {len(lost)} are marked as failed individually.",
        )
    elif rate is not None and failed and rate == 1.0:
        yield "PML329", f"The success rate is 1, although {len(failed)} motions are listed as failed."
    elif rate is not None and verdicts and None not in verdicts and not _fits(rate, len(lost), len(verdicts)):
        yield "PML329", f"The success rate is {rate:g}, although {len(lost)} of {len(verdicts)} motions failed."


def _fits(rate: float, failed: int, motions: int) -> bool:
    """Whether this rate, which may have been added up in 32-bit floats, is that of so many motions."""
    return abs(rate * motions - (motions - failed)) < 0.5


def _steps(plan: LaunchPlan, result: AgentResult, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    steps, least = result.steps or 0, fewest_steps(plan)
    if steps < least:
        yield "PML327", f"The program took {steps} control steps, but the plan needs at least {least}."
    elif least > 1 and steps > (most := most_steps(plan)):
        yield "PML327", f"The program took {steps} control steps, but the plan has room for no more than {most}."
    elif (said := document.get("steps")) is not None and (finite(said) or 0) < 1:
        yield "PML327", f"{FILE} was written before the first control step."


def fewest_steps(plan: LaunchPlan) -> int:
    """The fewest control steps of a complete evaluation: a fraction of the plan's, if those are the evaluation's length.

    A part, because the length is an estimate: upstream plays some motions at another rate, and ProtoMotions 3 forms its
    own batches. ProtoMotions 2 measures whole motions whatever limit its config has. Several processes share the steps.
    """
    length = plan.provenance["max_steps"]
    processes = (plan.provenance[key].value for key in ("ngpu", "devices") if key in plan.provenance)
    if plan.max_steps is None or any(str(number) not in ("None", "1") for number in processes):
        return 1
    if plan.generation is Generation.V2 and length.source is not LENGTH_OF_THE_MOTION:
        return 1
    return max(1, plan.max_steps // (5 if plan.generation is Generation.V3 else 2))


def most_steps(plan: LaunchPlan) -> int:
    """More control steps than an evaluation takes: each motion in a batch of its own, each ten times as long as planned."""
    return 10 * (plan.max_steps or 0) * max(1, sum(motion.count for motion in plan.motions))
