"""The command line: the commands, and the one place where a failure becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import typer

from pmlaunch import __version__
from pmlaunch.cli.options import Invocation, command, read_invocation
from pmlaunch.cli.pasted import translate
from pmlaunch.cli.render import terminal
from pmlaunch.cli.render.encoding import replace_unencodable
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import option

_COMMANDS = {
    "eval": "Run a policy and report how well it tracks its motions.",
    "install": "Install ProtoMotions: checkout, checkpoints, packages.",
    "fetch": "Download more checkpoints, or free their disk space.",
    "list": "List models, motions, robots, simulators or constraints.",
    "runs": "List, show, compare, repeat, share and remove runs.",
    "report": "Write a page about a run: figures, tables, 3D playback.",
    "view": "Play a motion file or a run in the browser.",
    "smoke": "Test a machine: doctor, an evaluation, thresholds. For CI.",
    "runtime": "Show what would start the simulator, with which Python.",
    "doctor": "Check this machine: what is missing, and how to fix it.",
    "stop": "Stop a run from another console.",
    "trust": "Trust a workspace or a checkout that you did not install.",
    "explain": "Explain an error code: its meaning, its cause, its fix.",
}


class _Group(typer.core.TyperGroup):
    """Builds a command when it is asked for, of NAME_command in commands/NAME.py: most starts need only one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": dict.fromkeys(_COMMANDS)})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _COMMANDS and self.commands[cmd_name] is None:
            found = getattr(import_module(f"pmlaunch.cli.commands.{cmd_name}"), f"{cmd_name}_command")
            if not isinstance(found, typer.Typer):  # a group of commands is one already
                alone = typer.Typer(rich_markup_mode=None, add_completion=False)
                alone.command(cmd_name, short_help=_COMMANDS[cmd_name])(found)
                found = alone
            self.commands[cmd_name] = typer.main.get_command(found)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="pmlaunch",
    cls=_Group,
    help="Evaluate ProtoMotions humanoid policies with one command, Windows first.",
    epilog="Start here: pmlaunch eval demo --motion walk",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(frozen=True)
class RootOptions:
    """The options that `pmlaunch` takes before a command."""

    version: bool = option("Show the version.", default=False)


@app.callback(invoke_without_command=True)
@command(RootOptions)
def root(_: Invocation, options: RootOptions) -> None:
    """Evaluate ProtoMotions humanoid policies with one command, Windows first."""
    if options.version:
        terminal.write(sys.stdout, f"pmlaunch {__version__}\n")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code. User errors never show a traceback."""
    for stream in (sys.stdout, sys.stderr):
        replace_unencodable(stream)  # a character that the console cannot show must not end a run
    group = cast("typer.core.TyperGroup", typer.main.get_command(app))
    invocation = read_invocation(group, arguments)
    try:
        result = group.main(translate(arguments), prog_name="pmlaunch", standalone_mode=False, obj=invocation)
        if isinstance(result, int):  # --help, --version
            return result
        if result is not None:
            return show(result, as_json=invocation.as_json)
        if not invocation.as_json:
            terminal.write(sys.stdout, group.get_help(typer.Context(group, info_name="pmlaunch")) + "\n")
            return Exit.USAGE
        failure = PmlaunchError("PML001", "Missing command.", hint="pmlaunch --help")
    except typer.TyperException as error:
        failure = _usage_error(error)
    except (KeyboardInterrupt, typer.Abort):
        failure = PmlaunchError("PML340", "Interrupted.")
    except PmlaunchError as error:
        failure = error
    except BrokenPipeError:  # `pmlaunch list motions | head`
        sys.stderr.close()
        return Exit.DONE
    except Exception as error:  # noqa: BLE001 (reported as an internal error)
        failure = _unexpected(
            error, verbose=invocation.verbose or os.environ.get("PMLAUNCH_DEBUG", "0") not in ("", "0")
        )
    failed = CommandResult(invocation.command or "pmlaunch", failure.exit_code, errors=(failure,))
    return show(failed, as_json=invocation.as_json)


def _usage_error(error: typer.TyperException) -> PmlaunchError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "pmlaunch"
    return PmlaunchError("PML001", error.format_message().rstrip(), hint=f"{path} --help")


def _unexpected(error: Exception, *, verbose: bool) -> PmlaunchError:
    """The error to report for an exception that nothing caught: usually a bug in pmlaunch."""
    if isinstance(error, FileNotFoundError) and _current_folder_is_gone():
        what = "The folder in which this was typed is not there any more: it was deleted or replaced."
        return PmlaunchError("PML018", what, hint="cd to a folder that is there")
    if verbose:
        terminal.write(sys.stderr, "".join(traceback.format_exception(error)))
    return PmlaunchError(
        "PML000",
        f"A defect of pmlaunch, not of yours: {type(error).__name__}: {error}",
        hint=None if verbose else "the same command with -v shows the traceback; please report it",
    )


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 (Path.cwd() would do the same)
    except FileNotFoundError:
        return True
    return False
