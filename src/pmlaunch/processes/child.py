"""A child process and everything below it: started without a shell, its output kept whole, ended as a tree."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.running.run_folder import cannot_write

_CHUNK = 1 << 18  # bytes: one read takes what has piled up, so that a fast writer never waits for long
_PIPE = 1 << 20  # bytes: the largest pipe that Linux gives an ordinary user
_END = 1 << 16  # bytes of the output's end for the diagnosis: Python's fault handler alone writes pages
_DRAIN = 2.0  # seconds for the rest of the output after the child's end


class Child:
    """A running child. Its output goes to the log whole, and in pieces to `listener`, on a thread of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        listener: Callable[[bytes], None],
        stdin: Path | None = None,
    ):
        """Start `command`, which reads the file `stdin` or nothing.

        Raises PML205 when the system refuses, and PML204 when the log cannot be written.
        """
        self.log_error: OSError | None = None
        self.last_output = time.monotonic()
        self._listener = listener
        self._log_path = log
        try:
            self._log: IO[bytes] = log.open("wb", buffering=0)
        except OSError as error:
            raise cannot_write(log.parent, error) from error
        source: Any = subprocess.DEVNULL
        try:
            source = stdin.open("rb") if stdin else source
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                list(command),
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                cwd=cwd,
                env=dict(environment),
                **_own_group(),
            )
        except (OSError, ValueError) as error:
            self._log.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise PmlaunchError(
                "PML205", f"Cannot start {command[0]}: {reason}.", hint="--python PATH", subject=command[0]
            ) from error
        finally:
            if stdin and not isinstance(source, int):
                source.close()  # the child has its own
        _widen(self._process.stdout)
        self._reader = threading.Thread(target=self._read, name="output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None when the child still runs after `seconds`. Negative: ended by that signal."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def tail(self) -> list[str]:
        """The last lines of the output, from the log."""
        try:
            with self._log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _END))
                lines = [_decoded(line) for line in log.read().splitlines()]
        except OSError:
            return []
        return [line for line in lines if line.strip()]

    def end_tree(self) -> int | None:
        """End the child and everything below it, at once. Returns the exit code."""
        end_tree(self._process.pid)
        return self.wait(5.0)

    def close(self) -> None:
        """After the child's end: end what it left behind, take the rest of the output, close the log."""
        self._reader.join(0.2)
        if self._reader.is_alive() or os.name != "nt":
            # something below the child holds the pipe, or lives on in its group
            _end_group(self._process.pid)
        self._reader.join(_DRAIN)
        with contextlib.suppress(OSError):
            self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        while True:
            try:
                chunk = os.read(handle, _CHUNK)
            except OSError:
                return
            if not chunk:
                return
            self.last_output = time.monotonic()
            self._keep(chunk)
            self._listener(chunk)

    def _keep(self, chunk: bytes) -> None:
        """To the log. A full disk is noted; the child is not blocked by it."""
        if self.log_error is None:
            try:
                view = memoryview(chunk)
                while view:
                    view = view[self._log.write(view) or 0 :]
            except OSError as error:
                self.log_error = error


def _decoded(line: bytes) -> str:
    """A line as UTF-8, which is what our children are asked for; cmd.exe itself writes the console's code page."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("oem" if os.name == "nt" else "utf-8", "replace")


def _own_group() -> dict[str, Any]:
    """A group of its own: Ctrl+C reaches the launcher only, and the launcher decides."""
    if os.name == "nt":
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}


def _widen(pipe: IO[bytes] | None) -> None:
    if sys.platform == "linux" and pipe is not None:
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def created(pid: int) -> float | None:
    """When the process was created, in seconds since 1970; with its pid that names it for ever. None: it is gone."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_running(pid: object, creation: object) -> bool:
    """Whether the very process of that pid and creation time still runs: a pid alone may be a stranger's by now."""
    import psutil

    if not isinstance(pid, int) or not isinstance(creation, (int, float)):
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - creation) < 0.1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_tree(pid: int) -> None:
    """End process `pid` and everything below it. Nothing happens when it has ended already."""
    import psutil

    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    _end_group(pid)
    psutil.wait_procs(family, timeout=3)


def _end_group(pid: int) -> None:
    """End what is left of the session that the child led; its number cannot be anyone else's meanwhile."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
