"""Give the jobs of a sweep to its slots, take in what they report, and write the journal.

The main thread alone decides and writes. Each running job has a thread, which supervises its process. Jobs do not depend
on each other; what is left of one that ended abnormally is queued again, behind all others.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import threading
from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildResult, Ending
from pmlaunch.running.diagnosis import last_words, name_of_exit
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.sweeping.cells import results_of, told, unmeasured
from pmlaunch.sweeping.job_file import JobOrder, Report, read_report
from pmlaunch.sweeping.job_run import JobEnd, Launcher, Surroundings
from pmlaunch.sweeping.journal import RUNS, Journal, Tally, write_error
from pmlaunch.sweeping.model import CellResult, Evaluation, Job, SweepPlan
from pmlaunch.sweeping.slots import ExecutorOptions, Ports, Slot
from pmlaunch.sweeping.summary import Counts, Outcome, is_left, outcome_of

STOP_FILE = "stop"
ASKED = "Asked to stop: the same command continues."
_PERIOD = 0.1  # seconds between two looks at the stop file
_LONGEST_NAME = 100  # characters of a job's file
_DISK_HINT = "free some space, then repeat the command; no result is lost"
_DISK = ("PML204", "PML389")  # a full disk is nothing that a job did: it runs again when there is space


class SweepObserver:
    """Receives progress, on the main thread. Ignores it; subclasses show it."""

    def started(self, counts: Counts, slots: int) -> None:
        """The sweep starts; `counts` stays up to date."""

    def evaluating(self, slot: Slot, evaluation: Evaluation, run: str) -> None:
        """An evaluation has started."""

    def ended(self, evaluation: Evaluation, outcome: Outcome, tally: Tally) -> None:
        """An attempt at an evaluation has ended. WAITING: it will be repeated."""

    def idle(self, slot: Slot) -> None:
        """A slot is free."""

    def tick(self) -> None:
        """Called several times a second."""

    def stopping(self, reason: str) -> None:
        """No job will be started any more, and those that run are stopped."""


@dataclass(frozen=True, eq=False)
class _Task:
    """A job with the evaluations that are left of it, and the number of the attempt at each. Equal to itself only."""

    job: Job
    attempts: Mapping[str, int]


@dataclass(frozen=True)
class _Heard:
    """What the thread of a job tells the main thread: a report, the job's end, or None: its slot is free."""

    slot: Slot
    task: _Task
    what: Report | JobEnd | None


@dataclass(frozen=True)
class _Line:
    """The line from a job's thread to the main thread."""

    heard: queue.SimpleQueue[_Heard]
    slot: Slot
    task: _Task

    def report(self, report: Report) -> None:
        self.tell(report)

    def vacant(self) -> None:
        self.tell(None)

    def tell(self, what: Report | JobEnd | None) -> None:
        self.heard.put(_Heard(self.slot, self.task, what))


@dataclass(frozen=True)
class _Ended:
    """An attempt at an evaluation that is not in the journal yet."""

    job: Job
    evaluation: Evaluation
    results: Sequence[CellResult]


