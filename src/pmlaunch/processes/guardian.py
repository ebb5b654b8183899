"""Start the guardian: a small process that cleans up if the launcher is killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from pmlaunch.processes.child import NEW_GROUP
from pmlaunch.processes.guardian_program import end_processes

MARKER = "PMLAUNCH_SPEC"
"""The environment variable by which the guardian recognises a child's descendants. It is set for every child."""

_PROGRAM = Path(__file__).with_name("guardian_program.py")
_SPARES = 5  # guardians that replace a killed one; more than that, and something does not want any
_BREAKAWAY = 0x01000000  # CREATE_BREAKAWAY_FROM_JOB: the guardian must outlive the launcher's job


class Guardian(AbstractContextManager["Guardian"]):
    """The guardian's process; see guardian_program.py for what it does.

    Args:
        mark: the value of MARKER in the environment of the processes to kill.
        records: each record.json to correct if it still says "running" when the launcher is gone.
    """

    def __init__(self, mark: str, *records: Path) -> None:
        self.mark = mark
        self._command = [sys.executable, "-I", "-S", str(_PROGRAM), f"{MARKER}={mark}", *map(str, records)]
        self._process = _start(self._command)
        self._spares = _SPARES
        self._told = False

    def watch(self, pid: int) -> None:
        """Tell it the child's process group. Replace it first if it has been killed."""
        if self._process is not None and self._process.poll() is not None and self._spares:
            self._spares -= 1
            self._told = False
            self._process.__exit__(None, None, None)
            self._process = _start(self._command)
        if not self._told:
            self._told = True
            self._tell(f"{pid}\n")

    def _tell(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line.encode())

    def kill_leftovers(self) -> None:
        """Kill what an ended child has left behind in other sessions (Linux)."""
        self._tell("end\n")
        end_processes([], f"{MARKER}={self.mark}", quiet=1)

    def dismiss(self) -> None:
        """Tell it that everything has ended as it should, and wait for its end."""
        if self._process is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._process.communicate(b"done\n", timeout=2.0)

    def __exit__(self, *_: object) -> None:
        self.dismiss()


def _start(command: list[str]) -> subprocess.Popen[bytes] | None:
    """Return the process, or None if it cannot be started: a run does not depend on its guardian."""
    group = NEW_GROUP | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    for flags in (group | _BREAKAWAY, group) if os.name == "nt" else (0,):
        with contextlib.suppress(OSError):
            return subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=flags,
                start_new_session=True,
            )
    return None
