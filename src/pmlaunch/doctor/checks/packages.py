"""The packages of the simulator's Python: present, of a working version, whole, importable, from this checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.command_line import install_command
from pmlaunch.running.probe_reply import ImportAttempt, InstalledPackage, parse_packages
from pmlaunch.runtimes.python_files import site_packages

_SHOWN = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "moviepy", "setuptools", "pydantic")
_NEWEST_FOR_2 = (3, 10)  # the newest Python that ProtoMotions 2.3 imports with
_OPTIONAL = ("isaacsim",)  # a binary Isaac Sim is not a package
_FOLDERS: Mapping[str, str] = {"protomotions": "", "isaac_utils": "isaac_utils", "poselib": "poselib"}
"""The packages a checkout can provide, with their folders in it."""


@dataclass(frozen=True)
class InstalledPackages:
    """What the simulator's Python has: packages by normalised name, its version, and the outcome of imports.

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


def _installed(target: DoctorTarget) -> InstalledPackages:
    """What the simulator's Python has by its own answer or, with --quick, by the files around it."""
    if target.probe is not None and not target.quick:
        answer = target.probe.answer()
        reply = answer.reply
        if reply is None:
            return InstalledPackages(problem=answer.problem, skipped=answer.skipped)
        return InstalledPackages(reply.packages or {}, reply.python, reply.imports, problem=answer.problem)
    python = target.runtime.facts.python
    if python is None:
        return InstalledPackages(skipped="it is not known which Python a run would use")
    folders = [str(folder) for folder in site_packages(Path(python.path), python.version)]
    if not folders:
        return InstalledPackages(python=python.version, skipped="its packages are not found from its files")
    return InstalledPackages(parse_packages(installed_packages(folders)), python.version, complete=False)


def look(target: DoctorTarget) -> Observation:
    known = _installed(target)
    problem = (known.problem,) if known.problem else ()
    if not known.packages:
        python = (("Python", known.python),) if known.python else ()
        return Observation(python, problem, known.skipped)
    findings = (
        *problem,
        *_missing(target, known),
        *_versions(target, known),
        *_imports(target, known),
        *_from_elsewhere(target, known),
    )
    return Observation(tuple(_facts(target, known)), findings)


def _facts(target: DoctorTarget, known: InstalledPackages) -> Iterator[tuple[str, str]]:
    if known.python:
        yield "Python", known.python
    for name in dict.fromkeys((*_SHOWN, *target.expected.packages)):
        version = known.version(name)
        if version:
            yield name, version
    for name in _FOLDERS:
        package = known.packages.get(name.replace("_", "-"))
        if package:
            yield name, f"{package.version} from {package.editable or package.location}"


def _missing(target: DoctorTarget, known: InstalledPackages) -> Iterator[Finding]:
    needed = (*GENERATIONS[target.generation].required_packages, *target.expected.packages)
    found = {*_OPTIONAL, *known.packages, *(name for name, attempt in known.imports.items() if attempt.ok)}
    missing = [name for name in dict.fromkeys(needed) if name not in found]
    if missing:
        names = ", ".join(missing)
        has = "has no" if known.complete else "has, as far as its files tell, no"
        message = f"The simulator's Python {has} {names}."
        severity = Severity.ERROR if known.complete else Severity.WARNING
        hint = f"{_install(target)}, or {_pip(target)} {' '.join(missing)}"
        yield Finding("PML227", severity, message, hint, subject=names)


def _versions(target: DoctorTarget, known: InstalledPackages) -> Iterator[Finding]:
    if (known.major("moviepy") or 0) >= 2 and target.generation is Generation.V2:
        message = f"moviepy {known.version('moviepy')} has no moviepy.editor: recording (key L in a window) would fail."
        yield Finding("PML229", Severity.WARNING, message, f'{_pip(target)} "moviepy<2"')
    if known.major("pydantic") == 1 and target.simulator.name == "isaaclab":
        message = f"pydantic {known.version('pydantic')}: packages of Isaac Lab and Isaac Sim want version 2."
        yield Finding("PML240", Severity.WARNING, message, f'{_pip(target)} "pydantic>=2"')
    python = tuple(int(part) for part in (known.python or "0").split(".")[:2] if part.isdigit())
    checkout = target.checkout
    if python > _NEWEST_FOR_2 and checkout is not None and checkout.generation is Generation.V2:
        message = f"ProtoMotions 2.3 does not import with Python {known.python}; pmlaunch repairs that in every run."
        yield Finding("PML233", Severity.NOTE, message)
    halves = [name for name, package in known.packages.items() if not package.complete]
    if halves:
        message = f"Half installed, by an installation that was ended: {', '.join(halves)}."
        yield Finding("PML245", Severity.WARNING, message, "install again with --force-reinstall --no-deps")


def _imports(target: DoctorTarget, known: InstalledPackages) -> Iterator[Finding]:
    """Imports that fail. A package that is missing altogether is left to `_missing`, unless the checkout has it."""
    for name, attempt in known.imports.items():
        if attempt.ok or name in _OPTIONAL or attempt.missing == name:
            continue
        reason = attempt.error.splitlines()[0] if attempt.error else "no reason"
        message = f"import {name} fails in the simulator's Python: {reason}"
        yield Finding("PML241", Severity.ERROR, message, _cure(target, attempt), subject=name)
    for name in _FOLDERS:
        if name in known.imports and known.imports[name].missing == name:
            message = f"The simulator's Python does not find {name}, neither installed nor in the checkout."
            yield Finding("PML227", Severity.ERROR, message, _install(target), subject=name)


def _install(target: DoctorTarget) -> str:
    return install_command(target.checkout.root if target.checkout else None, target.simulator.name)


def _cure(target: DoctorTarget, attempt: ImportAttempt) -> str:
    if "pkg_resources" in attempt.error:
        return f'{_pip(target)} "setuptools<81"'
    if attempt.missing:
        return f"{_pip(target)} {attempt.missing.split('.')[0]}"
    return "install it again with that Python"


def _from_elsewhere(target: DoctorTarget, known: InstalledPackages) -> Iterator[Finding]:
    """Packages of the checkout that Python imports from another folder."""
    if target.checkout is None or target.embedded:
        return
    root = target.checkout.root
    own = GENERATIONS[target.checkout.generation].own_packages
    for name, folder in _FOLDERS.items():
        attempt = known.imports.get(name, ImportAttempt())
        package = known.packages.get(name.replace("_", "-"), InstalledPackage())
        place = attempt.file or package.editable
        if name in own and place and not _is_below(Path(place), root / folder):
            message = f"{name} comes from {place}, not from the checkout {root}: a run would mix the two."
            hint = f'{_pip(target)} --no-deps --no-build-isolation -e "{root / folder}"'
            yield Finding("PML228", Severity.WARNING, message, hint, subject=place)


def _is_below(path: Path, folder: Path) -> bool:
    """Compares as the file system does: links, and case on Windows, make no difference."""
    one, other = (os.path.normcase(os.path.realpath(place)) for place in (path, folder))
    return one == other or one.startswith(other + os.sep)


def _pip(target: DoctorTarget) -> str:
    python = target.runtime.facts.python
    return f'"{python.path if python else "python"}" -m pip install'
