"""How far a download is: what git writes with --progress, and the file that GIT_LFS_PROGRESS names."""

from __future__ import annotations

import re
from pathlib import Path

from pmlaunch.installing.step import Progress, Report

_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_PHASE = re.compile(r"(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+(\d+)% \((\d+)/(\d+)\)(?:, ([\d.]+) (bytes|[KMG]iB))?")
_LFS = re.compile(r"(\w+) (\d+)/(\d+) (\d+)/(\d+) (.*)")


class GitProgress:
    """Hears git's output in pieces and reports its last state: bytes received of about so many."""

    def __init__(self, report: Report, text: str):
        self._report, self._text, self._rest = report, text, b""

    def __call__(self, chunk: bytes) -> None:
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + chunk)
        for line in reversed(lines):
            progress = git_progress(line.decode("utf-8", "replace"), self._text)
            if progress is not None:
                self._report(progress)
                return


def git_progress(line: str, text: str) -> Progress | None:
    """The progress in a line such as "Receiving objects:  62% (500/812), 10.2 MiB | 2.1 MiB/s"; None for others.

    git does not know how many bytes there will be; they are estimated from the share of objects that are there.
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


class LfsProgress:
    """Looks at the file of GIT_LFS_PROGRESS from time to time; `total` is what will be downloaded, in bytes."""

    def __init__(self, path: Path, report: Report, text: str, total: int):
        self.path, self._report, self._text, self._total = path, report, text, total
        self._offset = 0
        self._files: dict[str, int] = {}

    def __call__(self) -> int:
        """Report what is new; returns the bytes so far."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                news = file.read()
        except OSError:
            news = b""
        whole, newline, _ = news.rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for line in whole.decode("utf-8", "replace").splitlines():
            found = _LFS.match(line)
            if found and found[1] == "download":
                self._files[found[6]] = int(found[4])
        done = sum(self._files.values())
        if whole and done:
            self._report(Progress(self._text, min(done, self._total), self._total))
        return done
