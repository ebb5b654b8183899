"""The motions: there, readable, harmless, and of the robot that is to follow them."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.catalog.models import config_of
from pmlaunch.checkouts import frozen
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned


def check_motions(planned: Planned) -> Iterator[Finding]:
    plan = planned.plan
    if not plan.motions:
        known = config_of(plan.checkpoint) is not None or frozen.is_of_generation_3(plan.checkpoint)
        if known and planned.report.motion_file is None and not planned.report.findings:
            message = f"Model {plan.model} names no motion of its own."
            yield Finding("PML125", Severity.ERROR, message, "pmlaunch eval ... --motion NAME", None, plan.model)
        return
    for motion in plan.motions:
        if motion.problem is not None:
            yield motion.problem
        elif plan.robot is not None and motion.robot != plan.robot:
            whose = f"of robot {motion.robot}" if motion.robot else "of no robot that this checkout knows"
            message = f"Motion {motion.name} is {whose}, not of {plan.robot}."
            hint = f"pmlaunch list motions --robot {plan.robot}"
            yield Finding("PML124", Severity.ERROR, message, hint, None, str(motion.path))
