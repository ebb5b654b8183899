"""Inputs of a run: spec.json, the environment of the child, and a record of this machine."""

from __future__ import annotations

import os
import platform as host
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pmlaunch import __version__
from pmlaunch.agent.pmlaunch_agent import contract
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.git.queries import read_head
from pmlaunch.model import Generation, LaunchPlan
from pmlaunch.planning.launch import set_by_agent
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.support.json import to_json
from pmlaunch.support.secrets import hide

STOP_FILE = "stop"
# where calc_eval_metrics writes: the folder of the only logger that it asks for
_LOGGER_FOLDER = "upstream"
_SHOWN = ("CUDA_VISIBLE_DEVICES", "CONDA_PREFIX", "VIRTUAL_ENV", "ISAACLAB_PATH", "ISAAC_PATH", "PYTHONPATH", "PATH")


def spec_document(
    plan: LaunchPlan, folder: RunFolder, further: Iterable[tuple[LaunchPlan, RunFolder]] = ()
) -> dict[str, Any]:
    """Return the content of spec.json; see pmlaunch_agent.contract. `further` are evaluated in the same process."""
    return contract.to_document(
        contract.Spec(
            script=str(plan.script),
            module=None,
            argv=tuple(hide(_all_arguments(plan, folder))[0]),
            cwd=str(plan.cwd),
            import_path=plan.import_path,
            python_path=tuple(map(str, plan.python_path)),
            env=set_by_agent(plan.env),
            hooks=_hooks(plan, folder),
            limits=contract.RunLimits(stop_file=str(folder.file(STOP_FILE))),
            result=str(folder.file("result.json")),
            events=str(folder.file("events.jsonl")),
            further=tuple(
                contract.FurtherEvaluation(str(place.path), str(checkpoint_path(each, place)), each.measuring.seed or 0)
                for each, place in further
            ),
        )
    )


def staged_path(folder: RunFolder, source: Path) -> Path:
    """Return the path of a staged file in the run folder."""
    return folder.file("checkpoint") / source.name


def checkpoint_path(plan: LaunchPlan, folder: RunFolder) -> Path:
    """Return the path of the checkpoint that the program loads."""
    return staged_path(folder, plan.staged.files[0]) if plan.staged is not None else plan.checkpoint


def _all_arguments(plan: LaunchPlan, folder: RunFolder) -> list[str]:
    return [*_arguments(plan, folder), *_hydra_overrides(plan, folder)]


def _arguments(plan: LaunchPlan, folder: RunFolder) -> list[str]:
    """Return the plan's arguments, with the run folder's motion list and staged checkpoint."""
    moved = {}
    if plan.measuring.library is not None:
        planned, real = (
            value_override("motion_file", path) if plan.hydra else f"--motion-file={path}"
            for path in (LIBRARY_FILE, str(folder.file(LIBRARY_FILE)))
        )
        moved[planned] = real
    if plan.staged is not None:
        option = plan.staged.option
        moved[f"{option}={plan.staged.files[0]}"] = f"{option}={checkpoint_path(plan, folder)}"
    return [moved.get(argument, argument) for argument in plan.overrides]


def _hydra_overrides(plan: LaunchPlan, folder: RunFolder) -> Iterator[str]:
    """Yield what measures, and let Hydra write into the run folder: by default it makes outputs/DATE/TIME in the cwd."""
    if not plan.hydra:
        return
    yield from measuring_overrides(plan)
    output = str(folder.file("hydra"))
    yield value_override("hydra.run.dir", output)
    yield "++hydra.output_subdir=null"
    if "${" in output:
        # Hydra puts the resolved folder into its logging config, and resolves it there again
        yield from ("hydra/job_logging=disabled", "hydra/hydra_logging=disabled")


def measuring_overrides(plan: LaunchPlan) -> list[str]:
    """Return the overrides that put the subclass in the agent's place and give it a logger folder."""
    if plan.generation is Generation.DEMO:
        unmeasured = ["++agent.config.metrics=false"] if not plan.metrics else []
        return [*unmeasured, *(["++agent.config.save_motion=true"] if plan.save_motion else [])]
    if not wrapped(plan):
        return []
    overrides = [f"++agent._target_={contract.AGENT_TARGET}"]
    if plan.metrics and GENERATIONS[plan.generation].metrics.cover(plan.measuring.agent):
        # by its variable: the path could contain the words that eval_agent.py scans its arguments for
        root = f"${{oc.env:{contract.RUN_VARIABLE}}}/{_LOGGER_FOLDER}"
        overrides.append(f"++fabric.loggers=[{{_target_:lightning.fabric.loggers.CSVLogger,root_dir:'{root}'}}]")
    return overrides


def wrapped(plan: LaunchPlan) -> bool:
    """Return whether a subclass that measures, keeps its motion or records a video replaces the program's agent."""
    wanted = plan.metrics or plan.save_motion or plan.record
    return wanted and GENERATIONS[plan.generation].metrics.wraps and plan.measuring.agent is not None


def is_measured(plan: LaunchPlan) -> bool:
    """Return whether the run leaves a metrics.json."""
    return plan.metrics and (
        plan.generation is Generation.DEMO or wrapped(plan) or GENERATIONS[plan.generation].metrics.by_itself
    )


def _hooks(plan: LaunchPlan, folder: RunFolder) -> contract.Hooks:
    measures, measuring = GENERATIONS[plan.generation].metrics, plan.measuring
    replaced = wrapped(plan)
    watched = replaced or measures.by_itself
    metrics = contract.MetricsRequest(
        file=str(folder.file("metrics.json")),
        generation=plan.generation.value,
        seed=measuring.seed or 0,
        max_steps=measuring.limit,
        motions=tuple(motion.name for motion in plan.motions),
        units=measures.units,
        common=measures.common,
        factors=measures.factors,
        failed_when=measures.failed_when,
    )
    return contract.Hooks(
        ddp_backend=plan.ddp_backend,
        max_steps=None if plan.ends_by_itself or (replaced and plan.metrics) else plan.max_steps,
        compat=(contract.MUTABLE_DATACLASS_DEFAULTS,),
        watch=plan.watch,
        arguments=plan.arguments,
        agent=measuring.agent if replaced else None,
        metrics=metrics if watched and plan.metrics else None,
        save_motion=contract.MotionRequest(str(folder.file("motion.npz"))) if watched and plan.save_motion else None,
        record=contract.RecordingRequest(str(folder.file("recording"))) if watched and plan.record else None,
        seed=measuring.seed if measures.by_itself else None,
    )


def child_environment(plan: LaunchPlan, folder: RunFolder, own: Mapping[str, str]) -> dict[str, str]:
    """Return the launcher's own environment with the plan's changes, and the secrets that spec.json leaves out."""
    environment = {name: value for name, value in {**own, **plan.env}.items() if value is not None}
    _, secrets = hide(_all_arguments(plan, folder))
    own_variables = {contract.SPEC_VARIABLE: str(folder.file("spec.json")), contract.RUN_VARIABLE: str(folder.path)}
    return {**environment, **own_variables, **secrets}


def environment_document(plan: LaunchPlan) -> dict[str, Any]:
    """Return environment.json: this machine when the run started, for understanding the run later."""
    head = read_head(plan.cwd)
    return {
        "schema": 1,
        "pmlaunch": __version__,
        "python": sys.version.split()[0],
        "system": f"{host.system()} {host.release()} {host.machine()}",
        "runtime": to_json(plan.runtime),
        "checkout_commit": head.commit if head else None,
        "variables": {name: os.environ[name] for name in _SHOWN if name in os.environ},
    }
