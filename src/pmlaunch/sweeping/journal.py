"""results.jsonl: a line for each cell of each attempt, appended by the executor alone, and what those lines add up to.

An evaluation's lines are written together and forced to the disk. After a crash, a line that was cut off is dropped, and
lines that are missing are found again in the run folders: see `recovery`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.json import as_mapping, dumps, numbers_in, parse_json
from pmlaunch.sweeping.model import CellResult

RESULTS = "results.jsonl"
RUNS = "runs"
CONCLUDED = (RunState.DONE.value, RunState.FAILED.value)
"""States of evaluations that are not repeated. The others are those of programs that did not end by themselves."""
_LONGEST = 1 << 20  # bytes of a line


@dataclass(slots=True)
class Tally:
    """What is known about the latest attempt of an evaluation. `cells` and `tracked` count its lines."""

    attempt: int = 0
    state: str = ""
    run: str = ""
    code: str | None = None
    cells: int = 0
    tracked: int = 0

    @property
    def concluded(self) -> bool:
        """Whether the evaluation came to its end, as a success or not."""
        return self.state in CONCLUDED

    def count(self, result: CellResult) -> None:
        """Add a line; one of a later attempt replaces what was counted before."""
        if result.attempt > self.attempt:
            self.attempt, self.cells, self.tracked = result.attempt, 0, 0
        if result.attempt == self.attempt:
            self.state, self.run, self.code = result.state, result.run, result.code
            self.cells += 1
            self.tracked += result.success is True


class Journal(AbstractContextManager["Journal"]):
    """The journal of the sweep in `folder`, for its executor. `tallies` are those of all evaluations with lines, by id.

    Raises PML389 if the file cannot be written.
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

    A line that is cut off, or is no result, is left out.
    """
    try:
        file = open_ordinary(folder / RESULTS)
    except OSError:
        return
    with file:
        while line := file.readline(_LONGEST):
            if line.endswith(b"\n") and (result := _result(parse_json(line))) is not None:
                yield result


def tallies_of(folder: Path) -> Mapping[str, Tally]:
    """What the journal says about each evaluation, by its id."""
    tallies: dict[str, Tally] = {}
    for result in read_results(folder):
        tallies.setdefault(result.evaluation, Tally()).count(result)
    return tallies


def latest_results(folder: Path) -> Iterator[CellResult]:
    """Yield the lines of each evaluation's latest attempt."""
    tallies = tallies_of(folder)
    return (result for result in read_results(folder) if result.attempt == tallies[result.evaluation].attempt)


def _result(document: object) -> CellResult | None:
    entries = as_mapping(document)
    evaluation, motion, run, state = texts = [entries.get(name) for name in ("evaluation", "motion", "run", "state")]
    attempt, success, code = (entries.get(name) for name in ("attempt", "success", "code"))
    if not all(isinstance(text, str) for text in texts) or type(attempt) is not int:
        return None
    return CellResult(
        str(evaluation),
        str(motion),
        str(run),
        str(state),
        success if isinstance(success, bool) else None,
        numbers_in(entries.get("figures")),
        as_mapping(entries.get("definition")),
        code if isinstance(code, str) else None,
        attempt,
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
