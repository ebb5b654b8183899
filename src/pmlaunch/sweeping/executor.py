"""Run a sweep in slots, so that nothing is lost and nothing runs twice, however it is interrupted.

What is on the disk is the truth: the manifest is written first, the journal when evaluations have ended, and run folders
tell what the journal does not hold yet.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pmlaunch.codes import Exit
from pmlaunch.model import Finding
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.settings import Settings
from pmlaunch.support.disk import path_below
from pmlaunch.sweeping.job_run import Launcher, LocalLauncher, Surroundings, SweepGuardian, own_command
from pmlaunch.sweeping.journal import JOBS, RESULTS, RUNS, Journal, write_error
from pmlaunch.sweeping.lock import LOCK, SweepLock
from pmlaunch.sweeping.manifest import MANIFEST, require_own_results, write_manifest
from pmlaunch.sweeping.model import SweepPlan
from pmlaunch.sweeping.recovery import unwritten_results
from pmlaunch.sweeping.scheduler import ASKED, STOP_FILE, Scheduler, SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions, slots_of
from pmlaunch.sweeping.summary import SweepSummary, stale_finding, summarize_sweep


@dataclass(frozen=True)
class SweepOutcome:
    """The result of a sweep. `findings` name stale results; those of `summary`, failures."""

    summary: SweepSummary
    seconds: float
    interrupted: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return Exit.INTERRUPTED if self.interrupted else self.summary.exit_code


def run_sweep(plan: SweepPlan, options: ExecutorOptions, observer: SweepObserver) -> SweepOutcome:
    """Run what is left of `plan`.

    Raises PML001 for impossible options, PML383 for the files of another version, PML384 if another sweep is running in
    the folder, PML388 for results of somebody else, PML143 for links in it, PML389 if the sweep's files cannot be
    written, and PML450 to PML454 if the cluster cannot be used; what ended before that is not lost.
    """
    slots_of(options)
    begin = time.monotonic()
    plan = replace(plan, folder=plan.folder.absolute())
    settings = Settings.here()
    settings = replace(settings, folder=options.cwd or settings.folder)
    command = options.job_command or own_command
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        places = [path_below(plan.folder, name) for name in (RUNS, JOBS, LOCK, RESULTS, MANIFEST, STOP_FILE)]
        for place in places[:2]:
            place.mkdir(exist_ok=True)
        with SweepLock(plan.folder):
            (plan.folder / STOP_FILE).unlink(missing_ok=True)
            require_own_results(plan.folder, settings)
            write_manifest(plan, settings)
            with launcher_of(options) as launcher, Journal(plan.folder) as journal, Interrupts() as interrupts:
                launcher.recover(plan.folder)
                sweep = Scheduler(plan, options, journal, observer)
                journal.append(unwritten_results(plan.folder, sweep.evaluations, journal.tallies))
                sweep.queue(options.repeated)
                with SweepGuardian(str(plan.folder / MANIFEST)) as guardian:
                    sweep.run(launcher, Surroundings(plan.folder, settings.folder, command, guardian, interrupts))
                summary = summarize_sweep(plan.folder, plan.evaluations, journal.tallies)
                stale = tuple(stale_finding(plan.folder, plan.evaluations, journal.tallies))
                left = summary.waiting > 0 and not options.fail_fast
                return SweepOutcome(summary, time.monotonic() - begin, left or sweep.stopped == ASKED, stale)
    except OSError as error:
        raise write_error(plan.folder, error) from error


@contextlib.contextmanager
def launcher_of(options: ExecutorOptions) -> Iterator[Launcher]:
    """Where the jobs run: on this machine, or on the cluster that was named. Raises PML450 to PML453."""
    if options.cluster is None:
        yield LocalLauncher(slots_of(options))
        return
    from pmlaunch.sweeping.cluster.address import scheduler_address

    address = scheduler_address(options.cluster, options)
    from pmlaunch.sweeping.cluster.launcher import ClusterLauncher

    with ClusterLauncher(address, options) as launcher:
        yield launcher
