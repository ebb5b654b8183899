"""Progress of git and Git LFS: what git writes with --progress, and the file that GIT_LFS_PROGRESS names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.model import Finding
from pmlaunch.processes.supervise import Watcher

_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_PHASE = re.compile(
    r"(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+(\d{1,3})% \((\d{1,15})/(\d{1,15})\)(?:, (\d{1,9}(?:\.\d{1,9})?) (bytes|[KMG]iB))?"
)
_LFS = re.compile(r"(\w+) (\d+)/(\d+) (\d{1,18})/(\d+) (.*)")


@dataclass(frozen=True)
class Progress:
    """Progress of an operation: bytes of a download, or a status line. `total` is None if unknown."""

    text: str = ""
    done: int = 0
    total: int | None = None


OnProgress = Callable[[Progress], None]


@dataclass
class Reporter:
    """Receives what an operation reports while it is under way; what was received survives a failure.

    `progress` may be called on another thread. `last_log` is the output of the program that was started last.
    """

    progress: OnProgress
    findings: list[Finding] = field(default_factory=list)
    last_log: Path | None = None


class GitProgress(Watcher):
    """Reports the latest progress in each piece of git's output."""

    def __init__(self, report: OnProgress, text: str) -> None:
        super().__init__(self._hear)
        self._report, self._text, self._rest = report, text, b""

    def _hear(self, chunk: bytes) -> None:
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + chunk)
        for line in reversed(lines):
            progress = git_progress(line.decode("utf-8", "replace"), self._text)
            if progress is not None:
                self._report(progress)
                return


def git_progress(line: str, text: str) -> Progress | None:
    """Parse a line such as "Receiving objects:  62% (500/812), 10.2 MiB | 2.1 MiB/s"; None for other lines.

    git does not say how many bytes there will be: the total is extrapolated from the share of objects received.
    """
    found = _PHASE.match(line)
    if found is None:
        return None
    phase, percent, done, total, amount, unit = found.groups()
    if amount is None or phase != "Receiving objects":
        return Progress(f"{text}: {phase.lower()} {done} of {total}")
    received = int(float(amount) * _UNITS[unit])
    estimate = received * 100 // int(percent) if int(percent) >= 5 else None
    return Progress(text, received, max(estimate, received) if estimate else None)


class LfsProgress(Watcher):
    """Reports what is new in the file of GIT_LFS_PROGRESS; `total` is the size of the download in bytes."""

    def __init__(self, path: Path, report: OnProgress, text: str, total: int) -> None:
        super().__init__(progress=self.read)
        self._path, self._report, self._text, self._total = path, report, text, total
        self._offset = 0
        self._files: dict[str, int] = {}

    def read(self) -> int:
        """Report new progress; return the bytes downloaded so far."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except OSError:
            new = b""
        complete = new[: new.rfind(b"\n") + 1]
        self._offset += len(complete)
        for line in complete.decode("utf-8", "replace").splitlines():
            found = _LFS.match(line)
            if found and found[1] == "download":
                self._files[found[6]] = int(found[4])
        done = sum(self._files.values())
        if complete and done:
            self._report(Progress(self._text, min(done, self._total), self._total))
        return done
