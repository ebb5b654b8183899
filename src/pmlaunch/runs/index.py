"""All runs of a folder, newest first, with an index beside them that spares reading every record again.

The run folders are the source of truth: an entry counts only while folder and record look as they did when it was made.
An index that cannot be read or written, or is not ours, is replaced or done without.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pmlaunch.model import RunState
from pmlaunch.runs.summary import RECORD, RunSummary, plain_size, summarize

FILE = ".runs.sqlite"
_LARGEST = 1 << 26  # bytes; ten thousand runs take two million
_BESIDE = ("-journal", "-wal", "-shm")
_HEADER = b"SQLite format 3\0"
_TABLE = (
    "CREATE TABLE runs (name TEXT PRIMARY KEY, stamp TEXT, state TEXT, model TEXT, motions INTEGER, success REAL,"
    " error REAL, seconds REAL, started TEXT, exit_code INTEGER, not_evaluated INTEGER,"
    " start REAL)"
)
_INSERT = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WHOLE, _NUMBER, _TEXT = (int, type(None)), (float, int, type(None)), (str, type(None))
_TYPES: tuple[type | tuple[type, ...], ...] = (
    str,
    str,
    str,
    _TEXT,
    _WHOLE,
    _NUMBER,
    _NUMBER,
    _NUMBER,
    _TEXT,
    _WHOLE,
    int,
    float,
)
_STATES = {state.value: state for state in RunState}
_Row = tuple[Any, ...]


def runs_in(runs: Path) -> list[RunSummary]:
    """The runs in the folder `runs`, the newest first; none if there is no such folder."""
    stamps = _stamps(runs)
    known = _load(runs)
    found: list[tuple[float, str, RunSummary]] = []  # sorted by start, then name
    changed: dict[str, _Row] = {}
    for name, stamp in stamps.items():
        row = known.get(name)
        if row is not None and row[1] == stamp:
            found.append((row[-1], name, RunSummary(name, runs, _STATES[row[2]], *row[3:-1])))
        elif (summary := summarize(runs / name)) is not None:
            start = summary.start.timestamp() if summary.start else 0.0
            found.append((start, name, summary))
            if summary.state is not RunState.RUNNING and _can_be_stored(summary):  # whether it runs is not in its files
                changed[name] = _row(summary, stamp, start)
    gone = known.keys() - stamps.keys()
    if changed or gone:
        _store(runs, changed.values(), gone)
    return [summary for _, _, summary in sorted(found, key=lambda item: item[:2], reverse=True)]


def _row(run: RunSummary, stamp: str, start: float) -> _Row:
    figures = (run.motions, run.success, run.error, run.seconds, run.started, run.exit_code, run.not_evaluated)
    return (run.name, stamp, run.state.value, run.model, *figures, start)


def _is_ours(row: _Row) -> bool:
    typed = all(isinstance(value, kind) for value, kind in zip(row, _TYPES, strict=True))
    return typed and row[2] in _STATES


def _can_be_stored(run: RunSummary) -> bool:
    """Whether its texts are Unicode: one that is not would keep all others out."""
    try:
        "".join((run.name, run.model or "", run.started or "")).encode()
    except UnicodeError:
        return False
    return True


def _stamps(runs: Path) -> dict[str, str]:
    """What tells whether a run has changed, by name: times of folder and record, and the record's size."""
    stamps = {}
    with contextlib.suppress(OSError), os.scandir(runs) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.name[0] != "." and entry.is_dir(follow_symlinks=False):
                    # a plain string: pathlib would take most of the time of ten thousand runs
                    record = os.lstat(f"{entry.path}{os.sep}{RECORD}")
                    if stat.S_ISREG(record.st_mode):
                        times = entry.stat(follow_symlinks=False).st_mtime_ns, record.st_mtime_ns
                        stamps[entry.name] = f"{times[0]} {times[1]} {record.st_size}"
    return stamps


def _load(runs: Path) -> Mapping[str, _Row]:
    """The rows of the index by name; empty if it is missing, cannot be read, or is something else."""
    if plain_size(runs / FILE) is None:
        return {}
    try:
        with _connected(runs) as index:
            if index.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall() != [(_TABLE,)]:
                raise sqlite3.DatabaseError("another program's")
            rows = index.execute("SELECT * FROM runs").fetchall()
    except (sqlite3.OperationalError, OSError):  # in use, or may not be read
        return {}
    except (sqlite3.Error, ValueError, OverflowError):
        with contextlib.suppress(OSError):
            (runs / FILE).unlink()
        return {}
    return {row[0]: row for row in rows if _is_ours(row)}


def _store(runs: Path, rows: Iterable[_Row], gone: Iterable[str]) -> None:
    """Write changed rows. A folder that may not be written has no index."""
    with contextlib.suppress(sqlite3.Error, OSError, UnicodeError), _connected(runs) as index, index:
        index.execute(_TABLE.replace("TABLE", "TABLE IF NOT EXISTS", 1))
        index.executemany(_INSERT, rows)
        index.executemany("DELETE FROM runs WHERE name = ?", [(name,) for name in gone])


def _connected(runs: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open or create the index. It may be a stranger's, so SQLite gets to see nothing but an ordinary file.

    SQLite would follow links, and obey a journal beside the file, which can name files to overwrite and to delete. Ours
    has none: a transaction that is cut off costs the index, no more.

    Raises sqlite3.DatabaseError for a file of another kind, OSError for one that may not be opened.
    """
    path = runs / FILE
    for ending in _BESIDE:
        path.with_name(FILE + ending).unlink(missing_ok=True)
    size = plain_size(path)
    if size is None and os.path.lexists(path):
        raise OSError("not a regular file")
    if size:
        with path.open("rb") as file:
            header = file.read(20)
        if size > _LARGEST or header[:18] != _HEADER + header[16:18] or header[18:] != b"\1\1":  # 2: with a WAL
            raise sqlite3.DatabaseError("not an index")
    index = sqlite3.connect(path, timeout=1.0)
    index.execute("PRAGMA trusted_schema = OFF")
    index.execute("PRAGMA journal_mode = MEMORY")
    return contextlib.closing(index)
