"""One job on a worker, from its submission to its end."""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from distributed import Future, KilledWorker

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.processes.supervise import ChildResult, Ending
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.support.disk import path_below
from pmlaunch.sweeping.cells import Attempt, tie
from pmlaunch.sweeping.cluster import store
from pmlaunch.sweeping.cluster.connection import Connection, Event, WorkerLostError
from pmlaunch.sweeping.cluster.worker import RemoteEnd, RemoteJob
from pmlaunch.sweeping.job_file import Report
from pmlaunch.sweeping.job_run import JobEnd, JobListener, Surroundings, grace_of
from pmlaunch.sweeping.journal import JOBS, RUNS

_PERIOD = 0.25  # seconds between two looks at a job that reports nothing
_LOST = "-lost"


class Exchange(Protocol):
    """What brings files from workers and to them."""

    def bring(self, folder: Path, address: str, run: str) -> None:
        """Bring a packed run from a worker into the sweep's folder."""

    def forget(self, runs: Sequence[str]) -> None:
        """Remove runs from their workers, now or later."""

    def send(self, address: str, missing: Sequence[store.SentCheckpoint]) -> None:
        """Send checkpoints to a worker."""


class RemoteRun:
    """A job on a worker. Its reports are passed on once the run folder that they name has come."""

    def __init__(
        self,
        connection: Connection,
        exchange: Exchange,
        remote: RemoteJob,
        around: Surroundings,
        listener: JobListener,
    ) -> None:
        self._connection, self._exchange, self._remote = connection, exchange, remote
        self._around, self._listener = around, listener
        self._task = f"{remote.job.id}-{uuid.uuid4().hex}"
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._known, self._began = JobEnd(), False
        self._brought: list[str] = []

    def end(self) -> JobEnd | None:
        """Follow it to its end. None: it needs a checkpoint, which its worker has now. Raises PML452 to PML454."""
        future = self._connection.submit(self._task, self._remote, self._events.put, self._process_ended)
        try:
            if not self._follow(future):
                result = ChildResult(None, (), self._around.folder, Ending.INTERRUPTED)
                return replace(self._known, result=result)
            if future.status == "error":
                return self._failed(future.exception())
            if future.status != "finished":  # cancelled, because the connection was lost
                raise self._connection.unreachable()
            return self._finished(future.result())
        finally:
            self._connection.release(self._task, future)

    def _process_ended(self) -> None:
        """Called on a thread of Dask's, perhaps while a run is being brought."""
        if self._began:  # it was not sent back for want of a checkpoint
            self._listener.vacant()
        self._events.put(None)

    def _follow(self, future: Future[Any]) -> bool:
        """Wait for its end; pass on what it reports. Return False if it was stopped and did not end in time."""
        interrupts = self._around.interrupts
        asked, deadline = 0, float("inf")
        while not future.done():
            try:
                event = self._events.get(timeout=_PERIOD)
            except queue.Empty:
                event = None
            if event is not None:
                self._take(event)
            elif not self._began:
                self._connection.look()
            if interrupts.count > asked:
                asked = interrupts.count
                runs = self._connection.stop(self._task)
                deadline = min(deadline, time.monotonic() + (grace_of(self._remote.job).total if runs else 1.0))
            if time.monotonic() >= deadline:
                return False
        return True

    def _take(self, event: Event) -> None:
        self._began = True
        texts = {name: str(event[name]) for name in ("evaluation", "run", "code", "message")}
        report = Report(**texts, ended=event["ended"] is True)
        if report.ended:
            self._conclude(str(event["worker"]), report)
        else:
            self._known.cut_off[report.evaluation] = report.run
            self._listener.report(report)

    def _conclude(self, address: str, report: Report) -> None:
        if report.evaluation not in self._known.ended:
            try:
                self._bring(address, report.run)
            except WorkerLostError:  # the evaluation did not end for us
                self._known.cut_off.setdefault(report.evaluation, report.run)
                return
            self._known.cut_off.pop(report.evaluation, None)
            self._known.ended[report.evaluation] = report
            self._listener.report(report)

    def _bring(self, address: str, run: str) -> None:
        if run:
            self._exchange.bring(self._around.folder, address, run)
            self._brought.append(run)

    def _finished(self, found: RemoteEnd) -> JobEnd | None:
        if found.missing:
            with contextlib.suppress(WorkerLostError):  # another one takes the job
                self._exchange.send(found.worker, found.missing)
            return None
        for report in found.end.ended.values():
            self._conclude(found.worker, report)
        for run in found.end.cut_off.values():
            with contextlib.suppress(WorkerLostError):
                self._bring(found.worker, run)
        self._exchange.forget(self._brought)
        if found.error:
            raise PmlaunchError(found.error["code"], f"{found.worker}: {found.error['message']}")
        log = path_below(self._around.folder, f"{JOBS}/{self._remote.job.id}.log")
        if found.log:
            log.write_bytes(found.log)
        result = found.end.result and replace(found.end.result, log=log)
        lost = {**self._known.cut_off, **found.end.cut_off}
        named = self._noted(lost, f"The worker {found.worker} was lost before its run came here.")
        return JobEnd(self._known.ended, named, result)

    def _failed(self, error: BaseException | None) -> JobEnd:
        """A worker that was killed ends its job as a crash does. Any other error is one of the cluster."""
        if not isinstance(error, KilledWorker):
            raise PmlaunchError("PML454", f"A worker could not run a job: {type(error).__name__}: {error}")
        why = f"The worker {getattr(error.last_worker, 'address', '')} was lost."
        named = self._noted(self._known.cut_off, why)
        return replace(self._known, cut_off=named, result=ChildResult(None, (why,), self._around.folder))

    def _noted(self, runs: Mapping[str, str], why: str) -> dict[str, str]:
        """{evaluation: run} for runs that were cut off. One whose folder is lost gets a record under another name.

        The worker may still have it, or even finish it, and be found again.
        """
        named = {}
        for evaluation, run in runs.items():
            named[evaluation] = run if path_below(self._around.folder / RUNS, run).exists() else f"{run}{_LOST}"
            place = path_below(self._around.folder / RUNS, named[evaluation])
            if not place.exists():
                place.mkdir()
                tie(RunFolder(place), Attempt(evaluation, self._remote.attempts[evaluation]))
                finding = {"severity": "error", "code": "PML330", "message": why}
                RunFolder(place).write(
                    RECORD, {"state": RunState.ABNORMAL.value, "exit_code": 8, "findings": [finding]}
                )
        return named
