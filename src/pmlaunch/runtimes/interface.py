"""How Python with the simulator's packages is started: through Isaac Lab's script, or as a plain interpreter.

The command line is constant, `... -m pmlaunch_agent`. It carries no user input, because isaaclab.bat splits
arguments at `=`, expands `%` and `!`, and executes whatever follows `&`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.model import ChosenPython, Finding, RuntimeFacts, RuntimeKind, Source
from pmlaunch.runtimes.compatibility import Versions

AGENT_MODULE = "pmlaunch_agent"


@dataclass(frozen=True)
class Runtime:
    """Starts Python with the simulator's packages; cannot be started with an error among its findings.

    `environment` holds changes to the child's environment (None removes a variable), `import_path` the folders that
    the started Python searches before its own; `versions` what its files tell of what it has.
    """

    facts: RuntimeFacts
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()
    versions: Versions = field(default_factory=dict)

    @property
    def uses_batch_file(self) -> bool:
        """Whether a batch file stands between pmlaunch and Python, and expands what it passes on."""
        return self.facts.path.lower().endswith((".bat", ".cmd"))

    def command(self) -> tuple[str, ...]:
        """The constant command line that starts the agent."""
        pass_on = ("-p",) if self.facts.kind is RuntimeKind.ISAACLAB else ()
        return (self.facts.path, *pass_on, "-m", AGENT_MODULE)

    def plain_python(self) -> tuple[str, ...]:
        """The words to type before the script's name to run it without pmlaunch."""
        path, python = self.facts.path, self.facts.python
        if self.facts.kind is RuntimeKind.PYTHON:
            return (path,)
        # isaaclab.bat would mangle the overrides: on Windows the plain command names Isaac Lab's own Python
        return (python.path if python else "python",) if path.endswith(".bat") else (path, "-p")


def python_runtime(executable: str, source: Source, version: str | None = None) -> Runtime:
    """The runtime of a plain interpreter: for Genesis, MuJoCo and the demo, or to bypass a broken batch file."""
    python = ChosenPython(executable, source, version)
    return Runtime(RuntimeFacts(RuntimeKind.PYTHON, executable, None, source, python))


def is_own_interpreter(facts: RuntimeFacts) -> bool:
    """Whether the runtime is the interpreter pmlaunch itself runs in, whose packages can be looked up directly."""
    # links are not resolved: virtual environments link to one and the same interpreter
    return facts.kind is RuntimeKind.PYTHON and Path(facts.path) == Path(sys.executable)
