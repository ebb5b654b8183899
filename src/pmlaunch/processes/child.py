"""One child process and its descendants: start it without a shell, log all of its output, end the whole tree."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.lifeline import Lifeline
from pmlaunch.support.secrets import SecretFilter, literal_secrets

NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Popen's creationflags for a process group of its own: Ctrl+C then reaches the launcher only. 0 outside Windows."""

_CHUNK = 1 << 18  # bytes per read; large, so that a fast writer rarely blocks
_PIPE = 1 << 20  # bytes; the largest pipe buffer Linux grants an unprivileged user
_TAIL = 1 << 16  # bytes of output kept for the diagnosis; Python's fault handler alone writes pages
_DRAIN = 2.0  # seconds to read remaining output after the child has ended


@dataclass(frozen=True)
class ChildCommand:
    """What to start, and the file that gets its stdout and stderr. Its stdin is the file `stdin`, or empty."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    stdin: Path | None = None


class Child:
    """A running child process. `listener` gets each piece of its output, on the reader thread.

    Raises PML204 if the log cannot be opened, PML205 if the program cannot be started.

    Attributes:
        last_output: time.monotonic() of the latest output, at first of the start.
        log_error: why the log could not be written; later output is not logged.
    """

    def __init__(self, command: ChildCommand, listener: Callable[[bytes], None]) -> None:
        self.log_error: OSError | None = None
        self.last_output = time.monotonic()
        self._listener: Callable[[bytes], None] | None = listener
        self._log_path = command.log
        self._secrets = SecretFilter(literal_secrets(command.environment, command.argv))
        self._log = _open_log(command.log)
        self._lifeline = Lifeline()
        try:
            self._process = _start(command, self._lifeline.inherited)
        except BaseException:
            self._lifeline.close()
            self._log.close()
            raise
        self._lifeline.attach(self._process.pid)
        self._exit = _exit_of(self._process.pid)
        assert self._process.stdout is not None  # noqa: S101 (for mypy)
        self._output = self._process.stdout
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.fcntl(self._output.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        self._reader = threading.Thread(target=self._read, name="output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The child's process id, which is also its process group."""
        return self._process.pid

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, or None if the child is still running after `seconds`. Negative: killed by a signal."""
        if self._exit is not None:
            self._exit.wait(seconds)
            return self._process.poll()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def tail(self) -> tuple[str, ...]:
        """Return the last non-empty lines of the output, read from the log."""
        try:
            with self._log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
                lines = [_decoded(line) for line in log.read().splitlines()]
        except OSError:
            return ()
        return tuple(line for line in lines if line.strip())

    def end_tree(self) -> int | None:
        """Kill the child and its descendants. Return the exit code."""
        family = _kill_tree(self.pid)
        exit_code = self.wait(5.0)  # before psutil waits for it, after which its exit code is unknown
        psutil.wait_procs(family, timeout=3)
        return exit_code

    def close(self) -> None:
        """Kill what an ended child left running, read the rest of its output and close the log."""
        self._reader.join(0.2)
        if self._reader.is_alive() or os.name != "nt":
            # a descendant holds the pipe open, or lives on in the child's group
            _end_group(self.pid)
        self._lifeline.close()
        if self._exit is not None:
            self._exit.close()
        self._reader.join(_DRAIN)
        if not self._reader.is_alive():
            self._output.close()
        with contextlib.suppress(OSError):
            self._log.close()

    def _read(self) -> None:
        while chunk := os.read(self._output.fileno(), _CHUNK):
            self.last_output = time.monotonic()
            self._keep(self._secrets.feed(chunk))
        self._keep(self._secrets.rest())

    def _keep(self, chunk: bytes) -> None:
        """Log a piece of output and pass it on."""
        try:
            rest = memoryview(chunk if self.log_error is None else b"")
            while rest:
                rest = rest[self._log.write(rest) or 0 :]
        except OSError as error:  # a full disk must not block the child
            self.log_error = error
        if chunk and self._listener is not None:
            try:
                self._listener(chunk)
            except Exception:  # noqa: BLE001 (whatever a display trips over, the log goes on and the child is never blocked)
                self._listener = None


def _open_log(path: Path) -> IO[bytes]:
    try:
        return path.open("wb", buffering=0)
    except OSError as error:
        raise PmlaunchError(
            "PML204",
            f"Cannot write the log {path}: {error.strerror or error}.",
            hint="free some space, or choose another folder with --runs DIR",
            subject=str(path.parent),
        ) from error


def _start(command: ChildCommand, inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
    try:
        with contextlib.ExitStack() as stack:
            stdin = stack.enter_context(command.stdin.open("rb")) if command.stdin else subprocess.DEVNULL
            return subprocess.Popen(
                list(command.argv),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                cwd=command.cwd,
                env=dict(command.environment),
                creationflags=NEW_GROUP,
                start_new_session=True,
                pass_fds=inherited,
            )
    except (OSError, ValueError) as error:
        program, reason = command.argv[0], getattr(error, "strerror", None) or str(error)
        raise PmlaunchError(
            "PML205", f"Cannot start {program}: {reason}.", hint="--python PATH", subject=program
        ) from error


class _Exit:
    """The end of a process, which wakes whoever waits for it. Popen.wait would look for it at growing intervals, on Linux."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float) -> None:
        self._poll.poll(seconds * 1000)

    def close(self) -> None:
        os.close(self._descriptor)


def _exit_of(pid: int) -> _Exit | None:
    """The end of a child; None if system or Python have no such thing, or Popen.wait needs none (Windows)."""
    if sys.platform != "linux":
        return None
    try:
        return _Exit(os.pidfd_open(pid))
    except (AttributeError, OSError):  # conda's Python, built on an old system; gVisor, and kernels before 5.3
        return None


def _decoded(line: bytes) -> str:
    """Decode a line of output: UTF-8, which children are asked for, or the console's code page (cmd.exe)."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("oem" if os.name == "nt" else "utf-8", "replace")


def created(pid: int) -> float | None:
    """Return a process's creation time in seconds since 1970, or None if it is gone.

    The pid and the creation time together identify a process; a pid alone may be reused.
    """
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def is_running(pid: object, creation: object) -> bool:
    """Return whether the process with this pid and creation time is still running."""
    if not isinstance(pid, int) or not 0 < pid < 1 << 31 or not isinstance(creation, (int, float)):
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - creation) < 0.1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_tree(pid: int) -> None:
    """Kill process `pid` and its descendants. Do nothing if it has ended already."""
    psutil.wait_procs(_kill_tree(pid), timeout=3)


def _kill_tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    _end_group(pid)
    return family


def _end_group(pid: int) -> None:
    """Kill what is left of the session the child led. Its id is not reused while it has members."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
