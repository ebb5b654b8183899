"""Slots of a sweep whose launcher says that one is free before the job's files are here."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildResult
from pmlaunch.sweeping.job_file import JobOrder, Report
from pmlaunch.sweeping.job_run import JobEnd, JobListener, Surroundings
from pmlaunch.sweeping.journal import Journal, read_results
from pmlaunch.sweeping.scheduler import Scheduler, SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions, Slot
from sweep_jobs import sweep_plan

NO_GUARDIAN = cast("Guardian", None)  # it would be a process


class Bringing:
    """A launcher of a single slot. Each job's files are here only when those of another job come, too."""

    def __init__(self) -> None:
        self.slots: Sequence[Slot] = (Slot(0),)
        self.busy = self.most = 0
        self._two = threading.Barrier(2)

    def recover(self, folder: Path) -> None:
        pass

    def run(self, order: JobOrder, slot: Slot, around: Surroundings, listener: JobListener) -> JobEnd:
        (each,) = order.job.evaluations
        self.busy += 1
        self.most = max(self.most, self.busy)
        listener.report(Report(each.id))
        listener.vacant()
        time.sleep(0.1)  # in which more jobs than two could start
        self._two.wait(timeout=30)
        self.busy -= 1
        report = Report(each.id, ended=True, code="PML301", message="no run")
        listener.report(report)
        return JobEnd({each.id: report}, {}, ChildResult(0, (), around.folder))


class Slots(SweepObserver):
    """Whether the slot has a job, and how often that was so."""

    def __init__(self) -> None:
        self.jobs: list[int] = []

    def evaluating(self, *_: object) -> None:
        self.jobs.append(1)

    def idle(self, slot: Slot) -> None:
        self.jobs.append(-1)


def test_next_job_starts_while_files_of_the_last_are_on_their_way(tmp_path: Path) -> None:
    plan, launcher, observer = sweep_plan(tmp_path, ["a"], ["b"], ["c"], ["d"]), Bringing(), Slots()
    with Journal(tmp_path) as journal:
        scheduler = Scheduler(plan, ExecutorOptions(), journal, observer)
        scheduler.queue(())
        around = Surroundings(tmp_path, tmp_path, lambda _: (), NO_GUARDIAN, Interrupts())
        scheduler.run(launcher, around)
    assert launcher.most == 2, "the slot has one job, and the files of one more are on their way"
    assert sum(observer.jobs) == 0, "each job leaves its slot once"
    assert [each.code for each in read_results(tmp_path)] == ["PML301"] * 4


class Late(Bringing):
    """Says twice that the slot is free, the second time when another job has it."""

    def run(self, order: JobOrder, slot: Slot, around: Surroundings, listener: JobListener) -> JobEnd:
        end = super().run(order, slot, around, listener)
        listener.vacant()
        return end


def test_a_slot_is_given_to_one_job_only(tmp_path: Path) -> None:
    plan, launcher, observer = sweep_plan(tmp_path, *(["a"] for _ in range(6))), Late(), Slots()
    with Journal(tmp_path) as journal:
        scheduler = Scheduler(plan, ExecutorOptions(), journal, observer)
        scheduler.queue(())
        scheduler.run(launcher, Surroundings(tmp_path, tmp_path, lambda _: (), NO_GUARDIAN, Interrupts()))
    assert (launcher.most, sum(observer.jobs)) == (2, 0)
    assert len(list(read_results(tmp_path))) == 6
