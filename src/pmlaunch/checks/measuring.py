"""What the run will measure, keep and record: what cannot be had is said before the start."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.checkouts.measures import has_metrics, measures_of
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned


def check_measuring(planned: Planned) -> Iterator[Finding]:
    plan = planned.plan
    agent = plan.measuring.agent
    if plan.metrics and not has_metrics(plan.generation, agent):
        instead = "reward, length and resets of the episodes"
        length = f"{plan.max_steps} control steps" if plan.max_steps else "its steps"
        message = f"{agent} measures nothing in ProtoMotions: metrics.json will hold {instead} over {length}."
        yield Finding("PML014", Severity.NOTE, message, subject=agent)
    elif plan.metrics and plan.measuring.limit is not None:
        message = f"--max-steps {plan.measuring.limit} cuts longer motions short: then the figures are marked as not comparable."
        yield Finding("PML311", Severity.NOTE, message, subject="--max-steps")
    if plan.record and plan.headless:
        message = "--record needs a window: ProtoMotions records what its window shows, and this run is headless."
        yield Finding("PML119", Severity.ERROR, message, "--window, or leave out --record", None, "--record")
    elif plan.record and not measures_of(plan.generation).wraps:
        hint = "--save-motion keeps the motion itself, and a picture of it"
        if plan.generation == "3":
            message = "--record starts upstream's recording in ProtoMotions 2 only; in 3 it is started by hand."
            place = planned.checkout.root / "output" / "renderings"
            hint = f"leave it out, and press L in the window to begin and L again to end: the video is in {place}"
        else:
            message = "--record is the recording of a simulator's window, which the demo does not have."
        yield Finding("PML119", Severity.ERROR, message, hint, None, "--record")
