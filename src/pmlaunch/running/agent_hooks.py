"""What the agent does in a run: the hooks of spec.json, and the arguments that they need."""

from __future__ import annotations

from pmlaunch.agent.pmlaunch_agent.contract import (
    AGENT_TARGET,
    MUTABLE_DATACLASS_DEFAULTS,
    Hooks,
    MetricsRequest,
    MotionRequest,
    RecordingRequest,
)
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.model import Generation, LaunchPlan
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.running.run_folder import RunFolder

RUN_VARIABLE = "PMLAUNCH_RUN_DIR"
LOGGER_FOLDER = "upstream"
"""Where calc_eval_metrics writes: the folder of the only logger that it asks for."""


def wrapped(plan: LaunchPlan) -> bool:
    """Whether the program's agent is replaced by a subclass that measures, keeps its motion or records a video."""
    wanted = plan.metrics or plan.save_motion or plan.record
    return wanted and GENERATIONS[plan.generation].metrics.wraps and plan.measuring.agent is not None


def run_hooks(plan: LaunchPlan, folder: RunFolder) -> Hooks:
    """The hooks of an evaluation."""
    replaced = wrapped(plan)
    watched = replaced or GENERATIONS[plan.generation].metrics.by_itself
    unlimited = plan.ends_by_itself or (replaced and plan.metrics)
    return Hooks(
        ddp_backend=plan.ddp_backend,
        max_steps=None if unlimited else plan.max_steps,
        compat=(MUTABLE_DATACLASS_DEFAULTS,),
        watch=plan.watch,
        arguments=plan.arguments,
        agent=plan.measuring.agent if replaced else None,
        metrics=_metrics(plan, folder) if watched and plan.metrics else None,
        save_motion=MotionRequest(str(folder.file("motion.npz"))) if watched and plan.save_motion else None,
        record=RecordingRequest(str(folder.file("recording"))) if watched and plan.record else None,
    )


def _metrics(plan: LaunchPlan, folder: RunFolder) -> MetricsRequest:
    measures = GENERATIONS[plan.generation].metrics
    return MetricsRequest(
        file=str(folder.file("metrics.json")),
        generation=plan.generation.value,
        seed=plan.measuring.seed,
        max_steps=plan.measuring.limit,
        motions=tuple(motion.name for motion in plan.motions),
        units=measures.units,
        common=measures.common,
        factors=measures.factors,
        failed_when=measures.failed_when,
    )


def program_arguments(plan: LaunchPlan, folder: RunFolder) -> list[str]:
    """The plan's overrides, with the motion list's path in the run folder."""
    if plan.measuring.library is None:
        return list(plan.overrides)
    paths = (LIBRARY_FILE, str(folder.file(LIBRARY_FILE)))
    if plan.hydra:
        planned, real = (value_override("motion_file", path) for path in paths)
    else:
        planned, real = (f"--motion-file={path}" for path in paths)
    return [real if argument == planned else argument for argument in plan.overrides]


def measuring_overrides(plan: LaunchPlan) -> list[str]:
    """The overrides that put the subclass in the agent's place and give it a logger folder."""
    if plan.generation is Generation.DEMO:
        unmeasured = ["++agent.config.metrics=false"] if not plan.metrics else []
        return [*unmeasured, *(["++agent.config.save_motion=true"] if plan.save_motion else [])]
    if not wrapped(plan):
        return []
    overrides = [f"++agent._target_={AGENT_TARGET}"]
    if plan.metrics and GENERATIONS[plan.generation].metrics.cover(plan.measuring.agent):
        # by its variable: the path could contain the words that eval_agent.py scans its arguments for
        place = f"${{oc.env:{RUN_VARIABLE}}}/{LOGGER_FOLDER}"
        overrides.append(f"++fabric.loggers=[{{_target_:lightning.fabric.loggers.CSVLogger,root_dir:'{place}'}}]")
    return overrides
