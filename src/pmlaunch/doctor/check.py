"""What a check of the machine is, what it is shown, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.catalog.presets import SimulatorPreset
from pmlaunch.generations.checkout import Checkout
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.json import to_json
from pmlaunch.support.platforms import Platform

if TYPE_CHECKING:
    from pmlaunch.doctor.probe import Probe


class Group(str, Enum):
    """The groups, in the order in which they are shown; the value is the heading."""

    TOOLS = "tools"
    CHECKOUT = "checkout"
    MODELS = "models"
    ISAACLAB = "Isaac Lab"
    PACKAGES = "Python packages"
    GPU = "GPU"
    DISK = "disk"
    MACHINE = "this machine"


# the packages of a checkout by generation, in the order in which they import each other
OWN_PACKAGES: Mapping[Generation, tuple[str, ...]] = {
    Generation.V2: ("hydra", "protomotions", "isaac_utils", "poselib"),
    Generation.V3: ("protomotions",),
}


@dataclass(frozen=True)
class Site:
    """What the checks look at. `problem` says why there is no checkout; `quick` forbids starting anything.

    `gpu_needed` is whether the chosen simulator cannot do without one; `backend` the backend of process groups that
    a run would use, None when it would start none; `embedded` whether only `pmlaunch eval demo` is asked about.
    """

    settings: Settings
    platform: Platform
    simulator: SimulatorPreset
    runtime: Runtime
    runs: Path
    checkout: Checkout | None = None
    problem: Finding | None = None
    device: str | None = None
    backend: str | None = None
    embedded: bool = False
    quick: bool = False
    probe: Probe | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        return self.settings.environment

    @property
    def windows(self) -> bool:
        return self.platform.name == "windows"

    @property
    def gpu_needed(self) -> bool:
        devices = self.simulator.devices or ("gpu",)
        return self.device != "cpu" and list(devices) == ["gpu"]


@dataclass(frozen=True)
class Seen:
    """What a check saw: facts as (name, value), findings, or why there was nothing to look at (`skipped`)."""

    facts: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: str | None = None


@dataclass(frozen=True)
class Check:
    """One check. `quick` ones start no process; `probes` ones wait for the simulator's Python; `limit` in seconds.

    `fix` mends what `mends` names (codes), only what is safe and pmlaunch's to change; it returns what it did in a
    sentence, None when there was nothing to do, and raises OSError or PmlaunchError when it could not.
    """

    name: str
    title: str
    group: Group
    look: Callable[[Site], Seen]
    quick: bool = True
    probes: bool = False
    limit: float = 20.0
    mends: frozenset[str] = field(default_factory=frozenset)
    fix: Callable[[Site], str | None] | None = None


@dataclass(frozen=True)
class Result:
    """What came of a check, in `seconds`."""

    check: Check
    seen: Seen
    seconds: float

    @property
    def state(self) -> str:
        """fine, note, warning, error or skipped: the worst of what was found."""
        found = {finding.severity for finding in self.seen.findings}
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE):
            if severity in found:
                return str(severity.value)
        return "skipped" if self.seen.skipped is not None else "fine"

    def __json__(self) -> dict[str, Any]:
        return {
            "name": self.check.name,
            "title": self.check.title,
            "group": self.check.group.value,
            "state": self.state,
            "facts": [{"name": name, "value": value} for name, value in self.seen.facts],
            "findings": to_json(self.seen.findings),
            "skipped": self.seen.skipped,
            "fixable": bool(self.check.mends & {finding.code for finding in self.seen.findings}),
            "seconds": round(self.seconds, 3),
        }


def finding(
    code: str, severity: Severity, message: str, hint: str | None = None, *, fix: str | None = None, about: str = ""
) -> Finding:
    """A finding of a check; `about` is the path or name that it is about."""
    return Finding(code, severity, message, hint, fix, about or None)
