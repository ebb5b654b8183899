"""End a run from another console: politely, then the tree, and never a process that is not the run's."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.processes.child import end_tree, is_running
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import STOP_FILE
from pmlaunch.support.names import fold

_GRACE = 15.0  # seconds: the launcher gives the run 5, and has its own work to do
_GRACE_TO_WRITE = 630.0  # the same where a video or a motion is written: the launcher gives that 600


@dataclass(frozen=True)
class Stopped:
    """What became of a run that was asked to stop; `politely` when it wrote its own verdict."""

    folder: Path
    state: str
    politely: bool


def running_runs(runs: Path) -> list[RunFolder]:
    """The runs below `runs` that go on, the newest last. A record alone proves nothing: its process must live."""
    folders = [RunFolder(path) for path in sorted(runs.glob("*")) if (path / "record.json").is_file()]
    return [folder for folder in folders if (record := folder.read("record.json")) and _goes_on(record)]


def choose_run(runs: Path, name: str | None) -> RunFolder:
    """The run that goes on and that `name` names (a folder, its name, or either end of it); None: the only one.

    Raises PML010 when there is none and PML011 when several answer.
    """
    going_on = running_runs(runs)
    if name is not None and (Path(name) / "record.json").is_file():
        going_on = [RunFolder(Path(name))]
    elif name is not None:
        key = fold(name)
        going_on = [run for run in going_on if fold(run.path.name).startswith(key) or fold(run.path.name).endswith(key)]
    if len(going_on) == 1:
        return going_on[0]
    if going_on:
        names = ", ".join(run.path.name for run in going_on)
        raise PmlaunchError("PML011", f"Several runs go on: {names}.", hint="pmlaunch stop NAME")
    what = f"No run called {name!r} goes on" if name else "No run goes on"
    raise PmlaunchError("PML010", f"{what} in {runs}.", hint="--runs DIR names another folder", subject=name)


def stop_run(run: RunFolder, grace: float | None = None) -> Stopped:
    """End `run` and see to it that its record says so; after `grace` s without politeness.

    Raises PML010 when it does not go on any more.
    """
    record = run.read("record.json") or {}
    if not _goes_on(record):
        raise PmlaunchError("PML010", f"{run.path.name} does not go on any more.", subject=run.path.name)
    with contextlib.suppress(OSError):
        run.file(STOP_FILE).touch()
    deadline = time.monotonic() + (_grace(run) if grace is None else grace)
    while time.monotonic() < deadline:
        record = run.read("record.json") or record
        if record.get("state") != RunState.RUNNING.value:
            return Stopped(run.path, str(record["state"]), True)
        if not _goes_on(record):
            break
        time.sleep(0.1)
    for who in ("child", "launcher"):
        process = record.get(who) or {}
        if is_running(process.get("pid"), process.get("created")):
            end_tree(int(process["pid"]))
    return Stopped(run.path, _settle(run, record), False)


def _grace(run: RunFolder) -> float:
    plan = run.read("plan.json") or {}
    return _GRACE_TO_WRITE if plan.get("record") or plan.get("save_motion") else _GRACE


def _settle(run: RunFolder, record: Mapping[str, Any]) -> str:
    """The final state; written here when nobody else is left to write it."""
    for _ in range(20):  # a guardian may be at it
        latest = run.read("record.json") or record
        if latest.get("state") != RunState.RUNNING.value:
            return str(latest["state"])
        time.sleep(0.1)
    run.write("record.json", {**record, "state": RunState.INTERRUPTED.value, "exit_code": Exit.INTERRUPTED})
    return RunState.INTERRUPTED.value


def _goes_on(record: Mapping[str, Any]) -> bool:
    if record.get("state") != RunState.RUNNING.value:
        return False
    processes = [record.get(who) or {} for who in ("launcher", "child")]
    return any(is_running(process.get("pid"), process.get("created")) for process in processes)
