"""Start the guardian of a run, and let it go when the run has ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("guardian_program.py")
_BREAKAWAY = 0x01000000  # CREATE_BREAKAWAY_FROM_JOB: it has to outlive the launcher's job


class Guardian:
    """The guardian's process. It knows that the launcher is gone when its standard input ends."""

    def __init__(self, folder: Path):
        command = [sys.executable, "-I", "-S", str(_PROGRAM), str(folder)]
        self._process = _start(command)

    def watch(self, pid: int) -> None:
        """Tell it which process group is the run's."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"{pid}\n".encode())
                self._process.stdin.flush()

    def dismiss(self) -> None:
        """The record has its final state: nothing is left to guard."""
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)


def _start(command: list[str]) -> subprocess.Popen[bytes] | None:
    """The process, or None when it cannot be started: the run goes on without it."""
    quiet: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    kinds: list[dict[str, Any]] = [{"start_new_session": True}]
    if os.name == "nt":
        group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
        kinds = [{"creationflags": group | _BREAKAWAY}, {"creationflags": group}]
    for kind in kinds:
        try:
            return subprocess.Popen(command, **quiet, **kind)
        except OSError:
            continue
    return None
