"""How Python with the simulator's packages is started: through Isaac Lab's script, or as a plain interpreter.

The command line is constant, `... -m pmlaunch_agent`. It carries no user input, because isaaclab.bat splits
arguments at `=`, expands `%` and `!`, and executes whatever follows `&`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pmlaunch.model import ChosenPython, Finding, IsaacLabVersion, RuntimeFacts, RuntimeKind, Source

AGENT_MODULE = "pmlaunch_agent"


class Runtime(Protocol):
    """Starts Python with the simulator's packages."""

    @property
    def facts(self) -> RuntimeFacts:
        """What a plan records of the runtime."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the runtime; with an error it cannot be started."""
        ...

    @property
    def environment(self) -> Mapping[str, str | None]:
        """Changes to the child's environment; None removes a variable."""
        ...

    @property
    def import_path(self) -> tuple[str, ...]:
        """Folders that the started Python imports from, before its own."""
        ...

    def command(self) -> tuple[str, ...]:
        """The constant command line that starts the agent."""
        ...

    def plain_python(self) -> tuple[str, ...]:
        """The words to type before the script's name to run it without pmlaunch."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """The part of a runtime that does not depend on its kind; see `Runtime`."""

    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class IsaacLabRuntime(_Surroundings):
    """isaaclab.bat or isaaclab.sh; `version` is None if Isaac Lab has no VERSION file."""

    script: str
    version: IsaacLabVersion | None
    source: Source
    posix: bool
    python: ChosenPython | None = None

    @property
    def facts(self) -> RuntimeFacts:
        """See `Runtime`."""
        return RuntimeFacts(RuntimeKind.ISAACLAB, self.script, self.version, self.source, self.python)

    def command(self) -> tuple[str, ...]:
        """See `Runtime`."""
        return (self.script, "-p", "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        """See `Runtime`."""
        # isaaclab.bat would mangle the overrides: on Windows the plain command names Isaac Lab's own Python
        if self.posix:
            return (self.script, "-p")
        return (self.python.path if self.python else "python",)


@dataclass(frozen=True)
class PythonRuntime(_Surroundings):
    """A plain interpreter: for Genesis, MuJoCo and the embedded demo, or to bypass a broken batch file."""

    executable: str
    source: Source
    version: str | None = None

    @property
    def facts(self) -> RuntimeFacts:
        """See `Runtime`."""
        python = ChosenPython(self.executable, self.source, self.version)
        return RuntimeFacts(RuntimeKind.PYTHON, self.executable, None, self.source, python)

    def command(self) -> tuple[str, ...]:
        """See `Runtime`."""
        return (self.executable, "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        """See `Runtime`."""
        return (self.executable,)


def is_own_interpreter(facts: RuntimeFacts) -> bool:
    """Whether the runtime is the interpreter pmlaunch itself runs in, whose packages can be looked up directly."""
    # links are not resolved: virtual environments link to one and the same interpreter
    return facts.kind is RuntimeKind.PYTHON and Path(facts.path) == Path(sys.executable)
