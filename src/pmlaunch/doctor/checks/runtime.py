"""Check what would start the simulator: Isaac Lab's launcher script or a plain interpreter."""

from __future__ import annotations

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Origin, RuntimeKind, Severity


def look(target: DoctorTarget) -> Observation:
    facts = target.runtime.facts
    known = facts.source.origin is not Origin.UNKNOWN
    python = facts.python
    started = "Isaac Lab" if facts.kind is RuntimeKind.ISAACLAB else "a plain interpreter"
    rows = (
        ("settings", target.settings.workspace_file),
        ("simulator", target.simulator.name),
        ("started by", started),
        ("path", facts.path if known else None),
        ("known from", facts.source if known else None),
        ("version", facts.version),
        ("Python", python.path if python and python.path != facts.path else None),
        ("chosen by", python.by if python and python.by != facts.source else None),
        ("Python version", python.version if python else None),
    )
    changes = target.runtime.environment.items()
    changed = [(f"{name} for a run", "removed" if value is None else value) for name, value in changes]
    known_rows = [(name, str(value)) for name, value in rows if value]
    notes = (each.finding(Severity.WARNING, "It was not started.") for each in target.untrusted)
    return Observation((*known_rows, *changed), (*target.settings.findings, *target.runtime.findings, *notes))
