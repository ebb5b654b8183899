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
        message = f"The console's encoding is {encoding}. Characters that it lacks are shown as question marks."
        findings.append(Finding("PML239", Severity.NOTE, message, "set PYTHONUTF8=1"))
    platform, environment = target.platform, target.environment
    if not target.windows:
        facts.append(("display", environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") or "none"))
    if not platform.streams(environment) and lacks_display(platform.no_display(environment)):
        findings.append(
            Finding("PML242", Severity.NOTE, "There is no display, so runs are headless and no window can open.")
        )
    return Observation(tuple(facts), tuple(findings))
