"""Choose the runtime of a plan: Isaac Lab's script, or a plain interpreter."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pmlaunch.model import Finding, Origin, Severity, Source
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.runtimes.chosen_python import version_of
from pmlaunch.runtimes.interface import PythonRuntime, Runtime
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.runtimes.isaacsim import interpreter_of, isaacsim_environment, isaacsim_of
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform


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
    """The runtime for `via` (auto, isaaclab or python), where `wanted` is what the simulator asks for.

    `own` prefers pmlaunch's own interpreter to the active environment: the embedded evaluation lives there.
    """
    require_choice(EvalRequest, "via", via)
    if (wanted if via == "auto" else via) == "isaaclab":
        return isaaclab_runtime(settings, isaaclab, beside, platform)
    runtime = python_runtime(settings, python, own, platform)
    if wanted == "isaaclab" and runtime.source.origin in (Origin.DEFAULT, Origin.UNKNOWN) and not platform.foreign:
        runtime = _of_isaaclab(settings, isaaclab, beside, platform) or runtime
    return runtime


def python_runtime(settings: Settings, flag: str | None, own: bool, platform: Platform) -> PythonRuntime:
    """The interpreter from flag, PMLAUNCH_PYTHON, pmlaunch.yaml, the active environment, or pmlaunch's own."""
    named = settings.get("python", flag)
    if platform.foreign:
        return PythonRuntime(
            str(named.value) if named else "python", named.source if named else Source(Origin.UNKNOWN, "not set")
        )
    if named is None:
        active = None if own else _active_environment(settings.environment)
        return _described(*(active or (sys.executable, Source(Origin.DEFAULT, "pmlaunch's own"))))
    found = shutil.which(str(named.value))
    if found is None:
        message = f"No Python at {named.value} (from {named.source})."
        missing = Finding("PML202", Severity.ERROR, message, hint="--python PATH", subject=str(named.value))
        return PythonRuntime(str(named.value), named.source, findings=(missing,))
    return _described(str(Path(found).absolute()), named.source)


def _described(executable: str, source: Source) -> PythonRuntime:
    """The runtime with the environment that python.bat would set, when it is the Python of a binary Isaac Sim."""
    path = Path(executable)
    root = isaacsim_of(path)
    if root is None:
        return PythonRuntime(executable, source, version_of(path))
    variables, folders = isaacsim_environment(root, os.name == "nt")
    return PythonRuntime(executable, source, version_of(path), environment=dict(variables), import_path=tuple(folders))


def _of_isaaclab(settings: Settings, flag: str | None, beside: Path, platform: Platform) -> PythonRuntime | None:
    """The interpreter that Isaac Lab would choose: `--via python` alone then goes around the batch file."""
    lab = isaaclab_runtime(settings, flag, beside, platform)
    if lab.python is None:
        return None
    if lab.python.by == "_isaac_sim":
        executable = interpreter_of(Path(lab.python.path).parent, platform.name == "windows")
        return _described(str(executable), Source(Origin.RUNTIME, "Isaac Lab's _isaac_sim"))
    return _described(lab.python.path, Source(Origin.RUNTIME, f"Isaac Lab's choice, {lab.python.by}"))


def _active_environment(environment: Mapping[str, str]) -> tuple[str, Source] | None:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        if not prefix:
            continue
        places = (Path(prefix, "Scripts", "python.exe"), Path(prefix, "python.exe"))
        for place in places if os.name == "nt" else (Path(prefix, "bin", "python"),):
            if place.is_file():
                return str(place), Source(Origin.ACTIVE_ENVIRONMENT, f"environment {variable}")
    return None
