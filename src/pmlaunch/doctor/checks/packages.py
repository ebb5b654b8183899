"""The packages of the simulator's Python: present, of a working version, whole, importable, from this checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.doctor.check import CheckGroup, MachineCheck, Observation
from pmlaunch.doctor.expected_packages import CHECKOUT_PACKAGES, OPTIONAL, of_simulator
from pmlaunch.doctor.installed_packages import InstalledPackages, installed_in
from pmlaunch.doctor.probe import CHECK_LIMIT
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.installing.step import install_words
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.running.probe_reply import ImportAttempt, InstalledPackage

_SHOWN = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "moviepy", "setuptools", "pydantic")
_NEWEST_FOR_2 = (3, 10)  # the newest Python that ProtoMotions 2.3 imports with


def _look(target: DoctorTarget) -> Observation:
    known = installed_in(target)
    problem = (known.problem,) if known.problem else ()
    if not known.packages:
        python = (("Python", known.python),) if known.python else ()
        return Observation(python, problem, known.skipped)
    findings = (
        *problem,
        *_missing(target, known),
        *_versions(target, known),
        *_half_installed(known),
        *_imports(target, known),
        *_from_elsewhere(target, known),
    )
    return Observation(tuple(_facts(target, known)), findings)


def _facts(target: DoctorTarget, known: InstalledPackages) -> Iterator[tuple[str, str]]:
    if known.python:
        yield "Python", known.python
    for name in dict.fromkeys((*_SHOWN, *of_simulator(target.simulator.name).packages)):
        version = known.version(name)
        if version:
            yield name, version
    for name in CHECKOUT_PACKAGES:
        package = known.packages.get(name.replace("_", "-"))
        if package:
            yield name, f"{package.version} from {package.editable or package.location}"


def _missing(target: DoctorTarget, known: InstalledPackages) -> Iterator[Finding]:
    needed = (*GENERATIONS[target.generation].required_packages, *of_simulator(target.simulator.name).packages)
    found = {*OPTIONAL, *known.packages, *(name for name, attempt in known.imports.items() if attempt.ok)}
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


def _half_installed(known: InstalledPackages) -> Iterator[Finding]:
    halves = [name for name, package in known.packages.items() if not package.complete]
    if halves:
        message = f"Half installed, by an installation that was ended: {', '.join(halves)}."
        yield Finding("PML245", Severity.WARNING, message, "install again with --force-reinstall --no-deps")


def _imports(target: DoctorTarget, known: InstalledPackages) -> Iterator[Finding]:
    """Imports that fail. A package that is missing altogether is left to `_missing`, unless the checkout has it."""
    for name, attempt in known.imports.items():
        if attempt.ok or name in OPTIONAL or attempt.missing == name:
            continue
        reason = attempt.error.splitlines()[0] if attempt.error else "no reason"
        message = f"import {name} fails in the simulator's Python: {reason}"
        yield Finding("PML241", Severity.ERROR, message, _cure(target, attempt), subject=name)
    for name in CHECKOUT_PACKAGES:
        if name in known.imports and known.imports[name].missing == name:
            message = f"The simulator's Python does not find {name}, neither installed nor in the checkout."
            yield Finding("PML227", Severity.ERROR, message, _install(target), subject=name)


def _install(target: DoctorTarget) -> str:
    """The command that installs what was examined; without a checkout, the one that makes a checkout here."""
    if target.checkout is None:
        return f"pmlaunch install --simulator {target.simulator.name}"
    return install_words(target.checkout.root, target.simulator.name)


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
    for name, folder in CHECKOUT_PACKAGES.items():
        if name not in own:
            continue
        attempt = known.imports.get(name, ImportAttempt())
        package = known.packages.get(name.replace("_", "-"), InstalledPackage())
        place = attempt.file or package.editable
        if place and not _is_below(Path(place), root / folder):
            message = f"{name} comes from {place}, not from the checkout {root}: a run would mix the two."
            hint = f'{_pip(target)} --no-deps --no-build-isolation -e "{root / folder}"'
            yield Finding("PML228", Severity.WARNING, message, hint, subject=place)


def _is_below(path: Path, folder: Path) -> bool:
    """Compares as the file system does: links, and case on Windows, make no difference."""
    one, other = (os.path.normcase(os.path.realpath(place)) for place in (path, folder))
    return one == other or one.startswith(other + os.sep)


def _pip(target: DoctorTarget) -> str:
    chosen = target.runtime.facts.python
    python = chosen.path if chosen else "python"
    return f'"{python}" -m pip install'


PACKAGES = MachineCheck("packages", "packages", CheckGroup.PACKAGES, _look, probes=True, limit=CHECK_LIMIT)
