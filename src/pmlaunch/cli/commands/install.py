"""`pmlaunch install`: from an empty folder to a set-up in which `pmlaunch eval` finds everything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pmlaunch.support.json import to_json

if TYPE_CHECKING:
    from pmlaunch.installing.engine import Installation
    from pmlaunch.installing.step import InstallRequest
    from pmlaunch.settings import Settings

_SOURCE = "https://github.com/NVlabs/ProtoMotions"
_ASK_ABOVE = 5_000_000  # bytes


def install_command(
    folder: Annotated[
        str | None,
        typer.Option(
            "--dir", help="Where ProtoMotions goes, or lies already; default: pmlaunch.yaml's, else protomotions."
        ),
    ] = None,
    ref: Annotated[str | None, typer.Option(help="Tag, branch or commit; default: v2.3.")] = None,
    source: Annotated[str, typer.Option(help="URL or folder to clone from.")] = _SOURCE,
    models: Annotated[str, typer.Option(help="Checkpoints, separated by commas; or all, or none.")] = "maskmimic",
    robot: Annotated[str, typer.Option(help="Whose meshes to bring where they are in Git LFS (3.x).")] = "smpl",
    isaaclab: Annotated[str | None, typer.Option(help="The Isaac Lab folder.")] = None,
    python: Annotated[str | None, typer.Option(help="The interpreter, without Isaac Lab's script.")] = None,
    simulator: Annotated[
        str | None, typer.Option(help="isaaclab or genesis; default: pmlaunch.yaml's, else isaaclab.")
    ] = None,
    kind: Annotated[str, typer.Option("--as", help="submodule, clone or auto.")] = "auto",
    packages: Annotated[
        bool, typer.Option("--packages/--no-packages", help="Install into the simulator's Python, or leave it alone.")
    ] = True,
    extras: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME", help="A requirement that would be left out, such as smpl_sim; repeatable."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the steps, the commands and the bytes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a download.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Install ProtoMotions: checkout, chosen checkpoints, packages, pmlaunch.yaml; each step proven.

    Interrupted at any point, the same command goes on from there.

    \b
    pmlaunch install                                  here, for Isaac Lab
    pmlaunch install --dry-run                        what would be done
    pmlaunch install --models all --isaaclab C:\\IsaacLab
    """
    import os
    from pathlib import Path

    from pmlaunch.errors import PmlaunchError
    from pmlaunch.installing.step import InstallRequest
    from pmlaunch.settings import Settings

    if kind not in ("submodule", "clone", "auto"):
        raise PmlaunchError("PML001", f"--as cannot be {kind!r}: it is submodule, clone or auto.")
    names = words_of(models.split(","))
    settings = Settings.here()
    place, chosen = settings.get("protomotions", folder), settings.get("simulator", simulator)
    request = InstallRequest(
        folder=Path(os.path.abspath(place.value if place else "protomotions")),  # noqa: PTH100 (not resolve(): see checkouts/find.py)
        ref=ref or "v2.3",
        source=source,
        models=() if names == ("none",) else names,
        simulator=chosen.value if chosen else "isaaclab",
        kind=kind,
        isaaclab=isaaclab,
        python=python,
        extras=tuple(extras or ()),
        ref_given=ref is not None,
        robot=robot,
    )
    return _install(request, settings, packages=packages, dry_run=dry_run, yes=yes, as_json=as_json)


def words_of(models: Sequence[str]) -> tuple[str, ...]:
    """The names of models as they were typed; `All` and `NONE` are words, too, since names forgive as much."""
    names = (name.strip() for name in models)
    return tuple(name.casefold() if name.casefold() in ("all", "none") else name for name in names if name)


def _install(
    request: InstallRequest, settings: Settings, *, packages: bool, dry_run: bool, yes: bool, as_json: bool
) -> int:
    from pmlaunch.cli.live.install_display import display_for
    from pmlaunch.installing.context import make_context
    from pmlaunch.installing.engine import install, plan, steps

    context = make_context(request, settings)
    chosen = steps(packages)
    planned = plan(chosen, context)
    if dry_run or planned.error:
        return _show("install", planned, request, context.logs, as_json=as_json, dry_run=dry_run)
    _confirm(planned, ask=not yes and not as_json)
    with display_for(quiet=as_json) as display:
        came = install(chosen, context, display, planned)
    return _show("install", came, request, context.logs, as_json=as_json)


def _confirm(planned: Installation, *, ask: bool) -> None:
    """Ask once before a download that is more than a trifle; where nobody can answer, say it and go on."""
    from pmlaunch.checks.checkpoint import megabytes
    from pmlaunch.errors import PmlaunchError

    if planned.bytes <= _ASK_ABOVE or not ask:
        return
    names = ", ".join(result.title for result in planned.results if result.bytes)
    text = f"About {megabytes(planned.bytes)} will be downloaded ({names})."
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        typer.echo(f"{text} Nobody can be asked here: going on.", err=True)
    elif not typer.confirm(f"{text} Go on?", default=True, err=True):
        raise PmlaunchError(
            "PML340", "Nothing was downloaded.", hint="pmlaunch install --dry-run shows what it would be"
        )


def _show(
    command: str, came: Installation, request: InstallRequest, logs: object, *, as_json: bool, dry_run: bool = False
) -> int:
    from pmlaunch.cli.render.install import Shown
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome

    code = came.error.exit_code if came.error else 0
    data = {
        "folder": str(request.folder),
        "ref": request.ref,
        "source": request.source,
        "dry_run": dry_run,
        "logs": str(logs),
        "bytes": came.bytes,
        "steps": to_json(came.results),
    }
    errors = (came.error,) if came.error else ()
    first = next((name for name in request.models if name != "all"), "maskmimic")
    then = f"pmlaunch eval {first} --motion walk" if request.models else "pmlaunch fetch maskmimic"
    shown = Shown(came, then=then)
    render(Outcome(command, code, data, came.findings, errors, shown=shown), as_json=as_json)
    return code