class Scheduler:
    """A sweep in progress. `stopped` says why no job is started any more, `error` what has to be reported then."""

    def __init__(self, plan: SweepPlan, options: ExecutorOptions, journal: Journal, observer: SweepObserver) -> None:
        self.plan, self.options, self.journal, self.observer = plan, options, journal, observer
        self.evaluations = {each.id: each for each in plan.evaluations}
        self.counts = Counts()
        self.stopped = ""
        self.error: PmlaunchError | None = None
        self._first: dict[str, int] = {}  # attempts before this sweep that do not count, by evaluation
        self._pending: deque[_Task] = deque()
        self._repeats: deque[_Task] = deque()  # started when nothing else is left to start
        self._free: deque[Slot] = deque()
        self._running: dict[_Task, int] = {}  # the port of each job
        self._slots: dict[_Task, Slot] = {}  # of the jobs that have not left theirs
        self._leaving: dict[_Task, Slot] = {}  # of those that could: their files are still on their way
        self._most = 0  # jobs in slots and on their way
        self._heard: queue.SimpleQueue[_Heard] = queue.SimpleQueue()
        self._unwritten: list[_Ended] = []
        self._ports = Ports()

    def run(self, launcher: Launcher, around: Surroundings) -> None:
        """Run what is queued, until nothing is left or the sweep has to stop."""
        self._free.extend(launcher.slots)
        self._most = 2 * len(launcher.slots)
        self.observer.started(self.counts, len(launcher.slots))
        try:
            while self._running or self._unwritten or ((self._pending or self._repeats) and not self.stopped):
                self._look(around.interrupts)
                while self._free and (waiting := self._pending or self._repeats) and not self.stopped:
                    self._start(launcher, self._free.popleft(), waiting.popleft(), around)
                self._write(around.interrupts)
                self.observer.tick()
                if self._running:
                    self._listen()
        except BaseException:
            around.interrupts.count += 1
            raise
        finally:
            while self._running:  # their threads end their processes
                self._listen()
        if self.error is not None:
            raise self.error

    def queue(self, repeated: Container[str]) -> None:
        """Queue the jobs that have something left to run, or something that has to be repeated."""
        for job in self.plan.jobs:
            left = []
            for each in job.evaluations:
                tally = self.journal.tallies.get(each.id, Tally())
                outcome = outcome_of(each, tally)
                if each.id in repeated:
                    self._first[each.id] = tally.attempt
                if each.id in repeated or self._is_left(each, tally):
                    left.append(each)
                    outcome = Outcome.WAITING
                self.counts.cells[outcome] += len(each.motions)
                self.counts.tracked += tally.tracked if outcome is Outcome.DONE else 0
            self._add(job.id, left, self._pending)

    def _is_left(self, evaluation: Evaluation, tally: Tally) -> bool:
        return is_left(evaluation, tally, self.options.retries, self._first.get(evaluation.id, 0))

    def _add(self, job: str, evaluations: Sequence[Evaluation], tasks: deque[_Task]) -> None:
        tallies = self.journal.tallies
        attempts = {each.id: tallies[each.id].attempt + 1 if each.id in tallies else 1 for each in evaluations}
        if evaluations:
            tasks.append(_Task(Job(job, tuple(evaluations)), attempts))

    def _start(self, launcher: Launcher, slot: Slot, task: _Task, around: Surroundings) -> None:
        port = self._running[task] = self._ports.take()
        self._slots[task] = slot
        order = JobOrder(task.job, task.attempts, self.plan.folder, port, os.getpid())
        line = _Line(self._heard, slot, task)

        def run() -> None:
            try:
                end = launcher.run(order, slot, around, line)
            except Exception as error:  # noqa: BLE001 (the main thread waits for it)
                message = f"Internal error. This is a bug in pmlaunch: {type(error).__name__}: {error}"
                end = JobEnd(error=PmlaunchError("PML000", message))
            line.tell(end)

        threading.Thread(target=run, name=f"job {task.job.id}").start()

    def _listen(self) -> None:
        """Take in what the jobs' threads have told, after waiting for it a little."""
        with contextlib.suppress(queue.Empty):
            heard = self._heard.get(timeout=_PERIOD)
            while True:
                if isinstance(heard.what, Report):
                    self._take_report(heard.slot, heard.task, heard.what)
                elif heard.what is None:
                    if heard.task in self._slots:
                        self._leaving[heard.task] = heard.slot
                else:
                    self._take_end(heard.task, heard.what)
                    self._ports.lent.discard(self._running.pop(heard.task))
                    self._vacate(heard.task)
                while self._leaving and len(self._running) + len(self._free) < self._most:
                    self._vacate(next(iter(self._leaving)))
                heard = self._heard.get_nowait()

    def _vacate(self, task: _Task) -> None:
        self._leaving.pop(task, None)
        if slot := self._slots.pop(task, None):
            self._free.append(slot)
            self.observer.idle(slot)

    def _take_report(self, slot: Slot, task: _Task, report: Report) -> None:
        evaluation = next((each for each in task.job.evaluations if each.id == report.evaluation), None)
        if evaluation is None:
            return
        if not report.ended:
            self.observer.evaluating(slot, evaluation, report.run)
        elif report.run:
            self._take_run(task, evaluation, report.run)
        elif report.code in _DISK:
            self.error = PmlaunchError(report.code, report.message, hint=_DISK_HINT, subject=str(self.plan.folder))
        else:
            number = task.attempts[evaluation.id]
            results = unmeasured(evaluation, RunState.FAILED, report.code, number, report.message)
            self._unwritten.append(_Ended(task.job, evaluation, results))

    def _take_run(self, task: _Task, evaluation: Evaluation, run: str, more: str = "") -> None:
        """Take in a run that has ended, of which `more` is known. One that was interrupted does not count as an attempt."""
        results = results_of(evaluation, RunFolder(self.plan.folder / RUNS / run), task.attempts[evaluation.id])
        if results and results[0].code in _DISK:
            where = self.plan.folder / RUNS / run
            self.error = PmlaunchError(str(results[0].code), f"{where} could not be written.", hint=_DISK_HINT)
        elif results and results[0].state not in (RunState.INTERRUPTED.value, RunState.RUNNING.value):
            if more and more not in results[0].message:
                results = [replace(each, message=told(f"{each.message} {more}")) for each in results]
            self._unwritten.append(_Ended(task.job, evaluation, results))

    def _take_end(self, task: _Task, end: JobEnd) -> None:
        """Take in the end of a job's process: charge what was cut off, and queue the rest again."""
        if end.error is not None or end.result is None:
            self.error = self.error or end.error
        elif end.result.ending is Ending.LOG_FAILED:
            self.error = write_error(end.result.log, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        elif end.result.ending is not Ending.INTERRUPTED and not self.stopped:
            lost = [each for each in task.job.evaluations if each.id not in end.ended]
            how = _how(end.result)
            for each in lost:
                if each.id in end.cut_off:
                    self._take_run(task, each, end.cut_off[each.id], how)
                elif not (end.ended or end.cut_off):  # the process ended before it came to any of them
                    results = unmeasured(each, RunState.ABNORMAL, "PML330", task.attempts[each.id], how)
                    self._unwritten.append(_Ended(task.job, each, results))
            left = [each for each in lost if each.id not in end.cut_off]
            self._add(task.job.id, left if end.ended or end.cut_off else (), self._pending)

    def _write(self, interrupts: Interrupts) -> None:
        """Write what has ended into the journal, and queue again what has an attempt left."""
        ended, self._unwritten = self._unwritten, []
        if not ended:
            return
        self.journal.append(result for each in ended for result in each.results)
        for each in ended:
            tally = self.journal.tallies[each.evaluation.id]
            outcome = outcome_of(each.evaluation, tally)
            if outcome is Outcome.ABNORMAL and self._is_left(each.evaluation, tally):
                outcome = Outcome.WAITING
                self._add(f"{each.job.id}-{each.evaluation.id}"[:_LONGEST_NAME], [each.evaluation], self._repeats)
            self.counts.move(len(each.evaluation.motions), Outcome.WAITING, outcome)
            self.counts.tracked += tally.tracked if outcome is Outcome.DONE else 0
            self.observer.ended(each.evaluation, outcome, tally)
            if self.options.fail_fast and outcome in (Outcome.FAILED, Outcome.ABNORMAL) and not self.stopped:
                self._stop(interrupts, "Stopped at the first failure (--fail-fast).")

    def _look(self, interrupts: Interrupts) -> None:
        """Stop if the sweep was asked to, or cannot go on."""
        if self.stopped:
            return
        if self.error is not None:
            self._stop(interrupts, self.error.message)
        elif interrupts.count:
            self.stopped = ASKED
            self.observer.stopping(ASKED)
        elif (self.plan.folder / STOP_FILE).exists():
            self._stop(interrupts, ASKED)

    def _stop(self, interrupts: Interrupts, reason: str) -> None:
        self.stopped = reason
        interrupts.count += 1  # as Ctrl+C would: every job is asked to end
        self.observer.stopping(reason)


def _how(result: ChildResult) -> str:
    """How the process of a job ended that did not report it: the last thing that it printed beside its reports."""
    ended = "" if result.exit_code is None else f"Its job ended with {name_of_exit(result.exit_code)}. "
    how = ended if result.ending is Ending.EXITED else f"Its job was stopped: {result.ending.value}. "
    printed = [line for line in result.tail if line.strip() and read_report(line.strip().encode()) is None]
    return f"{how}Last output: {last_words(printed)}" if printed else how.strip()
