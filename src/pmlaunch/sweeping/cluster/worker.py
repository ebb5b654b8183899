"""One machine of a cluster: a Dask worker whose threads are slots for jobs, each in a process of its own.

The functions that a launcher calls here are at the end. They and their arguments travel as pickles, so launcher and
workers need the same version of pmlaunch.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from distributed import get_worker

from pmlaunch import __version__
from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.support.cache import content_key
from pmlaunch.support.disk import path_below, remove_tree
from pmlaunch.support.files import read_bytes
from pmlaunch.sweeping.cells import attempt_of
from pmlaunch.sweeping.cluster import store
from pmlaunch.sweeping.cluster.transfer import PIECE, pack, read_piece
from pmlaunch.sweeping.job_file import JobOrder, Report
from pmlaunch.sweeping.job_run import JobCommand, JobEnd, Surroundings, run_job
from pmlaunch.sweeping.journal import CONCLUDED, JOBS, RUNS
from pmlaunch.sweeping.model import Job
from pmlaunch.sweeping.slots import Ports, Slot

_PERIOD = 0.2  # seconds between two looks for jobs that nobody waits for
RESOURCE = f"pmlaunch-{__version__}"  # a slot; workers that are not ours, or of another version, have none


@dataclass(frozen=True)
class RemoteJob:
    """A job for a worker. `sweep` is the sweep's id, `checkpoints` what it needs from the store, by evaluation."""

    sweep: str
    job: Job
    attempts: Mapping[str, int]
    checkpoints: Mapping[str, store.SentCheckpoint]


@dataclass(frozen=True)
class RemoteEnd:
    """How a job ended on a worker. `missing` are checkpoints that it needs first; `log` is the job's, unless all is well."""

    worker: str
    end: JobEnd = field(default_factory=JobEnd)
    error: Mapping[str, str] | None = None
    missing: tuple[store.SentCheckpoint, ...] = ()
    log: bytes = b""


class Host:
    """What a worker runs jobs with. `root` has a folder for each sweep, and the store."""

    def __init__(self, root: Path, slots: Sequence[Slot], command: JobCommand, guardian: Guardian) -> None:
        self.root, self.slots, self.command, self.guardian = root, slots, command, guardian
        self.name = content_key(platform.node(), str(root))[:6]
        self.store = root / "checkpoints"
        self.active: dict[str, tuple[str, Interrupts]] = {}  # {task: (sweep, what stops its job)}
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in slots:
            self._free.put(slot)
        self._ports, self._lock = Ports(), threading.Lock()

    def folder(self, sweep: str) -> Path:
        """The folder of a sweep on this machine."""
        return path_below(self.root, f"sweeps/{sweep}")

    def run(self, task: str, remote: RemoteJob, say: Callable[[Report], None]) -> RemoteEnd:
        """Run a job to its end, and pack each run that ended before `say` gets its report."""
        needed = {each.key: each for each in remote.checkpoints.values()}
        missing = tuple(each for each in needed.values() if not each.place(self.store).is_dir())
        if missing:
            return RemoteEnd("", missing=missing)
        folder, slot = self.folder(remote.sweep), self._free.get()
        with self._lock:
            port = self._ports.take()
        interrupts = Interrupts()
        self.active[task] = remote.sweep, interrupts
        try:
            for each in (folder / RUNS, folder / JOBS):
                each.mkdir(parents=True, exist_ok=True)
            order = JobOrder(self._local(remote), remote.attempts, folder, port, os.getpid())
            around = Surroundings(folder, Path.cwd(), self.command, self.guardian, interrupts)
            end = self._run(order, slot, around, say)
            named = {key: self._packed(folder, Report(key, run, ended=True)).run for key, run in end.cut_off.items()}
            ended = {key: self._packed(folder, each) for key, each in end.ended.items()}
            error = {"code": end.error.code, "message": end.error.message} if end.error else None
            result = end.result and replace(end.result, log=Path())  # a path of this machine
            return RemoteEnd("", JobEnd(ended, named, result), error, (), _log(folder / JOBS, order.job.id))
        finally:
            del self.active[task]
            with self._lock:
                self._ports.lent.discard(port)
            self._free.put(slot)

    def stop(self, task: str) -> bool:
        """Stop a job as Ctrl+C would. Return whether it runs here."""
        found = self.active.get(task)
        if found is not None:
            found[1].count += 1
        return found is not None

    def watch(self, worker: Any, asked: Interrupts) -> None:
        """Stop jobs that nobody waits for any more: launcher, scheduler or this worker are about to be gone."""
        for task, (_, interrupts) in list(self.active.items()):
            state = worker.state.tasks.get(task)
            gone = worker.status.name not in ("running", "paused") or state is None or state.state != "executing"
            if (gone or asked.count) and not interrupts.count:
                interrupts.count = 1

    def uncollected(self, sweep: str) -> list[str]:
        """Runs of a sweep that ended here and that no launcher took, among them those of a worker that was killed."""
        folder = self.folder(sweep)
        for path in (folder / RUNS).glob("*"):
            run = RunFolder(path)
            if attempt_of(run) is not None and (run.read(RECORD) or {}).get("state") in CONCLUDED:
                self._packed(folder, Report(run=path.name, ended=True))
        return sorted(path.stem for path in folder.glob("*.zip"))

    def archive(self, sweep: str, run: str) -> Path:
        """The packed run folder that the launcher calls `run`."""
        return path_below(self.folder(sweep), f"{run}.zip")

    def forget(self, sweep: str, runs: Sequence[str]) -> None:
        """Remove those runs of this machine that the launcher has."""
        folder = self.folder(sweep)
        for run in (each for each in runs if each.endswith(f"-{self.name}")):
            path_below(folder, f"{run}.zip").unlink(missing_ok=True)
            remove_tree(path_below(folder, f"{RUNS}/{run.removesuffix(f'-{self.name}')}"))

    def _run(self, order: JobOrder, slot: Slot, around: Surroundings, say: Callable[[Report], None]) -> JobEnd:
        """Do what `run_job` does. Packing runs takes time, and the thread that reads the job's output has none."""
        reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()

        def tell() -> None:
            for report in iter(reports.get, None):
                with contextlib.suppress(OSError):  # tried again at the end of the job
                    say(self._packed(around.folder, report))

        teller = threading.Thread(target=tell)
        teller.start()
        try:
            return run_job(order, slot, around, reports.put)
        finally:
            reports.put(None)
            teller.join()

    def _local(self, remote: RemoteJob) -> Job:
        """The job with the checkpoints of this machine."""
        places = {key: sent.place(self.store) / sent.name for key, sent in remote.checkpoints.items()}
        evaluations = (
            replace(each, request=store.with_stored(each.request, places[each.id])) if each.id in places else each
            for each in remote.job.evaluations
        )
        return replace(remote.job, evaluations=tuple(evaluations))

    def _packed(self, folder: Path, report: Report) -> Report:
        """The report with the name under which the launcher gets the run, packed if it has ended."""
        name = self._archived(report.run)
        if report.ended and name and not (folder / f"{name}.zip").exists():
            pack(folder / RUNS / report.run, folder / f"{name}.zip")
        return replace(report, run=name)

    def _archived(self, run: str) -> str:
        """A name that no other machine gives: runs of one second may have the same."""
        return f"{run}-{self.name}" if run else ""


