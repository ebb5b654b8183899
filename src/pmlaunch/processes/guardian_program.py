"""A small program that outlives the launcher by a moment: ends what it left behind, and makes the record true.

    python guardian.py RUN_FOLDER        its standard input is a pipe that the launcher holds

The pipe ends when the launcher does, however it ends: normally, by a signal, by SIGKILL. If the record then still
says "running", the launcher was killed: the processes of the run are ended (POSIX; on Windows the job object does it)
and the record says so. Standard library only, nothing of pmlaunch: it must start at once and depend on nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False  # `typing` costs more than all of this program
if TYPE_CHECKING:
    from typing import Any

_ATTEMPTS = 100  # to replace a record that somebody is reading, a twentieth of a second apart
_ROUNDS = 20  # looks at the run's processes, a twentieth of a second apart, until none is left


def main(folder: str) -> None:
    pids = [int(word) for word in sys.stdin.buffer.read().split() if word.isdigit()]
    record_path = os.path.join(folder, "record.json")
    try:
        with open(record_path, encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError):
        return
    if record.get("state") != "running":
        return
    if os.name == "posix":
        end_processes(pids, os.path.join(folder, "spec.json"))
    write(record_path, ended(record))


def end_processes(pids: list[int], spec: str) -> None:
    """End the groups of `pids` and, where /proc tells, every process that carries this run's spec."""
    for _ in range(_ROUNDS):
        found = carriers(spec)
        for pid in pids:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.05)


def carriers(spec: str) -> list[int]:
    """The processes whose environment names `spec`: the run's own, also those that left its group."""
    wanted = b"PMLAUNCH_SPEC=" + os.fsencode(spec) + b"\0"
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/" + name + "/environ", "rb") as file:
                environment = file.read()
        except OSError:
            continue
        if wanted in environment:
            found.append(int(name))
    return found


def ended(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a run whose launcher was killed."""
    finding = {
        "code": "PML332",
        "severity": "error",
        "message": "pmlaunch was ended from outside, and the run with it.",
        "hint": None,
        "fix": None,
        "subject": None,
    }
    return dict(record, state="abnormal", exit_code=8, findings=[*record.get("findings", []), finding])


def write(path: str, record: dict[str, Any]) -> None:
    """In one step, as every document of a run; patient with Windows, where a reader holds the old file for a moment."""
    beside = path + ".guardian.tmp"
    with contextlib.suppress(OSError):
        with open(beside, "w", encoding="utf-8", newline="\n") as file:
            json.dump(record, file, indent=2, ensure_ascii=False)
            file.write("\n")
        for _ in range(_ATTEMPTS):
            try:
                os.replace(beside, path)
                return
            except PermissionError:
                time.sleep(0.05)


if __name__ == "__main__":
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    main(sys.argv[1])
