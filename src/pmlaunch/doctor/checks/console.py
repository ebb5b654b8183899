"""What can be shown: the console's characters, and a window."""

from __future__ import annotations

import sys

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.model import Finding, Severity


def _look(site: Site) -> Seen:
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    facts = [("encoding", encoding)]
    findings: list[Finding] = []
    if encoding.lower().replace("-", "") != "utf8":
        message = f"The console's encoding is {encoding}: characters that it lacks are shown as question marks."
        findings.append(finding("PML239", Severity.NOTE, message, "set PYTHONUTF8=1"))
    if not site.windows:
        display = site.environment.get("DISPLAY") or site.environment.get("WAYLAND_DISPLAY")
        facts.append(("display", display or "none"))
        if not site.platform.has_display(site.environment):
            findings.append(finding("PML242", Severity.NOTE, "No display: runs are headless, no window can open."))
    return Seen(tuple(facts), tuple(findings))


CONSOLE = Check("console", "console and display", Group.MACHINE, _look)
