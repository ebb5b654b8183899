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
    rows = [(part.value, str(found)) for part, found in judgement.versions.items()]
    environment = [("environment", made)] if made else []
    facts = (*rows, *environment, ("together", judgement.verdict.value))
    return Observation(facts, tuple(observations(judgement, python)))
