"""Run the jobs of a sweep on the workers of a Dask cluster, and bring their run folders here.

The scheduler only places jobs: it repeats none, and nothing that it knows is needed after it or this process is gone.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import dask.config

dask.config.set({"logging": {"distributed": "critical"}})  # before the import: what fails is reported here

from distributed import Client, Future, KilledWorker, Security  # noqa: E402

from pmlaunch import __version__  # noqa: E402
from pmlaunch.errors import PmlaunchError  # noqa: E402
from pmlaunch.model import RunState  # noqa: E402
from pmlaunch.processes.interrupts import Interrupts  # noqa: E402
from pmlaunch.processes.supervise import ChildResult, Ending  # noqa: E402
from pmlaunch.running.run_folder import RECORD, RunFolder  # noqa: E402
from pmlaunch.settings import Settings  # noqa: E402
from pmlaunch.support.atomic import write_text  # noqa: E402
from pmlaunch.support.disk import path_below  # noqa: E402
from pmlaunch.support.json import dumps, read_mapping  # noqa: E402
from pmlaunch.sweeping.cells import Attempt, tie  # noqa: E402
from pmlaunch.sweeping.cluster import store, worker  # noqa: E402
from pmlaunch.sweeping.cluster.address import SECONDS, TlsOptions, require_protected  # noqa: E402
from pmlaunch.sweeping.cluster.transfer import PIECE, unpack  # noqa: E402
from pmlaunch.sweeping.job_file import JobOrder, Report  # noqa: E402
from pmlaunch.sweeping.job_run import JobEnd, Surroundings, grace_of  # noqa: E402
from pmlaunch.sweeping.journal import RUNS  # noqa: E402
from pmlaunch.sweeping.slots import Slot  # noqa: E402

T = TypeVar("T")
_FILE = "cluster.json"  # the sweep's id, by which workers know its runs
_PERIOD = 0.25  # seconds between two looks at a job that reports nothing
_LARGEST = 16 << 30  # bytes of an archive


class ClusterLauncher(AbstractContextManager["ClusterLauncher"]):
    """A connection to the cluster; `slots` are those of its workers when it was made.

    Raises PML451 if a part of the cluster is not protected, PML452 if no scheduler answers, PML453 if no worker fits.
    """

    def __init__(self, address: str, tls: TlsOptions) -> None:
        self._tls, self._sweep = tls, ""
        security = Security(**tls.arguments("client")) if tls.tls_ca else None
        try:
            self.client = Client(address, security=security, timeout=SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise _unreachable(address) from error
        self._lock = threading.Lock()  # for what is done once, such as sending a checkpoint
        self._heard: dict[str, queue.SimpleQueue[Mapping[str, Any] | None]] = {}
        self._checkpoints: dict[Path, tuple[store.SentCheckpoint, Mapping[str, Path]]] = {}
        self._found: dict[tuple[str, str | None], Path | None] = {}
        self._looked = 0.0
        try:
            require_protected(str(self.client.scheduler.address), tls)
            require_protected(str(self._call(lambda: self.client.scheduler_info(n_workers=0))["address"]), tls)
            self._call(lambda: self.client.run_on_scheduler(_no_retries()))
            self.slots = tuple(Slot(number) for number in range(self._fitting(time.monotonic() + SECONDS)))
        except BaseException:
            self.client.close(timeout=1)
            raise

    def __exit__(self, *_: object) -> None:
        self.client.close(timeout=5)

    def recover(self, folder: Path) -> None:
        """Bring the runs of this sweep that ended when no launcher was there. Jobs of an earlier launcher end first."""
        self._sweep = str(read_mapping(folder / _FILE).get("id") or "")
        if not self._sweep:
            self._sweep = uuid.uuid4().hex
            write_text(folder / _FILE, dumps({"schema": 1, "id": self._sweep}))
        while True:
            found = {name: each for name, each in self._all(worker.find_runs, self._sweep).items() if each}
            for address, (_, runs) in found.items():
                for run in runs:
                    self._fetch(folder, address, run)
                self._all(worker.forget_runs, self._sweep, runs, workers=[address])
            if not any(running for running, _ in found.values()):
                break
            time.sleep(_PERIOD)
        self.client.subscribe_topic(self._sweep, self._take)

    def run(self, order: JobOrder, _slot: Slot, around: Surroundings, hear: Callable[[Report], None]) -> JobEnd:
        """Run a job on any worker, to its end. Called on the thread of its slot."""
        try:
            checkpoints = self._checkpoints_of(order, around.cwd)
            remote = worker.RemoteJob(self._sweep, order.job, order.attempts, checkpoints)
            while True:
                followed = _Followed(self, remote, around, hear)
                end = followed.end()
                if end is not None:
                    return end
        except PmlaunchError as error:
            return JobEnd(error=error)
        except OSError as error:
            return JobEnd(error=PmlaunchError("PML454", f"A run could not be stored in {around.folder}: {error}."))

    def submit(self, task: str, remote: worker.RemoteJob, heard: queue.SimpleQueue[Mapping[str, Any] | None]) -> Future:
        """Hand a job to the scheduler. What it reports is put into `heard`, and None at its end."""
        self._heard[task] = heard
        future = self.client.submit(
            worker.run_on_worker, remote, key=task, resources={worker.RESOURCE: 1}, retries=0, pure=False
        )
        future.add_done_callback(lambda _: heard.put(None))
        return future

    def stop(self, task: str) -> bool:
        """Stop a job politely. Return whether a worker runs it."""
        return any(found is True for found in self._all(worker.stop_job, task).values())

    def look(self) -> None:
        """Raise PML452 if the scheduler is gone, PML453 if no worker fits any more. Called while a job waits."""
        if self.client.status != "running":
            raise _unreachable(str(self.client.scheduler and self.client.scheduler.address))
        with self._lock:
            if time.monotonic() - self._looked >= SECONDS / 4:
                self._fitting(time.monotonic() + SECONDS / 2)
                self._looked = time.monotonic()

    def bring(self, folder: Path, address: str, runs: Sequence[str]) -> None:
        """Bring packed runs from a worker into `folder`, then remove them there."""
        for run in runs:
            self._fetch(folder, address, run)

    def forget(self, address: str, runs: Sequence[str]) -> None:
        """Remove runs from a worker."""
        if runs:
            self._all(worker.forget_runs, self._sweep, list(runs), workers=[address])

    def send(self, address: str, missing: Sequence[store.SentCheckpoint]) -> None:
        """Send checkpoints to a worker that lacks them."""
        for sent in missing:
            _, paths = next(each for each in self._checkpoints.values() if each[0].key == sent.key)
            for name, path in paths.items():
                with path.open("rb") as file:
                    for offset in itertools.count(0, PIECE):
                        content = file.read(PIECE)
                        if content or not offset:
                            self._one(address, worker.receive_piece, sent, name, offset, content)
                        if len(content) < PIECE:
                            break
            why = self._one(address, worker.accept_checkpoint, sent)
            if why:
                raise PmlaunchError("PML454", f"{address} did not store {sent.name}: {why}", subject=sent.name)

    def _checkpoints_of(self, order: JobOrder, cwd: Path) -> dict[str, store.SentCheckpoint]:
        settings, found = replace(Settings.here(), folder=cwd), {}
        with self._lock:
            for each in order.job.evaluations:
                key = each.request.model, each.request.checkpoint
                if key not in self._found:
                    self._found[key] = store.checkpoint_of(each.request, settings)
                path = self._found[key]
                if path is not None:
                    if path not in self._checkpoints:
                        self._checkpoints[path] = store.describe(path)
                    found[each.id] = self._checkpoints[path][0]
        return found

    def _fetch(self, folder: Path, address: str, run: str) -> None:
        place = path_below(folder / RUNS, run)
        if place.exists():
            return
        archive = path_below(folder / "jobs", f"{run}.zip")
        try:
            with archive.open("wb") as file:
                size = 1
                while file.tell() < size:
                    size, content = self._one(address, worker.read_run, self._sweep, run, file.tell())
                    if not content or size > _LARGEST:
                        raise PmlaunchError("PML454", f"{address} sent no run folder {run} of a possible size.")
                    file.write(content)
            unpack(archive, place)
        finally:
            archive.unlink(missing_ok=True)

    def _take(self, event: tuple[float, Mapping[str, Any]]) -> None:
        found = self._heard.get(str(event[1].get("task")))
        if found is not None:
            found.put(event[1])

    def _fitting(self, deadline: float) -> int:
        """The slots of all fitting workers; waits for the first until `deadline`. Raises PML451 and PML453."""
        while True:
            found = self._all(worker.describe_worker)
            fitting = {name: each[1] for name, each in found.items() if each and each[0] == __version__}
            for address in fitting:
                require_protected(address, self._tls)
            if fitting:
                return sum(fitting.values())
            if time.monotonic() >= deadline:
                others = f"; {len(found)} others run another version or were not started by pmlaunch" if found else ""
                message = f"The cluster has no worker that could run a job (pmlaunch {__version__}){others}."
                raise PmlaunchError("PML453", message, hint="pmlaunch worker ADDRESS --gpus 0,1, on each machine")
            time.sleep(_PERIOD)

    def _all(self, function: Callable[..., object], *values: object, **where: Any) -> Mapping[str, Any]:
        """{worker: what `function` returned there}; None where it failed."""
        found: Mapping[str, Any] = self._call(lambda: self.client.run(function, *values, on_error="return", **where))
        return {name: None if isinstance(each, BaseException) else each for name, each in found.items()}

    def _one(self, address: str, function: Callable[..., object], *values: object) -> Any:
        return self._call(lambda: self.client.run(function, *values, workers=[address]))[address]

    def _call(self, what: Callable[[], T]) -> T:
        try:
            return what()
        except PmlaunchError:
            raise
        except Exception as error:  # what distributed raises for a lost connection is not one class
            raise _unreachable(str(self.client.scheduler and self.client.scheduler.address), error) from error


class _Followed:
    """A job from its submission to its end."""

    def __init__(
        self,
        launcher: ClusterLauncher,
        remote: worker.RemoteJob,
        around: Surroundings,
        hear: Callable[[Report], None],
    ) -> None:
        self._launcher, self._remote, self._around, self._hear = launcher, remote, around, hear
        self._task = f"{remote.job.id}-{uuid.uuid4().hex}"
        self._events: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._known, self._began = JobEnd(), False
        self._brought: dict[str, list[str]] = {}  # runs by worker

    def end(self) -> JobEnd | None:
        """Follow it to its end. None: it needs a checkpoint, which its worker has now."""
        future = self._launcher.submit(self._task, self._remote, self._events)
        try:
            stopped = self._follow(future)
            if stopped is not None:
                return stopped
            if future.status == "error":
                return self._failed(future.exception())
            if future.status != "finished":
                self._launcher.look()
                raise _unreachable("the scheduler")
            return self._finished(future.result())
        finally:
            self._launcher._heard.pop(self._task, None)
            future.cancel()

    def _follow(self, future: Future) -> JobEnd | None:
        interrupts: Interrupts = self._around.interrupts
        asked, deadline = 0, float("inf")
        while not future.done():
            try:
                event = self._events.get(timeout=_PERIOD)
            except queue.Empty:
                event = None
            if event is not None:
                self._take(event)
            if interrupts.count > asked:
                asked = interrupts.count
                deadline = min(deadline, time.monotonic() + grace_of(self._remote.job).total)
                if not self._launcher.stop(self._task):
                    deadline = min(deadline, time.monotonic() + 1)
            if time.monotonic() >= deadline:
                result = ChildResult(None, [], self._around.folder, Ending.INTERRUPTED, 0.0)
                return replace(self._known, result=result)
            if event is None and not self._began:
                self._launcher.look()
        return None

    def _take(self, event: Mapping[str, Any]) -> None:
        self._began = True
        report = Report(
            str(event["evaluation"]), str(event["run"]), event["ended"] is True, str(event["code"]), str(event["message"])
        )
        if report.ended:
            self._conclude(str(event["worker"]), report)
        else:
            self._known.cut_off[report.evaluation] = report.run
            self._hear(report)

    def _conclude(self, address: str, report: Report) -> None:
        if report.evaluation in self._known.ended:
            return
        self._bring(address, report.run)
        self._known.cut_off.pop(report.evaluation, None)
        self._known.ended[report.evaluation] = report
        self._hear(report)

    def _bring(self, address: str, run: str) -> None:
        if run:
            self._launcher.bring(self._around.folder, address, [run])
            self._brought.setdefault(address, []).append(run)

    def _finished(self, found: worker.RemoteEnd) -> JobEnd | None:
        if found.missing:
            self._launcher.send(found.worker, found.missing)
            return None
        for report in found.end.ended.values():
            self._conclude(found.worker, report)
        for run in found.end.cut_off.values():
            self._bring(found.worker, run)
        self._launcher.forget(found.worker, self._brought.get(found.worker, []))
        if found.error:
            raise PmlaunchError(str(found.error["code"]), f"{found.worker}: {found.error['message']}")
        log = self._around.folder / "jobs" / f"{self._remote.job.id}.log"
        if found.log:
            log.write_bytes(found.log)
        result = found.end.result and replace(found.end.result, log=log)
        return JobEnd(self._known.ended, found.end.cut_off, result)

    def _failed(self, error: BaseException | None) -> JobEnd:
        """A worker that was killed ends its job as a crash does. Any other error is one of the cluster."""
        if not isinstance(error, KilledWorker):
            raise PmlaunchError("PML454", f"A worker could not run a job: {type(error).__name__}: {error}")
        why = f"The worker {getattr(error.last_worker, 'address', '')} was lost."
        finding = {"severity": "error", "code": "PML330", "message": why}
        for evaluation, run in self._known.cut_off.items():
            place = path_below(self._around.folder / RUNS, run)
            place.mkdir(exist_ok=True)
            tie(RunFolder(place), Attempt(evaluation, self._remote.attempts[evaluation]))
            RunFolder(place).write(RECORD, {"state": RunState.ABNORMAL.value, "exit_code": 8, "findings": [finding]})
        result = ChildResult(None, [why], self._around.folder, Ending.EXITED, 0.0)
        return replace(self._known, result=result)


def _no_retries() -> Callable[..., None]:
    """A function for the scheduler, which may lack pmlaunch: a local function travels with its code."""

    def set_allowed_failures(dask_scheduler: Any) -> None:
        dask_scheduler.allowed_failures = 0

    return set_allowed_failures


def _unreachable(address: str, why: object = None) -> PmlaunchError:
    message = f"The scheduler at {address} does not answer{f': {why}' if why else ''}."
    return PmlaunchError("PML452", message, hint="start it, then repeat the command; no result is lost", subject=address)


logging.getLogger("distributed").setLevel(logging.CRITICAL)
