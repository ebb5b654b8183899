"""The checks of a plan, in the order in which their findings read best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from pmlaunch.checks.checkpoint import check_checkpoint
from pmlaunch.checks.compatibility import check_compatibility
from pmlaunch.checks.config import check_config, check_constraints
from pmlaunch.checks.device import check_device
from pmlaunch.checks.environment import check_environment
from pmlaunch.checks.measuring import check_measuring
from pmlaunch.checks.meshes import check_meshes
from pmlaunch.checks.motions import check_motions
from pmlaunch.checks.pickles import check_pickles
from pmlaunch.checks.robot import check_robot
from pmlaunch.checks.window import check_window
from pmlaunch.codes import CODES, Exit
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned

PlanCheck = Callable[[Planned], Iterable[Finding]]

PLAN_CHECKS: Mapping[str, PlanCheck] = {
    "compatibility": check_compatibility,
    "checkpoint": check_checkpoint,
    "pickles": check_pickles,
    "robot": check_robot,
    "meshes": check_meshes,
    "motions": check_motions,
    "measuring": check_measuring,
    "window": check_window,
    "constraints": check_constraints,
    "config": check_config,
    "device": check_device,
    "environment": check_environment,
}


def preflight(planned: Planned) -> list[Finding]:
    """Everything the checks find, errors first. `--no-check CODE` turns that code's errors into warnings."""
    waived = {code.upper() for code in planned.request.no_check}
    findings = [
        replace(finding, severity=Severity.WARNING)
        if finding.severity is Severity.ERROR and finding.code in waived
        else finding
        for check in PLAN_CHECKS.values()
        for finding in check(planned)
    ]
    order = list(Severity)
    return sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity))


def exit_code_of(findings: Sequence[Finding]) -> int:
    """The exit code for these findings: 0 without errors; a failed check outweighs other errors."""
    codes = [CODES[finding.code].exit_code for finding in findings if finding.severity is Severity.ERROR]
    return Exit.CHECK if Exit.CHECK in codes else next(iter(codes), Exit.DONE)
