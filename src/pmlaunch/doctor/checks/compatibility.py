"""Whether the versions that a run would use work together, and which were found."""

from __future__ import annotations

from pathlib import Path

from pmlaunch.checks.compatibility import observations
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.runtimes.python_files import made_by


def look(target: DoctorTarget) -> Observation:
    if target.checkout is None and not target.embedded:
        return Observation(skipped="there is no checkout")
    python, judgement = target.runtime.facts.python, target.judgement
    made = made_by(Path(python.path)) if python else None
    rows = [(part.value, found.version) for part, found in judgement.versions.items()]
    facts = (("together", judgement.verdict.value), *rows, *([("environment", made)] if made else []))
    return Observation(facts, tuple(observations(judgement, python)))
