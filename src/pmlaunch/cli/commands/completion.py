"""`pmlaunch completion install|show|uninstall`: completion of commands, options and names with Tab."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.cli.shells import SCRIPTS
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import option, require_choice

if TYPE_CHECKING:
    from rich.console import Console

_BEGIN, _END = "# >>> pmlaunch completion >>>", "# <<< pmlaunch completion <<<"
_POLICY = "if PowerShell then says that scripts are disabled: Set-ExecutionPolicy -Scope CurrentUser RemoteSigned"

completion_command = typer.Typer(
    help="Complete commands, options and names with Tab, in PowerShell, bash, zsh and fish.",
    epilog="Start here: pmlaunch completion install",
    rich_markup_mode=None,
    add_completion=False,
)


@dataclass(frozen=True)
class _ShellOptions:
    shell: str | None = option(
        "powershell, pwsh, bash, zsh or fish; default: the one that you use.",
        choices=("powershell", "pwsh", "bash", "zsh", "fish"),
    )


@dataclass(frozen=True)
class _ChangeOptions(_ShellOptions):
    yes: bool = option("Do not ask.", default=False, flags=("--yes", "-y"))


@completion_command.command("install")
@command(_ChangeOptions)
def install(invocation: Invocation, options: _ChangeOptions) -> CommandResult:
    """Add completion to the file that your shell reads at its start. Shows file and lines, and asks, before it does."""
    shell = _shell(options)
    return _change(invocation, options, shell, f"{_BEGIN}\n{_script(shell)}{_END}\n")


@completion_command.command("uninstall")
@command(_ChangeOptions)
def uninstall(invocation: Invocation, options: _ChangeOptions) -> CommandResult:
    """Remove the lines that `install` added."""
    return _change(invocation, options, _shell(options), "")


@completion_command.command("show")
@command(_ShellOptions)
def show(_: Invocation, options: _ShellOptions) -> CommandResult:
    """Print the script, for a shell whose files you write yourself."""
    shell = _shell(options)
    data = {"shell": shell, "file": _startup_file(shell), "script": _script(shell)}
    return CommandResult("completion show", data=data, draw=partial(_draw_script, _script(shell)))


def _change(invocation: Invocation, options: _ChangeOptions, shell: str, block: str) -> CommandResult:
    """Put `block` into the shell's file, in the place of an earlier one. Raises PML340 after a no, and PML422."""
    from pmlaunch.git.failures import writing
    from pmlaunch.support.atomic import write_bytes

    file = _startup_file(shell)
    with writing(file.parent):
        old = file.read_bytes() if file.is_file() else b""
        new = _with_block(old, block)
        changed = new != old
        if changed and not options.yes:
            _ask(invocation, file, block)
        if changed and not new.strip() and file.name == "pmlaunch.fish":
            file.unlink()
        elif changed:
            real = Path(os.path.realpath(file))  # keep a symbolic link
            real.parent.mkdir(parents=True, exist_ok=True)
            mode = real.stat().st_mode & 0o777 if real.exists() else 0o644
            write_bytes(real, new)
            real.chmod(mode)
    data = {"shell": shell, "file": file, "changed": changed, "lines": len(block.splitlines())}
    return CommandResult(invocation.command, data=data, draw=partial(_draw, shell, file, bool(block), changed))


def _ask(invocation: Invocation, file: Path, block: str) -> None:
    from pmlaunch.cli.render import terminal

    what = f"This adds {len(block.splitlines())} lines to" if block else "This removes pmlaunch's lines from"
    if invocation.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PmlaunchError(
            "PML001", f"{what} {file}, and nobody can be asked.", fix=f"pmlaunch {invocation.command} --yes"
        )
    terminal.write(sys.stderr, f"{what} {file}{':' if block else '.'}\n\n{block}\n")
    if not typer.confirm("Change the file?", default=True, err=True):
        raise PmlaunchError("PML340", "Nothing was changed.")


def _with_block(content: bytes, block: str) -> bytes:
    """`content` with pmlaunch's lines replaced by `block`. All other bytes stay."""
    utf16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(content[:2])  # as Windows PowerShell writes files
    text = content.decode(utf16 or "latin-1")  # latin-1 keeps every byte of any other encoding
    newline = "\r\n" if "\r\n" in text else "\n"
    head, begin, rest = text.partition(_BEGIN)
    if begin and _END in rest:
        tail = rest.partition(_END)[2].removeprefix(newline)
    else:
        head, tail = text + ("" if not text or text.endswith("\n") else newline), ""
    if not block and not begin:
        return content
    return (head + block.replace("\n", newline) + tail).encode(utf16 or "latin-1")


def _script(shell: str) -> str:
    return SCRIPTS["powershell" if shell == "pwsh" else shell]


def _shell(options: _ShellOptions) -> str:
    """The shell that was named, or the one that pmlaunch was started from. Raises PML001."""
    require_choice(_ShellOptions, "shell", options.shell)
    if options.shell is not None:
        return options.shell
    import psutil

    names = [parent.name().lower().removesuffix(".exe").lstrip("-") for parent in psutil.Process().parents()[:6]]
    known = next((name for name in names if name == "pwsh" or name in SCRIPTS), None)
    if known is None:
        message = "Started from none of the shells that can be completed: PowerShell, bash, zsh and fish."
        raise PmlaunchError("PML001", message, fix="pmlaunch completion install --shell powershell")
    return known


def _startup_file(shell: str) -> Path:
    """The file that the shell of this user reads at its start."""
    home = Path.home()
    if shell in ("bash", "zsh"):
        return Path(os.environ.get("ZDOTDIR") or home if shell == "zsh" else home, f".{shell}rc")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    if shell == "fish":
        return config / "fish" / "completions" / "pmlaunch.fish"
    if os.name != "nt":
        return config / "powershell" / "Microsoft.PowerShell_profile.ps1"
    from platformdirs import user_documents_path  # OneDrive may have moved it

    folder = "PowerShell" if shell == "pwsh" else "WindowsPowerShell"
    return user_documents_path() / folder / "Microsoft.PowerShell_profile.ps1"


def _draw_script(script: str, console: Console) -> None:
    from pmlaunch.cli.render import terminal

    terminal.write(console.file, script)


def _draw(shell: str, file: Path, added: bool, changed: bool, console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    done = "installed in" if added else "removed from"
    say(console, f"completion {done if changed else 'as it was in'} {file}")
    if added and changed:
        say(console, f"next: open a new {shell}, and press Tab after `pmlaunch `", style="green")
        if shell in ("powershell", "pwsh"):
            say(console, _POLICY, style="dim")
