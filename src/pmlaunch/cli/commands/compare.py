"""`pmlaunch compare`: whether a policy is better or worse than another."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.request import argument, option, require_choice, shared
from pmlaunch.runs.measured import CONDITIONS
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.runs.measured import Side
    from pmlaunch.runs.paired import PairedComparison

_SIDE = "A run (name, unique beginning, latest, latest~1 or path) or a sweep's folder"
_FORMATS = ("csv", "json", "md", "latex")


@dataclass(frozen=True)
class CompareOptions:
    """The options of `pmlaunch compare`."""

    a: str = argument(
        f"{_SIDE}; SWEEP@model=NAME,constraint=vr chooses evaluations of a sweep.", metavar="A", names="runs"
    )
    b: str = argument("The same, to compare with A.", metavar="B", names="runs")
    baseline: bool = option("Exit with 1 if B is significantly worse than A.", default=False)
    min_effect: float = option(
        "Least change that counts, if significant: of the success rate (0.02 is 2 points), or of an error as a share of A's.",
        default=0.0,
    )
    common: bool = option(
        "Compare the motions and seeds that both have; default: refuse if they differ.", default=False
    )
    allow: tuple[str, ...] = option("Condition that may differ; repeatable.", (), choices=CONDITIONS)
    to: str | None = option("Write a table: csv, json, md or latex; default: as -o ends.", choices=_FORMATS)
    output: str | None = option("File of the table; default: print it.", flags=("--output", "-o"), metavar="FILE")
    force: bool = option("Replace an existing file.", default=False)
    runs: str | None = shared("runs")


@command(CompareOptions)
def compare_command(_: Invocation, options: CompareOptions) -> CommandResult:
    """Test whether policy B tracks better or worse than A, on the same motions, seeds and conditions.

    `pmlaunch runs compare` shows any runs side by side and tests nothing.

    \b
    pmlaunch compare latest~1 latest
    pmlaunch compare main latest --baseline --min-effect 0.02   for CI
    pmlaunch compare sweeps/old sweeps/new --to latex -o table.tex
    pmlaunch compare sweeps/all@model=maskmimic sweeps/all@model=motion_tracker
    """
    from pmlaunch.cli.render.compare import draw_paired
    from pmlaunch.planning.command_line import command_line
    from pmlaunch.runs.paired import Verdict, compare_policies
    from pmlaunch.runs.pairing import Options

    form = _form(options)
    if not (math.isfinite(options.min_effect) and options.min_effect >= 0):
        message = f"--min-effect cannot be {options.min_effect:g}: it is a share, 0 or more."
        raise PmlaunchError("PML001", message, hint="--min-effect 0.02")
    wanted = Options(options.min_effect, options.common, options.allow)
    comparison = compare_policies(_side(options.a, options.runs), _side(options.b, options.runs), wanted)
    written = _write(comparison, form, options) if form and options.output else None
    draw = partial(_print, comparison, form) if form and written is None else partial(draw_paired, comparison, written)
    findings = []
    if options.baseline and comparison.verdict is Verdict.WORSE:
        message = f"{comparison.b} is significantly worse than {comparison.a}: {'; '.join(comparison.worse)}."
        table = command_line("pmlaunch", "compare", options.a, options.b, "-o", "comparison.md")
        findings.append(Finding("PML373", Severity.ERROR, message, table, table, comparison.b))
    exit_code = Exit.FAILED if findings else Exit.DONE
    if options.baseline and all(row.p is None for group in comparison.groups for row in group.rows):
        message = "Nothing could be tested against the baseline: there are too few motions, or no common figures."
        findings.append(Finding("PML372", Severity.ERROR, message, "compare more motions", None, comparison.b))
        exit_code = Exit.USAGE
    return CommandResult("compare", exit_code, data=comparison, findings=findings, draw=draw)


def _form(options: CompareOptions) -> str | None:
    """The format of the table; None for none. Raises PML001 if it cannot be told."""
    from pmlaunch.runs.paired_tables import SUFFIXES

    for name in options.allow:
        require_choice(CompareOptions, "allow", name)
    if options.to is not None:
        require_choice(CompareOptions, "to", options.to)
        return options.to
    if options.output is None:
        return None
    suffix = expanded(options.output).suffix.lower()
    if suffix not in SUFFIXES:
        raise PmlaunchError("PML001", f"{options.output} does not end in {', '.join(SUFFIXES)}.", hint="--to csv")
    return SUFFIXES[suffix]


def _side(typed: str, runs: str | None) -> Side:
    """The run or sweep that is typed, reduced to the conditions chosen with @."""
    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.runs.measured import measured_side, selected
    from pmlaunch.runs.selection import find_run
    from pmlaunch.settings import Settings
    from pmlaunch.sweeping.measured_sweep import is_sweep, measured_sweep

    name, wanted = (typed, {}) if os.path.lexists(expanded(typed)) else selected(typed)
    folder = expanded(name)
    if is_sweep(folder):
        return replace(measured_sweep(folder.absolute()), name=typed).only(wanted)
    return measured_side(find_run(name, Path(runs_folder(Settings.here(), runs).value))).only(wanted)


def _write(comparison: PairedComparison, form: str, options: CompareOptions) -> Path:
    """Write the table. Raises PML374."""
    from pmlaunch.runs.paired_tables import FORMATS
    from pmlaunch.support.atomic import write_text

    file = expanded(str(options.output))
    if not options.force and os.path.lexists(file):
        raise PmlaunchError("PML374", f"{file} exists already.", hint="--force replaces it", subject=str(file))
    try:
        write_text(file, FORMATS[form](comparison))
    except OSError as error:
        message = f"Cannot write {file}: {error.strerror or error}."
        raise PmlaunchError("PML374", message, hint="-o names another file", subject=str(file)) from error
    return file.absolute()


def _print(comparison: PairedComparison, form: str, _: Console) -> None:
    from pmlaunch.cli.render import terminal
    from pmlaunch.runs.paired_tables import FORMATS

    terminal.write(sys.stdout, FORMATS[form](comparison))
