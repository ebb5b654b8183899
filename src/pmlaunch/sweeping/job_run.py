"""One job in its slot: start its process, follow its reports, and settle what it left behind."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.child import ChildCommand
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, ChildResult, Ending, Grace, Watcher, supervised
from pmlaunch.running.run import GRACE_TO_WRITE
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.support.disk import path_below
from pmlaunch.sweeping.job_file import JobOrder, Report, read_report, stop_file, write_order
from pmlaunch.sweeping.journal import CONCLUDED, JOBS, RUNS
from pmlaunch.sweeping.model import Job
from pmlaunch.sweeping.recovery import final_record
from pmlaunch.sweeping.slots import Slot

JobCommand = Callable[[Path], Sequence[str]]
"""The command line of the process of the job in a file."""
SILENCE = 900.0  # seconds without a sign of life after which a job's process hangs: planning may hash large checkpoints
_GRACE = Grace(30.0, 30.0)  # seconds; a run gets 5 of them to end by itself
_LONGEST = 1 << 20  # bytes of a line
# not -m, which would look for pmlaunch, and for all that it imports, in the current folder first
_PROGRAM = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "from pmlaunch.sweeping.job_program import main; sys.exit(main(sys.argv[1]))"
)


def own_command(path: Path) -> Sequence[str]:
    """The command line of `job_program`."""
    return (sys.executable, "-c", _PROGRAM, str(path))


class SweepGuardian(Guardian):
    """One guardian for all jobs: it ends their processes if the executor is killed, and knows them by their mark only.

    What a job has started is left to the guardian of its run, which also corrects the run's record.
    """

    def watch(self, pid: int) -> None:
        """Nothing: the guardian would end all that descends from a job whenever another one ends."""

    def kill_leftovers(self) -> None:
        """Nothing: see above."""


@dataclass(frozen=True)
class Surroundings:
    """What all jobs of a sweep share."""

    folder: Path
    cwd: Path
    command: JobCommand
    guardian: Guardian
    interrupts: Interrupts


@dataclass
class JobEnd:
    """How a job ended.

    Attributes:
        ended: {evaluation: its report} of those that came to an end, whatever end.
        cut_off: {evaluation: run} of those that were started and came to none.
        result: how its process ended; None if it could not be started, for the reason `error`.
    """

    ended: dict[str, Report] = field(default_factory=dict)
    cut_off: dict[str, str] = field(default_factory=dict)
    result: ChildResult | None = None
    error: PmlaunchError | None = None

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped because the sweep stops."""
        return self.result is not None and self.result.ending is Ending.INTERRUPTED


class JobListener(Protocol):
    """Who waits for a job."""

    def report(self, report: Report) -> None:
        """An evaluation has started or ended."""

    def vacant(self) -> None:
        """The slot can take another job, while the files of this one are still on their way."""


class Launcher(Protocol):
    """Where jobs run: `slots` on this machine, or those of a cluster."""

    slots: Sequence[Slot]

    def recover(self, folder: Path) -> None:
        """Bring runs that ended elsewhere into the sweep's folder, before any job starts."""

    def run(self, order: JobOrder, slot: Slot, around: Surroundings, listener: JobListener) -> JobEnd:
        """Do what `run_job` does. Called on a thread of its own."""


class LocalLauncher:
    """Jobs as processes of this machine."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = slots

    def recover(self, folder: Path) -> None:
        """Nothing: the run folders are here."""

    def run(self, order: JobOrder, slot: Slot, around: Surroundings, listener: JobListener) -> JobEnd:
        """Do what `run_job` does."""
        return run_job(order, slot, around, listener.report)


def run_job(order: JobOrder, slot: Slot, around: Surroundings, hear: Callable[[Report], None]) -> JobEnd:
    """Run a job to its end, and call `hear` with each report about an evaluation, on another thread."""
    path = around.folder / JOBS / f"{order.job.id}.json"
    end = JobEnd()
    watcher = _JobWatcher(path, end, hear)
    try:
        for suffix in (".json", ".log"):
            path_below(around.folder, f"{JOBS}/{order.job.id}{suffix}")
        with contextlib.suppress(FileNotFoundError):
            stop_file(path).unlink()
        secrets = write_order(order, path)
        environment = {**slot.environment(os.environ), **secrets}
        log = path.with_suffix(".log")
        command = ChildCommand(around.command(path), environment, around.cwd, log)
        limits = ChildLimits(silence=SILENCE, grace=grace_of(order.job))
        end.result = supervised(command, around.guardian, around.interrupts, limits, watcher)
    except (PmlaunchError, OSError) as error:
        end.error = error if isinstance(error, PmlaunchError) else PmlaunchError("PML205", f"Cannot start: {error}.")
        return end
    _settle(end, around.folder / RUNS, hear)
    if end.result.ok and not end.cut_off:
        for file in (path, log, stop_file(path)):
            with contextlib.suppress(OSError):
                file.unlink()
    return end


def grace_of(job: Job) -> Grace:
    """How long a job gets to end by itself: longer if it writes videos or motions that were asked for."""
    writes = any(each.request.record or each.request.save_motion for each in job.evaluations)
    return replace(_GRACE, silence=_GRACE.silence + GRACE_TO_WRITE.total, total=660.0) if writes else _GRACE


def _settle(end: JobEnd, runs: Path, hear: Callable[[Report], None]) -> None:
    """Look at runs whose end was not reported: the process may have been killed between the end and its report."""
    for evaluation, run in dict(end.cut_off).items():
        record: Mapping[str, object] = final_record(RunFolder(runs / run))
        if record.get("state") in CONCLUDED:
            report = Report(evaluation, run, ended=True)
            end.ended[evaluation] = report
            del end.cut_off[evaluation]
            hear(report)


class _JobWatcher(Watcher):
    """Reads the reports, and asks the process to end by creating its stop file."""

    def __init__(self, path: Path, end: JobEnd, hear: Callable[[Report], None]) -> None:
        super().__init__(self._read)
        self._path, self._end, self._hear = path, end, hear
        self._line = b""

    def _read(self, chunk: bytes) -> None:
        *lines, rest = (self._line + chunk).split(b"\n")
        self._line = rest if len(rest) < _LONGEST else b""
        for line in lines:
            report = read_report(line.strip())
            if report is None or not report.evaluation:
                continue
            if report.ended:
                self._end.cut_off.pop(report.evaluation, None)
                self._end.ended[report.evaluation] = report
            else:
                self._end.cut_off[report.evaluation] = report.run
            self._hear(report)

    def stopping(self, why: Ending, log_error: OSError | None) -> None:  # noqa: ARG002 (of Watcher)
        with contextlib.suppress(OSError):
            stop_file(self._path).touch()
