"""Long paths on Windows: git's setting, and the system's."""

from __future__ import annotations

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.repository import change_checkout, git_setting
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.support.platforms import LONG_PATHS_KEY, long_paths_of_windows


def look(target: DoctorTarget) -> Observation:
    if not target.windows:
        return Observation(skipped="only Windows limits the length of paths")
    system = long_paths_of_windows()
    facts = [("Windows", "not known" if system is None else "on" if system else "off")]
    findings = []
    if system is False:
        message = "Windows does not allow paths of 260 characters or more: LongPathsEnabled is off."
        hint = f"as administrator: Set-ItemProperty HKLM:\\{LONG_PATHS_KEY} LongPathsEnabled 1"
        findings.append(Finding("PML237", Severity.NOTE, message, hint))
    if target.repository is not None:
        setting = git_setting(target, "core", "longpaths")
        on = setting is not None and setting.lower() in ("true", "yes", "on", "1")
        facts.append(("git", "on" if on else "not known" if setting is None else "off"))
        if not on and setting is not None:
            message = "git skips files whose path is too long: core.longpaths is off."
            command = f'git -C "{target.repository}" config core.longpaths true'
            findings.append(Finding("PML224", Severity.WARNING, message, "pmlaunch doctor --fix", command))
    return Observation(tuple(facts), tuple(findings))


def fix(target: DoctorTarget) -> str | None:
    """Switch core.longpaths on in the checkout's own configuration."""
    return change_checkout(target, "PML224", "config", "core.longpaths", "true")
