"""End the launcher in every way, many times, and count who survives: `python scripts/kill_trials.py [-n 50]`.

Each trial starts a launcher (a process of its own) that runs a program with a child of its own, ends it in one of
five ways, and then looks for survivors and at the record: is it whole, is its state the true one? Run it with the
Python of an environment that has pmlaunch; it runs on Linux and on Windows, also a Windows Python under Wine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from pmlaunch.model import FLAG, Generation

# the program: a child that would live for ever, then steps (or silence) until it is ended
PROGRAM = """
import os, pathlib, subprocess, sys, time
here = pathlib.Path(os.environ["PMLAUNCH_RUN_DIR"])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(here / "pids").write_text(f"{os.getpid()} {child.pid}")
if sys.argv[1] == "normal":
    sys.exit(0)
while True:
    time.sleep(0.05)
    if sys.argv[1] != "silence":
        print("still here", flush=True)
"""
WAYS = {
    # way -> (state of the record, exit code of the launcher; None: it was killed)
    "normal": ("done", 0),
    "ctrl-c": ("interrupted", 130),
    "killed": ("abnormal", None),
    "timeout": ("time_limit", 7),
    "silence": ("silent", 7),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=50, help="trials of each way")
    parser.add_argument("--way", action="append", choices=WAYS, help="only this way; repeatable")
    parser.add_argument("--launch", nargs=2, metavar=("FOLDER", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch:
        return launch(Path(options.launch[0]), options.launch[1])
    print(f"{'way':<9} {'trials':>6} {'survivors':>9} {'records not true':>16}  {'seconds':>7}")
    failed = 0
    for way in options.way or WAYS:
        begin = time.monotonic()
        faults: Counter[str] = Counter()
        for _ in range(options.n):
            with tempfile.TemporaryDirectory() as folder:
                faults.update(trial(Path(folder), way))
        failed += sum(faults.values())
        seconds = time.monotonic() - begin
        print(f"{way:<9} {options.n:>6} {faults['survivor']:>9} {faults['record']:>16}  {seconds:7.1f}", flush=True)
    return 1 if failed else 0


def trial(folder: Path, way: str) -> list[str]:
    """One trial; the faults that were seen: "survivor" for each process that lives on, "record"."""
    launcher = subprocess.Popen(
        [sys.executable, __file__, "--launch", str(folder), way], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if way == "killed":
        pids = wait_for_pids(folder)
        launcher.kill()
    output, _ = launcher.communicate(timeout=60)
    pids = wait_for_pids(folder)
    state, exit_code = WAYS[way]
    faults = ["survivor" for pid in pids if not gone(pid)]
    record = final_record(folder)
    if record.get("state") != state or (exit_code is not None and launcher.returncode != exit_code):
        faults.append("record")
        print(f"  {way}: {record.get('state')}, exit {launcher.returncode}: {output.decode(errors='replace')[-500:]}")
    return faults


def launch(folder: Path, way: str) -> int:
    """The launcher: run the program as an evaluation's, and be interrupted or patient as `way` says."""
    from pmlaunch.cli.live.run_display import RunDisplay
    from pmlaunch.model import LaunchPlan
    from pmlaunch.planning.launch import agent_environment
    from pmlaunch.running.run import run_plan
    from pmlaunch.runtimes.interface import python_runtime
    from pmlaunch.support.platforms import platform_named

    script = folder / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    patience = 5.0 if os.name == "nt" else 1.0  # seconds; a start under Wine takes some
    runtime, platform = python_runtime(sys.executable, FLAG), platform_named(None)
    plan = LaunchPlan(
        model="trial", robot=None, simulator="none", terrain=None, checkpoint=script, motions=(), overrides=(way,),
        command=runtime.command(), env=agent_environment(platform, runtime, os.environ), cwd=folder, script=script,
        import_path=(), python_path=(), ddp_backend=None, runtime=runtime.facts, provenance={},
        platform=platform.name, foreign=False, generation=Generation.V2, headless=False, max_steps=None,
        timeout=patience if way == "timeout" else None, silence=patience if way == "silence" else None,
        runs=folder / "runs",
    )  # fmt: skip
    if way == "ctrl-c":
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        threading.Thread(target=interrupt_soon, args=(folder,), daemon=True).start()
    return run_plan(plan, (), RunDisplay(plan)).exit_code or 0


def interrupt_soon(folder: Path) -> None:
    """Ctrl+C, as Python hears it, once the program runs."""
    import _thread

    wait_for_pids(folder)
    _thread.interrupt_main()


def wait_for_pids(folder: Path) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in folder.glob("runs/*/pids"):
            if len(pids := path.read_text().split()) == 2:
                return [int(pid) for pid in pids]
        time.sleep(0.02)
    raise TimeoutError("the program did not start")


def gone(pid: int) -> bool:
    """Whether the process ends within two seconds; a zombie has ended."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.Error:
            return True
        time.sleep(0.02)
    return False


def final_record(folder: Path) -> dict[str, object]:
    """The record once it is final; what it says after five seconds otherwise."""
    record: dict[str, object] = {}
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for path in folder.glob("runs/*/record.json"):
            record = json.loads(path.read_text(encoding="utf-8"))  # half a record would raise here
            if record.get("state") != "running":
                return record
        time.sleep(0.02)
    return record


if __name__ == "__main__":
    sys.exit(main())
