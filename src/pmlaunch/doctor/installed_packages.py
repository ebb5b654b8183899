"""What the simulator's Python has installed: by its own answer or, for --quick, by the files around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding
from pmlaunch.running.probe_reply import ImportAttempt, InstalledPackage
from pmlaunch.runtimes.site_packages import site_packages
from pmlaunch.support.json import from_json


@dataclass(frozen=True)
class InstalledPackages:
    """The packages by normalised name, Python's version, and the outcome of imports.

    `complete` is False if only files were read, which does not see what a launcher script adds to the path.
    `skipped` says why nothing is known, `problem` what went wrong.
    """

    packages: Mapping[str, InstalledPackage] = field(default_factory=dict)
    python: str | None = None
    imports: Mapping[str, ImportAttempt] = field(default_factory=dict)
    complete: bool = True
    problem: Finding | None = None
    skipped: str | None = None

    def version(self, name: str) -> str | None:
        """The version of a package; None if it is not installed."""
        package = self.packages.get(name)
        return None if package is None else package.version or "of unknown version"

    def major(self, name: str) -> int | None:
        """The major version of a package; None if it is not installed or has none."""
        first = (self.version(name) or "").split(".")[0]
        return int(first) if first.isdigit() else None


def installed_in(target: DoctorTarget) -> InstalledPackages:
    """What is known of the simulator's Python. Waits for the probe unless --quick forbids it."""
    if target.quick or target.probe is None:
        return _by_files(target)
    answer = target.probe.answer()
    reply = answer.reply
    if reply is None:
        return InstalledPackages(problem=answer.problem, skipped=answer.skipped)
    if reply.packages is None:
        return InstalledPackages(python=reply.python, problem=answer.problem)
    return InstalledPackages(reply.packages, reply.python, reply.imports, problem=answer.problem)


def _by_files(target: DoctorTarget) -> InstalledPackages:
    from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages

    python = target.runtime.facts.python
    if python is None:
        return InstalledPackages(skipped="it is not known which Python a run would use")
    folders = [str(folder) for folder in site_packages(Path(python.path), python.version)]
    if not folders:
        return InstalledPackages(python=python.version, skipped="its packages are not found from its files")
    packages = {name: from_json(InstalledPackage, entry) for name, entry in installed_packages(folders).items()}
    return InstalledPackages(packages, python.version, complete=False)
