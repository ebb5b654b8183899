"""pmlaunch and its guardian are killed in any order: no process of the run is left, and its record is right."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from disks import fill

from pmlaunch.processes.child import ChildCommand
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, Ending, Watcher, supervised
from pmlaunch.running import stop
from pmlaunch.running.run_folder import RECORD, RunFolder
from started import Pmlaunch, start, survivors, wait_for

pytestmark = [
    pytest.mark.hostile,
    pytest.mark.skipif(sys.platform != "linux", reason="skipped: signals and /proc; on Windows the job object does it"),
]

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
LAUNCHER, GUARDIAN = "launcher", "guardian"
ORDERS: dict[str, list[tuple[str, signal.Signals, float]]] = {
    "launcher": [(LAUNCHER, KILL, 0.0)],
    "guardian, later launcher": [(GUARDIAN, KILL, 0.5), (LAUNCHER, KILL, 0.0)],
    "guardian and launcher": [(GUARDIAN, KILL, 0.0), (LAUNCHER, KILL, 0.0)],
    "launcher and guardian": [(LAUNCHER, KILL, 0.0), (GUARDIAN, KILL, 0.0)],
    "stopped launcher": [(LAUNCHER, STOP, 0.3), (LAUNCHER, KILL, 0.0)],
    "stopped guardian": [(GUARDIAN, STOP, 0.3), (LAUNCHER, KILL, 0.3), (GUARDIAN, KILL, 0.0)],
    "both stopped": [(LAUNCHER, STOP, 0.0), (GUARDIAN, STOP, 0.3), (GUARDIAN, KILL, 0.0), (LAUNCHER, KILL, 0.0)],
}


def guardians(launcher: int) -> list[int]:
    found = []
    for each in psutil.Process(launcher).children():
        with contextlib.suppress(psutil.Error):
            if any(word.endswith("guardian_program.py") for word in each.cmdline()):
                found.append(each.pid)
    return found


def state_of(workspace: Path) -> tuple[str, list[str]]:
    record = json.loads(next((workspace / "runs").glob("*/record.json")).read_text())
    return record["state"], [found["code"] for found in record["findings"]]


@pytest.fixture
def going_on(workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start(workspace, "++pause=0.05", "--no-metrics", "--max-steps", "100000")
    yield process
    process.kill()
    process.communicate(timeout=30)


@pytest.mark.parametrize("order", ORDERS)
def test_order(
    order: str, workspace: Path, going_on: subprocess.Popen[bytes], pmlaunch: Pmlaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = {LAUNCHER: going_on.pid, GUARDIAN: guardians(going_on.pid)[0]}
    for who, how, pause in ORDERS[order]:
        os.kill(processes[who], how)
        time.sleep(pause)
    wait_for(lambda: survivors(workspace) == [], "the end of the run's processes", 5.0)
    time.sleep(0.5)  # the guardian's own time
    monkeypatch.setattr(stop, "_GUARDIANS_TIME", 0.0)
    stop.settle_abandoned(RunFolder(next((workspace / "runs").iterdir())))
    state, codes = state_of(workspace)
    assert (state, codes[-1]) == ("abnormal", "PML332")
    assert not list((workspace / "runs").glob("*/*.reserve")) + list((workspace / "runs").glob("*/*.tmp"))


def test_killed_guardian_is_replaced(workspace: Path, going_on: subprocess.Popen[bytes]) -> None:
    (first,) = guardians(going_on.pid)
    os.kill(first, KILL)
    wait_for(lambda: guardians(going_on.pid) not in ([first], []), "another guardian", 5.0)
    going_on.kill()
    wait_for(lambda: state_of(workspace)[0] == "abnormal", "the record", 5.0)
    assert survivors(workspace) == []


def test_stop_settles_an_abandoned_run(workspace: Path, going_on: subprocess.Popen[bytes], pmlaunch: Pmlaunch) -> None:
    os.kill(guardians(going_on.pid)[0], KILL)
    going_on.kill()
    wait_for(lambda: survivors(workspace) == [], "the end of the run's processes", 5.0)
    assert state_of(workspace)[0] == "running", "nobody was left to write it"
    for written in (workspace / "runs").glob("*/*"):
        os.utime(written, (1.0, 1.0))
    done = pmlaunch("stop", "--json")
    assert (done.code, done.codes) == (3, ["PML010"])
    state, codes = state_of(workspace)
    assert (state, codes[-1]) == ("abnormal", "PML332")


DAEMON = "import subprocess; print(subprocess.Popen(['setsid', 'sleep', '61.5'], close_fds=False).pid, flush=True)\n"
SLEEP = "import time; time.sleep(61.5)"


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


@pytest.mark.parametrize("then", ["", SLEEP])
def test_program_that_left_its_session_ends_with_the_run(tmp_path: Path, then: str) -> None:
    heard: list[bytes] = []
    interrupts = Interrupts()

    class Interrupting(Watcher):
        def poll(self) -> bool:
            interrupts.count = int(bool(then and heard))
            return False

    command = ChildCommand([sys.executable, "-c", DAEMON + then], os.environ, tmp_path, tmp_path / "output.log")
    with Guardian(str(tmp_path / "spec.json")) as guardian:
        ended = supervised(command, guardian, interrupts, ChildLimits(), Interrupting(heard.append))
    assert ended.ending is (Ending.INTERRUPTED if then else Ending.EXITED)
    wait_for(lambda: is_gone(int(ended.tail[0])), "the end of the daemon", 5.0)


NAMELESS = (
    "import subprocess, sys, time\n"
    'middle = \'import subprocess, time; print(subprocess.Popen(["setsid", "env", "-i", "sleep", "61.5"]).pid, flush=True);\'\n'
    "subprocess.run([sys.executable, '-c', middle + 'time.sleep(1.2)'])\n"
)


def test_daemon_without_a_name_or_parent_ends_with_the_run(tmp_path: Path) -> None:
    command = ChildCommand([sys.executable, "-c", NAMELESS], os.environ, tmp_path, tmp_path / "output.log")
    with Guardian(str(tmp_path / "spec.json")) as guardian:
        ended = supervised(command, guardian, Interrupts(), ChildLimits(), Watcher())
    wait_for(lambda: is_gone(int(ended.tail[0])), "the end of the daemon", 5.0)


LAUNCH = """
import os, sys
from pathlib import Path
from pmlaunch.processes import child
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, Watcher, supervised
folder = Path(sys.argv[1])
start = child._start
def killed_after_it(*arguments):
    print(start(*arguments).pid, flush=True)
    os.kill(os.getpid(), 9)
