"""Find Isaac Lab and inspect it: its version, the Python it will choose, and what would break its batch file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pmlaunch.model import (
    ChosenPython,
    Finding,
    IsaacLabVersion,
    Origin,
    RuntimeFacts,
    RuntimeKind,
    Severity,
    Source,
    Sourced,
)
from pmlaunch.runtimes import batch_rules
from pmlaunch.runtimes.batch_rules import batch_environment, has_parenthesis, is_balanced, is_release_3, survives_block
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.python_files import prefix_of, version_of_prefix
from pmlaunch.settings import Settings
from pmlaunch.support.files import read_text
from pmlaunch.support.platforms import Platform
from pmlaunch.support.programs import search_path


def isaaclab_runtime(settings: Settings, flag: str | None, beside: Path, platform: Platform) -> Runtime:
    """Isaac Lab from flag, PMLAUNCH_ISAACLAB, pmlaunch.yaml, ISAACLAB_PATH, or a folder beside the checkout.

    If it is not found, the runtime carries a finding: an error, or a note if the plan is for another system.
    """
    named = settings.get("isaaclab", flag)
    if named is None and settings.environment.get("ISAACLAB_PATH"):
        named = Sourced(settings.environment["ISAACLAB_PATH"], Source(Origin.ENVIRONMENT, "environment ISAACLAB_PATH"))
    if platform.foreign:
        return _elsewhere(flag or (str(named.value) if named else ""), named.source if named else None, platform)
    folders = [(Path(named.value), named.source)] if named else _beside(settings.folder, beside)
    for folder, source in folders:
        script = folder.absolute() / platform.isaaclab_script
        if script.is_file():
            known = source if named else replace(source, anchor=script)
            return _here(script.parent, known, settings.environment, platform)
    looked = "; ".join(str(folder / platform.isaaclab_script) for folder, _ in folders)
    hint = "--isaaclab DIR or ISAACLAB_PATH; without the launcher script: --via python --python EXE"
    missing = Finding("PML201", Severity.ERROR, f"Isaac Lab not found. Searched {looked}.", hint)
    unknown = Source(Origin.UNKNOWN, "not found")
    return Runtime(RuntimeFacts(RuntimeKind.ISAACLAB, platform.isaaclab_script, None, unknown, None), (missing,))


def _elsewhere(root: str, source: Source | None, platform: Platform) -> Runtime:
    """Isaac Lab on another machine: it can be named, not inspected."""
    separator = "\\" if platform.windows else "/"
    name = platform.isaaclab_script
    script = f"{root.rstrip('/' + separator)}{separator}{name}" if root else name
    unseen = f"This plan is for {platform.name}. Isaac Lab and the GPU can be checked only there."
    facts = RuntimeFacts(RuntimeKind.ISAACLAB, script, None, source or Source(Origin.UNKNOWN, "not known here"), None)
    return Runtime(facts, (Finding("PML206", Severity.NOTE, unseen),))


def _here(root: Path, source: Source, environment: Mapping[str, str], platform: Platform) -> Runtime:
    version = _version(root)
    windows = platform.windows
    python = python_of_isaaclab(root, version.major if version else 2, environment, windows)
    changes, done = batch_environment(environment) if windows else ({}, [])
    script = str(root / platform.isaaclab_script)
    facts = RuntimeFacts(RuntimeKind.ISAACLAB, script, version, source, python)
    batch = batch_rules.BatchFile.of(facts)
    findings = list(_broken_by_folder(root, version, batch.way_around)) if batch else []
    if python is None:
        findings.append(_no_python(root, version, environment))
    elif batch:
        findings += _broken_by_python(version, python, batch.way_around)
    findings += [Finding("PML210", Severity.NOTE, f"{text}.") for text in done]
    return Runtime(facts, tuple(findings), changes)


def python_of_isaaclab(root: Path, major: int, environment: Mapping[str, str], windows: bool) -> ChosenPython | None:
    """The Python that Isaac Lab's script will start; None if it will find none.

    2.x looks at CONDA_PREFIX, `_isaac_sim`, then PATH; 3.x at VIRTUAL_ENV before these, and at `env_isaaclab` and
    `.venv` in its own folder before `_isaac_sim`. Like the scripts, this takes a prefix that is set without looking for
    a Python in it.
    """
    in_venv = "Scripts/python.exe" if windows else "bin/python"
    places = {"VIRTUAL_ENV": in_venv, "CONDA_PREFIX": "python.exe" if windows else "bin/python"}
    for variable in places if major >= 3 else ("CONDA_PREFIX",):
        prefix = environment.get(variable)
        if prefix:
            by = Source(Origin.ACTIVE_ENVIRONMENT, variable)
            return ChosenPython(str(Path(prefix) / places[variable]), by, version_of_prefix(Path(prefix)))
    for name in ("env_isaaclab", ".venv") if major >= 3 else ():
        own = root / name / in_venv
        if own.exists():
            return ChosenPython(str(own), Source(Origin.RUNTIME, f"Isaac Lab's {name}"), version_of_prefix(root / name))
    simulator = root / "_isaac_sim"
    script = simulator / ("python.bat" if windows else "python.sh")
    if script.is_file():
        version = version_of_prefix(simulator / "kit" / "python")
        return ChosenPython(str(script), Source(Origin.ISAAC_SIM), version)
    folders = [Path(folder) for folder in search_path(environment).split(os.pathsep) if folder]
    for name in ("python.exe",) if windows else ("python", "python3"):
        found = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if found:
            return ChosenPython(str(found), Source(Origin.PATH), version_of_prefix(prefix_of(found)))
    return None


def _broken_by_folder(root: Path, version: IsaacLabVersion | None, way_around: str) -> Iterator[Finding]:
    """What in Isaac Lab's own path keeps isaaclab.bat from running anything."""
    if not survives_block(str(root)):
        message = f"isaaclab.bat cannot work in {root}: it interprets a character in the folder's name."
        yield Finding("PML209", Severity.ERROR, message, f"rename the folder, or use {way_around}", None, str(root))
    elif has_parenthesis(str(root)) and not is_release_3(version):
        message = f"isaaclab.bat of Isaac Lab 2.x runs nothing in a folder with a parenthesis in its path: {root}"
        hint = f'{way_around}; or move the folder; or run subst X: "{root}" and use --isaaclab X:\\'
        yield Finding("PML218", Severity.ERROR, message, hint, None, str(root))


