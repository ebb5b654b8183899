"""MaskedMimic's constraints: a file that does not parse would stop Hydra after the start."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.catalog.constraints import constraints
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned


def check_constraints(planned: Planned) -> Iterator[Finding]:
    chosen = " ".join(argument for argument in planned.plan.overrides if argument.startswith("+opt="))
    if not chosen:
        return
    options = set(chosen.removeprefix("+opt=").strip("[]").split(","))
    for constraint in constraints(planned.checkout):
        if constraint.option in options and constraint.problem:
            message = f"Constraint {constraint.name} does not parse: {constraint.problem}"
            yield Finding("PML113", Severity.ERROR, message, "pmlaunch list constraints", None, str(constraint.path))
