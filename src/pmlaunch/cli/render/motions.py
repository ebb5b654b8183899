"""The number of a run's motions and their length, in words."""

from __future__ import annotations

from pmlaunch.model import LaunchPlan
from pmlaunch.support.text import duration


def motion_count(plan: LaunchPlan) -> str:
    """Text such as "12 motions, 3 min 20 s, 2 left out"; the length only if it is known for all of them."""
    motions = sum(motion.count for motion in plan.motions)
    parts = [f"{motions} motion{'' if motions == 1 else 's'}"]
    lengths = [motion.seconds for motion in plan.motions if motion.seconds is not None]
    if lengths and len(lengths) == len(plan.motions):
        parts.append(duration(sum(lengths), 1))
    if plan.left_out:
        parts.append(f"{len(plan.left_out)} left out")
    return ", ".join(parts)
