"""The commands, and the one place where every failure becomes a sentence and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from pmlaunch import __version__
from pmlaunch.cli.commands.doctor import doctor_command
from pmlaunch.cli.commands.eval import eval_command
from pmlaunch.cli.commands.explain import explain_command
from pmlaunch.cli.commands.fetch import fetch_command
from pmlaunch.cli.commands.install import install_command
from pmlaunch.cli.commands.list import list_command
from pmlaunch.cli.commands.runtime import runtime_command
from pmlaunch.cli.commands.smoke import smoke_command
from pmlaunch.cli.commands.stop import stop_command
from pmlaunch.cli.render.encoding import forgive
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError

_VERBOSE = ("-v", "--verbose")

app = typer.Typer(
    name="pmlaunch",
    help="Evaluate ProtoMotions humanoid policies with one command, Windows first.",
    epilog="Start here: pmlaunch eval demo --motion walk",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _told(command: Callable[..., int]) -> Callable[..., int]:
    """`command`, whose interruption is told: typer would end it with 130 and not a word."""

    @functools.wraps(command)
    def call(*arguments: Any, **options: Any) -> int:
        try:
            return command(*arguments, **options)
        except KeyboardInterrupt:
            raise PmlaunchError("PML340", "Interrupted.") from None

    return call


app.command("eval", short_help="Evaluate MODEL: resolved, checked, launched, measured.")(_told(eval_command))
app.command("install", short_help="ProtoMotions: checkout, checkpoints, packages; proven.")(_told(install_command))
app.command("fetch", short_help="One more checkpoint, or free one.")(_told(fetch_command))
app.command("list", short_help="What can be launched.")(_told(list_command))
app.command("smoke", short_help="Test a machine: doctor, an evaluation, thresholds. For CI.")(_told(smoke_command))
app.command("runtime", short_help="What would start the simulator, with which Python.")(_told(runtime_command))
app.command("doctor", short_help="Is this machine ready? What is missing, what to type?")(_told(doctor_command))
app.command("stop", short_help="End a run from another console.")(_told(stop_command))
app.command("explain", short_help="What a code means, why it happens, what to do.")(_told(explain_command))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pmlaunch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Evaluate ProtoMotions humanoid policies with one command, Windows first."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code. Nothing that a user does wrong shows a traceback."""
    for stream in (sys.stdout, sys.stderr):
        forgive(stream)  # a character that the console cannot show must not end a run
    as_json = "--json" in arguments
    command = next((argument for argument in arguments if not argument.startswith("-")), "pmlaunch")
    try:
        code = app(args=_without_verbose(arguments, command), standalone_mode=False, prog_name="pmlaunch")
        return code if isinstance(code, int) else Exit.DONE
    except typer.Exit as stop:
        return stop.exit_code
    except typer.TyperException as error:
        return _usage(command, error, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _failed(command, PmlaunchError("PML340", "Interrupted."), as_json)
    except PmlaunchError as error:
        return _failed(command, error, as_json)
    except BrokenPipeError:  # `pmlaunch list motions | head`
        sys.stderr.close()
        return Exit.DONE
    except Exception as error:
        if isinstance(error, FileNotFoundError) and _gone():
            what = "The folder in which this was typed is not there any more: it was deleted or replaced."
            return _failed(command, PmlaunchError("PML018", what, hint="cd to a folder that is there"), as_json)
        return _internal(command, error, as_json, any(word in arguments for word in _VERBOSE) or _debugging())


def _without_verbose(arguments: Sequence[str], command: str) -> list[str]:
    """Every command takes -v, since the sentence for a defect names it; only `eval` has more to show for it."""
    kept: list[str] = []
    for word in arguments:
        if word not in _VERBOSE or "--" in kept or (command == "eval" and command in kept):
            kept.append(word)
    return kept


def _debugging() -> bool:
    return os.environ.get("PMLAUNCH_DEBUG", "") not in ("", "0")


def _gone() -> bool:
    """Whether the current folder was removed while somebody stood in it."""
    try:
        os.getcwd()  # noqa: PTH109 (Path.cwd() would do the same)
    except FileNotFoundError:
        return True
    return False


def _usage(command: str, error: typer.TyperException, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "pmlaunch"
    message = error.format_message().rstrip()
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(message)
        return Exit.USAGE
    return _failed(command, PmlaunchError("PML001", message, hint=f"{path} --help"), as_json)


def _failed(command: str, error: PmlaunchError, as_json: bool) -> int:
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome

    render(Outcome(command, error.exit_code, errors=(error,)), as_json=as_json)
    return error.exit_code


def _internal(command: str, error: Exception, as_json: bool, verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exc()
    what = f"{type(error).__name__}: {error}"
    defect = PmlaunchError(
        "PML000",
        f"A defect of pmlaunch, not of yours: {what}",
        hint=None if verbose else "the same command with -v shows the traceback; please report it",
    )
    return _failed(command, defect, as_json)
