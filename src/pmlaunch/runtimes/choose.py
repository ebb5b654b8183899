"""Choose the runtime of a plan: Isaac Lab's script, or a plain interpreter."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.model import Finding, Origin, RuntimeKind, Severity, Source, Sourced
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.runtimes.compatibility import Part
from pmlaunch.runtimes.interface import Runtime, python_runtime
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.runtimes.isaacsim import interpreter_of, isaacsim_environment, isaacsim_of
from pmlaunch.runtimes.python_files import prefix_of, version_of_prefix
from pmlaunch.runtimes.versions import read_versions
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform
from pmlaunch.support.programs import find_program

_OWN = Source(Origin.DEFAULT, "pmlaunch's own")


@dataclass(frozen=True)
class RuntimeRequest:
    """What decides the runtime.

    Attributes:
        platform: the system that the run is for.
        beside: a folder beside which Isaac Lab may lie, usually the checkout.
        wanted: what starts the simulator.
        via: the user's choice, "auto", "isaaclab" or "python".
        isaaclab, python: the flags --isaaclab and --python.
        own: prefer pmlaunch's own interpreter to the active environment, as the demo does.
    """

    settings: Settings
    platform: Platform
    beside: Path
    wanted: RuntimeKind = RuntimeKind.PYTHON
    via: str = "auto"
    isaaclab: str | None = None
    python: str | None = None
    own: bool = False


def choose_runtime(request: RuntimeRequest) -> Runtime:
    """The runtime that `request` leads to. What is wrong with it is among its findings. Raises PML001 for `via`."""
    require_choice(EvalRequest, "via", request.via)
    runtime = _chosen(request)
    if request.own and not request.platform.foreign:
        runtime = _own_instead(runtime, request.settings)
    return _with_versions(runtime, request)


def _own_instead(runtime: Runtime, settings: Settings) -> Runtime:
    """The runtime, or pmlaunch's own Python where the user has not agreed to what names it."""
    untrusted = settings.untrusted(Sourced(runtime.facts.path, runtime.facts.source))
    if not untrusted:
        return runtime
    notes = [each.finding(Severity.WARNING, "Using pmlaunch's own Python instead.") for each in untrusted]
    own = python_runtime(sys.executable, _OWN, version_of_prefix(prefix_of(Path(sys.executable))))
    return replace(own, findings=tuple(notes))


def _with_versions(runtime: Runtime, request: RuntimeRequest) -> Runtime:
    return replace(runtime, versions=read_versions(runtime, request.platform, request.settings.environment))


def _chosen(request: RuntimeRequest) -> Runtime:
    """Isaac Lab's script; without one, a Python that has Isaac Lab installed; or a plain interpreter."""
    kind = request.wanted if request.via == "auto" else RuntimeKind(request.via)
    here = not request.platform.foreign
    if kind is RuntimeKind.ISAACLAB:
        runtime = isaaclab_runtime(request.settings, request.isaaclab, request.beside, request.platform)
        named = request.settings.get("isaaclab", request.isaaclab) or request.via != "auto"
        lost = here and runtime.facts.source.origin is Origin.UNKNOWN and not named
        return (_with_isaaclab(request) if lost else None) or runtime
    runtime = _interpreter(request)
    undecided = runtime.facts.source.origin in (Origin.DEFAULT, Origin.UNKNOWN) and here
    if request.wanted is RuntimeKind.ISAACLAB and undecided:
        return _python_of_isaaclab(request) or _with_isaaclab(request) or runtime
    return runtime


def _interpreter(request: RuntimeRequest) -> Runtime:
    """The interpreter from flag, PMLAUNCH_PYTHON, pmlaunch.yaml, the active environment, or pmlaunch's own."""
    named = request.settings.get("python", request.python)
    if request.platform.foreign:
        unset = Source(Origin.UNKNOWN, "not set")
        typed = request.python or (str(named.value) if named else "python")
        return python_runtime(typed, named.source if named else unset)
    if named is None:
        active = None if request.own else _active_environment(request.settings.environment)
        return _inspected(*(active or (sys.executable, _OWN)))
    typed = str(named.value)
    # a path is what the user chose, relative or not; a name alone is looked up
    found = shutil.which(typed) if os.path.dirname(typed) else find_program(typed, os.environ)  # noqa: PTH120
    if found is None:
        message = f"Python {named.value} does not exist (from {named.source})."
        missing = Finding("PML202", Severity.ERROR, message, hint="--python PATH", subject=str(named.value))
        return replace(python_runtime(str(named.value), named.source), findings=(missing,))
    return _inspected(str(Path(found).absolute()), named.source)


def _inspected(executable: str, source: Source) -> Runtime:
    """The runtime of an interpreter, with what python.bat would set if it belongs to a binary Isaac Sim."""
    runtime = python_runtime(executable, source, version_of_prefix(prefix_of(Path(executable))))
    root = isaacsim_of(Path(executable))
    if root is None:
        return runtime
    variables, folders = isaacsim_environment(root, os.name == "nt")
    return replace(runtime, environment=variables, import_path=tuple(folders))


def _python_of_isaaclab(request: RuntimeRequest) -> Runtime | None:
    """The interpreter Isaac Lab would choose, so that `--via python` alone bypasses the batch file."""
    facts = isaaclab_runtime(request.settings, request.isaaclab, request.beside, request.platform).facts
    python = facts.python
    if python is None:
        return None
    own = facts.source.anchor if python.by.origin in (Origin.ISAAC_SIM, Origin.RUNTIME) else None  # else the user's
    if python.by.origin is Origin.ISAAC_SIM:
        executable = interpreter_of(Path(python.path).parent, request.platform.windows)
        return _inspected(str(executable), Source(Origin.RUNTIME, f"Isaac Lab's {python.by}", own))
    return _inspected(python.path, Source(Origin.RUNTIME, f"Isaac Lab's choice, {python.by}", own))


def _with_isaaclab(request: RuntimeRequest) -> Runtime | None:
    """A Python that has Isaac Lab installed by pip, uv or conda: the usual one, or that of the command `isaaclab`."""
    windows, candidates = os.name == "nt", [_interpreter(request)]
    names = ("python.exe", "../python.exe") if windows else ("python", "python3")  # conda's is one folder up
    for folder in map(Path, request.settings.environment.get("PATH", "").split(os.pathsep)):
        command = folder / ("isaaclab.exe" if windows else "isaaclab")
        if folder.is_absolute() and command.is_file():
            found = [os.path.normpath(folder / name) for name in names if (folder / name).is_file()]
            candidates += [_inspected(path, Source(Origin.PATH, f"beside {command}")) for path in found]
    known = (_with_versions(candidate, request) for candidate in candidates)
    return next((runtime for runtime in known if Part.ISAACLAB in runtime.versions), None)


def _active_environment(environment: Mapping[str, str]) -> tuple[str, Source] | None:
    places = ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python",)
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        found = [path for place in places if prefix and (path := Path(prefix, place)).is_file()]
        if found:
            return str(found[0]), Source(Origin.ACTIVE_ENVIRONMENT, f"environment {variable}")
    return None
