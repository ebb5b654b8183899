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
from pmlaunch.cli.help import WIDTH, GroupedCommand, write_sections
from pmlaunch.cli.options import Invocation, command, read_invocation, refuse_contradictions
from pmlaunch.cli.pasted import translate
from pmlaunch.cli.render import terminal
from pmlaunch.cli.render.encoding import replace_unencodable
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError, nearest, proposal
from pmlaunch.request import option

_COMMANDS = {
    "eval": "Run a policy and report how well it tracks its motions.",
    "sweep": "Evaluate every combination of models, seeds and motions.",
    "install": "Install ProtoMotions: checkout, checkpoints, packages.",
    "fetch": "Download more checkpoints, or free their disk space.",
    "list": "List models, motions, robots, simulators or constraints.",
    "runs": "List, show, compare, repeat, share and remove runs.",
    "compare": "Test whether a policy is better or worse than another.",
    "report": "Write a page about a run: figures, tables, 3D playback.",
    "view": "Play a motion file or a run in the browser.",
    "smoke": "Test a machine: doctor, an evaluation, thresholds. For CI.",
    "runtime": "Show what would start the simulator, with which Python.",
    "export": "Export a motion for Blender and other programs.",
    "doctor": "Check this machine: what is missing, and how to fix it.",
    "stop": "Stop a run from another console.",
    "trust": "Trust a workspace or a checkout that you did not install.",
    "config": "Show and change settings: values, sources, files.",
    "completion": "Complete commands, options and names with Tab.",
    "explain": "Explain an error code: its meaning, its cause, its fix.",
}
_ALONE = {"runs": "list", "config": "show"}
"""What a group of commands does without one."""
_SECTIONS = {
    "Evaluate": ("eval", "sweep", "list", "stop"),
    "Look at runs": ("runs", "compare", "report", "view", "export"),
    "Set up": ("install", "fetch", "config", "completion", "trust"),
    "Check": ("doctor", "runtime", "smoke", "explain"),
}
_MORE = "More commands"  # those in no section
_START = """\b
Start here:
  pmlaunch eval demo --motion walk     a demo that runs on any machine
  pmlaunch install                     ProtoMotions, for real evaluations
  pmlaunch doctor                      what is missing, and how to fix it"""


class _Group(typer.core.TyperGroup):
    """Builds a command when it is asked for, of NAME_command in commands/NAME.py: most starts need only one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": dict.fromkeys(_COMMANDS)})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _COMMANDS and self.commands[cmd_name] is None:
            found = getattr(import_module(f"pmlaunch.cli.commands.{cmd_name}"), f"{cmd_name}_command")
            if not isinstance(found, typer.Typer):  # a group of commands is one already
                alone = typer.Typer(rich_markup_mode=None, add_completion=False)
                alone.command(cmd_name, cls=GroupedCommand, short_help=_COMMANDS[cmd_name])(found)
                found = alone
            self.commands[cmd_name] = typer.main.get_command(found)
        return super().get_command(ctx, cmd_name)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """What completes a command's name. Typer's own would import every command for its summary."""
        from typer._click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *typer.core.TyperCommand.shell_complete(self, ctx, incomplete)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in their sections, without building them, and the options."""
        grouped = {name for names in _SECTIONS.values() for name in names}
        sections = {**_SECTIONS, _MORE: tuple(name for name in _COMMANDS if name not in grouped)}
        write_sections(formatter, {name: [(each, _COMMANDS[each]) for each in sections[name]] for name in sections})
        options = (parameter.get_help_record(ctx) for parameter in self.get_params(ctx))
        write_sections(formatter, {"Options": [record for record in options if record]})


app = typer.Typer(
    name="pmlaunch",
    cls=_Group,
    help=f"Evaluate ProtoMotions humanoid policies with one command, Windows first.\n\n{_START}",
    epilog="pmlaunch COMMAND --help describes a command.",
    rich_markup_mode=None,
    add_completion=False,  # `pmlaunch completion` installs scripts that quote names
    context_settings={"help_option_names": ["-h", "--help"], **WIDTH},
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
    group, arguments = cast("typer.core.TyperGroup", typer.main.get_command(app)), _completed(arguments)
    invocation = read_invocation(group, arguments)
    try:
        arguments = translate(arguments)
        refuse_contradictions(group, arguments)
        result = group.main(list(arguments), prog_name="pmlaunch", standalone_mode=False, obj=invocation)
        if isinstance(result, int):  # --help, --version
            return result
        if result is not None:
            return show(result, as_json=invocation.as_json)
        if not invocation.as_json:
            terminal.write(
                sys.stdout, group.get_help(typer.Context(group, info_name="pmlaunch", **group.context_settings)) + "\n"
            )
            return Exit.USAGE
        failure = PmlaunchError("PML001", "Missing command.", fix="pmlaunch --help")
    except typer.TyperException as error:
        failure = _usage_error(error, arguments)
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
    if failure.retry is not None:
        from pmlaunch.planning.command_line import retyped  # what no other start needs

        failure.fix = failure.hint = retyped(arguments, failure.retry)
    failed = CommandResult(invocation.command or "pmlaunch", failure.exit_code, errors=(failure,))
    return show(failed, as_json=invocation.as_json)


def _completed(words: Sequence[str]) -> list[str]:
    """The words with the command that a group stands for if it is typed alone."""
    start = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    alone = not (following := words[start + 1 : start + 2]) or following[0].startswith("-")
    if start == len(words) or not alone or words[start] not in _ALONE or following in (["--help"], ["-h"]):
        return list(words)
    return [*words[: start + 1], _ALONE[words[start]], *words[start + 1 :]]


def _usage_error(error: typer.TyperException, words: Sequence[str]) -> PmlaunchError:
    """The error for what Typer rejects: for a misspelt command or option with the corrected command line."""
    context = getattr(error, "ctx", None)
    command = next((word for word in words if not word.startswith("-")), "")
    path = context.command_path if context else f"pmlaunch {command}" if command in _COMMANDS else "pmlaunch"
    typed = getattr(error, "option_name", None)
    # the dashes are no part of what makes two names alike
    known = {flag.lstrip("-"): flag for flag in getattr(error, "possibilities", None) or ()}
    if not typed and command not in _COMMANDS:
        typed, known = command, {name: name for name in _COMMANDS}
    near = nearest(typed.lstrip("-"), known) if typed else []
    if typed and near:
        from pmlaunch.planning.command_line import command_line  # what no other start needs

        right = [near[0] + word[len(typed) :] if word.partition("=")[0] == typed else word for word in words]
        message = f"There is no {'option' if typed.startswith('-') else 'command'} {typed}.{proposal(near)}"
        return PmlaunchError("PML001", message, fix=command_line("pmlaunch", *right), subject=typed)
    return PmlaunchError("PML001", error.format_message().rstrip(), fix=f"{path} --help")


def _unexpected(error: Exception, *, verbose: bool) -> PmlaunchError:
    """The error to report for an exception that nothing caught: usually a bug in pmlaunch."""
    if isinstance(error, FileNotFoundError) and _current_folder_is_gone():
        what = "The folder in which this was typed is not there any more: it was deleted or replaced."
        return PmlaunchError("PML018", what, hint="cd to a folder that is there")
    if verbose:
        terminal.write(sys.stderr, "".join(traceback.format_exception(error)))
    message = f"Internal error. This is a bug in pmlaunch; please report it: {type(error).__name__}: {error}"
    failed = PmlaunchError("PML000", message)
    return failed if verbose else failed.retrying({"-v": True})


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 (Path.cwd() would do the same)
    except FileNotFoundError:
        return True
    return False
