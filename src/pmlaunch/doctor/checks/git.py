"""git: its path and version."""

from __future__ import annotations

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.repository import git_output
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.support.programs import find_program


def look(target: DoctorTarget) -> Observation:
    path = find_program("git", target.environment)
    if path is None:
        message = "git is not on PATH. pmlaunch install and fetch need it; evaluations do not."
        install = "winget install Git.Git" if target.windows else "install git with your system's package manager"
        return Observation(findings=(Finding("PML221", Severity.WARNING, message, install),))
    version = git_output(target, "--version")
    if version is None and not target.quick:
        message = f"git does not answer ({path}), so nothing can be compared with git."
        return Observation((("path", path),), (Finding("PML221", Severity.WARNING, message, "git --version"),))
    return Observation((*((("version", version.removeprefix("git version ")),) if version else ()), ("path", path)))
