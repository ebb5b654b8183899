"""`pmlaunch runtime`: what would start the simulator, and with which Python."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.request import from_options, option, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pmlaunch.runtimes.interface import Runtime


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
    from pmlaunch.checks.preflight import exit_code_of
    from pmlaunch.doctor.checks.compatibility import look
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.model import Severity
    from pmlaunch.settings import Settings
    from pmlaunch.support.json import to_json

    target = resolve_target(from_options(TargetRequest, options, quick=True), Settings.here())
    runtime, judgement, seen = target.runtime, target.judgement, look(target)
    data = {
        **to_json(runtime.facts),
        "command": list(runtime.command()),
        "environment": runtime.environment,
        "versions": {part.name.lower(): to_json(found) for part, found in judgement.versions.items()},
        "together": judgement.verdict,
    }
    notes = (each.finding(Severity.WARNING) for each in target.untrusted)
    findings = (*target.settings.findings, *runtime.findings, *seen.findings, *notes)
    return CommandResult("runtime", exit_code_of(findings), data, findings, draw=partial(_draw, runtime, seen.facts))


def _draw(runtime: Runtime, versions: Sequence[tuple[str, str]], console: Console) -> None:
    from pmlaunch.cli.render.layout import say
    from pmlaunch.model import RuntimeKind

    facts = runtime.facts
    rows = [
        ("started by", "Isaac Lab" if facts.kind is RuntimeKind.ISAACLAB else "a plain interpreter"),
        ("path", facts.path),
        ("found", facts.source),
        ("version", facts.version),
        ("Python", facts.python.path if facts.python else None),
        ("chosen by", facts.python.by if facts.python else None),
        ("Python version", facts.python.version if facts.python else None),
        ("command", " ".join(runtime.command())),
        *(row for row in versions if row[0] != "Python"),
    ]
    rows += [(f"{name} is", "removed" if value is None else value) for name, value in runtime.environment.items()]
    for name, value in rows:
        if value:
            say(console, (f"{name:<15}", "bold"), str(value))
