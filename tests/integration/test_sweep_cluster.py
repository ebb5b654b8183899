"""Sweeps on a Dask cluster on this machine: a scheduler and workers as processes, with a stand-in for the job program."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from pmlaunch.errors import PmlaunchError
from pmlaunch.sweeping.executor import SweepOutcome, run_sweep
from pmlaunch.sweeping.journal import read_results
from pmlaunch.sweeping.model import SweepPlan
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions
from started import wait_for
from sweep_jobs import DIARY, sweep_plan

TESTS = Path(__file__).parents[1]
SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def serve():
    async with Scheduler(host="127.0.0.1", port=int(sys.argv[1]), dashboard=False) as scheduler:
        await scheduler.finished()
asyncio.run(serve())
"""


class Cluster:
    """A scheduler on a port of its own, and workers."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.folder, self.processes = folder, []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"process{len(self.processes)}").open("wb") as log:
            process = subprocess.Popen([sys.executable, *words], stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        process = self.start("-c", SCHEDULER, str(self.port))
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, "the scheduler")
        return process

    def worker(self, name: str, gpus: str = "0,1") -> subprocess.Popen[bytes]:
        log = self.folder / f"process{len(self.processes)}"
        process = self.start(str(TESTS / "cluster_worker.py"), self.address, str(self.folder / name), gpus)
        wait_for(lambda: b"ready" in log.read_bytes(), "the worker")
        return process

    def diary(self) -> Counter[str]:
        """How often each evaluation came to its end, on any worker."""
        lines = [line for path in self.folder.glob(f"*/sweeps/*/{DIARY}") for line in path.read_text().splitlines()]
        return Counter(line.split()[0] for line in lines)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


def sweep(plan: SweepPlan, cluster: Cluster, observer: SweepObserver | None = None) -> SweepOutcome:
    return run_sweep(plan, ExecutorOptions(cluster=cluster.address), observer or SweepObserver())


def counts(outcome: SweepOutcome) -> tuple[int, int, int, int]:
    found = outcome.summary
    return found.done, found.failed, found.abnormal, found.waiting


def test_jobs_run_on_workers_and_their_runs_come_here(tmp_path: Path, cluster: Cluster) -> None:
    cluster.scheduler()
    cluster.worker("one")
    folder = tmp_path / "sweep"
    plan = sweep_plan(folder, ["done", "done"], ["failed"], ["crash"], ["crash:done"])
    outcome = sweep(plan, cluster)
    assert counts(outcome) == (3, 1, 1, 0)
    assert cluster.diary() == {f"{number:012x}": 1 for number in (0, 1, 2, 4)}
    for result in read_results(folder):
        assert (folder / "runs" / result.run / "record.json").is_file()
    assert not list(tmp_path.glob("one/sweeps/*/runs/*")), "runs that the launcher has"
    assert counts(sweep(plan, cluster)) == (3, 1, 1, 0)
