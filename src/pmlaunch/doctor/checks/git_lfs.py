"""Check that Git LFS is installed and its filters are configured. Without them, git silently checks out pointers."""

from __future__ import annotations

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.repository import change_checkout, git_output, git_setting
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.git.safety import lfs_program
from pmlaunch.model import Finding, Severity


def look(target: DoctorTarget) -> Observation:
    path = lfs_program(target.environment)
    version = git_output(target, "lfs", "version") if path else None
    if path is None:
        message = (
            "git-lfs was not found, so checkpoints cannot be downloaded and the checkout contains pointers instead."
        )
        other = "install git-lfs with your system's package manager"
        install = "winget install GitHub.GitLFS" if target.windows else other
        return Observation(findings=(Finding("PML222", Severity.WARNING, message, install),))
    if version is None and not target.quick:
        message = f"git-lfs does not answer ({path}), so checkpoints cannot be downloaded."
        return Observation((("path", path),), (Finding("PML222", Severity.WARNING, message, "git lfs version"),))
    facts = [("version", version.split()[0].removeprefix("git-lfs/"))] if version else []
    facts.append(("path", path))
    command = git_setting(target, "filter.lfs", "process")
    if command != "":
        return Observation(
            (
                *facts,
                ("set up", "yes" if command else "not checked with --quick" if target.quick else "unknown"),
            )
        )
    message = "git's settings lack the Git LFS filters, so git checks out pointers without a warning."
    hint = "pmlaunch doctor --fix" if target.repository else "git lfs install"
    return Observation((*facts, ("set up", "no")), (Finding("PML223", Severity.WARNING, message, hint),))


def fix(target: DoctorTarget) -> str | None:
    """Set the filters in the checkout's own configuration; install no hooks, change nothing outside the checkout."""
    return change_checkout(target, "PML223", "lfs", "install", "--local", "--skip-repo")
