"""pmlaunch runs in progress anywhere on this machine: they use GPU and memory."""

from __future__ import annotations

from pathlib import Path

import psutil

from pmlaunch.agent.pmlaunch_agent.contract import SPEC_VARIABLE
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.running.stop import running_runs


def look(target: DoctorTarget) -> Observation:
    folders = sorted({*(run.path for run in running_runs(target.runs)), *_elsewhere()})
    if not folders:
        return Observation((("going on", "none"),))
    message = f"Runs in progress: {', '.join(map(str, folders))}"
    note = Finding("PML244", Severity.NOTE, message, f'pmlaunch stop "{folders[0]}"')
    return Observation((("going on", str(len(folders))),), (note,))


def _elsewhere() -> list[Path]:
    """The folders of runs whose Python is alive, by the environment variable that each of them has."""
    folders = set()
    for process in psutil.process_iter():
        try:
            spec = process.environ().get(SPEC_VARIABLE) if "python" in process.name().lower() else None
        except (psutil.Error, OSError):  # another user's, or just ended; Wine gives no names
            continue
        record = RunFolder(Path(spec).parent).read(RECORD) if spec else None
        # doctor's own probe has a record, too, but names no launcher in it
        if spec and record and record.get("state") == RunState.RUNNING.value and record.get("launcher"):
            folders.add(Path(spec).parent)
    return sorted(folders)
