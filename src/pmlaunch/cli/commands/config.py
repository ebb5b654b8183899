"""`pmlaunch config show|path|set|edit`: the settings, with the value and the source of each."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError, UnknownNameError, did_you_mean
from pmlaunch.request import SETTINGS, EvalRequest, Parameter, argument, option, require_choice

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pmlaunch.settings import Settings

_LISTING = "pmlaunch config show"

config_command = typer.Typer(
    help="Show and change the settings of pmlaunch.yaml, of your own settings file and of PMLAUNCH_* variables.",
    epilog="Start here: pmlaunch config show",
    rich_markup_mode=None,
    add_completion=False,
)


@dataclass(frozen=True)
class _FileOptions:
    workspace: bool = option("pmlaunch.yaml of this folder, not your own file.", default=False)


@dataclass(frozen=True)
class _SetOptions:
    key: str = argument("A setting (pmlaunch config show).", names="settings")
    value: str = argument("Its value; a path is meant from this folder.")


@config_command.command("show")
@command()
def show(_: Invocation) -> CommandResult:
    """Show every setting: its value, what decided it, and in which file."""
    from pmlaunch.settings import Settings

    settings = Settings.here()
    rows = [_row(settings, key) for key in SETTINGS]
    return CommandResult("config show", data={"settings": rows}, findings=settings.findings, draw=partial(_draw, rows))


@config_command.command("path")
@command()
def path(_: Invocation) -> CommandResult:
    """Print the settings files: your own, and the pmlaunch.yaml in force here."""
    from pmlaunch.settings import Settings

    settings = Settings.here()
    files = {"user": settings.user_file, "workspace": settings.workspace_file}
    return CommandResult("config path", data=files, findings=settings.findings, draw=partial(_draw_files, files))


@config_command.command("set")
@command(_SetOptions, _FileOptions)
def set_value(_: Invocation, given: _SetOptions, where: _FileOptions) -> CommandResult:
    """Write a setting into your own settings file, or with --workspace into pmlaunch.yaml. Comments there stay.

    \b
    pmlaunch config set device cpu
    pmlaunch config set --workspace num_envs 8
    """
    from pmlaunch.installing.workspace_step import set_key
    from pmlaunch.settings import Settings, typed

    settings = Settings.here()
    setting = _setting(given.key)
    value = typed(setting, given.value, "the command line")
    if setting.option.choices:
        require_choice(EvalRequest, setting.name, value)
    value = settings.get(setting.name, value)
    file = _file(settings, workspace=where.workspace)
    trusted = where.workspace and (not file.is_file() or settings.trusted.holds(file))
    set_key(file, setting.name, value.value if value else None)
    if trusted:  # what the user writes needs no question
        settings.trusted.add(file)
    row = {"name": setting.name, "value": value.value if value else None, "file": file}
    return CommandResult("config set", data=row, findings=settings.findings, draw=partial(_draw_set, row))


@config_command.command("edit")
@command(_FileOptions)
def edit(invocation: Invocation, options: _FileOptions) -> CommandResult:
    """Open the file in $VISUAL, $EDITOR or, on Windows, Notepad; then check it."""
    import subprocess

    from pmlaunch.git.failures import writing
    from pmlaunch.installing.workspace_step import settings_in
    from pmlaunch.settings import Settings
    from pmlaunch.support.atomic import write_text

    settings = Settings.here()
    file = _file(settings, workspace=options.workspace)
    editor = _editor(settings.environment)
    if invocation.as_json or not sys.stdin.isatty():
        raise PmlaunchError("PML001", "An editor needs a terminal.", hint=f'open "{file}"')
    if not file.is_file():
        with writing(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"# {name}: ...  {setting.option.help}" for name, setting in SETTINGS.items()]
            write_text(file, "\n".join(["# settings of pmlaunch; remove the # in front of what you set", *lines, ""]))
    ended = subprocess.run([*editor, str(file)], check=False).returncode
    if ended:
        raise PmlaunchError("PML001", f"{editor[0]} ended with {ended}.", hint=f'open "{file}"', subject=str(file))
    for key, value in settings_in(file).items():
        from pmlaunch.settings import typed

        typed(_setting(str(key)), value, str(file))
    return CommandResult("config edit", data={"file": file}, draw=partial(_draw_files, {"edited": file}))


def _setting(name: str) -> Parameter:
    known = SETTINGS.get(name.replace("-", "_").lower())
    if known is None:
        raise UnknownNameError(f"No setting is called {name!r}.{did_you_mean(name, list(SETTINGS))}", hint=_LISTING)
    return known


def _file(settings: Settings, *, workspace: bool) -> Path:
    """The file to change. Raises PML146 for another user's pmlaunch.yaml."""
    from pmlaunch.settings import WORKSPACE_FILE

    if workspace and settings.findings:
        first = settings.findings[0]
        raise PmlaunchError(first.code, first.message, hint=first.hint, subject=first.subject)
    if workspace or settings.user_file is None:
        return settings.workspace_file or settings.folder / WORKSPACE_FILE
    return settings.user_file


def _editor(environment: Mapping[str, str]) -> list[str]:
    """The user's editor, as a command without a shell. Raises PML001."""
    import shlex

    from pmlaunch.support.programs import find_program

    text = environment.get("VISUAL") or environment.get("EDITOR") or ("notepad" if os.name == "nt" else "")
    if os.path.isfile(text):  # noqa: PTH113 (a path with blanks, unquoted as Windows' variables often are)
        return [text]
    words = [word.strip('"') for word in shlex.split(text, posix=os.name != "nt")]
    program = words and (words[0] if os.path.isabs(words[0]) else find_program(words[0], environment))  # noqa: PTH117
    if not program:
        message = f"The editor {text!r} is not there." if text else "Neither VISUAL nor EDITOR names an editor."
        raise PmlaunchError("PML001", message, hint="pmlaunch config set KEY VALUE, or set EDITOR")
    return [program, *words[1:]]


def _row(settings: Settings, name: str) -> dict[str, Any]:
    found = settings.get(name)
    source = found.source if found else None
    return {
        "name": name,
        "value": found.value if found else None,
        "source": str(source) if source else "default",
        "file": settings.file_of(source) if source else None,
        "default": SETTINGS[name].option.usual,
        "variable": SETTINGS[name].variable,
        "help": SETTINGS[name].option.help,
    }


def _draw(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    from pmlaunch.cli.render.layout import say, short, table_of

    table = table_of("setting", "value", "from", title="Settings")
    for row in rows:
        is_set = row["value"] is not None
        cells = row["name"], short(row["value"] if is_set else row["default"]), row["source"]
        table.add_row(*cells, style="" if is_set else "dim")
    console.print(table)
    for file in dict.fromkeys(row["file"] for row in rows if row["file"]):
        say(console, str(file), style="dim")


def _draw_files(files: Mapping[str, Path | None], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for name, file in files.items():
        say(
            console,
            (f"{name:<10}", "bold"),
            str(file or "none"),
            "" if file is None or file.is_file() else "  (not there yet)",
        )


def _draw_set(row: Mapping[str, Any], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    say(console, (f"{row['name']}: {row['value']}", "bold"), f"  in {row['file']}")
