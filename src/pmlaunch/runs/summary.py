"""A run folder in a few values, read from its record. Another program may have written it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pmlaunch.model import RunState
from pmlaunch.support.json import HIDDEN, as_list, as_mapping, numbers_in, read_mapping

RECORD = "record.json"
_STATES = [state.value for state in RunState]
_MOST_JSON = 32 << 20  # bytes
_LONGEST = 300  # characters of a name
_QUIET = 3600.0  # seconds without a write after which a run of another machine is taken for ended


@dataclass(frozen=True)
class RunSummary:
    """A run. `success` is the share of its motions that were followed, `error` the mean position error in m.

    `started` is a time in ISO 8601, `seconds` the run's duration, `not_evaluated` the number of skipped motions.
    """

    name: str
    runs: Path = field(metadata=HIDDEN)
    state: RunState
    model: str | None = None
    motions: int | None = None
    success: float | None = None
    error: float | None = None
    seconds: float | None = None
    started: str | None = None
    exit_code: int | None = None
    not_evaluated: int = 0

    @property
    def folder(self) -> Path:
        """The run folder, in the folder `runs`."""
        return self.runs / self.name

    @property
    def start(self) -> datetime | None:
        """When it was started; None if the record does not tell."""
        return moment(self.started)


def moment(text: str | None) -> datetime | None:
    """A time in ISO 8601, by default in this machine's time zone."""
    try:
        return datetime.fromisoformat(text).astimezone() if text else None
    except (ValueError, OverflowError, OSError):
        return None


def document(folder: Path, name: str) -> dict[str, Any]:
    """The JSON object in a file of a run folder; empty unless it is an ordinary file of reasonable size."""
    return read_mapping(folder / name, _MOST_JSON) if plain_size(folder / name) is not None else {}


def plain_size(path: Path) -> int | None:
    """Bytes of an ordinary file; None for a link, pipe, device or folder, and for nothing."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def run_record(folder: Path) -> dict[str, Any]:
    """The record of a run folder; empty if the folder is a link or holds no record of a run."""
    record = {} if folder.is_symlink() else document(folder, RECORD)
    known = type(record.get("schema")) is int and "started" in record
    return record if known and record.get("state") in _STATES else {}


def summarize(folder: Path) -> RunSummary | None:
    """Read the summary of a run folder; None if it is none. A run counts as running only while it can be."""
    record = run_record(folder)
    if not record:
        return None
    state = RunState(record["state"])
    if state is RunState.RUNNING and not is_in_progress(folder, record):
        state = RunState.ABNORMAL
    plan, evaluation = document(folder, "plan.json"), as_mapping(record.get("evaluation"))
    common = numbers_in(evaluation.get("common"))
    count = common.get("motions") or len(as_list(plan.get("motions"))) or len(as_list(evaluation.get("per_motion")))
    started, exit_code = record["started"], record.get("exit_code")
    return RunSummary(
        name=folder.name,
        runs=folder.parent,
        state=state,
        model=plan["model"][:_LONGEST] if isinstance(plan.get("model"), str) else None,
        motions=int(count) if 0 < count < 1 << 53 else None,
        success=common.get("success_rate"),
        error=common.get("mean_position_error_m"),
        seconds=numbers_in(record).get("seconds"),
        started=started[:_LONGEST] if isinstance(started, str) else None,
        exit_code=exit_code if type(exit_code) is int and abs(exit_code) < 1 << 53 else None,
        not_evaluated=len(as_list(record.get("not_evaluated"))),
    )


def is_in_progress(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether a run that its record calls running may be: here, or on another machine that still writes to it."""
    if record.get("state") != RunState.RUNNING.value:
        return False
    from pmlaunch.processes.child import is_running

    processes = [as_mapping(record.get(name)) for name in ("child", "launcher")]
    if any(is_running(process.get("pid"), process.get("created")) for process in processes):
        return True
    return time.time() - max(_written(folder), default=0.0) < _QUIET


def _written(folder: Path) -> Iterator[float]:
    for name in ("output.log", "events.jsonl"):
        try:
            yield os.lstat(folder / name).st_mtime
        except OSError:
            continue
