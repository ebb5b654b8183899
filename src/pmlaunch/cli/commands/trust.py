"""`pmlaunch trust`: agree to files that decide which program is started, or take that back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError, UnknownNameError
from pmlaunch.request import argument, option
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from pmlaunch.settings import Settings


@dataclass(frozen=True)
class TrustOptions:
    """The options of `pmlaunch trust`."""

    paths: tuple[str, ...] = argument("A pmlaunch.yaml, a checkout, an Isaac Lab folder, or a folder with them.", ())
    listing: bool = option("Show what is trusted.", default=False, flags=("--list",))
    revoke: bool = option("Trust PATH, and what lies below it, no longer.", default=False)


@command(TrustOptions)
def trust_command(_: Invocation, options: TrustOptions) -> CommandResult:
    """Trust the files at PATH to decide which program is started; by default those that apply in this folder.

    They are remembered with their content, so a changed file has to be trusted again. Reads files only.

    \b
    pmlaunch trust                  what applies in this folder
    pmlaunch trust ProtoMotions     one folder
    pmlaunch trust --list
    pmlaunch trust --revoke ProtoMotions
    """
    from pmlaunch.settings import Settings

    if options.listing and (options.revoke or options.paths):
        raise PmlaunchError("PML001", "--list shows everything that is trusted: it takes nothing else.")
    settings = Settings.here()
    store, typed = settings.trusted, [settings.folder / expanded(path) for path in options.paths]
    if options.listing:
        told = {path: "trusted" if store.holds(Path(path)) else "changed or gone" for path in sorted(store.entries())}
    elif options.revoke:
        told = {path: "revoked" for place in typed or [settings.folder] for path in store.remove(place)}
    else:
        files = [file for place in typed for file in _files_at(place, settings)] if typed else _applying(settings)
        if not files:
            message = f"Nothing that applies in {settings.folder} would decide what is started."
            raise UnknownNameError(message, hint="pmlaunch trust PATH", subject=str(settings.folder))
        store.add(*files)
        told = {str(file): "trusted" for file in files}
    rows = [{"path": path, "state": state} for path, state in told.items()]
    return CommandResult("trust", data={"files": rows}, draw=partial(_draw, told))


def _files_at(place: Path, settings: Settings) -> list[Path]:
    """The file `place`, or the files in that folder that decide what is started. Raises PML010 and PML146."""
    files = [place] if place.is_file() else []
    if place.is_dir():
        files = [file for file in _applying(replace(settings, folder=place)) if file.is_relative_to(place)]
    if not files:
        message = f"{place} {'holds nothing that would decide what is started' if place.is_dir() else 'is no file'}."
        raise UnknownNameError(message, fix="pmlaunch trust", subject=str(place))
    return files


def _applying(settings: Settings) -> list[Path]:
    """The files that decide what would be started in the folder of `settings`. Raises PML146."""
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.support.platforms import platform_named

    if settings.findings:
        first = settings.findings[0]
        raise PmlaunchError(first.code, first.message, hint=first.hint, subject=first.subject)
    # without the environment, whose choices would hide what lies here
    found = resolve_target(TargetRequest(quick=True), replace(settings, environment={}))
    sources = [found.runtime.facts.source, *([found.checkout.source] if found.checkout else [])]
    script = settings.folder / platform_named(None).isaaclab_script
    files = [settings.workspace_file, *(source.anchor for source in sources), script if script.is_file() else None]
    return list(dict.fromkeys(file for file in files if file is not None))


def _draw(told: Mapping[str, str], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for path, state in told.items() or [("", "nothing")]:
        say(console, (state, "bold"), "  ", path)
