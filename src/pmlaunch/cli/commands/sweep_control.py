"""`pmlaunch sweep` once it is planned: run it; `pmlaunch sweep status|stop|retry FOLDER`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation
from pmlaunch.cli.result import CommandResult, Draw
from pmlaunch.errors import PmlaunchError
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from pmlaunch.model import Finding
    from pmlaunch.sweeping.executor import SweepOutcome
    from pmlaunch.sweeping.model import SweepPlan
    from pmlaunch.sweeping.slots import ExecutorOptions

WORDS = ("status", "stop", "retry")


def run_planned(invocation: Invocation, plan: SweepPlan, options: ExecutorOptions, *, quiet: bool) -> SweepOutcome:
    """Run what is left of `plan`, with a live view."""
    from pmlaunch.cli.live.sweep_display import make_sweep_display
    from pmlaunch.sweeping.executor import run_sweep

    with make_sweep_display(quiet=quiet, verbose=invocation.verbose) as display:
        return run_sweep(plan, options, display)


def control(invocation: Invocation, words: Sequence[str], options: ExecutorOptions, *, quiet: bool) -> CommandResult:
    """Do what one of WORDS says with the sweep in a folder. Raises PML001 unless exactly one folder is given."""
    what, *folders = words
    if len(folders) != 1:
        hint = f"pmlaunch sweep {what} FOLDER"
        raise PmlaunchError("PML001", f"pmlaunch sweep {what} takes the folder of one sweep.", hint=hint)
    folder = expanded(folders[0])
    if what == "retry":
        return _retry(invocation, folder, options, quiet=quiet)
    return _status(folder) if what == "status" else _stop(folder)


def outcome_result(
    invocation: Invocation,
    outcome: SweepOutcome,
    findings: Iterable[Finding] = (),
    more: Draw | None = None,
    published: Sequence[object] = (),
) -> CommandResult:
    """The result of a sweep that ended, after its report was written.

    `findings` are those from before its start; `published` values beside measured ones are printed by `more`.
    """
    from pmlaunch.cli.render.sweep_summary import draw_summary
    from pmlaunch.sweeping.report import own_sweep_report

    report, unwritten = own_sweep_report(outcome.summary.folder)
    told = [*findings, *outcome.findings, *outcome.summary.findings, *unwritten]
    seconds = round(outcome.seconds, 3)
    data = {"summary": outcome.summary, "seconds": seconds, "interrupted": outcome.interrupted, "published": published}
    data["report"] = report
    draw = partial(draw_summary, outcome.summary, more, report=report)
    return CommandResult(invocation.command, outcome.exit_code, data, told, draw=draw)


def _status(folder: Path) -> CommandResult:
    from pmlaunch.cli.render.sweep_summary import draw_summary
    from pmlaunch.sweeping.control import show_status

    summary = show_status(folder)
    return CommandResult("sweep", data={"summary": summary}, draw=partial(draw_summary, summary, None))


def _stop(folder: Path) -> CommandResult:
    from pmlaunch.cli.render.sweep_summary import draw_stopped
    from pmlaunch.sweeping.control import stop_sweep

    stopped = stop_sweep(folder)
    return CommandResult("sweep", data=stopped, draw=partial(draw_stopped, stopped))


def _retry(invocation: Invocation, folder: Path, options: ExecutorOptions, *, quiet: bool) -> CommandResult:
    from pmlaunch.cli.live.sweep_display import make_sweep_display
    from pmlaunch.sweeping.control import retry_sweep

    with make_sweep_display(quiet=quiet, verbose=invocation.verbose) as display:
        outcome = retry_sweep(folder, options, display)
    return outcome_result(invocation, outcome)
