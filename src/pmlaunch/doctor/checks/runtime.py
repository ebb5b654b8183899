"""What would start the simulator: Isaac Lab's script and what it cannot stand, or a plain interpreter."""

from __future__ import annotations

from pmlaunch.doctor.check import Check, Group, Seen, Site
from pmlaunch.model import Origin, RuntimeKind


def _look(site: Site) -> Seen:
    facts = site.runtime.facts
    known = facts.source.origin is not Origin.UNKNOWN
    python = facts.python
    started = "Isaac Lab" if facts.kind is RuntimeKind.ISAACLAB else "a plain interpreter"
    rows = (
        ("simulator", site.simulator.name),
        ("started by", started),
        ("path", facts.path if known else None),
        ("known from", str(facts.source) if known else None),
        ("version", facts.version),
        ("Python", python.path if python and python.path != facts.path else None),
        ("chosen by", python.by if python and python.by != str(facts.source) else None),
        ("Python version", python.version if python else None),
    )
    changes = [
        (f"{name} for a run", "removed" if value is None else value) for name, value in site.runtime.environment.items()
    ]
    return Seen(tuple((name, str(value)) for name, value in rows if value) + tuple(changes), site.runtime.findings)


RUNTIME = Check("runtime", "runtime", Group.ISAACLAB, _look)
