"""`pmlaunch runtime`: what would start the simulator, and with which Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.request import option, shared

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.cli.result import CommandResult
    from pmlaunch.runtimes.interface import Runtime


@dataclass(frozen=True)
class RuntimeOptions:
    """The options of `pmlaunch runtime`."""

    simulator: str = field(default="isaaclab", metadata=option("The simulator to start."))
    protomotions: str | None = field(default=None, metadata=shared("protomotions"))
    isaaclab: str | None = field(default=None, metadata=shared("isaaclab"))
    python: str | None = field(default=None, metadata=shared("python"))
    via: str | None = field(default=None, metadata=shared("via"))


@command(RuntimeOptions)
def runtime_command(_: Invocation, options: RuntimeOptions) -> CommandResult:
    """Show what would start the simulator: its path and version, and the Python that it would choose.

    Reads files only; starts neither Isaac Sim nor any Python.
    """
    from pmlaunch.checks.preflight import exit_code_of
    from pmlaunch.cli.result import CommandResult
    from pmlaunch.support.json import to_json

    runtime = _runtime(options)
    data = {**to_json(runtime.facts), "command": list(runtime.command()), "environment": dict(runtime.environment)}
    return CommandResult(
        "runtime", exit_code_of(runtime.findings), data, runtime.findings, draw=partial(_draw, runtime)
    )


def _runtime(options: RuntimeOptions) -> Runtime:
    from pmlaunch.catalog.presets import presets
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
    from pmlaunch.settings import Settings
    from pmlaunch.support.names import choose
    from pmlaunch.support.platforms import platform_named

    settings = Settings.here()
    known = presets("simulator", settings.preset_folders).values()
    preset = choose("simulator", options.simulator, known, lambda item: item.names, listing="pmlaunch list simulators")
    try:
        beside = find_checkout(settings, options.protomotions).root
    except PmlaunchError:
        beside = settings.folder
    via = settings.get("via", options.via)
    request = RuntimeRequest(
        settings,
        platform_named(None),
        beside=beside,
        wanted=preset.runtime,
        via=str(via.value) if via else "auto",
        isaaclab=options.isaaclab,
        python=options.python,
        own=preset.name == "mujoco",
    )
    return choose_runtime(request)


def _draw(runtime: Runtime, console: Console) -> None:
    from rich.text import Text

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
    ]
    rows += [(f"{name} is", "removed" if value is None else value) for name, value in runtime.environment.items()]
    for name, value in rows:
        if value:
            console.print(Text.assemble((f"{name:<15}", "bold"), str(value)), soft_wrap=True)
