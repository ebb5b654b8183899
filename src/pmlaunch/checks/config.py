"""Check the config as the program will compose, merge and resolve it, and its config groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pmlaunch.catalog.constraints import constraints
from pmlaunch.generations.overrides import group_choices
from pmlaunch.generations.values import CONSTRAINT_GROUP
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.command_line import corrected, with_key
from pmlaunch.planning.plan import Planned, plan_findings


def check_config(planned: Planned) -> Iterator[Finding]:
    """What planning found while composing the config."""
    for finding in planned.report.findings:
        if finding.code == "PML022" and finding.subject:
            fix = with_key(planned.request, finding.subject, None)
            yield replace(finding, hint=fix, fix=fix)
        else:
            yield finding
    yield from plan_findings(planned)


def check_constraints(planned: Planned) -> Iterator[Finding]:
    """Check MaskedMimic's constraints. Hydra would fail on an invalid file only after the simulator starts.

    Without a constraint, the bodies to follow and thus the metrics are random.
    """
    if planned.report.random_masks:
        message = (
            "Without a constraint, MaskedMimic follows random bodies, and its metrics cannot be compared with "
            "the paper's tables. full_body follows all bodies; `pmlaunch list constraints` has others."
        )
        fix: str = corrected(planned.request, constraints=("full_body",))
        yield Finding("PML135", Severity.NOTE, message, fix, fix, planned.plan.model)
    chosen = set(group_choices(planned.inputs.overrides, CONSTRAINT_GROUP, planned.inputs.constraints.value))
    if not chosen:
        return
    for constraint in constraints(planned.checkout):
        if constraint.option in chosen and constraint.problem:
            command = "pmlaunch list constraints"
            message = f"Constraint {constraint.name} {constraint.problem}"
            yield Finding("PML113", Severity.ERROR, message, command, command, str(constraint.path))
