"""`pmlaunch trust`: agree to files that decide which program is started, or take that back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import argument, option

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    pmlaunch trust                      what applies here: pmlaunch.yaml, ProtoMotions, Isaac Lab
    pmlaunch trust ProtoMotions         one folder
    pmlaunch trust --list
    pmlaunch trust --revoke ProtoMotions
    """
    from pmlaunch.settings import Settings

    if options.listing and (options.revoke or options.paths):
        raise PmlaunchError("PML001", "--list shows everything that is trusted: it takes nothing else.")
    settings = Settings.here()
    if options.listing:
        rows = [
            {"path": path, "unchanged": settings.trusted.holds(Path(path))}
            for path in sorted(settings.trusted.entries())
        ]
        return CommandResult("trust", data={"trusted": rows}, draw=partial(_draw_list, rows))
    typed = [settings.folder / Path(path).expanduser() for path in options.paths]
    if options.revoke:
        gone = [name for path in typed or [settings.folder] for name in settings.trusted.remove(path)]
        return CommandResult("trust", data={"revoked": gone}, draw=partial(_draw, "not trusted any more", gone))
    files = [file for path in typed for file in _files_at(path, settings)] if typed else _applying(settings)
    if not files:
        message = f"Nothing in {settings.folder} would decide what is started."
        raise PmlaunchError("PML148", message, hint="pmlaunch trust PATH")
    settings.trusted.add(*files)
    names = [str(file) for file in dict.fromkeys(files)]
    return CommandResult("trust", data={"trusted": names}, draw=partial(_draw, "trusted", names))


def _files_at(path: Path, settings: Settings) -> list[Path]:
    """The file, or those in a folder that decide what is started. Raises PML146 and PML148."""
    files = [path]
    if path.is_dir():
        files = [file for file in _applying(replace(settings, folder=path)) if file.is_relative_to(path)]
    if not files or not path.exists():
        message = f"{path} {'holds nothing that would decide what is started' if path.exists() else 'does not exist'}."
        raise PmlaunchError("PML148", message, hint="pmlaunch trust shows what applies here", subject=str(path))
    return files


def _applying(settings: Settings) -> list[Path]:
    """The files that decide what would be started in the folder of `settings`. Raises PML146."""
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.support.platforms import platform_named

    for finding in settings.findings:
        raise PmlaunchError(finding.code, finding.message, hint=finding.hint, subject=finding.subject)
    found = resolve_target(TargetRequest(quick=True), replace(settings, environment={}, trust_workspace=False))
    sources = [found.runtime.facts.source, *([found.checkout.source] if found.checkout else [])]
    script = settings.folder / platform_named(None).isaaclab_script
    files = [settings.workspace_file, *(source.anchor for source in sources), script if script.is_file() else None]
    return list(dict.fromkeys(file for file in files if file is not None))


def _draw(what: str, names: Sequence[str], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for name in names or ["nothing"]:
        say(console, (f"{what}  ", "bold"), name)


def _draw_list(rows: Sequence[dict[str, object]], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for row in rows:
        say(console, str(row["path"]), "" if row["unchanged"] else ("  changed or gone: not trusted", "yellow"))
    if not rows:
        say(console, "nothing is trusted")
