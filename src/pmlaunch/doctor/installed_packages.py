"""What the simulator's Python has installed: from its own answer, or, for --quick, from the files around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.doctor.check import Site
from pmlaunch.model import Finding
from pmlaunch.runtimes.site_packages import site_packages


@dataclass(frozen=True)
class Installed:
    """The packages by normalised name (see pmlaunch_agent.probe), Python's version, and how imports went.

    `complete` is False where only files were read: what a launcher script adds to the path is not seen then.
    `skipped` says why nothing is known, `problem` what went wrong.
    """

    packages: Mapping[str, Mapping[str, Any]]
    python: str | None = None
    imports: Mapping[str, Mapping[str, Any]] | None = None
    complete: bool = True
    problem: Finding | None = None
    skipped: str | None = None

    def version(self, name: str) -> str | None:
        """The version of a package; None when it is not installed."""
        entry = self.packages.get(name)
        return None if entry is None else str(entry.get("version") or "of unknown version")

    def major(self, name: str) -> int | None:
        first = (self.version(name) or "").split(".")[0]
        return int(first) if first.isdigit() else None


def installed_at(site: Site) -> Installed:
    """What is known of the simulator's Python. Waits for the probe unless --quick forbids it."""
    if site.quick or site.probe is None:
        return _by_files(site)
    answer = site.probe.answer()
    if answer.reply is None:
        return Installed({}, problem=answer.problem, skipped=answer.skipped)
    packages = answer.reply.get("packages")
    if packages is None:  # it ended before it came to that
        return Installed({}, answer.reply.get("python"), problem=answer.problem)
    imports = answer.reply.get("imports") or {}
    return Installed(packages, answer.reply.get("python"), imports, problem=answer.problem)


def _by_files(site: Site) -> Installed:
    from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages

    python = site.runtime.facts.python
    if python is None:
        return Installed({}, skipped="it is not known which Python a run would use")
    folders = [str(folder) for folder in site_packages(Path(python.path), python.version)]
    if not folders:
        return Installed({}, python.version, skipped="its packages are not found from its files")
    return Installed(installed_packages(folders), python.version, complete=False)
