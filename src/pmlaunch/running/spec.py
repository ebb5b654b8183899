"""spec.json and the environment of the child: everything that the agent is told."""

from __future__ import annotations

import os
import platform as host
import sys
from collections.abc import Mapping
from typing import Any

from pmlaunch import __version__
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.git.queries import read_head
from pmlaunch.model import LaunchPlan
from pmlaunch.running.agent_hooks import RUN_VARIABLE, measuring_hooks, measuring_overrides, program_arguments, wrapped
from pmlaunch.running.checkpoint_copy import staged_path
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.support.json import to_json

SPEC_VARIABLE = "PMLAUNCH_SPEC"
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
    """spec.json, schema 1; see docs/architecture.md."""
    return {
        "schema": 1,
        "script": str(plan.script),
        "argv": _arguments(plan, folder),
        "cwd": str(plan.cwd),
        "import_path": list(plan.import_path),
        "python_path": [str(path) for path in plan.python_path],
        "env": {name: value for name, value in plan.env.items() if name != "PYTHONPATH"},
        "hooks": {
            "ddp_backend": plan.ddp_backend,
            "max_steps": None if plan.ends_by_itself or (wrapped(plan) and plan.metrics) else plan.max_steps,
            "compat": ["mutable_dataclass_defaults"],
            "watch": to_json(plan.watch),
            "arguments": to_json(plan.arguments),
            **measuring_hooks(plan, folder),
        },
        "limits": {"max_seconds": None, "stop_file": str(folder.file(STOP_FILE))},
        "result": str(folder.file("result.json")),
        "events": str(folder.file("events.jsonl")),
    }


def _arguments(plan: LaunchPlan, folder: RunFolder) -> list[str]:
    """The plan's arguments, with what only the run folder decides."""
    arguments = program_arguments(plan, folder)
    if plan.hydra:
        return [*arguments, *measuring_overrides(plan), *_own_overrides(folder)]
    if plan.staged is None:
        return arguments
    typed = f"{plan.staged.option}={plan.staged.files[0]}"
    own = f"{plan.staged.option}={staged_path(folder, plan.staged.files[0])}"
    return [own if argument == typed else argument for argument in arguments]


def _own_overrides(folder: RunFolder) -> list[str]:
    """Hydra would make outputs/DATE/TIME in the checkout; the run folder is the place for what a run writes."""
    place = str(folder.file("hydra"))
    overrides = [value_override("hydra.run.dir", place), "++hydra.output_subdir=null"]
    if "${" in place:
        # Hydra puts the resolved folder into its logging config and resolves it a second time there
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
    """environment.json: what this machine was when the run started, for a run that has to be understood later."""
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
