"""`pmlaunch runs`: list, show, compare, repeat, share and remove runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from pmlaunch.cli.commands.eval import EvalOptions
from pmlaunch.cli.help import GroupedCommand
from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding
from pmlaunch.request import EvalRequest, argument, option, shared
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pmlaunch.runs.removal import Removed

_MOST_COMPARED = 20
_RUN = "A run: name, unique beginning, latest, latest~1 or path"

runs_command = typer.Typer(
    help="List, show, compare, repeat, share and remove runs.",
    epilog="Start here: pmlaunch runs list",
    rich_markup_mode=None,
    add_completion=False,
)


@dataclass(frozen=True)
class _OneRun:
    run: str | None = argument(f"{_RUN}; default: the latest.", None, names="runs")
    runs: str | None = shared("runs")


@dataclass(frozen=True)
class _ListOptions:
    model: str | None = option("Only runs of this model.", names="models")
    state: str | None = option("Only runs in this state: done, failed, running, interrupted ...")
    since: str | None = option("Only runs started since: 7d, 12h, 2026-11-01.")
    limit: int = option("Rows of the table; 0 for all.", default=50)
    quiet: bool = option("Print names only.", default=False, flags=("--quiet", "-q"))
    runs: str | None = shared("runs")


@dataclass(frozen=True)
class _FollowOptions:
    follow: bool = option("Print what is added until the run ends.", default=False, flags=("--follow", "-f"))


@dataclass(frozen=True)
class _RerunRequest(EvalRequest):
    model: str = argument(f"{_RUN}.", metavar="RUN", names="runs")


@dataclass(frozen=True)
class _SeveralRuns:
    wanted: tuple[str, ...] = argument(f"{_RUN}; several.", metavar="RUN...", names="runs")
    runs: str | None = shared("runs")


@dataclass(frozen=True)
class _PruneOptions:
    older: str = option("Remove runs started longer ago: 30d, 12h, or before 2026-11-01.", default=MISSING)
    keep_failed: bool = option("Keep runs that are not done.", default=False)
    dry_run: bool = option("Only show what would be removed.", default=False)
    runs: str | None = shared("runs")


@dataclass(frozen=True)
class _ShareOptions:
    output: str | None = option("The archive; default: RUN.zip here.", flags=("--output", "-o"), metavar="FILE.zip")
    force: bool = option("Replace an existing file.", default=False)


def _folder(runs: str | None) -> Path:
    from pathlib import Path

    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.settings import Settings

    return Path(runs_folder(Settings.here(), runs).value)


def _find(typed: str | None, runs: str | None) -> Path:
    from pmlaunch.runs.selection import find_run

    return find_run(typed, _folder(runs))


def _register(name: str, *records: type[Any]) -> Callable[[Callable[..., CommandResult]], Callable[..., CommandResult]]:
    """Register a function as `pmlaunch runs NAME` with the options of `records`."""

    def decorate(function: Callable[..., CommandResult]) -> Callable[..., CommandResult]:
        runs_command.command(name, cls=GroupedCommand)(command(*records)(function))
        return function

    return decorate


@_register("list", _ListOptions)
def list_runs(_: Invocation, options: _ListOptions) -> CommandResult:
    """List runs, the newest first.

    \b
    pmlaunch runs list --since 7d --state failed
    pmlaunch runs list --model demo -q                names only
    """
    from pmlaunch.cli.render.runs import draw_runs
    from pmlaunch.runs.index import runs_in
    from pmlaunch.runs.selection import Filter, state_named, time_before

    since = time_before(options.since) if options.since else None
    wanted = Filter(options.model, state_named(options.state), since)
    folder = _folder(options.runs)
    found = [run for run in runs_in(folder) if wanted.accepts(run)]
    draw = partial(_draw_names, [run.name for run in found])
    if not options.quiet:
        draw = partial(draw_runs, found, folder, max(0, options.limit))
    return CommandResult("runs list", data={"folder": folder, "runs": found}, draw=draw)


def _draw_names(names: Sequence[str], _: Console) -> None:
    from pmlaunch.cli.render import terminal

    terminal.write(sys.stdout, "".join(f"{name}\n" for name in names))


@_register("show", _OneRun)
def show_run(_: Invocation, options: _OneRun) -> CommandResult:
    """Show a run: the command as typed, what was decided, versions, figures with their meaning, files."""
    from pmlaunch.cli.render.runs import draw_run
    from pmlaunch.runs.details import load

    run = load(_find(options.run, options.runs))
    return CommandResult("runs show", data=run, draw=partial(draw_run, run))


@_register("logs", _OneRun, _FollowOptions)
def show_log(_: Invocation, options: _OneRun, following: _FollowOptions) -> CommandResult:
    """Print the log of a run; -f goes on until the run ends."""
    from pmlaunch.runs.log import log_file

    folder = _find(options.run, options.runs)
    return CommandResult("runs logs", data={"log": log_file(folder)}, draw=partial(_draw_log, folder, following.follow))


def _draw_log(folder: Path, follow: bool, _: Console) -> None:
    from pmlaunch.cli.render import terminal
    from pmlaunch.runs.log import read_lines

    for text in read_lines(folder, follow=follow):
        terminal.write(sys.stdout, text)


@_register("open", _OneRun)
def open_run(_: Invocation, options: _OneRun) -> CommandResult:
    """Open the report of a run, or its folder if it has none."""
    from pmlaunch.runs.summary import plain_size
    from pmlaunch.support.desktop import open_on_desktop

    folder = _find(options.run, options.runs)
    report = folder / "report.html"
    target = folder if plain_size(report) is None else report
    opened = open_on_desktop(target)
    return CommandResult(
        "runs open", data={"path": target, "opened": opened}, draw=partial(_draw_opened, target, opened)
    )


def _draw_opened(target: Path, opened: bool, console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    say(console, f"opened  {target}" if opened else f"There is no desktop here: open {target} yourself.")


@_register("rerun", _RerunRequest, EvalOptions)
def rerun(invocation: Invocation, request: _RerunRequest, options: EvalOptions) -> CommandResult:
    """Repeat RUN with the options that it was started with. Any option of eval replaces the recorded one.

    \b
    pmlaunch runs rerun latest --seed 3
    pmlaunch runs rerun latest --dry-run
    """
    from pmlaunch.cli.commands.eval import evaluate
    from pmlaunch.runs.rerun import repeated
    from pmlaunch.settings import Settings

    folder = _find(request.model, request.runs)
    repeating, settings = repeated(folder, request, Settings.here(trust_workspace=request.trust_workspace))
    return evaluate(invocation, repeating, options, settings)


@_register("compare", _SeveralRuns)
def compare(_: Invocation, options: _SeveralRuns) -> CommandResult:
    """Show runs side by side: conditions that differ, figures, each motion. A star marks the best.

    `pmlaunch compare` tests whether one policy is better than another, on the same motions.
    """
    from pmlaunch.cli.render.runs import draw_comparison
    from pmlaunch.runs.comparison import compare_runs
    from pmlaunch.runs.details import load

    if not 2 <= len(options.wanted) <= _MOST_COMPARED:
        message = f"Two to {_MOST_COMPARED} runs can be compared, not {len(options.wanted)}."
        raise PmlaunchError("PML001", message, fix="pmlaunch runs compare latest~1 latest")
    comparison = compare_runs([load(_find(typed, options.runs)) for typed in options.wanted])
    return CommandResult("runs compare", data=comparison, draw=partial(draw_comparison, comparison))


@_register("rm", _SeveralRuns)
def remove_runs(_: Invocation, options: _SeveralRuns) -> CommandResult:
    """Remove runs."""
    from pmlaunch.runs.removal import remove

    removed = remove([_find(typed, options.runs) for typed in options.wanted])
    return CommandResult("runs rm", data={"removed": removed}, draw=partial(_draw_removed, removed, False))


@_register("prune", _PruneOptions)
def prune_runs(_: Invocation, options: _PruneOptions) -> CommandResult:
    """Remove old runs. Keeps runs in progress and everything that is not a run folder."""
    from pmlaunch.runs.removal import prune
    from pmlaunch.runs.selection import time_before

    before = time_before(options.older, option="--older")
    removed = prune(_folder(options.runs), before, keep_failed=options.keep_failed, dry_run=options.dry_run)
    data = {"dry_run": options.dry_run, "removed": removed}
    return CommandResult("runs prune", data=data, draw=partial(_draw_removed, removed, options.dry_run))


def _draw_removed(removed: Sequence[Removed], dry_run: bool, console: Console) -> None:
    from pmlaunch.cli.render.layout import say
    from pmlaunch.support.text import megabytes

    for run in removed:
        say(console, f"{'would remove' if dry_run else 'removed'}  {run.name}  ({megabytes(run.size)})")
    total = megabytes(sum(run.size for run in removed))
    say(
        console,
        f"{len(removed)} run{'' if len(removed) == 1 else 's'}, {total}" if removed else "no such runs",
        style="dim",
    )


@_register("share", _OneRun, _ShareOptions)
def share(_: Invocation, options: _OneRun, sharing: _ShareOptions) -> CommandResult:
    """Pack a run into a ZIP file for somebody else, without the names and folders of this machine."""
    from pmlaunch.reporting.report import own_report
    from pmlaunch.runs.share import share_run

    folder = _find(options.run, options.runs)
    output = expanded(sharing.output or f"{folder.name}.zip").absolute()
    notes: list[Finding] = []

    def write_report(cleaned: Path) -> None:
        # that folder is a temporary one
        again = f'pmlaunch report "{folder}" -v'
        notes.extend(replace(note, hint=again, fix=again, subject=str(folder)) for note in own_report(cleaned))

    files = share_run(folder, output, force=sharing.force, write_report=write_report)
    data = {"archive": output, "files": files, "bytes": output.stat().st_size}
    return CommandResult("runs share", data=data, findings=notes, draw=partial(_draw_shared, data))


def _draw_shared(data: dict[str, Any], console: Console) -> None:
    from pmlaunch.cli.render.layout import say
    from pmlaunch.support.text import megabytes

    say(console, f"archive  {data['archive']}  ({megabytes(data['bytes'])})")
    say(console, f"         {', '.join(data['files'])}; look into it before you send it", style="dim", wrap=True)
