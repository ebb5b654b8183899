"""A check of the machine, and its observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity


class CheckGroup(Enum):
    """The groups of checks, in the order they are shown; the value is the heading."""

    TOOLS = "tools"
    CHECKOUT = "checkout"
    MODELS = "models"
    ISAACLAB = "Isaac Lab"
    PACKAGES = "Python packages"
    GPU = "GPU"
    DISK = "disk"
    MACHINE = "this machine"


class CheckState(Enum):
    """The result of a check: the worst of its findings, or why it has none."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    FINE = "fine"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Observation:
    """What a check observed: facts as (name, value), findings, or why there was nothing to examine (`skipped`)."""

    facts: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: str | None = None

    @property
    def state(self) -> CheckState:
        """The worst severity among the findings; without findings FINE or SKIPPED."""
        found = {finding.severity for finding in self.findings}
        if found:
            return CheckState(next(severity.value for severity in Severity if severity in found))
        return CheckState.FINE if self.skipped is None else CheckState.SKIPPED


@dataclass(frozen=True)
class MachineCheck:
    """One check of the machine.

    Attributes:
        quick: starts no process, so --quick includes it.
        probes: waits for the answer of the simulator's Python.
        limit: seconds after which it is given up.
        fix: repairs findings with the codes in `fixes`, where that is safe. Returns what it did, None if there was
            nothing to do; raises OSError or PmlaunchError if it failed.
    """

    name: str
    title: str
    group: CheckGroup
    look: Callable[[DoctorTarget], Observation]
    quick: bool = True
    probes: bool = False
    limit: float = 20.0
    fixes: tuple[str, ...] = ()
    fix: Callable[[DoctorTarget], str | None] | None = None


@dataclass(frozen=True)
class CheckResult:
    """The observation of a check, and the `seconds` it took."""

    check: MachineCheck
    observation: Observation
    seconds: float

    @property
    def state(self) -> CheckState:
        """The state of the observation."""
        return self.observation.state

    @property
    def codes(self) -> list[str]:
        """The codes of its findings, each once."""
        return list(dict.fromkeys(found.code for found in self.observation.findings))

    @property
    def fixable(self) -> bool:
        """Whether --fix may repair one of the findings."""
        return any(code in self.check.fixes for code in self.codes)

    def __json__(self) -> dict[str, Any]:
        return {
            "name": self.check.name,
            "title": self.check.title,
            "group": self.check.group,
            "state": self.state,
            "facts": [{"name": name, "value": value} for name, value in self.observation.facts],
            "findings": self.observation.findings,
            "skipped": self.observation.skipped,
            "fixable": self.fixable,
            "seconds": round(self.seconds, 3),
        }
