"""Long paths on Windows: git's setting, and the system's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pmlaunch.doctor.check import CheckGroup, MachineCheck, Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.queries import ask_git, setting_in_files
from pmlaunch.git.safety import git_folder
from pmlaunch.model import Finding, Severity
from pmlaunch.support.platforms import LONG_PATHS_KEY, long_paths_of_windows

_TRUE = ("true", "yes", "on", "1")


def _look(target: DoctorTarget) -> Observation:
    if not target.windows:
        return Observation(skipped="only Windows limits the length of a path")
    system = long_paths_of_windows()
    facts = [("Windows", "on" if system else "off" if system is False else "not known")]
    findings = list(_of_windows(system))
    if target.checkout is not None and git_folder(target.checkout.root) is not None:
        git = _of_git(target, target.checkout.root)
        facts.append(("git", "on" if git else "off"))
        if not git:
            message = "git leaves out files whose path is too long: core.longpaths is off."
            command = f'git -C "{target.checkout.root}" config core.longpaths true'
            findings.append(Finding("PML224", Severity.WARNING, message, "pmlaunch doctor --fix", command))
    return Observation(tuple(facts), tuple(findings))


def _of_windows(enabled: bool | None) -> Iterator[Finding]:
    if enabled is False:
        message = "Windows allows no path of 260 characters or more: LongPathsEnabled is off."
        hint = f"as administrator: Set-ItemProperty HKLM:\\{LONG_PATHS_KEY} LongPathsEnabled 1"
        yield Finding("PML237", Severity.NOTE, message, hint)


def _of_git(target: DoctorTarget, root: Path) -> bool:
    value = None
    if not target.quick:
        answer = ask_git(target.environment, "config", "--get", "core.longpaths", folder=root)
        value = answer[1].strip() if answer and answer[0] == 0 else None
    if value is None:
        value = setting_in_files(root, "core", "longpaths", Path.home())
    return (value or "").lower() in _TRUE


def fix(target: DoctorTarget) -> str | None:
    """Switch core.longpaths on in the checkout's own configuration."""
    if target.checkout is None or git_folder(target.checkout.root) is None:
        return None  # a repository around the checkout is not ours to change
    root = target.checkout.root
    done = ask_git(target.environment, "config", "core.longpaths", "true", folder=root)
    if done is None or done[0] != 0:
        raise PmlaunchError("PML224", f"git config failed: {done[1].strip() if done else 'git did not start'}")
    return f"git config core.longpaths true in {root}"


LONG_PATHS = MachineCheck("long_paths", "long paths", CheckGroup.CHECKOUT, _look, fixes=frozenset({"PML224"}), fix=fix)
