"""Sweeps on a Dask cluster on this machine: a scheduler and workers as processes, with a stand-in for the job program."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from clusters import TESTS, Cluster, counts, sweep

pytest.importorskip("distributed")

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.sweeping.cluster import connection, worker
from pmlaunch.sweeping.cluster.address import TlsOptions
from pmlaunch.sweeping.cluster.launcher import ClusterLauncher
from pmlaunch.sweeping.cluster.serve import make_host, serve_forever
from pmlaunch.sweeping.job_file import Report
from pmlaunch.sweeping.job_run import JobEnd
from pmlaunch.sweeping.journal import read_results
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import Slot
from started import wait_for
from sweep_jobs import sweep_plan

FOREIGN = """
import asyncio, sys
from distributed import Worker
sys.path.insert(0, sys.argv[2])
from wine import mend_clock_of_dask
mend_clock_of_dask()
async def serve():
    async with Worker(sys.argv[1], host="127.0.0.1", resources={"GPU": 1}) as worker:
        print("ready", flush=True)
        await worker.finished()
asyncio.run(serve())
"""
LAUNCHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pmlaunch.sweeping.executor import run_sweep
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions
from sweep_jobs import sweep_plan
from user_folders import follow_environment
from wine import mend_clock_of_dask
follow_environment()
mend_clock_of_dask()
plan = sweep_plan(Path(sys.argv[3]), ["done", "done 1"], ["done"])
run_sweep(plan, ExecutorOptions(cluster=sys.argv[2]), SweepObserver())
"""


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


class Second(SweepObserver):
    """Calls `then` when the second evaluation has begun."""

    def __init__(self, then: Callable[[], object]) -> None:
        self.then, self.begun = then, 0

    def evaluating(self, *_: object) -> None:
        self.begun += 1
        if self.begun == 2:
            self.then()


