"""Choose the runtime of a plan: Isaac Lab's script, or a plain interpreter."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.model import Finding, Origin, RuntimeKind, Severity, Source
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.runtimes.chosen_python import version_of
from pmlaunch.runtimes.interface import PythonRuntime, Runtime
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.runtimes.isaacsim import interpreter_of, isaacsim_environment, isaacsim_of
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform

_AUTO = "auto"


@dataclass(frozen=True)
class RuntimeRequest:
    """What decides the runtime.

    Args:
        settings: settings and environment.
        platform: the system that the run is for.
        beside: a folder beside which Isaac Lab may lie, usually the checkout.
        wanted: what the simulator asks for, "isaaclab" or "python".
        via: the user's choice, "auto", "isaaclab" or "python".
        isaaclab: the flag --isaaclab.
        python: the flag --python.
        own: prefer pmlaunch's own interpreter to the active environment, as the embedded evaluation does.
    """

    settings: Settings
    platform: Platform
    beside: Path
    wanted: str = RuntimeKind.PYTHON.value
    via: str = _AUTO
    isaaclab: str | None = None
    python: str | None = None
    own: bool = False

    @property
    def wants_isaaclab(self) -> bool:
        """Whether the simulator asks for Isaac Lab's script."""
        return self.wanted == RuntimeKind.ISAACLAB.value


def choose_runtime(request: RuntimeRequest) -> Runtime:
    """The runtime that `request` leads to. What is wrong with it is among its findings. Raises PML001 for `via`."""
    kind = _kind(request)
    if kind is RuntimeKind.ISAACLAB:
        return isaaclab_runtime(request.settings, request.isaaclab, request.beside, request.platform)
    runtime = python_runtime(request)
    undecided = runtime.source.origin in (Origin.DEFAULT, Origin.UNKNOWN) and not request.platform.foreign
    if request.wants_isaaclab and undecided:
        return _python_of_isaaclab(request) or runtime
    return runtime


def python_runtime(request: RuntimeRequest) -> PythonRuntime:
    """The interpreter from flag, PMLAUNCH_PYTHON, pmlaunch.yaml, the active environment, or pmlaunch's own."""
    named = request.settings.get("python", request.python)
    if request.platform.foreign:
        return PythonRuntime(
            str(named.value) if named else "python", named.source if named else Source(Origin.UNKNOWN, "not set")
        )
    if named is None:
        active = None if request.own else _active_environment(request.settings.environment)
        return _described(*(active or (sys.executable, Source(Origin.DEFAULT, "pmlaunch's own"))))
    found = shutil.which(str(named.value))
    if found is None:
        message = f"No Python at {named.value} (from {named.source})."
        missing = Finding("PML202", Severity.ERROR, message, hint="--python PATH", subject=str(named.value))
        return PythonRuntime(str(named.value), named.source, findings=(missing,))
    return _described(str(Path(found).absolute()), named.source)


def _kind(request: RuntimeRequest) -> RuntimeKind:
    require_choice(EvalRequest, "via", request.via)
    if request.via == _AUTO:
        return RuntimeKind.ISAACLAB if request.wants_isaaclab else RuntimeKind.PYTHON
    return RuntimeKind(request.via)


def _described(executable: str, source: Source) -> PythonRuntime:
    """The runtime of an interpreter, with what python.bat would set if it belongs to a binary Isaac Sim."""
    path = Path(executable)
    root = isaacsim_of(path)
    if root is None:
        return PythonRuntime(executable, source, version_of(path))
    variables, folders = isaacsim_environment(root, os.name == "nt")
    return PythonRuntime(executable, source, version_of(path), environment=dict(variables), import_path=tuple(folders))


def _python_of_isaaclab(request: RuntimeRequest) -> PythonRuntime | None:
    """The interpreter Isaac Lab would choose, so that `--via python` alone bypasses the batch file."""
    lab = isaaclab_runtime(request.settings, request.isaaclab, request.beside, request.platform)
    if lab.python is None:
        return None
    if lab.python.by.origin is Origin.ISAAC_SIM:
        executable = interpreter_of(Path(lab.python.path).parent, request.platform.name == "windows")
        return _described(str(executable), Source(Origin.RUNTIME, f"Isaac Lab's {lab.python.by}"))
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
