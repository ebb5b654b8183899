"""What the executor of sweeps costs: time a cell on 8 slots, and the memory of 100,000 cells.

    python benchmarks/sweep.py [--cells 1000] [--slots 8] [--seconds 0.4] [--large 100000]
    python benchmarks/sweep.py --cluster 4     the same through Dask on this machine

The null program sleeps, writes a record and reports it. Ideal is the time that a bare pool of threads takes to start the
same programs, as many at a time: what is added by the executor are the journal, the supervision and the cleaning up.
Large sweeps are planned by hand, resumed with one cell left, and summarised, each in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported late: processes of which the memory is measured differ
    from pmlaunch.sweeping.model import CellResult, SweepPlan

_TURNS = 4
MOST_A_CELL, MOST_MAKESPAN = 0.020, 1.05  # seconds of overhead; times ideal
MOST_MEMORY = 1 << 29  # bytes for 100,000 evaluations of a cell each, the worst shape
NULL = """
import json, os, sys, time
order = json.load(open(sys.argv[1]))
(each,) = order["job"]["evaluations"]
run = os.path.join(order["sweep"], "runs", each["id"])
os.mkdir(run)
print(json.dumps({"evaluation": each["id"], "run": each["id"], "ended": False, "code": "", "message": ""}), flush=True)
time.sleep(float(sys.argv[2]))
entries = [{"motion": name, "success": True, "metrics": {"eval/gt_err": 0.01}} for name in each["motions"]]
for name, document in (
    ("sweep.json", {"evaluation": each["id"], "number": 1}),
    ("record.json", {"state": "done", "evaluation": {"per_motion": entries}}),
):
    with open(os.path.join(run, name), "w") as file:
        json.dump(document, file)
print(json.dumps({"evaluation": each["id"], "run": each["id"], "ended": True, "code": "", "message": ""}), flush=True)
"""


def command(path: Path, seconds: float) -> Sequence[str]:
    return (sys.executable, "-I", "-S", "-c", NULL, str(path), str(seconds))


def plan(folder: Path, evaluations: int, motions: int = 1) -> SweepPlan:
    from pmlaunch.request import EvalRequest
    from pmlaunch.sweeping.model import Evaluation, Job, SweepPlan

    names = tuple(f"motion_{number}" for number in range(motions))
    jobs = []
    for number in range(evaluations):
        request = EvalRequest("demo", motions=names, seed=number, headless=True)
        each = Evaluation(f"{number:012x}", request, {"model": "demo", "seed": str(number)}, names)
        jobs.append(Job(f"{number:012x}", (each,)))
    return SweepPlan(folder, tuple(jobs))


def orders(folder: Path, cells: int) -> list[Path]:
    """The files of the jobs of a sweep, written without the executor."""
    from pmlaunch.sweeping.job_file import JobOrder, write_order

    (folder / "runs").mkdir(parents=True)
    paths = []
    for job in plan(folder, cells).jobs:
        paths.append(folder / f"{job.id}.json")
        write_order(JobOrder(job, {each.id: 1 for each in job.evaluations}, folder, 0, os.getpid()), paths[-1])
    return paths


def bare_pool(folder: Path, cells: int, slots: int, seconds: float) -> float:
    """Seconds that a pool of threads takes for the same programs."""
    paths = orders(folder, cells)
    begin = time.monotonic()
    with ThreadPoolExecutor(slots) as pool:
        list(pool.map(lambda path: _run_quietly(command(path, seconds)), paths))
    return time.monotonic() - begin


def bare_dask(folder: Path, cells: int, slots: int, seconds: float, address: str) -> float:
    """Seconds that Dask takes for the same programs if, as in a sweep, one is submitted when another has ended."""
    from distributed import Client

    from pmlaunch.sweeping.cluster.worker import RESOURCE

    paths = orders(folder, cells)
    with Client(address, set_as_default=False) as client, ThreadPoolExecutor(slots) as pool:

        def run(path: Path) -> None:
            words = command(path, seconds)
            one = {RESOURCE: 1}
            future = client.submit(_run_quietly, words, key=path.stem, resources=one, retries=0, pure=False)
            future.result()

        begin = time.monotonic()
        list(pool.map(run, paths))
        return time.monotonic() - begin


def _run_quietly(words: Sequence[str]) -> None:
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def serve():
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address=":0") as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(serve())
"""


