"""Command lines as text: those that hints propose, and the same run without pmlaunch, for bash and PowerShell.

The plain command is for reading, bug reports, and machines without pmlaunch. Its run gets neither the agent's repairs
nor a verdict. On Windows it starts Python directly, because isaaclab.bat would mangle the overrides.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import ONE_RANK
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.generations.values import BACKEND
from pmlaunch.model import LaunchPlan
from pmlaunch.request import EvalRequest, Parameter, parameters

_BELONG_TO_THE_MODEL = ("checkpoint", "robot")
_PLAIN = re.compile(r"[\w./:=+,~-]+")
# PowerShell treats these as single quotes as well
_SINGLE_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
_BACKSLASHES_BEFORE_QUOTE = re.compile(r'(\\*)"')
# that change how the program runs
_SHOWN_VARIABLES = ("USE_LIBUV", "TORCH_COMPILE_DISABLE", "OMP_NUM_THREADS", "GS_BETA_PURE")
_TRAILING_BACKSLASHES = re.compile(r"(\\+)\Z")


def typed_options(request: EvalRequest, *, same_model: bool) -> list[str]:
    """The options and overrides of `request` as words, without its motions.

    For another model they do not include --checkpoint and --robot.
    """
    words: list[str] = []
    for name, parameter in parameters(EvalRequest).items():
        if parameter.option.positional or name == "motions":
            continue
        if same_model or name not in _BELONG_TO_THE_MODEL:
            words += _words(parameter, getattr(request, name))
    return [*words, *request.overrides]


class EvalCommand(str):
    """A complete command line for the request that was planned, which another command than eval cannot propose."""

    __slots__ = ()


def corrected(request: EvalRequest, **changes: Any) -> EvalCommand:
    """The complete command line for `request` with other values for some of its fields."""
    changed = replace(request, **changes)
    motions = [word for motion in changed.motions for word in ("--motion", motion)]
    options = typed_options(replace(changed, overrides=()), same_model=True)
    words = ("eval", changed.model, *motions, *changed.overrides, *options, *changed.other_words)
    return EvalCommand(command_line("pmlaunch", *words))


def with_key(request: EvalRequest, key: str, other: str | None) -> str:
    """The complete command line with another key in the override of `key`; without the override for None."""
    typed = [(text, *text.partition("=")) for text in request.overrides]
    kept = [
        text if name.lstrip("+") != key else f"{other}={value}"
        for text, name, _, value in typed
        if name.lstrip("+") != key or other is not None
    ]
    return corrected(request, overrides=tuple(kept))


def words_of(options: object) -> list[str]:
    """The words that set the options in an instance of a dataclass of options, except those with their defaults."""
    return [
        word
        for name, parameter in parameters(type(options)).items()
        if not parameter.option.positional and getattr(options, name) != parameter.default
        for word in _words(parameter, getattr(options, name))
    ]


def _words(parameter: Parameter, value: Any) -> list[str]:
    """The option that sets `value`; nothing for None and for a flag that was not given."""
    if value is None:
        return []
    if isinstance(value, bool):
        flag = parameter.flags[0] if value else parameter.option.off
        return [flag] if flag else []
    values = value if parameter.repeatable else (value,)
    return [
        word for each in values for word in (parameter.flags[0], f"{each:g}" if isinstance(each, float) else str(each))
    ]


def command_line(*words: str) -> str:
    """The words as one line. Double quotes, which every shell understands, go around those with special characters."""
    return " ".join(word if _PLAIN.fullmatch(word) else f'"{word}"' for word in words)


def retyped(words: Sequence[str], options: Mapping[str, str | bool | None]) -> str:
    """The command line of `words` with other `options`: a value, True for a flag, None to leave one out."""
    kept: list[str] = []
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        if name in options:
            is_value = not equals and options[name] is not True
        elif not is_value or word.startswith("-"):
            kept.append(word)
            is_value = False
        else:
            is_value = False
    more = ([name] if value is True else [name, str(value)] for name, value in options.items() if value is not None)
    return command_line("pmlaunch", *kept, *(word for words in more for word in words))


def install_command(folder: Path | None, simulator: str, *more: str) -> str:
    """The `pmlaunch install` command for a checkout, to be typed in any folder; without one, for a new checkout here."""
    place = [f'--dir "{folder}"'] if folder else []
    return " ".join(["pmlaunch install", *place, f"--simulator {simulator}", *more])


def plain_commands(plan: LaunchPlan, python: Sequence[str]) -> dict[str, str]:
    """{"bash": ..., "powershell": ...} for `plan`; `python` are the words before the script's name."""
    script = plan.script.relative_to(plan.cwd)
    own = {name: value for name, value in plan.env.items() if value is not None and name in _SHOWN_VARIABLES}
    separator = ";" if plan.windows else ":"
    _, *passed_on = str(plan.env["PYTHONPATH"]).split(separator)  # the first is the agent's folder
    if folders := (*plan.import_path, *passed_on, *map(str, plan.python_path)):
        own["PYTHONPATH"] = separator.join(folders)
    program = script.as_posix() if not plan.windows else str(script).replace("/", "\\")
    # without the agent there is no group of one rank: Lightning's own way to do without one is the closest
    alone = {value_override(BACKEND, ONE_RANK): value_override("fabric.strategy", "auto")}
    words = [*python, program, *(alone.get(text, text) for text in plan.overrides)]
    return {"bash": _bash(str(plan.cwd), own, words), "powershell": _powershell(str(plan.cwd), own, words)}


def _bash(folder: str, environment: dict[str, str], arguments: Sequence[str]) -> str:
    settings = "".join(f"{name}={shlex.quote(value)} " for name, value in environment.items())
    return f"cd {shlex.quote(folder)} && {settings}{shlex.join(arguments)}"


def _powershell(folder: str, environment: dict[str, str], arguments: Sequence[str]) -> str:
    # Legacy is how Windows PowerShell 5.1 passes arguments; newer versions are switched to it, so that the escaping
    # below is right in both.
    settings = [f"$env:{name} = {powershell_text(value)}" for name, value in environment.items()]
    program, *rest = arguments
    call = " ".join([f"& {powershell_text(program)}", *map(powershell_argument, rest)])
    place = f"Set-Location -LiteralPath {powershell_text(folder)}"
    return "; ".join(["$PSNativeCommandArgumentPassing = 'Legacy'", place, *settings, call])


def powershell_text(text: str) -> str:
    """`text` as a literal PowerShell string."""
    return "'" + _SINGLE_QUOTES.sub(r"\1\1", text) + "'"


def powershell_argument(text: str) -> str:
    """`text` as an argument that a program receives unchanged.

    In Legacy mode PowerShell puts double quotes around an argument with blanks and escapes nothing inside, so quotes
    and the backslashes before them are escaped here for the C runtime
    (https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments).
    """
    escaped = _BACKSLASHES_BEFORE_QUOTE.sub(r'\1\1\\"', text)
    if not text:
        return "'\"\"'"
    if text.endswith("\\") and any(character.isspace() for character in text):
        # PowerShell 7 doubles the backslashes before the quote that it adds, even in Legacy mode, and 5.1 does not
        # (PowerShell issue 26432); neither adds quotes to an argument that is quoted already
        escaped = '"' + _TRAILING_BACKSLASHES.sub(r"\1\1", escaped) + '"'
    return powershell_text(escaped)
