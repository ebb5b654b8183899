"""results.jsonl: a line for each cell of each attempt, appended by the executor alone, and what those lines add up to.

An evaluation's lines are written together and forced to the disk. After a crash, a line that was cut off is dropped, and
lines that are missing are found again in the run folders: see `recovery`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.support.files import open_ordinary, size_of
from pmlaunch.support.json import as_mapping, dumps, numbers_in, parse_json
from pmlaunch.support.text import clean_line, megabytes
from pmlaunch.sweeping.model import CellResult

RESULTS = "results.jsonl"
RUNS, JOBS = "runs", "jobs"
LONGEST_MESSAGE = 300
"""Characters of the message that stands in the line of every cell."""
CONCLUDED = (RunState.DONE.value, RunState.FAILED.value)
"""States of evaluations that are not repeated. The others are those of programs that did not end by themselves."""
_LARGEST = 1 << 30  # bytes; 100,000 cells with 25 figures each take about 120 MB
_LONGEST = 1 << 20  # bytes of a line
_MOST = 20_000_000  # what `_weight` adds up to: half a million cells with 25 figures each
_LONGEST_TEXT = 4096  # characters of a name
_STATES = frozenset(state.value for state in RunState)


@dataclass(slots=True)
class Tally:
    """What is known about the latest attempt of an evaluation. `cells` and `tracked` count its lines."""

    attempt: int = 0
    state: str = ""
    run: str = ""
    code: str | None = None
    cells: int = 0
    tracked: int = 0
    message: str = ""

    @property
    def concluded(self) -> bool:
        """Whether the evaluation came to its end, as a success or not."""
        return self.state in CONCLUDED

    def count(self, result: CellResult) -> None:
        """Add a line; one of a later attempt replaces what was counted before."""
        if result.attempt > self.attempt:
            self.attempt, self.cells, self.tracked = result.attempt, 0, 0
        if result.attempt == self.attempt:
            self.state, self.run, self.code, self.message = result.state, result.run, result.code, result.message
            self.cells += 1
            self.tracked += result.success is True


class Journal(AbstractContextManager["Journal"]):
    """The journal of the sweep in `folder`, for its executor. `tallies` are those of all evaluations with lines, by id.

    Raises PML389 if the file cannot be written, and PML383 if it is not a journal.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RESULTS
        self.tallies: dict[str, Tally] = {}
        for result in read_results(folder):
            self._count(result)
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self._size = _end_of_lines(self._file)
            os.ftruncate(self._file, self._size)
        except OSError as error:
            raise write_error(self.path, error) from error

    def append(self, results: Iterable[CellResult]) -> None:
        """Add lines and force them to the disk. Raises PML389, and leaves the journal as it was, if that fails."""
        added = list(results)
        content = memoryview("".join(f"{dumps(result)}\n" for result in added).encode())
        try:
            os.lseek(self._file, self._size, os.SEEK_SET)
            rest = content
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if added:
                os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise write_error(self.path, error) from error
        self._size += len(content)
        for result in added:
            self._count(result)

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def _count(self, result: CellResult) -> None:
        self.tallies.setdefault(result.evaluation, Tally()).count(result)


def read_results(folder: Path) -> Iterator[CellResult]:
    """Yield every line of the journal, of all attempts, in the order in which they were written.

    A line that is cut off, or is no result, is left out. Raises PML383 if there is too much of that, or of anything:
    whoever reads a stranger's folder needs neither much memory nor much time.
    """
    path = folder / RESULTS
    try:
        with open_ordinary(path) as file:
            if size_of(file) > _LARGEST:
                raise _damaged(path, f"it is larger than {megabytes(_LARGEST)}")
            weight = 0
            for line in _lines(file):
                result = _result(parse_json(line)) if line.endswith(b"\n") else None
                weight += _weight(line, result)
                if weight > _MOST:
                    raise _damaged(path, "it has too many lines, or too many that are no results")
                if result is not None:
                    yield result
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that is too long, its pieces, all without the end of a line."""
    whole = True
    while piece := file.readline(_LONGEST):
        ends = piece.endswith(b"\n")
        yield piece if whole else piece.rstrip(b"\n")
        whole = ends


def _weight(line: bytes, result: CellResult | None) -> int:
    """What a line costs in memory and time."""
    return 10 + len(result.figures) if result is not None else 2000 + len(line) // 4


def _damaged(path: Path, why: str) -> PmlaunchError:
    message = f"{path} is not the journal of a sweep: {why}."
    return PmlaunchError("PML383", message, hint="start the sweep again in another folder: -o DIR", subject=str(path))


def tallies_of(folder: Path) -> Mapping[str, Tally]:
    """What the journal says about each evaluation, by its id. Raises PML383."""
    tallies: dict[str, Tally] = {}
    for result in read_results(folder):
        tallies.setdefault(result.evaluation, Tally()).count(result)
    return tallies


def latest_results(folder: Path) -> Iterator[CellResult]:
    """Yield the lines of each evaluation's latest attempt. Raises PML383."""
    tallies = tallies_of(folder)
    return (result for result in read_results(folder) if result.attempt == tallies[result.evaluation].attempt)


def _result(document: object) -> CellResult | None:
    entries = as_mapping(document)
    evaluation, motion, run, state = texts = [entries.get(name) for name in ("evaluation", "motion", "run", "state")]
    attempt, success, code, message = (entries.get(name) for name in ("attempt", "success", "code", "message"))
    if not all(isinstance(text, str) and len(text) <= _LONGEST_TEXT for text in texts) or type(attempt) is not int:
        return None
    if state not in _STATES:
        return None
    return CellResult(
        str(evaluation),
        str(motion),
        str(run),
        sys.intern(str(state)),
        success if isinstance(success, bool) else None,
        {sys.intern(name): value for name, value in numbers_in(entries.get("figures")).items()},
        as_mapping(entries.get("definition")),
        sys.intern(code) if isinstance(code, str) else None,
        attempt,
        clean_line(message, LONGEST_MESSAGE) if isinstance(message, str) else "",
    )


def _end_of_lines(file: int) -> int:
    """The size of the file without a last line that was cut off."""
    end = os.lseek(file, 0, os.SEEK_END)
    while end:
        start = max(0, end - _LONGEST)
        os.lseek(file, start, os.SEEK_SET)
        found = os.read(file, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def write_error(path: Path, error: OSError) -> PmlaunchError:
    """Return PML389 for a file of the sweep that cannot be written."""
    return PmlaunchError(
        "PML389",
        f"Cannot write {path}: {error.strerror or error}.",
        hint="free some space, then repeat the command; no result is lost",
        subject=str(path),
    )
