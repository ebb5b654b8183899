"""Run the jobs of a sweep on the workers of a cluster, and bring their run folders here."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.settings import Settings
from pmlaunch.support.atomic import write_text
from pmlaunch.support.cache import content_key
from pmlaunch.support.disk import path_below
from pmlaunch.support.json import dumps, read_mapping
from pmlaunch.sweeping.cluster import store, worker
from pmlaunch.sweeping.cluster.address import TlsOptions
from pmlaunch.sweeping.cluster.connection import Connection, WorkerLostError
from pmlaunch.sweeping.cluster.remote_run import RemoteRun
from pmlaunch.sweeping.cluster.transfer import PIECE, unpack
from pmlaunch.sweeping.job_file import JobOrder
from pmlaunch.sweeping.job_run import JobEnd, JobListener, Surroundings
from pmlaunch.sweeping.journal import JOBS, RUNS
from pmlaunch.sweeping.slots import Slot

_FILE = "cluster.json"  # the sweep's id, by which workers know its runs
_PERIOD = 0.25  # seconds between two looks for jobs of an earlier launcher
_AT_A_TIME = 20  # runs removed from a worker
_LARGEST = 16 << 30  # bytes of an archive


class ClusterLauncher(AbstractContextManager["ClusterLauncher"]):
    """Runs jobs on a cluster. Raises PML451 to PML453 as `Connection` does."""

    def __init__(self, address: str, tls: TlsOptions) -> None:
        self._connection = Connection(address, tls)
        self.slots: Sequence[Slot] = tuple(map(Slot, range(self._connection.slots)))
        self._sweep = ""
        self._lock = threading.Lock()
        self._brought: list[str] = []  # runs that workers still have
        self._checkpoints: dict[tuple[str, str | None], tuple[store.SentCheckpoint, Mapping[str, Path]] | None] = {}

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(PmlaunchError):  # they are found the next time
            self.forget((), 1)
        self._connection.__exit__(*error)

    def recover(self, folder: Path) -> None:
        """Bring the runs of this sweep that ended when no launcher was there. Jobs of an earlier launcher end first."""
        self._sweep = str(read_mapping(folder / _FILE).get("id") or "")
        if not self._sweep:
            self._sweep = uuid.uuid4().hex
            write_text(folder / _FILE, dumps({"schema": 1, "id": self._sweep}))
        running = True
        while running:
            found = {
                name: each for name, each in self._connection.ask_all(worker.find_runs, self._sweep).items() if each
            }
            for address, (_, runs) in found.items():
                with contextlib.suppress(WorkerLostError):  # its jobs run again
                    for run in runs:
                        self.bring(folder, address, run)
                self.forget(runs, 1)
            running = any(each for each, _ in found.values())
            time.sleep(_PERIOD if running else 0)
        self._connection.subscribe(self._sweep)

    def run(
        self,
        order: JobOrder,
        slot: Slot,  # noqa: ARG002 (a worker chooses its own)
        around: Surroundings,
        listener: JobListener,
    ) -> JobEnd:
        """Run a job on any worker, to its end. Its slot is free when its process has ended, before its runs are here."""
        try:
            remote = worker.RemoteJob(self._sweep, order.job, order.attempts, self._needed(order, around.cwd))
            end = None
            while end is None:  # until its worker has the checkpoints
                end = RemoteRun(self._connection, self, remote, around, listener).end()
        except PmlaunchError as error:
            return JobEnd(error=error)
        except OSError as error:
            return JobEnd(error=PmlaunchError("PML454", f"Cannot store a run in {around.folder}: {error}."))
        return end

    def bring(self, folder: Path, address: str, run: str) -> None:
        """Bring a packed run from a worker into the sweep's folder, unless it is there. Raises PML143, PML452, PML454."""
        place = path_below(folder / RUNS, run)
        if place.exists():
            return
        archive = folder / JOBS / f"{content_key(address, run)[:12]}.zip"  # short: Windows limits paths
        try:
            with archive.open("wb") as file:
                size = 1
                while file.tell() < size:
                    size, content = self._connection.ask(address, worker.read_run, self._sweep, run, file.tell())
                    if not content or not 0 < size <= _LARGEST:
                        why = content.decode(errors="replace") if size < 0 else f"{size} bytes"
                        raise PmlaunchError("PML454", f"{address} sent no run folder {run}: {why}.", subject=run)
                    file.write(content)
            unpack(archive, place)
        finally:
            archive.unlink(missing_ok=True)

    def forget(self, runs: Sequence[str], at_least: int = _AT_A_TIME) -> None:
        """Remove runs from their workers once there are `at_least` so many."""
        with self._lock:
            self._brought.extend(runs)
            forgotten, self._brought = (self._brought, []) if len(self._brought) >= at_least else ([], self._brought)
        if forgotten:
            self._connection.ask_all(worker.forget_runs, self._sweep, forgotten)

    def send(self, address: str, missing: Sequence[store.SentCheckpoint]) -> None:
        """Send checkpoints to a worker, unless it has them by now. Raises PML452 and PML454."""
        with self._lock:
            for sent in missing:
                if not self._connection.ask(address, worker.has_checkpoint, sent):
                    self._send(address, sent)

    def _send(self, address: str, sent: store.SentCheckpoint) -> None:
        paths = next(each[1] for each in self._checkpoints.values() if each and each[0].key == sent.key)
        why = ""
        for name, path in paths.items():
            with path.open("rb") as file:
                for offset in itertools.count(0, PIECE):
                    content = file.read(PIECE)
                    if content or not offset:
                        why = why or self._connection.ask(address, worker.receive_piece, sent, name, offset, content)
                    if len(content) < PIECE or why:
                        break
        why = why or self._connection.ask(address, worker.accept_checkpoint, sent)
        if why:
            raise PmlaunchError("PML454", f"{address} did not store {sent.name}: {why}", subject=sent.name)

    def _needed(self, order: JobOrder, cwd: Path) -> dict[str, store.SentCheckpoint]:
        """What the evaluations of a job need from a worker's store. A job's evaluations may have different checkpoints."""
        settings, needed = replace(Settings.here(), folder=cwd), {}
        with self._lock:
            for each in order.job.evaluations:
                key = each.request.model, each.request.checkpoint
                if key not in self._checkpoints:
                    path = store.checkpoint_of(each.request, settings)
                    self._checkpoints[key] = store.describe(path) if path else None
                found = self._checkpoints[key]
                if found is not None:
                    needed[each.id] = found[0]
        return needed
