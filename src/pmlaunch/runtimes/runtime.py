"""Isaac Lab's launcher script, or a plain interpreter, behind one Protocol.

The command line of both is constant, `... -m pmlaunch_agent`: nothing that comes from a user travels on it,
because isaaclab.bat splits arguments at `=`, expands `%` and `!`, and runs what stands behind `&`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity, Sourced
from pmlaunch.platforms import Platform
from pmlaunch.settings import Settings

AGENT_MODULE = "pmlaunch_agent"


class Runtime(Protocol):
    """Something that starts Python with the simulator's packages."""

    @property
    def kind(self) -> str: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    def command(self) -> tuple[str, ...]:
        """The constant command line that starts the agent."""
        ...

    def plain_python(self) -> tuple[str, ...]:
        """What a person types before the script's name to run it without pmlaunch."""
        ...

    def as_json(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class IsaacLabRuntime:
    """isaaclab.bat or isaaclab.sh; `version` is that of its VERSION file, None when there is none."""

    script: str
    version: str | None
    source: str
    posix: bool
    findings: tuple[Finding, ...] = ()
    kind: str = "isaaclab"

    def command(self) -> tuple[str, ...]:
        return (self.script, "-p", "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        # isaaclab.bat would mangle the overrides: on Windows the plain command wants Isaac Lab's own Python.
        return (self.script, "-p") if self.posix else ("python",)

    def as_json(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": self.script, "version": self.version, "source": self.source}


@dataclass(frozen=True)
class PythonRuntime:
    """A plain interpreter: for Genesis, MuJoCo and the embedded evaluation."""

    executable: str
    source: str
    findings: tuple[Finding, ...] = ()
    kind: str = "python"

    def command(self) -> tuple[str, ...]:
        return (self.executable, "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        return (self.executable,)

    def as_json(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": self.executable, "version": None, "source": self.source}


def isaaclab_runtime(settings: Settings, flag: str | None, beside: Path, platform: Platform) -> IsaacLabRuntime:
    """Isaac Lab from flag, PMLAUNCH_ISAACLAB, pmlaunch.yaml, ISAACLAB_PATH, or a folder beside the checkout.

    When it is not here the runtime carries a finding: an error, or a note if the plan is for another system.
    """
    posix = platform.name != "windows"
    named = settings.get("isaaclab", flag)
    if named is None and settings.environment.get("ISAACLAB_PATH"):
        named = Sourced(settings.environment["ISAACLAB_PATH"], "environment ISAACLAB_PATH")
    if platform.foreign:
        root = flag or (str(named.value) if named else "")
        separator = "/" if posix else "\\"
        script = (
            f"{root.rstrip('/' + separator)}{separator}{platform.isaaclab_script}" if root else platform.isaaclab_script
        )
        note = f"Planned for {platform.name}: Isaac Lab and its GPU can only be checked there."
        source = named.source if named else "not known here"
        return IsaacLabRuntime(script, None, source, posix, (Finding("PML206", Severity.NOTE, note),))
    folders = [(Path(named.value), named.source)] if named else _beside(settings.folder, beside)
    for folder, source in folders:
        if (folder / platform.isaaclab_script).is_file():
            folder = folder.resolve()
            return IsaacLabRuntime(str(folder / platform.isaaclab_script), _version(folder), source, posix)
    looked = "; ".join(str(folder / platform.isaaclab_script) for folder, _ in folders)
    missing = Finding(
        "PML201",
        Severity.ERROR,
        f"Isaac Lab not found. Looked for {looked}.",
        hint="--isaaclab DIR or ISAACLAB_PATH; --via python --python EXE runs without its script",
    )
    return IsaacLabRuntime(platform.isaaclab_script, None, "not found", posix, (missing,))


def python_runtime(settings: Settings, flag: str | None, own: bool, platform: Platform) -> PythonRuntime:
    """The interpreter from flag, PMLAUNCH_PYTHON, pmlaunch.yaml, the active environment, or pmlaunch's own.

    `own` prefers pmlaunch's own interpreter to the active environment: the embedded evaluation lives there.
    """
    named = settings.get("python", flag)
    if platform.foreign:
        return PythonRuntime(str(named.value) if named else "python", named.source if named else "default")
    if named is None:
        active = None if own else _active_environment(settings.environment)
        return active or PythonRuntime(sys.executable, "pmlaunch's own")
    found = shutil.which(str(named.value))
    if found is None:
        message = f"No Python at {named.value} (from {named.source})."
        missing = Finding("PML202", Severity.ERROR, message, hint="--python PATH", subject=str(named.value))
        return PythonRuntime(str(named.value), named.source, (missing,))
    return PythonRuntime(found, named.source)


def choose_runtime(
    *,
    via: str,
    wanted: str,
    own: bool,
    isaaclab: str | None,
    python: str | None,
    settings: Settings,
    beside: Path,
    platform: Platform,
) -> Runtime:
    """The runtime for `via` (auto, isaaclab or python), where `wanted` is what the simulator asks for."""
    if via not in ("auto", "isaaclab", "python"):
        raise PmlaunchError("PML001", f"--via cannot be {via!r}: it is auto, isaaclab or python.")
    if (wanted if via == "auto" else via) == "isaaclab":
        return isaaclab_runtime(settings, isaaclab, beside, platform)
    return python_runtime(settings, python, own, platform)


def _beside(folder: Path, checkout: Path) -> list[tuple[Path, str]]:
    parents = dict.fromkeys((folder, folder.parent, checkout.parent))
    return [(parent / name, f"found in {parent}") for parent in parents for name in ("isaaclab", "IsaacLab")]


def _active_environment(environment: Mapping[str, str]) -> PythonRuntime | None:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        if not prefix:
            continue
        places = (Path(prefix, "Scripts", "python.exe"), Path(prefix, "python.exe"))
        for place in places if os.name == "nt" else (Path(prefix, "bin", "python"),):
            if place.is_file():
                return PythonRuntime(str(place), f"environment {variable}")
    return None


def _version(folder: Path) -> str | None:
    try:
        return (folder / "VERSION").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
