r"""Command lines of ProtoMotions' own programs, pasted behind `pmlaunch eval`, in pmlaunch's own words.

    pmlaunch eval python protomotions\eval_agent.py +robot=smpl +simulator=isaaclab +checkpoint=last.ckpt
    pmlaunch eval isaaclab.bat -p protomotions/inference_agent.py --checkpoint last.ckpt --simulator newton --full-eval

Options of pmlaunch may stand anywhere in such a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.cli.commands.eval import EvalOptions
from pmlaunch.cli.options import OutputOptions
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import EvalRequest, parameters

_VALUED = ("--checkpoint", "--motion-file", "--scenes-file", "--command-source")
"""Options of inference_agent.py that are like an override of that name, and mean nothing or something else here."""
_VALUELESS: Mapping[str, list[str]] = {"--full-eval": ["--metrics"], "--overrides": [], "-p": [], "-u": []}
"""Options of inference_agent.py, isaaclab.bat and Python, in pmlaunch's words."""
_LAUNCHER = re.compile(r"(.*[\\/])?(python[\d.]*|py|isaaclab)(\.exe|\.bat|\.sh)?", re.IGNORECASE)
_CONTINUATIONS = ("\\", "^", "`")  # end a line that goes on, in bash, cmd and PowerShell
_OVERRIDE = re.compile(r"\+{0,2}([\w.@/]+)=(.*)|~.+", re.DOTALL)
_QUOTED = re.compile(r"""(["'])(.*)\1""", re.DOTALL)


@dataclass
class _Line:
    """The words after `pmlaunch eval`, sorted. `foreign` is whether options are among them that only upstream has."""

    positional: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)  # those that were options
    own: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    foreign: bool = False


def translate(arguments: Sequence[str]) -> list[str]:
    """The arguments of pmlaunch, with a pasted line in pmlaunch's own words; any other line unchanged.

    Raises PML019 for a pasted line that cannot be understood, with the command that it probably means.
    """
    start = next((index for index, word in enumerate(arguments) if not word.startswith("-")), 0)
    if list(arguments[start : start + 1]) != ["eval"] or {"-h", "--help"} & set(arguments):
        return list(arguments)
    from pmlaunch.generations.registry import UPSTREAM  # what no other command line needs

    names = "|".join(Path(adapter.script).stem for adapter in UPSTREAM)
    script = re.compile(rf"(.*[\\/.])?({names})(\.py)?", re.IGNORECASE)
    line = _read(arguments[start + 1 :], script)
    scripts = [index for index, word in enumerate(line.positional) if script.fullmatch(word)]
    if not scripts and not _begins_like_upstream(line):
        return list(arguments)
    words = [*arguments[:start], "eval", *_in_own_words(line, scripts[0] if scripts else -1)]
    if line.unclear:
        from pmlaunch.planning.command_line import command_line  # likewise

        message = f"In the pasted command line pmlaunch does not understand {' and '.join(line.unclear)}."
        raise PmlaunchError("PML019", message, fix=command_line("pmlaunch", *words))
    return words


def _read(words: Sequence[str], script: re.Pattern[str]) -> _Line:
    """Sort the words by what they are; a script is positional, also behind an option such as Python's -m."""
    known = [each for record in (EvalRequest, EvalOptions, OutputOptions) for each in parameters(record).values()]
    options = [each for each in known if not each.option.positional]
    takes_value = {flag: each.type is not bool for each in options for flag in (*each.flags, each.option.off) if flag}
    line, rest = _Line(), iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            line.positional.append(word)
        elif name in _VALUED:
            line.foreign |= name not in takes_value
            line.overrides.append(f"{name[2:].replace('-', '_')}={value if equals else next(rest, '')}")
        elif name in _VALUELESS:
            line.foreign = True
            line.own += _VALUELESS[name]
        elif name not in takes_value:
            line.unclear.append(word)
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
    return line.foreign and (not first or _OVERRIDE.fullmatch(first) is not None)


def _in_own_words(line: _Line, script: int) -> list[str]:
    """The words for `pmlaunch eval`; adds what is not understood to `line`. `script` is an index, -1 without a script."""
    overrides: list[str] = []
    paths: Mapping[str, list[str]] = {"checkpoint": [], "motion_file": []}
    for index, word in enumerate([*line.positional, *line.overrides]):
        override = _OVERRIDE.fullmatch(word)
        if index == script or word in _CONTINUATIONS or _LAUNCHER.fullmatch(word):
            continue
        if override is None or index < script:
            line.unclear.append(word)
        elif override[1] in paths:
            quoted = _QUOTED.fullmatch(override[2])  # as Hydra takes it, where no shell has taken the quotes
            paths[override[1]].append(quoted[2].replace("\\" + quoted[1], quoted[1]) if quoted else override[2])
        else:
            overrides.append(word)
    models = paths["checkpoint"]
    if not models:
        models = [next((word for word in line.unclear if not word.startswith("-")), "MODEL")]
        line.unclear.append("which checkpoint is meant (+checkpoint=FILE or --checkpoint FILE)")
    motions = [word for motion in paths["motion_file"] for word in ("--motion", motion)]
    return [models[-1], *motions, *line.own, *overrides]
