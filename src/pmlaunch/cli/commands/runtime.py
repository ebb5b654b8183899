"""`pmlaunch runtime`: what would start the simulator, and with which Python."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.request import from_options, option, shared

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.doctor.target import DoctorTarget


@dataclass(frozen=True)
class RuntimeOptions:
    """The options of `pmlaunch runtime`."""

    simulator: str = option("The simulator to start.", "isaaclab")
    protomotions: str | None = shared("protomotions")
    isaaclab: str | None = shared("isaaclab")
    python: str | None = shared("python")
    via: str | None = shared("via")


@command(RuntimeOptions)
def runtime_command(_: Invocation, options: RuntimeOptions) -> CommandResult:
    """Show what would start the simulator: its path, the Python that it would choose, and whether the versions fit.

    Reads files only; starts neither Isaac Sim nor any Python.
    """
    from pmlaunch.checks.compatibility import failures
    from pmlaunch.checks.preflight import exit_code_of
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.runtimes.python_files import made_by
    from pmlaunch.settings import Settings
    from pmlaunch.support.json import to_json

    target = resolve_target(from_options(TargetRequest, options, quick=True), Settings.here())
    runtime, python = target.runtime, target.runtime.facts.python
    judgement = target.judgement
    data = {
        **to_json(runtime.facts),
        "command": list(runtime.command()),
        "environment": runtime.environment,
        "made_by": made_by(Path(python.path)) if python else None,
        "versions": {part.name.lower(): to_json(found) for part, found in judgement.versions.items()},
        "together": judgement.verdict,
    }
    findings = (*runtime.findings, *failures(judgement, python))
    return CommandResult("runtime", exit_code_of(findings), data, findings, draw=partial(_draw, target))


def _draw(target: DoctorTarget, console: Console) -> None:
    from pmlaunch.cli.render.layout import say
    from pmlaunch.model import RuntimeKind
    from pmlaunch.runtimes.compatibility import Part
    from pmlaunch.runtimes.python_files import made_by

    runtime, facts = target.runtime, target.runtime.facts
    rows = [
        ("started by", "Isaac Lab" if facts.kind is RuntimeKind.ISAACLAB else "a plain interpreter"),
        ("path", facts.path),
        ("found", facts.source),
        ("version", facts.version),
        ("Python", facts.python.path if facts.python else None),
        ("chosen by", facts.python.by if facts.python else None),
        ("Python version", facts.python.version if facts.python else None),
        ("environment", made_by(Path(facts.python.path)) if facts.python else None),
        *((part.value, found) for part, found in target.judgement.versions.items() if part is not Part.PYTHON),
        ("together", target.judgement.verdict.value),
        ("command", " ".join(runtime.command())),
    ]
    rows += [(f"{name} is", "removed" if value is None else value) for name, value in runtime.environment.items()]
    for name, value in rows:
        if value:
            say(console, (f"{name:<15}", "bold"), str(value))
