"""Runs of pmlaunch that go on, anywhere on this machine: they take their share of GPU and memory."""

from __future__ import annotations

from pathlib import Path

import psutil

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.model import RunState, Severity
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.agent.pmlaunch_agent.contract import SPEC_VARIABLE
from pmlaunch.running.stop import running_runs


def _look(site: Site) -> Seen:
    folders = sorted({*(run.path for run in running_runs(site.runs)), *_elsewhere()})
    if not folders:
        return Seen((("going on", "none"),))
    message = f"Going on now: {', '.join(map(str, folders))}"
    hint = f'pmlaunch stop "{folders[0]}"'
    return Seen((("going on", str(len(folders))),), (finding("PML244", Severity.NOTE, message, hint),))


def _elsewhere() -> list[Path]:
    """The folders of runs whose Python is alive, told by the variable that every one of them carries."""
    folders = set()
    for process in psutil.process_iter():
        try:
            spec = process.environ().get(SPEC_VARIABLE) if "python" in process.name().lower() else None
        except (psutil.Error, OSError):  # another user's, or just ended; Wine tells no names
            continue
        record = RunFolder(Path(spec).parent).read("record.json") if spec else None
        # doctor's own probe has a record, too, but names no launcher in it
        if spec and record and record.get("state") == RunState.RUNNING.value and record.get("launcher"):
            folders.add(Path(spec).parent)
    return sorted(folders)


RUNS = Check("runs", "other runs", Group.MACHINE, _look)
