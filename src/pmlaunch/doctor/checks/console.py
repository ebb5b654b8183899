"""What can be displayed: the console's characters, and a window."""

from __future__ import annotations

import sys

from pmlaunch.checks.window import lacks_display
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity


def look(target: DoctorTarget) -> Observation:
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    facts = [("encoding", encoding)]
    findings: list[Finding] = []
    if encoding.lower().replace("-", "") != "utf8":
        message = f"The console's encoding is {encoding}: characters that it lacks are shown as question marks."
        findings.append(Finding("PML239", Severity.NOTE, message, "set PYTHONUTF8=1"))
    if not target.windows:
        display = target.environment.get("DISPLAY") or target.environment.get("WAYLAND_DISPLAY")
        facts.append(("display", display or "none"))
        platform, environment = target.platform, target.environment
        if lacks_display(platform.has_display(environment) or platform.streams(environment)):
            findings.append(Finding("PML242", Severity.NOTE, "No display: runs are headless, no window can open."))
    return Observation(tuple(facts), tuple(findings))
