"""The packages of the simulator's Python: present, of a working version, whole, importable, from this checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages
from pmlaunch.checks.environment import check_eula
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.probe import ProbeAnswer
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.command_line import install_command
from pmlaunch.running.probe_reply import ImportAttempt, InstalledPackage, ProbeReply
from pmlaunch.runtimes.isaacsim import NOT_ISAACS_PYTHON, comes_with_isaac
from pmlaunch.runtimes.missing_modules import cure_for
from pmlaunch.runtimes.python_files import pip_install, site_packages
from pmlaunch.support.json import from_json

Packages = Mapping[str, InstalledPackage]  # by normalised name
Imports = Mapping[str, ImportAttempt]

_SHOWN = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "moviepy", "setuptools", "pydantic")
_OPTIONAL = ("isaacsim",)  # a binary Isaac Sim is not a package
_FOLDERS: Mapping[str, str] = {"protomotions": "", "isaac_utils": "isaac_utils", "poselib": "poselib"}
"""The packages a checkout can provide, with their folders in it."""


def look(target: DoctorTarget) -> Observation:
    answer = target.probe.answer() if target.probe is not None and not target.quick else _by_files(target)
    reply = answer.reply or ProbeReply()
    problem = (answer.problem,) if answer.problem else ()
    packages, imports = reply.packages, reply.imports
    if not packages:
        return Observation((("Python", reply.python),) if reply.python else (), problem, answer.skipped)
    findings = (
        *problem,
        *_missing(target, packages, imports),
        *_versions(target, packages),
        *_imports(target, imports),
        *_from_elsewhere(target, packages, imports),
        *(check_eula(target.runtime.facts.python, target.environment) if target.simulator.name == "isaaclab" else ()),
    )
    return Observation(tuple(_facts(target, packages, reply.python)), findings)


def _by_files(target: DoctorTarget) -> ProbeAnswer:
    """Read the packages from files, which do not show what a launcher script adds to the path."""
    python = target.runtime.facts.python
    if python is None:
        return ProbeAnswer(skipped="the Python that a run would use is unknown")
    folders = [str(folder) for folder in site_packages(Path(python.path), python.version)]
    if not folders:
        return ProbeAnswer(ProbeReply(python.version), skipped="its files do not show its packages")
    packages = {name: from_json(InstalledPackage, entry) for name, entry in installed_packages(folders).items()}
    return ProbeAnswer(ProbeReply(python.version, packages))


def _facts(target: DoctorTarget, packages: Packages, python: str | None) -> Iterator[tuple[str, str]]:
    if python:
        yield "Python", python
    for name in dict.fromkeys((*_SHOWN, *target.simulator.packages)):
        if name in packages:
            yield name, packages[name].version or "version unknown"
    for name in _FOLDERS:
        package = packages.get(name.replace("_", "-"))
        if package:
            yield name, f"{package.version} from {package.editable or package.location}"


def _missing(target: DoctorTarget, packages: Packages, imports: Imports) -> Iterator[Finding]:
    needed = (*GENERATIONS[target.generation].required_packages, *target.simulator.packages)
    found = {*_OPTIONAL, *packages, *(name for name, attempt in imports.items() if attempt.ok)}
    missing = [name for name in dict.fromkeys(needed) if name not in found]
    if missing:
        names = ", ".join(missing)
        by_files = target.quick or target.probe is None
        message = f"The simulator's Python {'appears to lack' if by_files else 'lacks'} {names}."
        hint = f"{_install(target)}, or {_pip(target)} {' '.join(missing)}"
        if any(map(comes_with_isaac, missing)):
            hint = NOT_ISAACS_PYTHON
        yield Finding("PML227", Severity.WARNING if by_files else Severity.ERROR, message, hint, subject=names)


def _versions(target: DoctorTarget, packages: Packages) -> Iterator[Finding]:
    major = {name: (package.version or "").split(".")[0] for name, package in packages.items()}
    moviepy = major.get("moviepy", "")
    if moviepy.isdecimal() and len(moviepy) < 9 and int(moviepy) >= 2 and target.generation is Generation.V2:
        has = f"moviepy {packages['moviepy'].version} has no moviepy.editor"
        message = f"{has}, so recording (key L in a window) would fail."
        yield Finding("PML229", Severity.WARNING, message, f'{_pip(target)} "moviepy<2"')
    if major.get("pydantic") == "1" and target.simulator.name == "isaaclab":
        message = (
            f"pydantic {packages['pydantic'].version} is installed, but packages of Isaac Lab and Isaac Sim need "
            "version 2."
        )
        yield Finding("PML240", Severity.WARNING, message, f'{_pip(target)} "pydantic>=2"')
    halves = [name for name, package in packages.items() if not package.complete]
    if halves:
        message = f"Incomplete packages after an interrupted installation: {', '.join(halves)}."
        yield Finding("PML245", Severity.WARNING, message, "reinstall them with --force-reinstall --no-deps")


def _imports(target: DoctorTarget, imports: Imports) -> Iterator[Finding]:
    """Imports that fail. A package that is missing altogether is left to `_missing`, unless the checkout has it."""
    for name, attempt in imports.items():
        if attempt.ok or name in _OPTIONAL or attempt.missing == name:
            continue
        reason = attempt.error.splitlines()[0] if attempt.error else "no reason"
        message = f"import {name} fails in the simulator's Python: {reason}"
        yield Finding("PML241", Severity.ERROR, message, _cure(target, attempt), subject=name)
    for name in _FOLDERS:
        if name in imports and imports[name].missing == name:
            message = f"The simulator's Python finds {name} neither among its packages nor in the checkout."
            yield Finding("PML227", Severity.ERROR, message, _install(target), subject=name)


def _install(target: DoctorTarget) -> str:
    return install_command(target.checkout.root if target.checkout else None, target.simulator.name)


def _cure(target: DoctorTarget, attempt: ImportAttempt) -> str:
    if attempt.missing:
        python = target.runtime.facts.python
        return cure_for(attempt.missing, python.path if python else "PYTHON", _pip(target), attempt.error)
    return "reinstall the package with that Python"


def _from_elsewhere(target: DoctorTarget, packages: Packages, imports: Imports) -> Iterator[Finding]:
    """Packages of the checkout that Python imports from another folder."""
    if target.checkout is None or target.embedded:
        return
    root = target.checkout.root
    own = GENERATIONS[target.checkout.generation].own_packages
    for name, folder in _FOLDERS.items():
        attempt = imports.get(name, ImportAttempt())
        package = packages.get(name.replace("_", "-"), InstalledPackage())
        place = attempt.file or package.editable
        if name in own and place and not _is_below(Path(place), root / folder):
            message = f"{name} comes from {place}, not from the checkout {root}. A run would mix the two."
            hint = f'{_pip(target)} --no-deps --no-build-isolation -e "{root / folder}"'
            yield Finding("PML228", Severity.WARNING, message, hint, subject=place)


def _is_below(path: Path, folder: Path) -> bool:
    """Compares as the file system does: links, and case on Windows, make no difference."""
    one, other = (os.path.normcase(os.path.realpath(place)) for place in (path, folder))
    return one == other or one.startswith(other + os.sep)


def _pip(target: DoctorTarget) -> str:
    return pip_install(target.runtime.facts.python)
