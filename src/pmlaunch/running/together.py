"""Several measured runs in one start of the simulator, one after another, and which runs can share one.

The agent loads the next checkpoint into the same policy and seeds again. So everything but checkpoint and seed has to be
the same, and what the training froze beside the checkpoints as well: the program is built from the first one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import LaunchPlan, RunRecord
from pmlaunch.running.run import run_in_one_process
from pmlaunch.running.run_watcher import RunObserver
from pmlaunch.running.spec import is_measured
from pmlaunch.running.started_run import PreparedRun

_MAY_DIFFER: Final = ("model", "checkpoint", "staged", "provenance", "plain_command", "overrides", "measuring")
_VARIED: Final = ("checkpoint", "seed")  # arguments
_CALLED: Final = {
    "cwd": "checkout",
    "script": "program",
    "command": "Python",
    "env": "environment variables",
    "headless": "window",
    "num_envs": "number of environments",
    "max_steps": "number of control steps",
    "timeout": "time limit",
    "silence": "limit of silence",
    "runs": "folder of the runs",
    "arguments": "devices",
    "save_motion": "choice whether the motion is kept",
    "asks_for_motion": "choice whether the motion is kept",
}
_OF_THE_TRAINING_ONLY: Final = ("experiment_name", "save_dir", "checkpoint", "wandb", "seed", "clip_seed")


def run_together(prepared: Sequence[PreparedRun], observer: RunObserver) -> list[RunRecord]:
    """Run plans that differ only in checkpoint and seed in one start; return their records in the same order.

    Each has a run folder of its own, as `run_plan` leaves it. A process that ends early leaves the rest not begun
    (PML391); they have the state of an interrupted or abnormal run. `--timeout` counts for each of them.

    Raises PML390 if they cannot share a start, and what `run_plan` raises.
    """
    for other in prepared[1:]:
        reason = why_not_together(prepared[0].plan, other.plan)
        if reason is not None:
            raise PmlaunchError("PML390", f"These runs cannot share a start of the simulator: {reason}")
    return run_in_one_process(prepared, observer)


def why_not_together(a: LaunchPlan, b: LaunchPlan) -> str | None:
    """Say in one sentence why the two cannot share a start of the simulator; None if they can."""
    if not (is_measured(a) and is_measured(b)):
        return "A run that is not measured does not end by itself."
    if a.record or b.record:
        return "A video is recorded for one run of the simulator only."
    differing = next(_differences(a, b), None)
    if differing is not None:
        return f"Their {differing} differs."
    if a.checkpoint == b.checkpoint:
        return None
    adapter = GENERATIONS[a.generation]
    first, second = adapter.trained_config(a.checkpoint), adapter.trained_config(b.checkpoint)
    if not first or not second:
        return "There is no readable config of the training that shows that their networks are the same."
    key = _differing_key(first, second)
    return f"Their trainings differ in {key}." if key is not None else None


def _differences(a: LaunchPlan, b: LaunchPlan) -> Iterator[str]:
    """Yield what differs between two plans, besides what may."""
    constraints = [plan.provenance["constraints"].value if "constraints" in plan.provenance else () for plan in (a, b)]
    if constraints[0] != constraints[1]:
        yield "constraint"
    for field in fields(LaunchPlan):
        if field.name not in _MAY_DIFFER and getattr(a, field.name) != getattr(b, field.name):
            yield _CALLED.get(field.name, field.name.replace("_", " "))
    if replace(a.measuring, seed=None) != replace(b.measuring, seed=None):
        yield "way of measuring"
    if _arguments(a) != _arguments(b):
        argument = next(iter(set(_arguments(a)) ^ set(_arguments(b))), "order of arguments")
        yield f"argument {argument}"


def _arguments(plan: LaunchPlan) -> list[str]:
    return [text for text in plan.overrides if text.partition("=")[0].lstrip("+-") not in _VARIED]


def _differing_key(a: Any, b: Any, key: str = "") -> str | None:
    """Return the dotted key of the first value that differs, besides names and folders of the training."""
    if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return None if a == b else key
    for name in dict.fromkeys([*a, *b]):
        if name in _OF_THE_TRAINING_ONLY:
            continue
        inside = f"{key}.{name}" if key else str(name)
        if name not in a or name not in b:
            return inside
        if (found := _differing_key(a[name], b[name], inside)) is not None:
            return found
    return None
