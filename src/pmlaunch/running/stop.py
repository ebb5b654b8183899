"""Stop a run from another console: ask it to end, then kill its processes, and only those."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.processes.child import end_tree, is_running
from pmlaunch.processes.guardian import MARKER
from pmlaunch.processes.guardian_program import abnormal, end_processes
from pmlaunch.running.agent_reports import RESULT_FILE, agent_result
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.running.spec import STOP_FILE
from pmlaunch.support.json import as_mapping
from pmlaunch.support.names import fold

_GRACE = 15.0  # seconds; the launcher gives the run 5, and then has its own work to do
_GRACE_TO_WRITE = 630.0  # the same if a video or a motion is written, for which the launcher allows 600
_GUARDIANS_TIME = 3.0  # seconds the guardian may take to correct the record; its search for processes takes one at most
_WRITTEN = (RECORD, "events.jsonl", "output.log")


@dataclass(frozen=True)
class Stopped:
    """The state of a run that was asked to stop; `politely` if it wrote its own verdict."""

    folder: Path
    state: str
    politely: bool


def running_runs(runs: Path) -> list[RunFolder]:
    """Return the runs in `runs` that are in progress, the newest last: their record says so and their process exists."""
    folders = [RunFolder(path.parent) for path in sorted(runs.glob(f"*/{RECORD}"))]
    return [folder for folder in folders if any(_processes(folder.read(RECORD) or {}))]


def choose_run(runs: Path, name: str | None) -> RunFolder:
    """Return the run in progress called `name` (a folder, its name, or the start or end of its name); None: the only one.

    Raises PML010 if there is none and PML011 if several match.
    """
    for path in runs.glob(f"*/{RECORD}"):
        settle_abandoned(RunFolder(path.parent))
    active = running_runs(runs)
    if name is not None and (Path(name) / RECORD).is_file():
        active = [RunFolder(Path(name))]
    elif name is not None:
        key = fold(name)
        active = [run for run in active if fold(run.path.name).startswith(key) or fold(run.path.name).endswith(key)]
    if len(active) == 1:
        return active[0]
    if active:
        names = ", ".join(run.path.name for run in active)
        raise PmlaunchError("PML011", f"Several runs are in progress: {names}.", hint="pmlaunch stop NAME")
    what = f"No run called {name!r}" if name else "No run"
    raise PmlaunchError(
        "PML010", f"{what} is in progress in {runs}.", hint="use --runs DIR for another folder", subject=name
    )


def settle_abandoned(run: RunFolder) -> None:
    """Settle a run that lost its launcher and its guardian: kill what it left behind, and record that it has ended.

    Any other run is left alone, such as one whose program still runs, here or on another machine that writes there.
    """
    record = run.read(RECORD) or {}
    if record.get("state") != RunState.RUNNING.value or any(_processes(record)) or _is_young(run):
        return
    end_processes([], f"{MARKER}={run.file('spec.json')}", quiet=1)
    with contextlib.suppress(PmlaunchError):  # a run folder that cannot be written
        run.conclude(abnormal(record))


def _is_young(run: RunFolder) -> bool:
    """Whether something wrote so recently that a guardian may correct the record, or another machine runs the program."""
    times = [path.stat().st_mtime for name in _WRITTEN if (path := run.file(name)).is_file()]
    return not times or time.time() - max(times) < _GUARDIANS_TIME


def stop_run(run: RunFolder, grace: float | None = None) -> Stopped:
    """Stop `run` and make sure that its record says so. After `grace` seconds, kill its processes.

    A run that has given its verdict only hangs: its program is killed, and the launcher records the result.

    Raises PML010 if it is no longer in progress.
    """
    record = run.read(RECORD) or {}
    if not any(_processes(record)):
        raise PmlaunchError("PML010", f"{run.path.name} is no longer in progress.", subject=run.path.name)
    if agent_result(run.read(RESULT_FILE) or {}).is_own_end:
        for pid in _processes(record, "child"):
            end_tree(pid)
    else:
        with contextlib.suppress(OSError):
            run.file(STOP_FILE).touch()
    deadline = time.monotonic() + (_grace(run) if grace is None else grace)
    while time.monotonic() < deadline and any(_processes(record)):
        time.sleep(0.1)
        record = run.read(RECORD) or record
    if record.get("state") != RunState.RUNNING.value:
        return Stopped(run.path, str(record.get("state")), True)
    for pid in _processes(record):
        end_tree(pid)
    return Stopped(run.path, _settle(run, record), False)


def _grace(run: RunFolder) -> float:
    plan = run.read("plan.json") or {}
    return _GRACE_TO_WRITE if plan.get("record") or plan.get("asks_for_motion") else _GRACE


def _settle(run: RunFolder, record: Mapping[str, Any]) -> str:
    """Return the final state; write it if no other process is left to do so."""
    for _ in range(20):  # the guardian may be about to write it
        latest = run.read(RECORD) or record
        if latest.get("state") != RunState.RUNNING.value:
            return str(latest.get("state"))
        time.sleep(0.1)
    run.conclude({**record, "state": RunState.INTERRUPTED.value, "exit_code": Exit.INTERRUPTED})
    return RunState.INTERRUPTED.value


def _processes(record: Mapping[str, Any], *names: str) -> Iterator[int]:
    """Yield the processes of a run that still run, the child before the launcher; none if its record is final."""
    if record.get("state") == RunState.RUNNING.value:
        for process in (as_mapping(record.get(name)) for name in names or ("child", "launcher")):
            if is_running(process.get("pid"), process.get("created")):
                yield int(process["pid"])
