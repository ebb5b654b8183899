"""Kill the launcher of a sweep at random moments, and continue it: `python scripts/sweep_kill_trials.py [-n 20]`.

After each kill, no process of the sweep may be left. Once the sweep is complete, every cell has its result, and no
evaluation has come to its end twice. The jobs are stand-ins (tests/sweep_jobs.py) that run, crash, fail and end without a
report; with --demo they are evaluations of the demo, at two seconds each. It runs on Linux and on Windows.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from pmlaunch.sweeping.executor import run_sweep
from pmlaunch.sweeping.journal import read_results
from pmlaunch.sweeping.model import Evaluation, SweepPlan
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions
from sweep_jobs import DIARY, job_command, sweep_plan, working_in

SLOTS = 4
JOBS = (["done 0.2", "done 0.1"], ["done", "crash:done", "done"], ["quiet", "done 0.3"], ["failed"], ["done 0.5"])
ROUNDS = 12  # of these jobs


def the_plan(folder: Path, *, demo: bool) -> SweepPlan:
    """The plan of every launch."""
    if not demo:
        return sweep_plan(folder, *[job for _ in range(ROUNDS) for job in JOBS], motions=("walk", "wave"))
    plan = sweep_plan(folder, *[["done"] * 3] * 4)
    return replace(
        plan, jobs=tuple(replace(job, evaluations=tuple(map(for_demo, job.evaluations))) for job in plan.jobs)
    )


def for_demo(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, request=replace(evaluation.request, headless=True, max_steps=40))


def launch(folder: Path, *, demo: bool) -> int:
    """The launcher: run what is left."""
    from pmlaunch.sweeping import recovery

    if not demo:
        recovery._GUARDIANS_TIME = 0.1  # noqa: SLF001 (the stand-in's runs have none)
    options = ExecutorOptions(jobs=2 if demo else SLOTS, job_command=None if demo else job_command)
    outcome = run_sweep(the_plan(folder, demo=demo), options, SweepObserver())
    print(outcome.summary, file=sys.stderr)
    return outcome.exit_code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20, help="kills")
    parser.add_argument("--seed", type=int, default=None, help="of the random moments")
    parser.add_argument("--demo", action="store_true", help="with evaluations of the demo")
    parser.add_argument("--launch", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch:
        return launch(Path(options.launch), demo=options.demo)
    chance, faults, kills, sweeps = random.Random(options.seed), Counter[str](), 0, 0  # noqa: S311
    while kills < options.n:
        with tempfile.TemporaryDirectory() as name:
            done, found = trial(Path(name), chance, options.n - kills, demo=options.demo)
        kills, sweeps = kills + done, sweeps + 1
        faults.update(found)
        print(f"{kills} kills in {sweeps} sweeps: {dict(faults) or 'no fault'}", flush=True)
    return 1 if faults else 0


def trial(folder: Path, chance: random.Random, most: int, *, demo: bool) -> tuple[int, list[str]]:
    """Run one sweep to its end with up to `most` kills. Returns how many there were, and the faults."""
    kills, faults = 0, []
    words = [sys.executable, __file__, "--launch", str(folder), *(["--demo"] if demo else [])]
    while True:
        log = (folder / f"launch-{kills}").open("wb")
        launcher = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            code = launcher.wait(chance.uniform(0.2, 12.0 if demo else 2.0) if kills < most else 600)
        except subprocess.TimeoutExpired:
            launcher.kill()
            launcher.wait()
            kills += 1
            faults += [f"survivor {left}" for left in survivors(folder)]
            continue
        finally:
            log.close()
        if code not in (0, 1, 8):
            faults.append(f"exit code {code}: {(folder / f'launch-{kills}').read_text()[-2000:]}")
        return kills, faults + lost_or_twice(folder, demo=demo)


def lost_or_twice(folder: Path, *, demo: bool) -> list[str]:
    """Faults of a complete sweep: cells without a result or with two, and evaluations that ended twice."""
    latest: dict[tuple[str, str], int] = {}
    faults = []
    for each in read_results(folder):
        if latest.get((each.evaluation, each.motion), 0) >= each.attempt:
            faults.append(f"result written twice: {each.evaluation} {each.motion}")
        latest[each.evaluation, each.motion] = each.attempt
    plan = the_plan(folder, demo=demo)
    cells = {(each.id, motion) for each in plan.evaluations for motion in each.motions}
    faults += [f"no result: {cell}" for cell in sorted(cells - latest.keys())]
    if demo:
        ended: Counter[str] = Counter()
        for run in (folder / "runs").iterdir():
            state = json.loads((run / "record.json").read_text())["state"]
            if state == "done":
                ended[json.loads((run / "sweep.json").read_text())["evaluation"]] += 1
            elif state == "running":
                faults.append(f"record still running: {run.name}")
    else:
        ended = Counter(line.split()[0] for line in (folder / DIARY).read_text().splitlines())
    return faults + [f"ended {times} times: {name}" for name, times in ended.items() if times > 1]


def survivors(folder: Path) -> list[str]:
    """Processes that work in the folder and do not end within five seconds."""
    deadline = time.monotonic() + 5
    while found := list(working_in(folder)):
        if time.monotonic() >= deadline:
            return found
        time.sleep(0.05)
    return []


if __name__ == "__main__":
    sys.exit(main())
