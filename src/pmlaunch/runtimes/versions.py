"""Read the versions of what a runtime would use, from the files around its Python. Nothing is started or imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages
from pmlaunch.generations.find import generation_of
from pmlaunch.model import ChosenPython, Generation, RuntimeFacts, RuntimeKind
from pmlaunch.runtimes.compatibility import ABSENT, MAIN, V2, V31, Found, Part, Versions
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.isaacsim import isaacsim_of
from pmlaunch.runtimes.python_files import lacks, site_packages, text_of
from pmlaunch.support.platforms import Platform

_PACKAGES: Mapping[Part, tuple[str, ...]] = {
    Part.ISAACSIM: ("isaacsim", "isaacsim-kernel"),
    Part.NEWTON: ("newton",),
    Part.GENESIS: ("genesis-world",),
    Part.MUJOCO: ("mujoco",),
    Part.TORCH: ("torch",),
    Part.NUMPY: ("numpy",),
}
_ISAACLAB = "isaaclab"
_NAMES = {_ISAACLAB, *(name for names in _PACKAGES.values() for name in names)}


def read_versions(runtime: Runtime, platform: Platform, environment: Mapping[str, str]) -> Versions:
    """The versions that files tell. A part that they do not tell is left out, as is all of another machine."""
    python, facts = runtime.facts.python, runtime.facts
    if platform.foreign:
        return {}
    packages = packages_of(python)
    found = {Part.SYSTEM: Found(platform.name)}
    if python and python.version:
        found[Part.PYTHON] = Found(python.version, python.path)
    for part, names in _PACKAGES.items():
        for package in [packages[name] for name in names if name in packages]:
            found[part] = Found(str(package["version"]), package["location"])
    package = packages.get(_ISAACLAB, {})
    root = _isaaclab_root(facts, package)
    lab = _isaaclab(package, root)
    if lab:
        found[Part.ISAACLAB] = lab
    if Part.ISAACSIM not in found and (sim := _isaacsim(runtime, root, environment)):
        found[Part.ISAACSIM] = sim
    return found


def packages_of(python: ChosenPython | None) -> dict[str, dict[str, Any]]:
    """The packages of a Python that the table of compatible versions knows, with their versions and locations."""
    folders = [str(folder) for folder in site_packages(Path(python.path), python.version)] if python else []
    found = installed_packages(folders, only=_NAMES)
    return {name: package for name, package in found.items() if package["version"]}


def combination(checkout: Path | None, simulator: str, runtime: Runtime) -> Versions:
    """What a run of the checkout at `checkout` would bring together."""
    line = _line(checkout) if checkout else None
    named = {Part.PROTOMOTIONS: Found(line, str(checkout))} if line else {}
    return {**named, Part.SIMULATOR: Found(simulator), **runtime.versions}


def _line(checkout: Path) -> str | None:
    """The line of ProtoMotions, told by its backend for Isaac Lab; None if that does not tell it."""
    generation = generation_of(checkout)
    backend = text_of(checkout / "protomotions" / "simulator" / _ISAACLAB / "simulator.py")
    for_lab3 = "isaaclab_physx" in backend
    if generation is Generation.V2:
        return None if for_lab3 else V2
    if generation is Generation.V3 and "PhysxCfg" in backend:
        return MAIN if for_lab3 else V31
    return None


def _isaaclab_root(facts: RuntimeFacts, package: Mapping[str, Any]) -> Path | None:
    """The source folder of Isaac Lab: that of an editable installation, or the folder of its script."""
    if package.get("editable"):
        return Path(package["editable"]).parent.parent  # source/isaaclab
    return Path(facts.path).parent if facts.kind is RuntimeKind.ISAACLAB else None


def _isaaclab(package: Mapping[str, Any], root: Path | None) -> Found | None:
    """The version of the package, unless it is the one that the sources of a 2.x release give their extension (0.x)."""
    if package and not str(package["version"]).startswith(("0.", "1.")):
        return Found(package["version"], package["location"])
    return _stated(root)


def _isaacsim(runtime: Runtime, root: Path | None, environment: Mapping[str, str]) -> Found | None:
    """The binary Isaac Sim that a run would use; ABSENT if there is none; None if that cannot be told."""
    python = runtime.facts.python
    if python is None:
        return None
    executable, named = Path(python.path), environment.get("ISAAC_PATH")
    own = executable.parent if executable.name in ("python.sh", "python.bat") else isaacsim_of(executable)
    linked = root / "_isaac_sim" if root else None
    places = [place for place in (own, linked, Path(named) if named else None) if place and place.is_dir()]
    stated = next(filter(None, map(_stated, places)), None)
    if stated or places or not lacks(runtime, "isaacsim"):
        return stated
    return Found(ABSENT, python.path)


def _stated(folder: Path | None) -> Found | None:
    """The version in a folder's VERSION file."""
    text = text_of(folder / "VERSION") if folder else ""
    version = re.match(r"\d+[\w.+-]*", text)
    return Found(version[0], str(folder)) if version else None
