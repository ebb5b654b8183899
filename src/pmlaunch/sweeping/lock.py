"""One sweep at a time in a folder: a lock of the operating system, which ends with its process, however that ends."""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.child import created
from pmlaunch.support.json import as_mapping, dumps, parse_json

LOCK = "sweep.lock"
_LOOKS = 10  # attempts to lock, 0.05 s apart: whoever asks for the holder has the lock for a moment

if sys.platform == "win32":
    import msvcrt

    _PLACE = 1 << 30  # Windows lets nobody read a locked byte, and the beginning of the file tells who holds it

    def _locked(file: IO[bytes]) -> bool:
        file.seek(_PLACE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EDEADLK, 0):  # Wine's C library does not set it
                raise
            return False
        return True

else:
    import fcntl

    def _locked(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class SweepLock(AbstractContextManager["SweepLock"]):
    """Keeps every other sweep out of `folder`. Raises PML384 if there is one, and OSError as opening a file does."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / LOCK).open("a+b", buffering=0)
        for attempt in range(_LOOKS):
            if _locked(self._file):
                break
            if attempt == _LOOKS - 1:
                holder = _content(self._file).get("pid")
                self._file.close()
                message = f"Another sweep is running in {folder} (process {holder})."
                fix = f'pmlaunch sweep status "{folder}"'
                raise PmlaunchError("PML384", message, fix=fix, subject=str(folder))
            time.sleep(0.05)
        self._file.truncate(0)
        self._file.write(dumps({"pid": os.getpid(), "created": created(os.getpid())}).encode())

    def __exit__(self, *_: object) -> None:
        self._file.close()


def holder(folder: Path) -> dict[str, Any] | None:
    """Return {pid, created} of the sweep that is running in `folder`; None if there is none. Does not depend on clocks."""
    try:
        with (folder / LOCK).open("r+b", buffering=0) as file:
            return None if _locked(file) else _content(file)
    except OSError:
        return None


def _content(file: IO[bytes]) -> dict[str, Any]:
    file.seek(0)
    return as_mapping(parse_json(file.read(1000)))