def _log(jobs: Path, job: str) -> bytes:
    """The log that a job left because it did not end well; of a long one, the end."""
    try:
        path = jobs / f"{job}.log"
        return read_bytes(path, PIECE, max(0, path.stat().st_size - PIECE))
    except OSError:
        return b""


# What a launcher calls. Those with `dask_worker` answer at once; `run_on_worker` is the task.


def run_on_worker(remote: RemoteJob) -> RemoteEnd:
    """Run a job in one of the worker's slots."""
    worker = get_worker()
    task = str(worker.get_current_task())
    host: Host = worker.sweep_host

    def say(report: Report) -> None:
        worker.log_event(remote.sweep, {"task": task, "worker": worker.address, **vars(report)})

    try:
        return replace(host.run(task, remote, say), worker=worker.address)
    except (PmlaunchError, OSError) as error:
        code = error.code if isinstance(error, PmlaunchError) else "PML454"
        return RemoteEnd(worker.address, error={"code": code, "message": str(error)})


def describe_worker(dask_worker: Any) -> tuple[str, int]:
    """(version of pmlaunch, slots) of a worker; version "" of one that pmlaunch did not start."""
    host = getattr(dask_worker, "sweep_host", None)
    return (__version__, len(host.slots)) if isinstance(host, Host) else ("", 0)


def stop_job(task: str, dask_worker: Any) -> bool:
    """`Host.stop`."""
    return isinstance(host := getattr(dask_worker, "sweep_host", None), Host) and host.stop(task)


async def find_runs(sweep: str, dask_worker: Any) -> tuple[bool, list[str]]:
    """(whether jobs of a sweep are still running here, `Host.uncollected`)."""
    host: Host = dask_worker.sweep_host
    running = any(each == sweep for each, _ in list(host.active.values()))
    return running, await asyncio.to_thread(host.uncollected, sweep)  # packing would block Dask's event loop


def read_run(sweep: str, run: str, offset: int, dask_worker: Any) -> tuple[int, bytes]:
    """A piece of a packed run folder, and its size; a negative size and what is wrong if it cannot be read."""
    host: Host = dask_worker.sweep_host
    try:
        return read_piece(host.archive(sweep, run), offset)
    except OSError as error:
        return -1, str(error).encode()


def forget_runs(sweep: str, runs: Sequence[str], dask_worker: Any) -> None:
    """`Host.forget`."""
    host: Host = dask_worker.sweep_host
    host.forget(sweep, runs)


def has_checkpoint(sent: store.SentCheckpoint, dask_worker: Any) -> bool:
    """Whether a checkpoint is in the store."""
    return sent.place(dask_worker.sweep_host.store).is_dir()


def receive_piece(sent: store.SentCheckpoint, name: str, offset: int, content: bytes, dask_worker: Any) -> str:
    """`store.receive`; return why it could not be written."""
    try:
        store.receive(dask_worker.sweep_host.store, sent, name, offset, content)
    except (PmlaunchError, OSError) as error:
        return str(error)
    return ""


async def accept_checkpoint(sent: store.SentCheckpoint, dask_worker: Any) -> str:
    """`store.accept`; return why the checkpoint was not accepted."""
    try:
        await asyncio.to_thread(store.accept, dask_worker.sweep_host.store, sent)  # hashing, too
    except (PmlaunchError, OSError) as error:
        return str(error)
    return ""
