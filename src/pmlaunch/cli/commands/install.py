"""`pmlaunch install`: turn an empty folder into a workspace in which `pmlaunch eval` finds everything."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import from_options, option, require_choice, shared

if TYPE_CHECKING:
    from pmlaunch.installing.context import InstallRequest
    from pmlaunch.installing.engine import Installation
    from pmlaunch.settings import Settings

_SOURCE = "https://github.com/NVlabs/ProtoMotions"
_ASK_ABOVE = 5_000_000  # bytes


@dataclass(frozen=True)
class InstallOptions:
    """The options of `pmlaunch install`."""

    folder: str | None = option(
        "Where ProtoMotions goes, or already is; default: pmlaunch.yaml's, else protomotions.",
        flags=("--dir",),
        metavar="DIR",
    )
    ref: str | None = option("Tag, branch or commit; default: v2.3.")
    source: str = option("URL or folder to clone from.", _SOURCE, metavar="URL")
    models: str = option("Checkpoints, separated by commas; or all, or none.", "maskmimic")
    robot: str = option("The robot whose meshes to download if they are in Git LFS (3.x).", "smpl")
    isaaclab: str | None = shared("isaaclab")
    python: str | None = shared("python", help="The interpreter to use instead of Isaac Lab's script.")
    simulator: str | None = shared("simulator", help="Such as newton; default: pmlaunch.yaml's, else isaaclab.")
    kind: str = option(
        "How it is added to this folder.", "auto", flags=("--as",), choices=("submodule", "clone", "auto")
    )
    packages: bool = option(
        "Install packages into the simulator's Python, or leave it alone.", default=True, off="--no-packages"
    )
    extras: tuple[str, ...] = option(
        "A requirement that is left out by default, such as smpl_sim; repeatable.",
        (),
        flags=("--with",),
        metavar="NAME",
    )
    dry_run: bool = option("Show the steps, the commands and the bytes.", default=False)
    yes: bool = option("Do not ask before a download.", default=False, flags=("--yes", "-y"))
    trust_workspace: bool = shared("trust_workspace")


@command(InstallOptions)
def install_command(invocation: Invocation, options: InstallOptions) -> CommandResult:
    """Install ProtoMotions: checkout, chosen checkpoints, packages and pmlaunch.yaml, verifying each step.

    Resumes where it stopped when it is run again after an interruption.

    \b
    pmlaunch install              here, for Isaac Lab
    pmlaunch install --dry-run    what would be done
    pmlaunch install --models all --isaaclab C:\\IsaacLab
    """
    from pmlaunch.installing.context import CheckoutKind, InstallRequest
    from pmlaunch.model import DEFAULT
    from pmlaunch.settings import Settings

    require_choice(InstallOptions, "kind", options.kind)
    settings = Settings.here(trust_workspace=options.trust_workspace)
    names = model_names(options.models.split(","))
    place, chosen = settings.get("protomotions", options.folder), settings.get("simulator", options.simulator)
    request = from_options(
        InstallRequest,
        options,
        folder=Path(os.path.abspath(place.value if place else "protomotions")),  # noqa: PTH100 (not resolve(): see generations/find.py)
        ref=options.ref or "v2.3",
        ref_given=options.ref is not None,
        kind=CheckoutKind(options.kind),
        models=() if names == ("none",) else names,
        simulator=chosen.value if chosen else "isaaclab",
        chosen_by=place.source if place else DEFAULT,
    )
    return _install(request, settings, options, invocation)


def model_names(typed: Sequence[str]) -> tuple[str, ...]:
    """The names without blanks; `All` and `NONE` are accepted in any case, as names are."""
    names = (name.strip() for name in typed)
    return tuple(name.casefold() if name.casefold() in ("all", "none") else name for name in names if name)


def _install(
    request: InstallRequest, settings: Settings, options: InstallOptions, invocation: Invocation
) -> CommandResult:
    from pmlaunch.cli.live.install_display import make_install_display
    from pmlaunch.cli.trust import require_trust
    from pmlaunch.installing.context import make_context, untrusted_uses
    from pmlaunch.installing.engine import install, plan, steps
    from pmlaunch.model import Severity

    context = replace(make_context(request, settings), dry=options.dry_run)
    untrusted = untrusted_uses(context, packages=options.packages)
    if options.dry_run:
        notes = [each.finding(Severity.WARNING) for each in untrusted]
        context = replace(context, findings=(*context.findings, *notes))
    else:
        require_trust(settings, untrusted, ask=not invocation.as_json)
    chosen = steps(options.packages)
    came = plan(chosen, context)
    if not options.dry_run and came.error is None:
        if not options.yes and not invocation.as_json:
            _confirm(came)
        with make_install_display(quiet=invocation.as_json) as display:
            came = install(chosen, context, display, came)
    data = {
        "folder": request.folder,
        "ref": request.ref,
        "source": request.source,
        "dry_run": options.dry_run,
        "logs": context.logs,
        "bytes": came.bytes,
        "steps": came.results,
    }
    first = next((name for name in request.models if name != "all"), "maskmimic")
    then = f"pmlaunch eval {first} --motion walk" if request.models else "pmlaunch fetch maskmimic"
    return installation_result("install", came, data, "installed", then)


def _confirm(planned: Installation) -> None:
    """Ask before a large download. Without a terminal, announce it and continue. Raises PML340."""
    from pmlaunch.cli.render import terminal
    from pmlaunch.support.text import megabytes

    if planned.bytes <= _ASK_ABOVE:
        return
    names = ", ".join(result.title for result in planned.results if result.bytes)
    text = f"About {megabytes(planned.bytes)} will be downloaded ({names})."
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        terminal.write(sys.stderr, f"{text} Nobody can be asked here: going on.\n")
    elif not typer.confirm(f"{text} Go on?", default=True, err=True):
        raise PmlaunchError("PML340", "Nothing was downloaded.").retrying({"--dry-run": True})


def installation_result(
    command: str, came: Installation, data: object, done: str, then: str | None = None
) -> CommandResult:
    """The result of `pmlaunch install` or `pmlaunch fetch`, whose error does not hide the steps before it."""
    from pmlaunch.cli.render.install import draw_installation

    errors, exit_code = ((came.error,), came.error.exit_code) if came.error else ((), 0)
    draw = partial(draw_installation, came, done, then)
    return CommandResult(command, exit_code, data, came.findings, errors, draw)
