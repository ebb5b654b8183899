"""Check that pmlaunch's own Python has the packages of the demo, `pmlaunch eval demo`."""

from __future__ import annotations

from pmlaunch.checks.environment import check_demo_packages
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Severity


def look(target: DoctorTarget) -> Observation:
    missing = tuple(check_demo_packages(Severity.ERROR if target.embedded else Severity.NOTE))
    return Observation((("ready", "no" if missing else "pmlaunch eval demo --motion walk"),), missing)
