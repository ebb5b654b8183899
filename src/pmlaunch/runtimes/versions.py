"""Read the versions of what a run would bring together, from files alone. Nothing is started or imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages
from pmlaunch.generations.find import generation_of
from pmlaunch.model import Generation, RuntimeKind
from pmlaunch.runtimes.compatibility import ABSENT, MAIN, V2, V31, Found, Part, Versions
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.isaacsim import isaacsim_of
from pmlaunch.runtimes.python_files import missing_distributions, site_packages, text_of
from pmlaunch.support.platforms import Platform

_PACKAGES: Mapping[str, Part] = {
    "isaaclab": Part.ISAACLAB,
    "isaacsim-kernel": Part.ISAACSIM,
    "isaacsim": Part.ISAACSIM,
    "newton": Part.NEWTON,
    "genesis-world": Part.GENESIS,
    "mujoco": Part.MUJOCO,
    "torch": Part.TORCH,
    "numpy": Part.NUMPY,
}


def combination(checkout: Path | None, simulator: str, runtime: Runtime) -> Versions:
    """What a run of the checkout at `checkout` would bring together."""
    line = _line(checkout) if checkout else None
    named = {Part.PROTOMOTIONS: Found(line, str(checkout))} if line else {}
    return {**named, Part.SIMULATOR: Found(simulator), **runtime.versions}


def read_versions(runtime: Runtime, platform: Platform, environment: Mapping[str, str]) -> Versions:
    """The versions of a runtime. Left out is a part that files do not tell, and everything of another machine."""
    if platform.foreign:
        return {}
    python, found = runtime.facts.python, {Part.SYSTEM: Found(platform.name)}
    if python and python.version:
        found[Part.PYTHON] = Found(python.version, python.path)
    folders = [str(folder) for folder in site_packages(Path(python.path), python.version)] if python else []
    packages = installed_packages(folders, only=_PACKAGES)
    for name, part in _PACKAGES.items():
        if name in packages and packages[name]["version"]:
            found[part] = Found(packages[name]["version"], packages[name]["location"])
    sources = packages.get("isaaclab", {}).get("editable")  # source/isaaclab in its checkout
    scripts = Path(runtime.facts.path).parent if runtime.facts.kind is RuntimeKind.ISAACLAB else None
    root = Path(sources).parent.parent if sources else scripts
    lab = found.pop(Part.ISAACLAB, None)
    if lab is None or lab.version.startswith("0."):  # the sources of 2.x count their extension on its own
        lab = _stated(root)
    if lab:
        found[Part.ISAACLAB] = lab
        if sim := found.get(Part.ISAACSIM) or _binary_isaacsim(runtime, root, environment):
            found[Part.ISAACSIM] = sim
    return found


def _line(checkout: Path) -> str | None:
    """The release line of ProtoMotions, determined from its Isaac Lab backend; None if unknown."""
    generation = generation_of(checkout)
    backend = text_of(checkout / "protomotions" / "simulator" / "isaaclab" / "simulator.py")
    for_lab3 = "isaaclab_physx" in backend
    if generation is Generation.V2:
        return None if for_lab3 else V2
    if generation is Generation.V3 and "PhysxCfg" in backend:
        return MAIN if for_lab3 else V31
    return None


def _binary_isaacsim(runtime: Runtime, root: Path | None, environment: Mapping[str, str]) -> Found | None:
    """The Isaac Sim outside the packages; ABSENT if there is none, None if its files do not tell its version."""
    executable = Path(runtime.facts.python.path) if runtime.facts.python else Path()
    own = executable.parent if executable.name in ("python.sh", "python.bat") else isaacsim_of(executable)
    linked, named = root / "_isaac_sim" if root else None, environment.get("ISAAC_PATH")
    places = [place for place in (own, linked, Path(named) if named else None) if place and place.is_dir()]
    stated = next(filter(None, map(_stated, places)), None)
    elsewhere = places or environment.get("PYTHONPATH")  # which may lead to one
    return stated if elsewhere or not missing_distributions(runtime, ["isaacsim"]) else Found(ABSENT, str(executable))


def _stated(folder: Path | None) -> Found | None:
    """The version in a folder's VERSION file."""
    version = re.match(r"\d+[\w.+-]*", text_of(folder / "VERSION")) if folder else None
    return Found(version[0], str(folder)) if version else None
