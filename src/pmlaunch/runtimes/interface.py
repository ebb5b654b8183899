"""How Python with the simulator's packages is started: through Isaac Lab's script, or a plain interpreter.

The command line is constant, `... -m pmlaunch_agent`. No user input travels on it, because isaaclab.bat splits
arguments at `=`, expands `%` and `!`, and runs whatever follows `&`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pmlaunch.model import ChosenPython, Finding, RuntimeFacts, RuntimeKind, Source

AGENT_MODULE = "pmlaunch_agent"


class Runtime(Protocol):
    """Starts Python with the simulator's packages."""

    @property
    def facts(self) -> RuntimeFacts: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
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


@dataclass(frozen=True)
class IsaacLabRuntime:
    """isaaclab.bat or isaaclab.sh; `version` is the content of its VERSION file, None if it has none."""

    script: str
    version: str | None
    source: Source
    posix: bool
    python: ChosenPython | None = None
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()

    @property
    def facts(self) -> RuntimeFacts:
        return RuntimeFacts(RuntimeKind.ISAACLAB, self.script, self.version, self.source, self.python)

    def command(self) -> tuple[str, ...]:
        return (self.script, "-p", "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        # isaaclab.bat would mangle the overrides: on Windows the plain command names Isaac Lab's own Python
        if self.posix:
            return (self.script, "-p")
        return (self.python.path if self.python else "python",)


@dataclass(frozen=True)
class PythonRuntime:
    """A plain interpreter: for Genesis, MuJoCo and the embedded demo, or to bypass a broken batch file."""

    executable: str
    source: Source
    version: str | None = None
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()

    @property
    def facts(self) -> RuntimeFacts:
        python = ChosenPython(self.executable, str(self.source), self.version)
        return RuntimeFacts(RuntimeKind.PYTHON, self.executable, None, self.source, python)

    def command(self) -> tuple[str, ...]:
        return (self.executable, "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        return (self.executable,)