def _broken_by_python(version: IsaacLabVersion | None, python: ChosenPython, way_around: str) -> Iterator[Finding]:
    """What in its Python's path makes isaaclab.bat end with code 0 without running anything."""
    if not is_balanced(python.path):
        message = f"isaaclab.bat fails on a parenthesis or quote in {python.by}: {python.path}"
        yield Finding("PML209", Severity.ERROR, message, way_around, None, python.path)
    elif is_release_3(version):
        return
    elif " " in python.path and python.by.origin is not Origin.PATH:
        message = (
            f"isaaclab.bat of Isaac Lab 2.x calls its Python without quotes, and {python.by} contains a space: "
            f"{python.path}"
        )
        yield Finding("PML208", Severity.ERROR, message, way_around, None, python.path)
    elif python.by.origin is Origin.ACTIVE_ENVIRONMENT and has_parenthesis(python.path):
        message = f"isaaclab.bat of Isaac Lab 2.x may fail on the parenthesis in {python.by}: {python.path}"
        yield Finding("PML214", Severity.WARNING, message, f"if it does: {way_around}", None, python.path)


def _no_python(root: Path, version: IsaacLabVersion | None, environment: Mapping[str, str]) -> Finding:
    overlooked = environment.get("VIRTUAL_ENV") and not is_release_3(version)
    ignored = " VIRTUAL_ENV is set, but Isaac Lab 2.x ignores it." if overlooked else ""
    message = f"Isaac Lab will find no Python: no conda environment is active, and {root} has no _isaac_sim.{ignored}"
    return Finding("PML211", Severity.ERROR, message, "--via python --python EXE", None, str(root))


def _beside(folder: Path, checkout: Path) -> list[tuple[Path, Source]]:
    parents = dict.fromkeys((folder, folder.parent, checkout.parent, checkout.parent.parent))
    found_in = {parent: Source(Origin.DEFAULT, f"found in {parent}") for parent in parents}
    return [(parent / name, source) for parent, source in found_in.items() for name in ("isaaclab", "IsaacLab")]


def _version(folder: Path) -> IsaacLabVersion | None:
    try:
        text = read_text(folder / "VERSION").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return IsaacLabVersion.parse(text) if text else None
