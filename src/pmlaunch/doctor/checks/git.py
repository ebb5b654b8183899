"""git: found where, of which version."""

from __future__ import annotations

import shutil

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.git.queries import ask_git
from pmlaunch.model import Severity


def _look(site: Site) -> Seen:
    path = shutil.which("git", path=site.environment.get("PATH"))
    if path is None:
        message = "git is not on PATH: pmlaunch install and fetch need it; an evaluation does not."
        install = "winget install Git.Git" if site.windows else "install git with your system's package manager"
        return Seen(findings=(finding("PML221", Severity.WARNING, message, install),))
    said = None if site.quick else ask_git(site.environment, "--version")
    version = said[1].strip().removeprefix("git version ") if said and said[0] == 0 else None
    return Seen((("version", version), ("path", path)) if version else (("path", path),))


GIT = Check("git", "git", Group.TOOLS, _look)
