"""The environment: what this machine must have before the run starts. What only another can show is a note."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec

from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.platforms import LONGEST_RUNS

DEMO_PACKAGES = ("torch", "lightning", "mujoco", "matplotlib")


def check_environment(planned: Planned) -> Iterator[Finding]:
    plan = planned.plan
    if "${" in str(plan.cwd):
        message = f"Hydra cannot work in {plan.cwd}: it would resolve the ${{ in the folder's name."
        yield Finding("PML117", Severity.ERROR, message, "rename the folder", None, str(plan.cwd))
    if plan.platform == "windows" and plan.ddp_backend == "nccl":
        message = (
            "Windows builds of torch have no NCCL: the run would end with `Distributed package doesn't have NCCL`."
        )
        yield Finding("PML207", Severity.ERROR, message, "--ddp-backend gloo", None, "nccl")
    if plan.platform == "windows" and not plan.foreign and len(str(plan.runs)) > LONGEST_RUNS:
        length = len(str(plan.runs))
        message = f"{plan.runs} has {length} characters: the files of a run would be too long for Windows."
        yield Finding("PML212", Severity.ERROR, message, f"--runs {plan.runs.drive}\\pm-runs", None, str(plan.runs))
    if plan.generation == "demo" and plan.runtime["path"] == sys.executable and not plan.foreign:
        missing = [name for name in DEMO_PACKAGES if find_spec(name) is None]
        if missing:
            message = f"The embedded evaluation needs packages that are not installed: {', '.join(missing)}."
            fix = f'"{sys.executable}" -m pip install "pmlaunch[demo]"'
            yield Finding("PML203", Severity.ERROR, message, fix, fix, ", ".join(missing))
