"""Check what this machine must provide before the run starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec

from pmlaunch.agent.pmlaunch_agent.contract import ONE_RANK
from pmlaunch.codes import CODES
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import DEFAULT, ChosenPython, Finding, RuntimeKind, Severity
from pmlaunch.planning.command_line import corrected, install_command
from pmlaunch.planning.plan import Planned
from pmlaunch.runtimes.compatibility import NO_GLOO, Part
from pmlaunch.runtimes.interface import is_own_interpreter
from pmlaunch.runtimes.isaacsim import awaits_eula
from pmlaunch.runtimes.python_files import missing_distributions, pip_install
from pmlaunch.support.platforms import LONGEST_RUNS
from pmlaunch.support.ranks import sets_rank

DEMO_PACKAGES = ("torch", "lightning", "mujoco", "matplotlib")
_LONGER_WHEN_STAGED = 34  # checkpoint/failed_motions/failed_motions_epoch_100000_rank_0.txt, of ProtoMotions 3


def check_environment(planned: Planned) -> Iterator[Finding]:
    """Check folder names, inherited ranks, the backend, the length of paths, Isaac Sim's EULA, and the packages of the demo."""
    plan = planned.plan
    if "${" in str(plan.cwd) and plan.hydra:
        message = f"Hydra cannot work in {plan.cwd}: it would interpret the ${{ in the folder's name."
        yield Finding("PML117", Severity.ERROR, message, "rename the folder", None, str(plan.cwd))
    if plan.windows and plan.ddp_backend == "nccl":
        outcome = "the run would fail with `Distributed package doesn't have NCCL`"
        message = f"Windows builds of torch have no NCCL: {outcome}."
        fix = corrected(planned.request, ddp_backend="auto")
        yield Finding("PML207", Severity.ERROR, message, fix, fix, "nccl")
    if ranks := ", ".join(name for name, value in plan.env.items() if value is None and sets_rank(name)):
        message = f"Removed variables from the run's environment, because the run starts its own ranks: {ranks}."
        yield Finding("PML335", Severity.NOTE, message, subject=ranks)
    yield from _check_backend(planned)
    yield from _check_packages(planned)
    longest = LONGEST_RUNS - (_LONGER_WHEN_STAGED if plan.staged else 0)
    if plan.windows and not plan.foreign and len(str(plan.runs)) > longest:
        length = len(str(plan.runs))
        message = (
            f"The path {plan.runs} has {length} characters, which makes the paths of a run's files too long for "
            "Windows."
        )
        yield Finding("PML212", Severity.ERROR, message, f"--runs {plan.runs.drive}\\pm-runs", None, str(plan.runs))
    if plan.simulator == "isaaclab" and not plan.foreign:
        yield from check_eula(plan.runtime.python, os.environ)
    if GENERATIONS[plan.generation].embedded and is_own_interpreter(plan.runtime) and not plan.foreign:
        yield from check_demo_packages(Severity.ERROR)


def _check_packages(planned: Planned) -> Iterator[Finding]:
    """Check that the chosen Python has the simulator. Isaac Lab is skipped, because a binary Isaac Sim is not a package."""
    plan, simulator = planned.plan, planned.inputs.simulator.value
    if plan.foreign or simulator.runtime is RuntimeKind.ISAACLAB or GENERATIONS[plan.generation].embedded:
        return
    on_path = replace(planned.runtime, import_path=(*plan.import_path, *map(str, plan.python_path)))
    absent = missing_distributions(on_path, simulator.packages)
    missing = ", ".join(absent or ())
    if absent is None and simulator.packages and planned.request.verify:
        chosen = plan.runtime.python.path if plan.runtime.python else "the Python that the launcher script chooses"
        message = f"The files of {chosen} do not show whether {simulator.title} is installed."
        yield Finding("PML163", Severity.NOTE, message, "pmlaunch doctor", "pmlaunch doctor", chosen)
    if missing and plan.runtime.python:
        python = plan.runtime.python.path
        message = f"{python} has no {missing}, which {simulator.title} needs."
        fix = install_command(planned.checkout.root, simulator.name, f'--python "{python}"')
        yield Finding("PML227", Severity.ERROR, message, fix, fix, missing)


def _check_backend(planned: Planned) -> Iterator[Finding]:
    """Check that the backend can form a group for as many processes as there are devices."""
    plan, devices, versions = planned.plan, planned.request.devices or 1, planned.runtime.versions
    if plan.ddp_backend == "gloo" and NO_GLOO.matches(versions):
        torch = versions[Part.TORCH].version
        message = f"torch {torch} has no gloo transport on Windows, so the run would fail at its start."
        message += " Several devices need torch 2.7 or older, or 2.11 or newer." if devices > 1 else ""
        fix = corrected(planned.request, ddp_backend="auto", devices=None)
        yield Finding("PML215", Severity.ERROR, message, fix, fix, "gloo")
    if plan.ddp_backend == ONE_RANK and devices > 1:
        message = f"{devices} devices need a process group, but --ddp-backend none creates none."
        fix = corrected(planned.request, ddp_backend="auto")
        yield Finding("PML216", Severity.ERROR, message, fix, fix, "none")


def check_eula(python: ChosenPython | None, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check that Isaac Sim will not ask for its EULA, which ends a run because it has no terminal for the answer."""
    if python is not None and awaits_eula(python, environment):
        message = (
            f"Isaac Sim's EULA is not accepted in {python.path}. Isaac Sim would ask, and you cannot answer "
            "during a run."
        )
        yield Finding("PML217", Severity.ERROR, message, CODES["PML217"].cure_in(python.path), None, python.path)


def check_demo_packages(severity: Severity) -> Iterator[Finding]:
    """One finding for all packages of the demo that pmlaunch's own Python lacks."""
    missing = ", ".join(name for name in DEMO_PACKAGES if find_spec(name) is None)
    if missing:
        message = f"The demo needs packages that are not installed: {missing}."
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        fix = f'{pip_install(ChosenPython(sys.executable, DEFAULT, version))} "pmlaunch[demo]"'
        yield Finding("PML203", severity, message, fix, fix, missing)
