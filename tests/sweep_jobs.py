"""Sweeps for tests: plans made by hand, and a job program that does what its evaluations' labels say.

As a script it is that program: `python sweep_jobs.py JOB.json`. It leaves what the real one does, without a simulator.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

TYPE_CHECKING = False  # a start of this program must cost little
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pmlaunch.sweeping.model import SweepPlan

DIARY = "diary"
"""A file of the sweep's folder with a line for each evaluation that came to its end: "ID ATTEMPT PID"."""


def job_command(path: Path) -> Sequence[str]:
    """The command line of the stand-in for the job program."""
    return (sys.executable, "-I", "-S", __file__, str(path))


def sweep_plan(folder: Path, *jobs: Sequence[str], motions: tuple[str, ...] = ("walk",)) -> SweepPlan:
    """A plan whose jobs have an evaluation for each of the texts, which say what happens: "done", "crash"."""
    from pmlaunch.request import EvalRequest
    from pmlaunch.sweeping.model import Evaluation, Job, SweepPlan

    number = iter(range(1 << 24))
    made = []
    for index, texts in enumerate(jobs):
        evaluations = []
        for text in texts:
            name = f"{next(number):012x}"
            request = EvalRequest("demo", motions=motions, seed=int(name, 16))
            evaluations.append(Evaluation(name, request, {"do": text}, motions))
        made.append(Job(f"job{index:06}", tuple(evaluations)))
    return SweepPlan(folder, tuple(made))


def working_in(folder: Path) -> list[str]:
    """The other processes whose command line or mark names the folder."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.environ().get("PMLAUNCH_SPEC", "")]
            if any(str(folder) in word for word in words) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {words}")
        except psutil.Error:
            continue
    return [each for each in found if not each.startswith(f"{os.getpid()} ")]


def main(path: str) -> None:
    """Do what the labels of the job's evaluations say."""
    with open(path, encoding="utf-8") as file:
        order = json.load(file)
    for evaluation in order["job"]["evaluations"]:
        evaluate(path, order, evaluation)


def evaluate(path: str, order: dict[str, Any], evaluation: dict[str, Any]) -> None:
    """Do what one evaluation's label says: WHAT, or WHAT SECONDS; before the colon in the first attempt only."""
    first, _, later = evaluation["labels"]["do"].partition(":")
    attempt = order["attempts"][evaluation["id"]]
    what, _, seconds = (later if later and attempt > 1 else first).partition(" ")
    if what == "die":  # before it could start anything
        os._exit(3)
    run = os.path.join(order["sweep"], "runs", f"{evaluation['id']}-{attempt}-{os.getpid()}")
    os.mkdir(run)
    record: dict[str, Any] = {"state": "running", "findings": [], "checkpoint": evaluation["request"].get("checkpoint")}
    write(os.path.join(run, "record.json"), record)
    write(os.path.join(run, "sweep.json"), {"evaluation": evaluation["id"], "number": attempt})
    report(evaluation["id"], run, ended=False)
    wait(path, float(seconds or 0))
    if what == "crash":
        os.abort()
    if what == "hang":
        subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
        time.sleep(600)
    error = {"failed": "PML301", "silent": "PML321", "disk": "PML204"}.get(what)
    record["state"] = state = {"disk": "abnormal", "quiet": "done"}.get(what, what)
    record["findings"] = [{"severity": "error", "code": error}] if error else []
    entry = {"metrics": {"eval/gt_err": 0.01}, "success": state == "done"}
    record["evaluation"] = {"per_motion": [{"motion": name, **entry} for name in evaluation["motions"]]}
    write(os.path.join(run, "record.json"), record)
    note = f"{evaluation['id']} {attempt} {os.getpid()}\n"
    diary = os.open(os.path.join(order["sweep"], DIARY), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(diary, note.encode())
    os.close(diary)
    if what == "quiet":  # killed between its end and the report
        os.abort()
    report(evaluation["id"], run, ended=True)


def wait(path: str, seconds: float) -> None:
    """Wait, but end as soon as the job has to stop."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.path.exists(path[: -len("json")] + "stop"):
            os._exit(130)
        time.sleep(min(0.05, max(deadline - time.monotonic(), 0)))


def report(evaluation: str, run: str, *, ended: bool) -> None:
    """Print a report as `job_file.Report` has it."""
    line = {"evaluation": evaluation, "run": os.path.basename(run), "ended": ended, "code": "", "message": ""}
    os.write(1, f"\n{json.dumps(line)}\n".encode())


def write(path: str, document: object) -> None:
    """Write a document in one step."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main(sys.argv[1])