def test_slot_takes_a_job_while_the_run_of_the_last_one_is_brought(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.scheduler()
    cluster.worker("one", "0")
    begun, bring = threading.Event(), ClusterLauncher.bring

    def bring_later(*words: Any) -> None:
        assert begun.wait(60), "the next job has not begun"
        bring(*words)

    monkeypatch.setattr(ClusterLauncher, "bring", bring_later)
    assert counts(sweep(sweep_plan(tmp_path / "sweep", ["done"], ["done"]), cluster, Second(begun.set))) == (2, 0, 0, 0)


def test_killed_worker_ends_its_jobs_as_a_crash_does(tmp_path: Path, cluster: Cluster) -> None:
    cluster.scheduler()
    first = cluster.worker("one", "0")

    def kill() -> None:
        cluster.worker("two", "1")  # whose start may take longer than a sweep waits for a worker
        first.kill()

    plan = sweep_plan(tmp_path / "sweep", ["done", "done 60:done"], ["done"])
    outcome = sweep(plan, cluster, Second(kill))
    assert counts(outcome) == (3, 0, 0, 0)
    found = sorted({(int(each.evaluation), each.attempt, each.state, each.code) for each in read_results(plan.folder)})
    assert found == [(0, 1, "done", None), (1, 1, "abnormal", "PML330"), (1, 2, "done", None), (2, 1, "done", None)]
    assert set(cluster.diary().values()) == {1}


def test_sweep_continues_after_the_scheduler_was_killed(tmp_path: Path, cluster: Cluster) -> None:
    scheduler = cluster.scheduler()
    cluster.worker("one", "0")
    plan = sweep_plan(tmp_path / "sweep", ["done", "done 3"], ["done"])
    with pytest.raises(PmlaunchError) as caught:
        sweep(plan, cluster, Second(scheduler.kill))
    assert (caught.value.code, caught.value.exit_code) == ("PML452", 5)
    assert [each.state for each in read_results(plan.folder)] == ["done"]
    scheduler.wait()
    cluster.scheduler()
    assert counts(sweep(plan, cluster)) == (3, 0, 0, 0), "the worker has come back by itself"
    assert set(cluster.diary().values()) == {1}


def test_runs_that_ended_without_a_launcher_are_brought(tmp_path: Path, cluster: Cluster) -> None:
    cluster.scheduler()
    cluster.worker("one", "0")
    plan = sweep_plan(tmp_path / "sweep", ["done", "done 1"], ["done"])
    killed = cluster.start("-c", LAUNCHER, str(TESTS), cluster.address, str(plan.folder))
    wait_for(lambda: len(list(tmp_path.glob("one/sweeps/*/runs/*"))) == 2, "the second run")
    killed.kill()
    for lost in (plan.folder / "results.jsonl", *plan.folder.glob("runs/*/*")):  # as if killed a moment before
        lost.unlink()
    for lost in plan.folder.glob("runs/*"):
        lost.rmdir()
    assert counts(sweep(plan, cluster)) == (3, 0, 0, 0)
    assert set(cluster.diary().values()) == {1}


def test_without_a_fitting_worker_nothing_is_queued(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 3.0)
    cluster.scheduler()
    log = tmp_path / "process1"
    cluster.start("-c", FOREIGN, cluster.address, str(TESTS))
    wait_for(lambda: b"ready" in log.read_bytes(), "the worker")
    with pytest.raises(PmlaunchError, match="1 run another version") as caught:
        sweep(sweep_plan(tmp_path / "sweep", ["done"]), cluster)
    assert (caught.value.code, caught.value.exit_code) == ("PML453", 5)


def test_scheduler_that_listens_everywhere_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    cluster.scheduler("0.0.0.0")
    with pytest.raises(PmlaunchError) as caught:
        sweep(sweep_plan(tmp_path / "sweep", ["done"]), cluster)
    assert caught.value.code == "PML451"
    host = make_host([Slot(0)], str(tmp_path / "one"))
    with host.guardian, pytest.raises(PmlaunchError) as caught:
        serve_forever(cluster.address, host, TlsOptions(), print, Interrupts())
    assert caught.value.code == "PML451"


def test_last_worker_is_lost(tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS", 2.0)
    cluster.scheduler()
    only = cluster.worker("one", "0")
    plan = sweep_plan(tmp_path / "sweep", ["done", "done 60"])
    with pytest.raises(PmlaunchError) as caught:
        sweep(plan, cluster, Second(only.kill))
    assert caught.value.code == "PML453"
    assert [(each.state, each.attempt) for each in read_results(plan.folder)] == [("done", 1), ("abnormal", 1)]
    (lost,) = plan.folder.glob("runs/*-lost")
    assert json.loads((lost / "record.json").read_text())["findings"][0]["message"].endswith("was lost.")
    (place,) = tmp_path.glob(f"one/sweeps/*/runs/{lost.name.rpartition('-')[0].rpartition('-')[0]}")
    record = json.loads((place / "record.json").read_text())
    (place / "record.json").write_text(json.dumps({**record, "state": "done"}))  # as if cut off from the network only
    cluster.worker("one", "0")
    assert counts(sweep(plan, cluster)) == (2, 0, 0, 0)
    assert list(cluster.diary()) == [f"{0:012x}"], "nothing ran again"


def test_packing_does_not_delay_the_output_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = time.monotonic()
    told: list[Report] = []
    seen: list[float] = []

    def run_job(order: object, slot: object, around: object, hear: Callable[[Report], None]) -> JobEnd:
        hear(Report("a", "run", ended=True))
        seen.append(time.monotonic() - begin)
        return JobEnd({"a": Report("a", "run", ended=True)})

    def pack(folder: Path, archive: Path) -> None:
        time.sleep(0.5)
        archive.touch()

    monkeypatch.setattr(worker, "run_job", run_job)
    monkeypatch.setattr(worker, "pack", pack)
    host = worker.Host(tmp_path, [Slot(0)], lambda path: (), cast("Guardian", None))
    job = sweep_plan(tmp_path, ["done"]).jobs[0]
    end = host.run("task", worker.RemoteJob("sweep", job, {}, {}), told.append)
    assert seen[0] < 0.4
    assert (tmp_path / "sweeps" / "sweep" / f"{end.end.ended['a'].run}.zip").exists()
    assert [each.run for each in told] == [end.end.ended["a"].run]


def test_stop_is_polite(tmp_path: Path, cluster: Cluster) -> None:
    cluster.scheduler()
    cluster.worker("one", "0")
    plan = sweep_plan(tmp_path / "sweep", ["done", "done 60"], ["done"])
    begin = time.monotonic()
    outcome = sweep(plan, cluster, Second((plan.folder / "stop").touch))
    assert (counts(outcome), outcome.exit_code) == ((1, 0, 0, 2), 130)
    assert time.monotonic() - begin < 20
    again = sweep_plan(plan.folder, ["done", "done"], ["done"])
    assert counts(sweep(again, cluster)) == (3, 0, 0, 0)
