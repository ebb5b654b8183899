"""Dask clusters on this machine: a scheduler and workers as processes, with a stand-in for the job program."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pmlaunch.sweeping.cluster.address import TlsOptions
from pmlaunch.sweeping.executor import SweepOutcome, run_sweep
from pmlaunch.sweeping.model import SweepPlan
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions
from started import wait_for
from sweep_jobs import DIARY
from wine import mend_clock_of_dask

mend_clock_of_dask()
TESTS = Path(__file__).parents[1]


class Cluster(AbstractContextManager["Cluster"]):
    """A scheduler on a port of its own, and workers. `tls` has the certificate that all of them show."""

    def __init__(self, folder: Path, tls: TlsOptions | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.tls = tls or TlsOptions()
        self.address = f"{'tls' if tls else 'tcp'}://127.0.0.1:{self.port}"
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with self.log(len(self.processes)).open("wb") as log:
            process = subprocess.Popen([sys.executable, *words], stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def log(self, number: int) -> Path:
        """What the process of that number printed."""
        return self.folder / f"process{number}"

    def scheduler(self, host: str = "127.0.0.1") -> subprocess.Popen[bytes]:
        words = [str(TESTS / "cluster_scheduler.py"), str(self.port), host]
        process = self.start(*words, *certificates(self.tls))
        wait_for(self.answers, "the scheduler")
        return process

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def worker(self, name: str, gpus: str = "0,1") -> subprocess.Popen[bytes]:
        log = self.log(len(self.processes))
        words = [str(TESTS / "cluster_worker.py"), self.address, str(self.folder / name), gpus]
        process = self.start(*words, *certificates(self.tls))
        wait_for(lambda: b"ready" in log.read_bytes(), "the worker")
        return process

    def diary(self) -> Counter[str]:
        """How often each evaluation came to its end, on any worker."""
        lines = [line for path in self.folder.glob(f"*/sweeps/*/{DIARY}") for line in path.read_text().splitlines()]
        return Counter(line.split()[0] for line in lines)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as made:
        yield made


def certificates(tls: TlsOptions) -> list[str]:
    """The files of CA, certificate and key, if there are any."""
    return [file for file in (tls.tls_ca, tls.tls_cert, tls.tls_key) if file]


def sweep(plan: SweepPlan, cluster: Cluster, observer: SweepObserver | None = None) -> SweepOutcome:
    """Run a plan on a cluster, with its certificate."""
    options = ExecutorOptions(cluster=cluster.address, **vars(cluster.tls))
    return run_sweep(plan, options, observer or SweepObserver())


def counts(outcome: SweepOutcome) -> tuple[int, int, int, int]:
    """How many evaluations are done, failed, ended abnormally, and wait."""
    found = outcome.summary
    return found.done, found.failed, found.abnormal, found.waiting
