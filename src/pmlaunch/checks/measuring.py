"""Report limits of a run's metrics before the start."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.generations.registry import GENERATIONS, training_of
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned


def check_measuring(planned: Planned) -> Iterator[Finding]:
    """Note what limits or empties the metrics of this run."""
    plan = planned.plan
    agent, training = plan.measuring.agent, training_of(plan.checkpoint)
    if plan.metrics and not GENERATIONS[plan.generation].metrics.cover(agent):
        instead = "rewards, episode lengths and resets"
        length = f"{plan.max_steps} control steps" if plan.max_steps else "its steps"
        message = f"ProtoMotions computes no metrics for {agent}. metrics.json will contain {instead} over {length}."
        yield Finding("PML014", Severity.NOTE, message, subject=agent)
    elif plan.metrics and training and not training.measures:
        nothing = "the evaluator of this checkpoint computes none"
        message = f"--metrics has no effect: {nothing}. metrics.json will contain no metrics."
        yield Finding("PML014", Severity.NOTE, message, "leave out --metrics", None, "--metrics")
    elif plan.metrics and plan.measuring.limit is not None:
        message = (
            f"--max-steps {plan.measuring.limit} cuts longer motions short, so the metrics are marked as not "
            "comparable."
        )
        yield Finding("PML311", Severity.NOTE, message, subject="--max-steps")
