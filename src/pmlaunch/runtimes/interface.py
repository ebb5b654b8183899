"""What starts Python with the simulator's packages, behind one Protocol.

The command line is constant, `... -m pmlaunch_agent`: nothing that comes from a user travels on it, because
isaaclab.bat splits arguments at `=`, expands `%` and `!`, and runs what stands behind `&`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pmlaunch.model import Finding
from pmlaunch.runtimes.chosen_python import ChosenPython

AGENT_MODULE = "pmlaunch_agent"


class Runtime(Protocol):
    """Something that starts Python with the simulator's packages."""

    @property
    def kind(self) -> str: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def environment(self) -> Mapping[str, str | None]:
        """Changes to the environment of what is started; None removes a variable."""
        ...

    @property
    def import_path(self) -> tuple[str, ...]:
        """Folders that the started Python imports from, before its own."""
        ...

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
    python: ChosenPython | None = None
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()
    kind: str = "isaaclab"

    def command(self) -> tuple[str, ...]:
        return (self.script, "-p", "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        # isaaclab.bat would mangle the overrides: on Windows the plain command wants Isaac Lab's own Python.
        if self.posix:
            return (self.script, "-p")
        return (self.python.path if self.python else "python",)

    def as_json(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "path": self.script,
            "version": self.version,
            "source": self.source,
            "python": self.python.as_json() if self.python else None,
        }


@dataclass(frozen=True)
class PythonRuntime:
    """A plain interpreter: for Genesis, MuJoCo and the embedded evaluation, and around a broken batch file."""

    executable: str
    source: str
    version: str | None = None
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()
    kind: str = "python"

    def command(self) -> tuple[str, ...]:
        return (self.executable, "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        return (self.executable,)

    def as_json(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "path": self.executable,
            "version": None,
            "source": self.source,
            "python": {"path": self.executable, "by": self.source, "version": self.version},
        }
