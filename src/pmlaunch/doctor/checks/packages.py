"""The packages of the simulator's Python: there, of a version that works, whole, importable, and from the checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pmlaunch.doctor.check import OWN_PACKAGES, Check, Group, Seen, Site, finding
from pmlaunch.doctor.installed_packages import Installed, installed_at
from pmlaunch.doctor.probe import LIMIT
from pmlaunch.installing.step import install_words
from pmlaunch.model import Finding, Generation, Severity

_SHOWN = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "moviepy", "setuptools", "pydantic")
_NEEDED: Mapping[Generation, tuple[str, ...]] = {
    Generation.V2: ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "scipy", "trimesh", "easydict", "rich"),
    Generation.V3: ("torch", "lightning", "numpy"),
}
_OF_SIMULATOR: Mapping[str, tuple[str, ...]] = {
    "isaaclab": ("isaaclab", "isaacsim"),
    "genesis": ("genesis-world",),
    "isaacgym": ("isaacgym",),
    "mujoco": ("mujoco",),
}
_OPTIONAL = ("isaacsim",)  # a binary Isaac Sim is no package
_OF_DEMO = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "mujoco")
_OWN = {"protomotions": "", "isaac_utils": "isaac_utils", "poselib": "poselib"}
_NEWEST_FOR_2 = (3, 10)


def _look(site: Site) -> Seen:
    known = installed_at(site)
    told = (known.problem,) if known.problem else ()
    if not known.packages:
        python = (("Python", known.python),) if known.python else ()
        return Seen(python, told, known.skipped)
    findings = [*told, *_missing(site, known), *_versions(site, known), *_halves(known), *_imports(site, known)]
    return Seen(tuple(_facts(site, known)), (*findings, *_elsewhere(site, known)))


def _facts(site: Site, known: Installed) -> Iterator[tuple[str, str]]:
    if known.python:
        yield "Python", known.python
    for name in dict.fromkeys((*_SHOWN, *_OF_SIMULATOR.get(site.simulator.name, ()))):
        version = known.version(name)
        if version:
            yield name, version
    for name in _OWN:
        entry = known.packages.get(name.replace("_", "-"))
        if entry:
            yield name, f"{entry.get('version')} from {entry.get('editable') or entry.get('location')}"


def _needed(site: Site) -> tuple[str, ...]:
    if site.embedded:
        return _OF_DEMO
    generation = site.checkout.generation if site.checkout else Generation.V2
    return (*_NEEDED.get(generation, ()), *_OF_SIMULATOR.get(site.simulator.name, ()))


def _missing(site: Site, known: Installed) -> Iterator[Finding]:
    missing = [name for name in _needed(site) if name not in known.packages and name not in _OPTIONAL]
    found_anyway = {name for name, went in (known.imports or {}).items() if went.get("ok")}
    missing = [name for name in missing if name not in found_anyway]
    if missing:
        names = ", ".join(missing)
        seen = "has no" if known.complete else "has, as far as its files tell, no"
        message = f"The simulator's Python {seen} {names}."
        severity = Severity.ERROR if known.complete else Severity.WARNING
        yield finding(
            "PML227", severity, message, f"{_install(site)}, or {_pip(site)} {' '.join(missing)}", about=names
        )


def _versions(site: Site, known: Installed) -> Iterator[Finding]:
    if (known.major("moviepy") or 0) >= 2 and not site.embedded and _is_2(site):
        message = f"moviepy {known.version('moviepy')} has no moviepy.editor: recording (key L in a window) would fail."
        yield finding("PML229", Severity.WARNING, message, f'{_pip(site)} "moviepy<2"')
    if known.major("pydantic") == 1 and site.simulator.name == "isaaclab":
        message = f"pydantic {known.version('pydantic')}: packages of Isaac Lab and Isaac Sim want version 2."
        yield finding("PML240", Severity.WARNING, message, f'{_pip(site)} "pydantic>=2"')
    python = tuple(int(part) for part in (known.python or "0").split(".")[:2] if part.isdigit())
    if python > _NEWEST_FOR_2 and site.checkout is not None and _is_2(site):
        message = f"ProtoMotions 2.3 does not import with Python {known.python}; pmlaunch repairs that in every run."
        yield finding("PML233", Severity.NOTE, message)


def _is_2(site: Site) -> bool:
    return site.checkout is None or site.checkout.generation is Generation.V2


def _halves(known: Installed) -> Iterator[Finding]:
    halves = [name for name, entry in known.packages.items() if entry.get("complete") is False]
    if halves:
        message = f"Half installed, by an installation that was ended: {', '.join(halves)}."
        yield finding("PML245", Severity.WARNING, message, "install again with --force-reinstall --no-deps")


def _imports(site: Site, known: Installed) -> Iterator[Finding]:
    """A package that is missing altogether was said already."""
    for name, went in (known.imports or {}).items():
        error = str(went.get("error") or "")
        if went.get("ok") or name in _OPTIONAL or f"No module named '{name}'" in error:
            continue
        message = f"import {name} fails in the simulator's Python: {error.splitlines()[0] if error else 'no reason'}"
        yield finding("PML241", Severity.ERROR, message, _cure(site, error), about=name)
    for name in _OWN:
        went = (known.imports or {}).get(name) or {}
        if f"No module named '{name}'" in str(went.get("error") or ""):
            message = f"The simulator's Python does not find {name}, neither installed nor in the checkout."
            yield finding("PML227", Severity.ERROR, message, _install(site), about=name)


def _install(site: Site) -> str:
    """The installation that doctor looked at; without a checkout the words that make one here."""
    if site.checkout is None:
        return f"pmlaunch install --simulator {site.simulator.name}"
    return install_words(site.checkout.root, site.simulator.name)


def _cure(site: Site, error: str) -> str:
    if "pkg_resources" in error:
        return f'{_pip(site)} "setuptools<81"'
    if "No module named '" in error:
        module = error.split("No module named '")[1].split("'")[0].split(".")[0]
        return f"{_pip(site)} {module}"
    return "install it again with that Python"


def _elsewhere(site: Site, known: Installed) -> Iterator[Finding]:
    """Packages of the checkout that Python takes from another folder."""
    if site.checkout is None or site.embedded:
        return
    root = site.checkout.root
    own = OWN_PACKAGES.get(site.checkout.generation, ())
    for name, inside in _OWN.items():
        if name not in own:
            continue
        went: Mapping[str, Any] = (known.imports or {}).get(name) or {}
        entry = known.packages.get(name.replace("_", "-")) or {}
        place = went.get("file") or entry.get("editable")
        if place and not _is_below(Path(str(place)), root / inside if inside else root):
            message = f"{name} comes from {place}, not from the checkout {root}: a run would mix the two."
            fix = f'{_pip(site)} --no-deps --no-build-isolation -e "{root / inside if inside else root}"'
            yield finding("PML228", Severity.WARNING, message, fix, about=str(place))


def _is_below(path: Path, folder: Path) -> bool:
    """Compared as the file system has them: links, and capitals on Windows, make no difference."""
    one, other = (os.path.normcase(os.path.realpath(place)) for place in (path, folder))
    return one == other or one.startswith(other + os.sep)


def _pip(site: Site) -> str:
    chosen = site.runtime.facts.python
    python = chosen.path if chosen else "python"
    return f'"{python}" -m pip install'


PACKAGES = Check("packages", "packages", Group.PACKAGES, _look, probes=True, limit=LIMIT + 20.0)
