"""Look at a sweep, stop it from another console, and repeat its failures."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.errors import UnknownNameError
from pmlaunch.processes.child import end_tree, is_running
from pmlaunch.settings import Settings
from pmlaunch.sweeping.executor import SweepOutcome, run_sweep
from pmlaunch.sweeping.journal import tallies_of, write_error
from pmlaunch.sweeping.lock import holder
from pmlaunch.sweeping.manifest import read_manifest
from pmlaunch.sweeping.scheduler import STOP_FILE, SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions
from pmlaunch.sweeping.summary import Outcome, SweepSummary, outcome_of, summarize_sweep

_GRACE = 60.0  # seconds in which a sweep that was asked to stop does so: a job gets 30
_GRACE_TO_WRITE = 720.0  # the same if runs write videos or motions that were asked for


@dataclass(frozen=True)
class StoppedSweep:
    """The sweep that was stopped; `politely` if it ended by itself when it was asked to."""

    folder: Path
    politely: bool


def show_status(folder: Path) -> SweepSummary:
    """How far the sweep in `folder` is. Raises PML010 if there is none, and PML383 for one of another version."""
    manifest = read_manifest(folder)
    running = holder(folder)
    summary = summarize_sweep(folder, manifest.plan.evaluations, tallies_of(folder))
    process = running.get("pid") if running else None
    return replace(summary, running=running is not None, process=process if isinstance(process, int) else None)


def stop_sweep(folder: Path, grace: float | None = None) -> StoppedSweep:
    """Stop the sweep in `folder`: its jobs end as with Ctrl+C. After `grace` seconds, kill its processes.

    Raises PML010 if none is running there, and PML389 if it cannot be asked.
    """
    running = holder(folder)
    if running is None:
        raise UnknownNameError(f"No sweep is running in {folder}.", hint="pmlaunch sweep status", subject=str(folder))
    try:
        (folder / STOP_FILE).touch()
    except OSError as error:
        raise write_error(folder / STOP_FILE, error) from error
    if grace is None:
        requests = [each.request for each in read_manifest(folder).plan.evaluations]
        grace = _GRACE_TO_WRITE if any(each.record or each.save_motion for each in requests) else _GRACE
    deadline = time.monotonic() + grace
    while holder(folder) is not None:
        if time.monotonic() >= deadline:
            pid = running.get("pid")
            if is_running(pid, running.get("created")) and isinstance(pid, int):  # not one of another machine
                end_tree(pid)
            return StoppedSweep(folder, politely=False)
        time.sleep(0.1)
    return StoppedSweep(folder, politely=True)


def retry_sweep(folder: Path, options: ExecutorOptions, observer: SweepObserver) -> SweepOutcome:
    """Repeat the evaluations of the sweep in `folder` that failed or were set aside, and run what is left.

    Raises PML388 unless this user's pmlaunch wrote the manifest, and otherwise as `show_status` and `run_sweep` do.
    """
    manifest = read_manifest(folder.absolute())
    manifest.require_own(Settings.here())
    tallies = tallies_of(folder)
    again = (Outcome.FAILED, Outcome.ABNORMAL)
    repeated = frozenset(
        each.id for each in manifest.plan.evaluations if outcome_of(each, tallies.get(each.id)) in again
    )
    return run_sweep(manifest.plan, replace(options, repeated=repeated, cwd=manifest.cwd), observer)