child._start = killed_after_it
command = child.ChildCommand([sys.executable, "-c", "import time; time.sleep(61.5)"], os.environ, folder, folder / "log")
supervised(command, Guardian(str(folder / "spec.json")), Interrupts(), ChildLimits(), Watcher())
"""


def test_launcher_killed_before_the_child_is_registered(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LAUNCH, str(tmp_path)], capture_output=True, check=False, timeout=60)
    assert done.returncode == -KILL
    wait_for(lambda: is_gone(int(done.stdout)), "the end of the child", 5.0)


DAEMONS = """
import os, signal, subprocess, time
for words in (["setsid", "sleep", "61.5"], ["setsid", "env", "-i", "sleep", "61.5"]):
    print(subprocess.Popen(words).pid, flush=True)
time.sleep(1.2)
if {stopped}: os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(61.5)
"""
KEEP = """
import os, sys
from pathlib import Path
from pmlaunch.processes import child
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, Watcher, supervised
folder = Path(sys.argv[1])
command = child.ChildCommand([sys.executable, "-c", sys.argv[2]], os.environ, folder, folder / "log")
guardian = Guardian(str(folder / "spec.json"))
print(guardian._process.pid, flush=True)
supervised(command, guardian, Interrupts(), ChildLimits(), Watcher())
"""


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("guarded", [True, False])
def test_daemons_of_a_run_whose_launcher_is_killed(tmp_path: Path, stopped: bool, guarded: bool) -> None:
    """The guardian ends those that it has seen. Without it the kernel ends the run's group, and only that."""
    script = DAEMONS.format(stopped=stopped)
    launcher = subprocess.Popen([sys.executable, "-c", KEEP, tmp_path, script], stdout=subprocess.PIPE)
    assert launcher.stdout is not None
    guardian = int(launcher.stdout.readline())
    wait_for(lambda: (tmp_path / "log").exists() and len((tmp_path / "log").read_bytes().split()) == 2, "two daemons")
    time.sleep(1.5)
    (leader,) = [each.pid for each in psutil.Process(launcher.pid).children() if each.pid != guardian]
    daemons = [int(line) for line in (tmp_path / "log").read_bytes().split()]
    for pid in [launcher.pid] if guarded else [guardian, launcher.pid]:
        os.kill(pid, KILL)
    wait_for(lambda: is_gone(leader), "the end of the program", 5.0)
    if guarded:
        wait_for(lambda: all(map(is_gone, daemons)), "the end of its daemons", 5.0)
    for pid in daemons:  # docs/architecture.md: what cannot be promised
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, KILL)
    launcher.stdout.close()
    launcher.wait(30)


FLOOD = "import os\nwhile True: os.write(1, b'x' * 65536)\n"


def test_full_disk_leaves_a_final_record(workspace: Path, small_disk: Path, pmlaunch: Pmlaunch) -> None:
    environment = workspace / "protomotions/protomotions/envs/base_env/env.py"
    environment.write_text(FLOOD + environment.read_text())
    tracker = ("eval", "motion_tracker", "-m", "walk", "--headless", "--simulator", "genesis", "--json")
    done = pmlaunch(*tracker, "--runs", small_disk)
    record = json.loads(next(small_disk.glob("*/record.json")).read_text())
    assert (record["state"], record["exit_code"]) == ("abnormal", done.code)
    assert done.code != 0
    assert not list(small_disk.glob("*/*.reserve"))


def test_guardian_corrects_the_record_on_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(small_disk / "run")
    run.path.mkdir()
    run.reserve()
    run.write(RECORD, {"state": "running", "findings": []})
    with Guardian(str(run.file("spec.json")), run.file(RECORD)) as guardian:
        fill(small_disk)
        process: Any = guardian._process
        process.stdin.close()
        process.wait(30)
        monkeypatch.setattr(guardian, "dismiss", lambda: None)
    assert json.loads(run.file(RECORD).read_text())["state"] == "abnormal"
    assert sorted(path.name for path in run.path.iterdir()) == [RECORD]


def test_launcher_that_ends_with_a_full_disk_uses_what_it_kept(small_disk: Path) -> None:
    run = RunFolder(small_disk / "run")
    run.path.mkdir()
    run.reserve()
    fill(small_disk)
    run.conclude({"state": "failed", "why": "x" * 20_000})
    assert run.read(RECORD) == {"state": "failed", "why": "x" * 20_000}
    assert [path.name for path in run.path.iterdir()] == [RECORD]
