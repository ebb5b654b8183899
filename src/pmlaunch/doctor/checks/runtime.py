"""What would start the simulator: Isaac Lab's script and what it cannot stand, or a plain interpreter."""

from __future__ import annotations

from pmlaunch.doctor.check import Check, Group, Seen, Site


def _look(site: Site) -> Seen:
    told = site.runtime.as_json()
    python = told["python"] or {}
    started = "Isaac Lab" if site.runtime.kind == "isaaclab" else "a plain interpreter"
    rows = (
        ("simulator", site.simulator.name),
        ("started by", started),
        ("path", told["path"] if told["source"] != "not found" else None),
        ("known from", told["source"] if told["source"] != "not found" else None),
        ("version", told["version"]),
        ("Python", python.get("path") if python.get("path") != told["path"] else None),
        ("chosen by", python.get("by") if python.get("by") != told["source"] else None),
        ("Python version", python.get("version")),
    )
    changes = [
        (f"{name} for a run", "removed" if value is None else value) for name, value in site.runtime.environment.items()
    ]
    return Seen(tuple((name, str(value)) for name, value in rows if value) + tuple(changes), site.runtime.findings)


RUNTIME = Check("runtime", "runtime", Group.ISAACLAB, _look)
