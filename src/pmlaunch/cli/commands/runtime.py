"""`pmlaunch runtime`: what would start the simulator, and with which Python."""

from __future__ import annotations

from typing import Annotated

import typer

from pmlaunch.support.json import to_json


def runtime_command(
    simulator: Annotated[str, typer.Option(help="For which simulator.")] = "isaaclab",
    protomotions: Annotated[str | None, typer.Option(help="The ProtoMotions checkout.")] = None,
    isaaclab: Annotated[str | None, typer.Option(help="The Isaac Lab folder.")] = None,
    python: Annotated[str | None, typer.Option(help="The interpreter for --via python.")] = None,
    via: Annotated[str | None, typer.Option(help="auto, isaaclab or python.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Show what would start the simulator: its path and version, and the Python that it will choose.

    Looks at files only; neither Isaac Sim nor any Python is started.
    """
    from pmlaunch.catalog.presets import presets
    from pmlaunch.checks.preflight import exit_code_of
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
    from pmlaunch.settings import Settings
    from pmlaunch.support.names import choose
    from pmlaunch.support.platforms import platform_named

    settings = Settings.here()
    known = presets("simulator", settings.preset_folders)
    preset = choose("simulator", simulator, known.values(), lambda item: item.names, listing="pmlaunch list simulators")
    try:
        beside = find_checkout(settings, protomotions).root
    except PmlaunchError:
        beside = settings.folder
    chosen = settings.get("via", via)
    request = RuntimeRequest(
        settings,
        platform_named(None),
        beside=beside,
        wanted=str(preset.values.get("runtime", "python")),
        via=str(chosen.value) if chosen else "auto",
        isaaclab=isaaclab,
        python=python,
        own=preset.name == "mujoco",
    )
    runtime = choose_runtime(request)
    data = {**to_json(runtime.facts), "command": list(runtime.command()), "environment": dict(runtime.environment)}
    code = exit_code_of(runtime.findings)
    render(Outcome("runtime", code, data, runtime.findings, shown=runtime), as_json=as_json)
    return code
