"""git: its path and version."""

from __future__ import annotations

import shutil

from pmlaunch.doctor.check import CheckGroup, MachineCheck, Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.git.queries import ask_git
from pmlaunch.model import Finding, Severity


def _look(target: DoctorTarget) -> Observation:
    path = shutil.which("git", path=target.environment.get("PATH"))
    if path is None:
        message = "git is not on PATH: pmlaunch install and fetch need it; an evaluation does not."
        install = "winget install Git.Git" if target.windows else "install git with your system's package manager"
        return Observation(findings=(Finding("PML221", Severity.WARNING, message, install),))
    answer = None if target.quick else ask_git(target.environment, "--version")
    version = answer[1].strip().removeprefix("git version ") if answer and answer[0] == 0 else None
    return Observation((("version", version), ("path", path)) if version else (("path", path),))


GIT = MachineCheck("git", "git", CheckGroup.TOOLS, _look)
