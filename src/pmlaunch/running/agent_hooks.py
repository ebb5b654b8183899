"""What the agent is told of measuring, keeping and recording: three hooks of spec.json and the overrides they need."""

from __future__ import annotations

from typing import Any

from pmlaunch.generations.metric_definitions import AGENT_TARGET
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.model import Generation, LaunchPlan
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.running.run_folder import RunFolder

RUN_VARIABLE = "PMLAUNCH_RUN_DIR"
LOGGER_FOLDER = "upstream"
"""Where calc_eval_metrics writes: the folder of the one logger that it asks for."""


def wrapped(plan: LaunchPlan) -> bool:
    """Whether the program's agent is replaced by a subclass of its own that measures, keeps or records."""
    wanted = plan.metrics or plan.save_motion or plan.record
    return wanted and GENERATIONS[plan.generation].metrics.wraps and plan.measuring.agent is not None


def program_arguments(plan: LaunchPlan, folder: RunFolder) -> list[str]:
    """The plan's overrides, with the path of the list of motions that lies in the run folder."""
    if plan.measuring.library is None:
        return list(plan.overrides)
    paths = (LIBRARY_FILE, str(folder.file(LIBRARY_FILE)))
    if plan.hydra:
        planned, real = (value_override("motion_file", path) for path in paths)
    else:
        planned, real = (f"--motion-file={path}" for path in paths)
    return [real if argument == planned else argument for argument in plan.overrides]


def measuring_hooks(plan: LaunchPlan, folder: RunFolder) -> dict[str, Any]:
    """{agent, metrics, save_motion, record} for spec.json's hooks; null is off."""
    if not wrapped(plan) and not GENERATIONS[plan.generation].metrics.by_itself:
        return {"agent": None, "metrics": None, "save_motion": None, "record": None}
    measures, measuring = GENERATIONS[plan.generation].metrics, plan.measuring
    metrics = {
        "file": str(folder.file("metrics.json")),
        "generation": plan.generation,
        "seed": measuring.seed,
        "max_steps": measuring.limit,
        "motions": [motion.name for motion in plan.motions],
        "units": dict(measures.units),
        "common": dict(measures.common),
        "factors": dict(measures.factors),
        "failed_when": list(measures.failed_when) if measures.failed_when else None,
        "notes": [],
    }
    return {
        "agent": measuring.agent if wrapped(plan) else None,
        "metrics": metrics if plan.metrics else None,
        "save_motion": {"file": str(folder.file("motion.npz"))} if plan.save_motion else None,
        "record": {"path": str(folder.file("recording"))} if plan.record else None,
    }


def measuring_overrides(plan: LaunchPlan) -> list[str]:
    """The overrides that put the subclass in the agent's place and give it a logger's folder."""
    if plan.generation is Generation.DEMO:
        unmeasured = ["++agent.config.metrics=false"] if not plan.metrics else []
        return [*unmeasured, *(["++agent.config.save_motion=true"] if plan.save_motion else [])]
    if not wrapped(plan):
        return []
    overrides = [f"++agent._target_={AGENT_TARGET}"]
    if plan.metrics and GENERATIONS[plan.generation].metrics.cover(plan.measuring.agent):
        # by its variable: a path here could hold the words that eval_agent.py scans its arguments for
        place = f"${{oc.env:{RUN_VARIABLE}}}/{LOGGER_FOLDER}"
        overrides.append(f"++fabric.loggers=[{{_target_:lightning.fabric.loggers.CSVLogger,root_dir:'{place}'}}]")
    return overrides
