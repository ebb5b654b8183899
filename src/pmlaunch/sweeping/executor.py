"""Run a sweep in local slots, so that nothing is lost and nothing runs twice, however it is interrupted.

What is on the disk is the truth: the manifest is written first, the journal when evaluations have ended, and run folders
tell what the journal does not hold yet.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pmlaunch.codes import Exit
from pmlaunch.model import Finding
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.settings import Settings
from pmlaunch.sweeping.job_run import Surroundings, SweepGuardian, own_command
from pmlaunch.sweeping.journal import RUNS, Journal, write_error
from pmlaunch.sweeping.lock import SweepLock
from pmlaunch.sweeping.manifest import MANIFEST, manifest_document, write_manifest
from pmlaunch.sweeping.model import SweepPlan
from pmlaunch.sweeping.recovery import unwritten_results
from pmlaunch.sweeping.scheduler import ASKED, STOP_FILE, Scheduler, SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions, slots_of
from pmlaunch.sweeping.summary import SweepSummary, stale_finding, summarize_sweep


@dataclass(frozen=True)
class SweepOutcome:
    """What came of a sweep. `findings` name stale results; those of `summary`, failures."""

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
    the folder, and PML389 if the sweep's files cannot be written; what ended before that is not lost.
    """
    slots, begin = slots_of(options), time.monotonic()
    plan = replace(plan, folder=plan.folder.absolute())
    settings = Settings.here()
    settings = replace(settings, folder=options.cwd or settings.folder)
    command = options.job_command or own_command
    try:
        for folder in (plan.folder, plan.folder / RUNS, plan.folder / "jobs"):
            folder.mkdir(parents=True, exist_ok=True)
        with SweepLock(plan.folder):
            (plan.folder / STOP_FILE).unlink(missing_ok=True)
            if (plan.folder / MANIFEST).exists():
                manifest_document(plan.folder)
            write_manifest(plan, settings)
            with Journal(plan.folder) as journal, Interrupts() as interrupts:
                sweep = Scheduler(plan, options, journal, observer)
                journal.append(unwritten_results(plan.folder, sweep.evaluations, journal.tallies))
                sweep.queue(options.repeated)
                with SweepGuardian(str(plan.folder / MANIFEST)) as guardian:
                    sweep.run(slots, Surroundings(plan.folder, settings.folder, command, guardian, interrupts))
                summary = summarize_sweep(plan.folder, plan.evaluations, journal.tallies)
                stale = tuple(stale_finding(plan.folder, plan.evaluations, journal.tallies))
                left = summary.waiting > 0 and not options.fail_fast
                return SweepOutcome(summary, time.monotonic() - begin, left or sweep.stopped == ASKED, stale)
    except OSError as error:
        raise write_error(plan.folder, error) from error
