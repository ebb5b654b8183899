r"""Command lines of ProtoMotions' own programs, pasted behind `pmlaunch eval`, in pmlaunch's own words.

    pmlaunch eval python protomotions\eval_agent.py +robot=smpl +simulator=isaaclab +checkpoint=last.ckpt
    pmlaunch eval isaaclab.bat -p protomotions/inference_agent.py --checkpoint last.ckpt --simulator newton --full-eval

Options of pmlaunch may stand anywhere in such a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from pmlaunch.cli.commands.eval import EvalOptions
from pmlaunch.cli.options import OutputOptions
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import EvalRequest, parameters


class _Meaning(Enum):
    """What an option or an override of upstream is to pmlaunch."""

    MODEL = auto()
    MOTION = auto()
    OVERRIDE = auto()  # an option whose value is that of the override with its name
    METRICS = auto()  # without a value
    NOTHING = auto()  # without a value; the overrides after it are positional here


_OPTIONS: Mapping[str, _Meaning] = {
    "--checkpoint": _Meaning.MODEL,
    "--motion-file": _Meaning.MOTION,
    "--scenes-file": _Meaning.OVERRIDE,
    "--command-source": _Meaning.OVERRIDE,
    "--full-eval": _Meaning.METRICS,
    "--overrides": _Meaning.NOTHING,
    "-p": _Meaning.NOTHING,  # isaaclab.bat -p
    "-u": _Meaning.NOTHING,  # python -u
}
"""The options of inference_agent.py and of what starts it, without those that mean the same to pmlaunch."""
_KEYS: Mapping[str, _Meaning] = {"checkpoint": _Meaning.MODEL, "motion_file": _Meaning.MOTION}
"""The overrides that name what pmlaunch has an argument or an option for."""
_VALUELESS = (_Meaning.METRICS, _Meaning.NOTHING)
_LAUNCHER = re.compile(r"(.*[\\/])?(python[\d.]*|py|isaaclab)(\.exe|\.bat|\.sh)?", re.IGNORECASE)
_CONTINUATIONS = ("\\", "^", "`")  # end a line that goes on, in bash, cmd and PowerShell
_OVERRIDE = re.compile(r"\+{0,2}([\w.@/]+)=(.*)|~.+", re.DOTALL)
_QUOTED = re.compile(r"""(["'])(.*)\1""", re.DOTALL)


@dataclass
class _Line:
    """A line after `pmlaunch eval`: its positional words, and what its options say."""

    positional: list[str] = field(default_factory=list)
    values: list[tuple[_Meaning, str, str]] = field(default_factory=list)  # (meaning, name, value) of upstream's
    own: list[str] = field(default_factory=list)  # pmlaunch's options
    unknown: list[str] = field(default_factory=list)


def translate(arguments: Sequence[str]) -> list[str]:
    """The arguments of pmlaunch, with a pasted line in pmlaunch's own words; any other line unchanged.

    Raises PML019 for a pasted line that cannot be understood, with the command that it probably means.
    """
    start = next((index for index, word in enumerate(arguments) if not word.startswith("-")), 0)
    if list(arguments[start : start + 1]) != ["eval"]:
        return list(arguments)
    script = _script_pattern()
    line = _read(arguments[start + 1 :], script)
    scripts = [index for index, word in enumerate(line.positional) if script.fullmatch(word)]
    if not scripts and not _begins_like_upstream(line):
        return list(arguments)
    words, unclear = _in_own_words(line, scripts[0] if scripts else -1)
    if unclear:
        from pmlaunch.planning.command_line import command_line

        said = " and ".join(unclear)
        hint = command_line("pmlaunch", *arguments[:start], "eval", *words)
        raise PmlaunchError("PML019", f"In the pasted command line pmlaunch does not understand {said}.", hint=hint)
    return [*arguments[:start], "eval", *words]


def _script_pattern() -> re.Pattern[str]:
    from pmlaunch.generations.registry import UPSTREAM

    names = "|".join(re.escape(adapter.script.rpartition("/")[2].removesuffix(".py")) for adapter in UPSTREAM)
    return re.compile(rf"(.*[\\/.])?({names})(\.py)?", re.IGNORECASE)


def _read(words: Sequence[str], script: re.Pattern[str]) -> _Line:
    """Sort the words by what they are; a script is positional, also behind an option such as Python's -m."""
    takes_value = {"--help": False, "-h": False}
    for record in (EvalRequest, EvalOptions, OutputOptions):
        for each in parameters(record).values():
            flags = () if each.option.positional else (*each.flags, each.option.off)
            takes_value |= {flag: each.type is not bool for flag in flags if flag}
    line, rest = _Line(), iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        meaning = _OPTIONS.get(name)
        if not word.startswith("-"):
            line.positional.append(word)
        elif meaning is not None:
            given = "" if meaning in _VALUELESS else value if equals else next(rest, "")
            line.values.append((meaning, name.strip("-").replace("-", "_"), given))
        elif name not in takes_value:
            line.unknown.append(word)
        elif equals or not takes_value[name]:
            line.own.append(word)
        elif script.fullmatch(given := next(rest, "")):
            line.positional.append(given)
        else:
            line.own += [word, given]
    return line


def _begins_like_upstream(line: _Line) -> bool:
    """Whether the line is upstream's although it names no script: the first positional word is a model otherwise."""
    first = line.positional[0] if line.positional else ""
    if first.startswith("+") or _LAUNCHER.fullmatch(first):
        return True
    only_upstreams = any(meaning is not _Meaning.MODEL for meaning, _, _ in line.values)
    return only_upstreams and (not first or _OVERRIDE.fullmatch(first) is not None)


def _in_own_words(line: _Line, script: int) -> tuple[list[str], list[str]]:
    """(words after `pmlaunch eval`, what is not understood). `script` is the index of the script, -1 without one."""
    values, unclear, overrides = list(line.values), list(line.unknown), []
    for index, word in enumerate(line.positional):
        override = _OVERRIDE.fullmatch(word)
        if index == script or word in _CONTINUATIONS or _LAUNCHER.fullmatch(word):
            continue
        if override is None or index < script:
            unclear.append(word)
        elif meaning := _KEYS.get(override[1]):
            values.append((meaning, override[1], override[2]))
        else:
            overrides.append(word)
    models = [_plain(value) for meaning, _, value in values if meaning is _Meaning.MODEL]
    motions = [_plain(value) for meaning, _, value in values if meaning is _Meaning.MOTION]
    overrides += [f"{name}={value}" for meaning, name, value in values if meaning is _Meaning.OVERRIDE]
    metrics = ["--metrics"] if any(meaning is _Meaning.METRICS for meaning, _, _ in values) else []
    if not models:
        models = [next((word for word in unclear if not word.startswith("-")), "MODEL")]
        unclear.append("which checkpoint is meant (+checkpoint=FILE or --checkpoint FILE)")
    options = [word for motion in motions for word in ("--motion", motion)]
    return [models[-1], *options, *line.own, *metrics, *overrides], unclear


def _plain(value: str) -> str:
    """The text of a value that may still be between quotes, as Hydra takes it."""
    quoted = _QUOTED.fullmatch(value)
    return quoted[2].replace("\\" + quoted[1], quoted[1]) if quoted else value