@contextlib.contextmanager
def cluster(folder: Path, workers: int, slots: int, seconds: float) -> Iterator[str]:
    """The address of a scheduler with workers that share the slots, all on this machine."""
    folder.mkdir(parents=True)
    processes = []
    try:
        with (folder / "log").open("w") as log:
            pipe = subprocess.PIPE
            processes.append(subprocess.Popen([sys.executable, "-c", SCHEDULER], stdout=pipe, stderr=log, text=True))
            address = str(processes[0].stdout and processes[0].stdout.readline().strip())
            for number in range(workers):
                words = [address, str(folder / f"worker{number}"), str(slots // workers), str(seconds)]
                line = [sys.executable, __file__, "--worker", *words]
                processes.append(subprocess.Popen(line, stdout=pipe, stderr=log, text=True))
            for process in processes[1:]:
                if process.stdout is None or not process.stdout.readline():
                    raise SystemExit((folder / "log").read_text())
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def worker(address: str, store: str, slots: str, seconds: str) -> None:
    """A worker whose jobs are the null program."""
    from pmlaunch.processes.interrupts import Interrupts
    from pmlaunch.sweeping.cluster.address import TlsOptions
    from pmlaunch.sweeping.cluster.serve import make_host, serve_forever
    from pmlaunch.sweeping.slots import ExecutorOptions, slots_of

    made = slots_of(ExecutorOptions(jobs=int(slots)))
    host = make_host(made, store, lambda path: command(path, float(seconds)))
    with Interrupts() as asked, host.guardian:
        serve_forever(address, host, TlsOptions(), lambda text: print(text, flush=True), asked)


def clustered(folder: Path, cells: int, address: str) -> tuple[float, float]:
    """(seconds, seconds of CPU of the executor's own process) for the same on a cluster."""
    from pmlaunch.sweeping.executor import run_sweep
    from pmlaunch.sweeping.scheduler import SweepObserver
    from pmlaunch.sweeping.slots import ExecutorOptions

    own = time.process_time()
    outcome = run_sweep(plan(folder, cells), ExecutorOptions(cluster=address), SweepObserver())
    if outcome.summary.done != cells:
        raise SystemExit(f"not all cells are done: {outcome.summary}")
    return outcome.seconds, time.process_time() - own


def executor(folder: Path, cells: int, slots: int, seconds: float) -> tuple[float, float]:
    """(seconds, seconds of CPU of the executor's own process) for the same."""
    from pmlaunch.sweeping.executor import run_sweep
    from pmlaunch.sweeping.scheduler import SweepObserver
    from pmlaunch.sweeping.slots import ExecutorOptions

    own = time.process_time()
    made, options = plan(folder, cells), ExecutorOptions(jobs=slots, job_command=lambda path: command(path, seconds))
    outcome = run_sweep(made, options, SweepObserver())
    if outcome.summary.done != cells:
        raise SystemExit(f"not all cells are done: {outcome.summary}")
    return outcome.seconds, time.process_time() - own


def large(folder: Path, evaluations: int, motions: int, action: str) -> None:
    """One action on a large sweep, in this process; prints its seconds and its largest memory."""
    from pmlaunch.settings import Settings
    from pmlaunch.sweeping.control import show_status
    from pmlaunch.sweeping.executor import run_sweep
    from pmlaunch.sweeping.journal import Journal
    from pmlaunch.sweeping.manifest import write_manifest
    from pmlaunch.sweeping.model import CellResult
    from pmlaunch.sweeping.scheduler import SweepObserver
    from pmlaunch.sweeping.slots import ExecutorOptions

    begin = time.monotonic()
    rest: list[CellResult] = []
    if action == "plan":
        write_manifest(plan(folder, evaluations, motions), Settings.here())
    elif action == "journal":
        with Journal(folder) as journal:
            for number in range(evaluations - 1):
                name = f"{number:012x}"
                figures = {f"eval/figure_{index}": 0.1 for index in range(18)}
                cells = (CellResult(name, f"motion_{it}", name, "done", True, figures, {}) for it in range(motions))
                if motions > 1 or number % 100 == 0:
                    rest = []
                rest += cells
                if motions > 1 or number % 100 == 99 or number == evaluations - 2:
                    journal.append(rest)
    elif action == "resume":
        options = ExecutorOptions(job_command=lambda path: command(path, 0))
        run_sweep(plan(folder, evaluations, motions), options, SweepObserver())
    elif show_status(folder).done != evaluations * motions:
        raise SystemExit("not all cells are done")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([time.monotonic() - begin, memory]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000, help="a multiple of 4; 0: none")
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0.4, help="how long the null program sleeps")
    parser.add_argument("--large", type=int, default=100_000, help="cells of the large sweep; 0: none")
    parser.add_argument(
        "--action", nargs=4, metavar=("FOLDER", "EVALUATIONS", "MOTIONS", "ACTION"), help=argparse.SUPPRESS
    )
    parser.add_argument("--cluster", type=int, default=0, help="workers of a Dask cluster on this machine; 0: none")
    parser.add_argument("--worker", nargs=4, metavar=("ADDRESS", "STORE", "SLOTS", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return 0
    if options.action:
        folder, evaluations, motions, action = options.action
        large(Path(folder), int(evaluations), int(motions), action)
        return 0
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder, cells, slots = Path(name), options.cells, options.slots
        ideal, dask, taken, own = 0.0, 0.0, 0.0, 0.0
        if cells and options.cluster:
            with cluster(folder / "cluster", options.cluster, slots, options.seconds) as address:
                for turn in range(_TURNS):
                    part = cells // _TURNS
                    ideal += bare_pool(folder / f"bare{turn}", part, slots, options.seconds)
                    dask += bare_dask(folder / f"dask{turn}", part, slots, options.seconds, address)
                    each = clustered(folder / f"clustered{turn}", part, address)
                    taken, own = taken + each[0], own + each[1]
            print(f"{cells} cells of {options.seconds:g} s on {options.cluster} workers with {slots} slots in all:")
            for what, seconds in (("Dask alone", dask), ("sweep", taken)):
                a_cell = (seconds - ideal) * slots / cells
                print(f"  {what:<10} {seconds / ideal:.3f} x ideal, {a_cell * 1000:.1f} ms a cell in its slot")
            print(f"  {own / cells * 1000:.1f} ms a cell of the launcher's own CPU")
            return int(a_cell > MOST_A_CELL or taken > MOST_MAKESPAN * ideal)
        for turn in range(_TURNS if cells else 0):  # alternately, because other programs come and go
            ideal += bare_pool(folder / f"bare{turn}", cells // _TURNS, slots, options.seconds)
            each = executor(folder / f"executor{turn}", cells // _TURNS, slots, options.seconds)
            taken, own = taken + each[0], own + each[1]
        if cells:
            a_cell = (taken - ideal) * slots / cells
            missed += a_cell > MOST_A_CELL or taken > MOST_MAKESPAN * ideal
            print(
                f"{cells} cells of {options.seconds:g} s on {slots} slots: ideal {ideal:.1f} s, executor {taken:.1f} s"
            )
            print(f"  makespan {taken / ideal:.3f} x ideal, {a_cell * 1000:.1f} ms a cell in its slot")
            print(f"  {own / cells * 1000:.1f} ms a cell of the executor's own CPU")
        for evaluations, motions in ((options.large, 1), (options.large // 100, 100)) if options.large else ():
            place = folder / f"large-{motions}"
            place.mkdir()
            print(f"{evaluations} evaluations of {motions} cells: seconds, MB at most")
            for action in ("plan", "journal", "resume", "status"):
                words = ["--action", str(place), str(evaluations), str(motions), action]
                done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
                seconds, memory = json.loads(done.stdout)
                missed += memory > MOST_MEMORY
                print(f"  {action:<8} {seconds:6.1f} {memory / 1e6:6.0f}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
