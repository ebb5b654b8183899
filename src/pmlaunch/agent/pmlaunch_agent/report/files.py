"""The files of a run: whole or not there, except events.jsonl, which grows."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import IO, Any, Callable

from pmlaunch_agent import elapsed
from pmlaunch_agent.argument_secrets import conceal
from pmlaunch_agent.report.journal import Observer
from pmlaunch_agent.report.result import RunResult

_ATTEMPTS = 20
_PAUSE = 0.02  # seconds between two attempts to replace a file that another process has open
_numbers = itertools.count(1)  # a signal handler may write the same file while the main thread does


def write_whole(path: str, write: Callable[[IO[Any]], Any], mode: str = "w") -> None:
    """Let `write` fill a draft beside `path` and move it there: no reader sees half a file, no failure leaves a draft.

    `mode` is "w" for UTF-8 text or "wb" for bytes. Raises OSError.
    """
    draft = f"{path}.{os.getpid()}.{next(_numbers)}.tmp"
    try:
        with open(draft, mode, encoding=None if "b" in mode else "utf-8") as file:
            write(file)
        _replace(draft, path)
    except BaseException:
        try:
            os.unlink(draft)
        except OSError:
            pass
        raise


def _replace(draft: str, path: str) -> None:
    for _ in range(_ATTEMPTS - 1):
        try:
            os.replace(draft, path)
            return
        except PermissionError:  # Windows: the launcher is reading the old file
            time.sleep(_PAUSE)
    os.replace(draft, path)


def of_rank(path: str, rank: int) -> str:
    """The file of a rank: NAME.rankN.EXTENSION beside that of rank 0."""
    stem, extension = os.path.splitext(path)
    return f"{stem}.rank{rank}{extension}" if rank else path


def run_of(path: str) -> str:
    """The name of the run that a file belongs to: that of its folder."""
    return os.path.basename(os.path.dirname(os.path.abspath(path)))


class EventsFile(Observer):
    """events.jsonl: one JSON object per line, in a file that all ranks share. Without a path, nothing is written."""

    def __init__(self, path: str | None, rank: int) -> None:
        self._rank = {"rank": rank} if rank else {}
        self._pid = os.getpid()
        # Unbuffered append: each line is one write, so lines of several ranks do not mix and none is lost in a crash.
        self._path = path
        self._file = open(path, "ab", buffering=0) if path else None  # noqa: SIM115  # open as long as the run

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        """Write one event. A failing write ends the events, never the run."""
        if self._file is None or os.getpid() != self._pid:  # a forked child must not report
            return
        entry = {"event": event, "t": elapsed(), **self._rank, **fields}
        try:
            self._file.write(conceal(json.dumps(entry, default=str), os.environ).encode() + b"\n")
        except (OSError, ValueError):
            self._file = None

    def on_next(self, folder: str) -> None:
        """Continue in another run folder. A file that cannot be opened ends the events, never the run."""
        if self._file is None or self._path is None:
            return
        self._file.close()
        try:
            self._file = open(os.path.join(folder, os.path.basename(self._path)), "ab", buffering=0)  # noqa: SIM115
        except OSError:
            self._file = None


class ResultFile(Observer):
    """result.json: how the run went by its own account, replaced as a whole at every change.

    The launcher trusts this file, not the exit code: isaaclab.bat always returns 0, and Isaac Sim may end the process
    with 0 while an exception is propagating. Rank N writes result.rankN.json beside that of rank 0.

    `error` says why the file lacks the latest change. Raises OSError if it cannot be written at all.
    """

    def __init__(self, path: str, result: RunResult) -> None:
        self.path = of_rank(path, result.rank)
        self.error: OSError | None = None
        self._save(result)

    def on_change(self, result: RunResult) -> None:
        """Write the result, except in a forked child. A failing write does not end the run."""
        if os.getpid() != result.pid:
            return
        try:
            self._save(result)
            self.error = None
        except OSError as error:
            self.error = error

    def on_next(self, folder: str) -> None:
        """Write to another run folder from now on."""
        self.path = os.path.join(folder, os.path.basename(self.path))

    def _save(self, result: RunResult) -> None:
        document = {**result.document(), "run": run_of(self.path)}
        text = conceal(json.dumps(document, indent=1, default=str), os.environ)
        write_whole(self.path, lambda file: file.write(text))
