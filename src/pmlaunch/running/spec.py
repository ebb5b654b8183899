"""What a run is told: spec.json, the environment of the child, and a record of this machine."""

from __future__ import annotations

import os
import platform as host
import sys
from collections.abc import Mapping
from typing import Any

from pmlaunch import __version__
from pmlaunch.agent.pmlaunch_agent.contract import SPEC_VARIABLE, RunLimits, Spec, to_document
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.git.queries import read_head
from pmlaunch.model import LaunchPlan
from pmlaunch.running.agent_hooks import RUN_VARIABLE, measuring_overrides, program_arguments, run_hooks
from pmlaunch.running.checkpoint_copy import staged_path
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.support.json import to_json

STOP_FILE = "stop"
_SHOWN = (
    "CUDA_VISIBLE_DEVICES",
    "CONDA_PREFIX",
    "VIRTUAL_ENV",
    "ISAACLAB_PATH",
    "ISAAC_PATH",
    "PYTHONPATH",
    "PATH",
)


def spec_document(plan: LaunchPlan, folder: RunFolder) -> dict[str, Any]:
    """The content of spec.json; see pmlaunch_agent.contract."""
    return to_document(
        Spec(
            script=str(plan.script),
            module=None,
            argv=tuple(_arguments(plan, folder)),
            cwd=str(plan.cwd),
            import_path=plan.import_path,
            python_path=tuple(str(path) for path in plan.python_path),
            env={name: value for name, value in plan.env.items() if name != "PYTHONPATH"},
            hooks=run_hooks(plan, folder),
            limits=RunLimits(stop_file=str(folder.file(STOP_FILE))),
            result=str(folder.file("result.json")),
            events=str(folder.file("events.jsonl")),
        )
    )


def _arguments(plan: LaunchPlan, folder: RunFolder) -> list[str]:
    """The plan's arguments, with those that depend on the run folder."""
    arguments = program_arguments(plan, folder)
    if plan.hydra:
        return [*arguments, *measuring_overrides(plan), *_own_overrides(folder)]
    if plan.staged is None:
        return arguments
    typed = f"{plan.staged.option}={plan.staged.files[0]}"
    own = f"{plan.staged.option}={staged_path(folder, plan.staged.files[0])}"
    return [own if argument == typed else argument for argument in arguments]


def _own_overrides(folder: RunFolder) -> list[str]:
    """Let Hydra write into the run folder; by default it makes outputs/DATE/TIME in the checkout."""
    place = str(folder.file("hydra"))
    overrides = [value_override("hydra.run.dir", place), "++hydra.output_subdir=null"]
    if "${" in place:
        # Hydra puts the resolved folder into its logging config, and resolves it there again
        overrides += ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"]
    return overrides


def child_environment(plan: LaunchPlan, folder: RunFolder, own: Mapping[str, str]) -> dict[str, str]:
    """The launcher's own environment with the plan's changes."""
    environment = dict(own)
    for name, value in plan.env.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return {**environment, SPEC_VARIABLE: str(folder.file("spec.json")), RUN_VARIABLE: str(folder.path)}


def environment_document(plan: LaunchPlan) -> dict[str, Any]:
    """environment.json: this machine when the run started, for understanding the run later."""
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
