"""Supervised children: limits, polite stops, the whole tree, and the guardian."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.child import ChildCommand
from pmlaunch.processes.guardian import MARKER, Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, ChildResult, Ending, Grace, Stage, Watcher, supervised

SLEEP = "import time; time.sleep(60)"
CHATTER = "import time\nwhile True: print('x', flush=True); time.sleep(0.02)"
STOPPABLE = "import pathlib, time\nwhile not pathlib.Path('stop').exists(): time.sleep(0.01)\nprint('bye')"
FAMILY = (
    "import subprocess, sys, time\n"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
)


class Script(Watcher):
    """A watcher that records what happens, and calls `on_poll` and `on_stop`."""

    def __init__(self, on_poll: Callable[[], bool] = lambda: False, on_stop: Callable[[], object] = lambda: None):
        self.heard = b""
        self.why: Ending | None = None
        self.at = Stage.READY
        self._on_poll, self._on_stop = on_poll, on_stop

    def output(self, chunk: bytes) -> None:
        self.heard += chunk

    def poll(self) -> bool:
        return self._on_poll()

    def stage(self) -> Stage:
        return self.at

    def stopping(self, why: Ending, log_error: OSError | None) -> None:
        self.why = why
        self._on_stop()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., ChildResult]:
    def run(
        code: str,
        limits: ChildLimits | None = None,
        watcher: Watcher | None = None,
        interrupts: Interrupts | None = None,
    ) -> ChildResult:
        command = ChildCommand([sys.executable, "-c", code], os.environ, tmp_path, tmp_path / "output.log")
        with Guardian(str(tmp_path)) as guardian:
            return supervised(
                command, guardian, interrupts or Interrupts(), limits or ChildLimits(), watcher or Watcher()
            )

    return run


@pytest.mark.parametrize("descriptors", ["of processes", "none left", "unknown to Python"])
def test_end_is_noticed_with_and_without_descriptors_of_processes(
    run: Callable[..., ChildResult], monkeypatch: pytest.MonkeyPatch, descriptors: str
) -> None:
    def none_left(pid: int, flags: int = 0) -> int:
        raise OSError(errno.EMFILE, f"no descriptor for {pid}")

    monkeypatch.setattr(psutil.Process, "wait", lambda *_, **__: None)  # it has ways of its own
    if descriptors == "none left":
        monkeypatch.setattr(os, "pidfd_open", none_left, raising=False)
    elif descriptors == "unknown to Python":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    before = open_descriptors()
    assert run("import sys; sys.exit(3)").exit_code == 3
    assert run(SLEEP, ChildLimits(time=0.2)).ending is Ending.TIME_LIMIT
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.Error:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("code", [0, 7])
def test_exit_code_and_output(run: Callable[..., ChildResult], code: int) -> None:
    watcher = Script()
    ended = run(f"print('one\\n\\ntwo'); raise SystemExit({code})", watcher=watcher)
    assert (ended.exit_code, ended.ending, ended.ok, ended.tail) == (code, Ending.EXITED, code == 0, ("one", "two"))
    assert ended.log.read_bytes() == watcher.heard


def test_environment_carries_the_guardians_mark(run: Callable[..., ChildResult], tmp_path: Path) -> None:
    assert run(f"import os; print(os.environ['{MARKER}'])").tail == (str(tmp_path),)


def test_time_limit_counts_despite_output(run: Callable[..., ChildResult]) -> None:
    ended = run(CHATTER, ChildLimits(time=0.5, silence=60))
    assert (ended.ending, ended.ok) == (Ending.TIME_LIMIT, False)


def test_silence(run: Callable[..., ChildResult]) -> None:
    assert run(SLEEP, ChildLimits(time=60, silence=0.5)).ending is Ending.SILENT


def test_activity_seen_by_the_watcher_prevents_silence(run: Callable[..., ChildResult]) -> None:
    ended = run(SLEEP, ChildLimits(time=1.5, silence=0.5), Script(on_poll=lambda: True))
    assert ended.ending is Ending.TIME_LIMIT


def test_interrupt_kills_the_tree(run: Callable[..., ChildResult]) -> None:
    interrupts, watcher = Interrupts(), Script()

    def interrupt() -> bool:
        interrupts.count = int(bool(watcher.heard))
        return False

    watcher._on_poll = interrupt
    ended = run(FAMILY + SLEEP, watcher=watcher, interrupts=interrupts)
    assert (ended.ending, watcher.why) == (Ending.INTERRUPTED, Ending.INTERRUPTED)
    assert is_gone(int(ended.tail[0]))


@pytest.mark.parametrize(
    ("limits", "ending"),
    [
        (ChildLimits(exit=0.3), Ending.LINGERED),
        (ChildLimits(silence=0.3, exit=60.0, grace=Grace(60.0, 60.0)), Ending.SILENT),
        (ChildLimits(time=0.0, exit=60.0, grace=Grace(60.0, 60.0)), Ending.TIME_LIMIT),
    ],
)
def test_child_that_has_concluded_is_not_asked_to_end(
    run: Callable[..., ChildResult], limits: ChildLimits, ending: Ending
) -> None:
    watcher = Script()
    watcher.at = Stage.CONCLUDED
    ended = run(FAMILY + SLEEP, limits, watcher)
    assert (ended.ending, watcher.why) == (ending, None)
    assert ended.seconds < 30.0
    assert all(is_gone(int(line)) for line in ended.tail)


def test_exit_limit_counts_from_the_conclusion(run: Callable[..., ChildResult]) -> None:
    watcher = Script()

    def poll() -> bool:
        watcher.at = Stage.CONCLUDED if watcher.heard.count(b"x") > 20 else Stage.READY
        return False

    watcher._on_poll = poll
    ended = run(CHATTER, ChildLimits(exit=0.2), watcher)
    assert ended.ending is Ending.LINGERED
    assert watcher.heard.count(b"x") > 20


def test_child_that_does_not_become_ready_is_asked_to_end(run: Callable[..., ChildResult], tmp_path: Path) -> None:
    watcher = Script(on_stop=(tmp_path / "stop").touch)
    watcher.at = Stage.STARTING
    ended = run(STOPPABLE, ChildLimits(start=0.5, grace=Grace(30.0, 30.0)), watcher)
    assert (ended.ending, watcher.why, ended.tail) == (Ending.NOT_READY, Ending.NOT_READY, ("bye",))


def test_child_that_ends_within_its_grace_is_not_killed(run: Callable[..., ChildResult], tmp_path: Path) -> None:
    watcher = Script(on_stop=(tmp_path / "stop").touch)
    ended = run(STOPPABLE, ChildLimits(time=0.5, grace=Grace(20, 20)), watcher)
    assert (ended.ending, ended.exit_code, ended.tail) == (Ending.TIME_LIMIT, 0, ("bye",))
    assert not ended.ok


def test_grace_ends(run: Callable[..., ChildResult]) -> None:
    ended = run(SLEEP, ChildLimits(time=0.2, grace=Grace(0.3, 0.3)))
    assert ended.exit_code != 0
    assert 0.4 < ended.seconds < 20


def test_second_interrupt_cuts_the_grace_short(run: Callable[..., ChildResult]) -> None:
    interrupts = Interrupts()
    interrupts.count = 1
    watcher = Script()

    def interrupt_again() -> bool:
        interrupts.count += watcher.why is not None
        return False

    watcher._on_poll = interrupt_again
    ended = run(SLEEP, ChildLimits(grace=Grace(60, 60)), watcher, interrupts)
    assert ended.seconds < 30


def test_orphan_is_killed_after_a_normal_end(run: Callable[..., ChildResult]) -> None:
    ended = run(FAMILY)
    assert ended.ok
    if os.name == "posix":
        assert is_gone(int(ended.tail[0]))


def test_error_in_a_callback_leaves_no_process(run: Callable[..., ChildResult]) -> None:
    watcher = Script()
    watcher._on_poll = lambda: bool(watcher.heard) and bool(1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(FAMILY + SLEEP, watcher=watcher)
    assert is_gone(int(watcher.heard))


def test_log_that_cannot_be_written_stops_the_child(
    run: Callable[..., ChildResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(io.RawIOBase):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pmlaunch.processes.child._open_log", lambda _: FullDisk())
    watcher = Script()
    ended = run(CHATTER, ChildLimits(time=60), watcher)
    assert (ended.ending, watcher.why, ended.tail) == (Ending.LOG_FAILED, Ending.LOG_FAILED, ())


@pytest.mark.parametrize(("program", "log", "code"), [("no such program", "log", "PML205"), ("x", "no/log", "PML204")])
def test_child_that_cannot_be_started(tmp_path: Path, program: str, log: str, code: str) -> None:
    with pytest.raises(PmlaunchError) as caught, Guardian(str(tmp_path)) as guardian:
        supervised(
            ChildCommand([program], {}, tmp_path, tmp_path / log), guardian, Interrupts(), ChildLimits(), Watcher()
        )
    assert caught.value.code == code


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="skipped: needs /proc to see the environment")
@pytest.mark.parametrize("dismissed", [True, False])
def test_guardian_kills_marked_processes_unless_dismissed(tmp_path: Path, dismissed: bool) -> None:
    mark = str(tmp_path / "步 spec.json")
    command = [sys.executable, "-c", SLEEP]
    child = subprocess.Popen(command, env={**os.environ, MARKER: mark}, start_new_session=True)
    guard = Guardian(mark)
    assert guard._process is not None
    assert guard._process.stdin is not None
    try:
        if dismissed:
            guard.dismiss()
            assert child.poll() is None
        else:
            guard._process.stdin.close()  # as if the launcher died
            assert child.wait(10) == -signal.SIGKILL
            guard._process.wait(10)
    finally:
        child.kill()
        child.wait()


@pytest.mark.hostile
def test_display_that_breaks_does_not_block_the_child(run: Callable[..., ChildResult]) -> None:
    class Broken(Watcher):
        def output(self, chunk: bytes) -> None:
            raise ValueError("a display that trips over the output")

    result = run("for _ in range(200_000): print('x' * 40)\nprint('the end')", ChildLimits(time=60), Broken())
    assert (result.ending, result.exit_code, result.tail[-1]) == (Ending.EXITED, 0, "the end")
