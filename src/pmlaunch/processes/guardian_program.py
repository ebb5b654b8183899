"""The guardian: outlives the launcher, kills the processes it left behind and corrects the record.

    python guardian_program.py NAME=VALUE [RECORD ...]

Its standard input is a pipe whose other end only the launcher holds, so it reaches its end when the launcher is gone,
even after SIGKILL. Each line is the id of a process group, "end" once its leader has ended, or "done" if everything has
ended as it should. Without "done" the launcher died: the guardian then kills these groups, every process with NAME=VALUE
in its environment, and what it has seen to descend from the groups' leaders (on Windows the job object has done so), and
marks each RECORD, a record.json, as abnormal if its state is still "running".

Standard library only, and nothing of pmlaunch: it must start at once and depend on nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # importing `typing` costs more than the rest of this program
if TYPE_CHECKING:
    from typing import Any

_ATTEMPTS = 100  # to replace a record that another process is reading, 0.05 s apart
_ROUNDS = 20  # searches for processes to kill, 0.05 s apart
_QUIET = 4  # searches in a row that find nothing end it: a child between fork and exec does not carry the mark yet
_LOOK = 0.5  # seconds between two looks for descendants
_LARGEST_RECORD = 1 << 26  # bytes
_RESERVE = ".reserve"


def main(mark: str, *record_paths: str) -> None:
    """Wait for the launcher's end; clean up unless it said "done"."""
    family: dict[int, bytes] = {}
    words = listen(family)
    if b"done" in words:
        return
    records = {path: record for path in record_paths if (record := read(path)) is not None}
    running = {path: record for path, record in records.items() if record.get("state") == "running"}
    if records and not running:
        return  # the launcher died after its work was done
    if os.name == "posix":
        kill_family(family)
        end_processes([int(word) for word in words if word.isdigit()], mark)
    for path, record in running.items():
        write(path, abnormal(record))


def listen(family: dict[int, bytes]) -> list[bytes]:
    """Return all words from the pipe. Meanwhile collect the descendants of the groups' leaders in `family`."""
    told = b""
    while True:
        if os.path.isdir("/proc/self") and not select.select([sys.stdin.buffer], [], [], _LOOK)[0]:
            look_for_family([int(word) for word in told.split() if word.isdigit()], family)
            continue
        chunk = os.read(sys.stdin.fileno(), 4096)
        if not chunk:
            return told.split()
        told += chunk
        if told.endswith(b"end\n"):
            kill_family(family)


def look_for_family(leaders: list[int], family: dict[int, bytes]) -> None:
    """Add the descendants of `leaders` and of the known `family`, {pid: start time}.

    One that leaves its session, clears its environment and loses its parent can be told in no other way.
    """
    parents = {pid: stat for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if (stat := stat_of(pid))}
    known = {*leaders, *(pid for pid, start in family.items() if pid in parents and parents[pid][1] == start)}
    grown = True
    while grown:
        found = {pid: start for pid, (parent, start) in parents.items() if parent in known and pid not in known}
        family.update(found)
        known.update(found)
        grown = bool(found)


def stat_of(pid: int) -> tuple[int, bytes] | None:
    """Return a process's parent and start time, or None if it is gone; see proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return (int(fields[1]), fields[19]) if len(fields) > 19 else None


def kill_family(family: dict[int, bytes]) -> None:
    """Kill those of `family` that still run."""
    for pid, start in family.items():
        stat = stat_of(pid)
        if stat is not None and stat[1] == start:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def end_processes(groups: list[int], mark: str, quiet: int = _QUIET) -> None:
    """Kill the process groups and, where there is /proc, every process that carries `mark`.

    Ends after `quiet` searches in a row that found none.
    """
    if os.name != "posix":
        return
    empty = 0
    for _ in range(_ROUNDS):
        found = marked(mark)
        for kill, targets in ((os.killpg, groups), (os.kill, found)):
            for target in targets:
                with contextlib.suppress(OSError):
                    kill(target, signal.SIGKILL)
        empty = 0 if found else empty + 1
        if empty >= quiet:
            return
        time.sleep(0.05)


def marked(mark: str) -> list[int]:
    """Return the processes with `mark` ("NAME=VALUE") in their environment, even if they left the group."""
    wanted = b"\0" + os.fsencode(mark) + b"\0"
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/" + name + "/environ", "rb") as file:
                environment = b"\0" + file.read()
        except OSError:
            continue
        if wanted in environment:
            found.append(int(name))
    return found


def read(path: str) -> dict[str, Any] | None:
    """Return the record, or None if there is none that can be read. The run's program may have written anything there."""
    if not os.path.isfile(path):  # a pipe would block
        return None
    try:
        with open(path, "rb") as file:
            record = json.loads(file.read(_LARGEST_RECORD))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def abnormal(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a run whose launcher was killed."""
    finding = {
        "code": "PML332",
        "severity": "error",
        "message": "pmlaunch ended before it could record a result, and the run ended with it.",
        "hint": None,
        "fix": None,
        "subject": None,
    }
    earlier = record.get("findings")
    findings = [*(earlier if isinstance(earlier, list) else []), finding]
    return dict(record, state="abnormal", exit_code=8, findings=findings)


def write(path: str, record: dict[str, Any]) -> None:
    """Replace the record in one step; on a full disk, in the space that was kept for it."""
    content = (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
    if not replaced(path, content):
        remove(path + _RESERVE)
        replaced(path, content)
    remove(path + _RESERVE)


def replaced(path: str, content: bytes) -> bool:
    """Whether `content` replaced the file. On Windows, retry while a reader keeps the old one open."""
    beside = path + ".guardian.tmp"
    try:
        with open(beside, "wb") as file:
            file.write(content)
        for _ in range(_ATTEMPTS):
            try:
                os.replace(beside, path)
                return True
            except PermissionError:
                time.sleep(0.05)
    except OSError:
        pass
    remove(beside)
    return False


def remove(path: str) -> None:
    """Delete a file if it is there."""
    with contextlib.suppress(OSError):
        os.remove(path)


if __name__ == "__main__":
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    main(*sys.argv[1:])
