"""What a policy was measured to do: motions of a run, with the conditions that decide what it can be compared with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.running.success import SuccessDefinition, read_definition
from pmlaunch.runs.details import MotionResult, load
from pmlaunch.runs.summary import document, run_record
from pmlaunch.support.json import as_list, as_mapping

POLICY: Final = ("model", "checkpoint")
"""The conditions that name the policy, which is what a comparison compares."""
CONDITIONS: Final = ("robot", "simulator", "terrain", "constraint")
"""The other conditions on which the figures of a motion depend, besides the seed."""
_SELECTION: Final = re.compile(r"(.+)@((?:[a-z]+=[^,@]*)(?:,[a-z]+=[^,@]*)*)", re.DOTALL)


@dataclass(frozen=True)
class MeasuredRun:
    """What one evaluation measured.

    Attributes:
        conditions: {name: value} of POLICY and CONDITIONS.
        definition: what success means; None if the run does not tell.
        motions: by names that are unique in the run.
        notes: why its figures should not be compared with others.
    """

    run: str
    conditions: Mapping[str, str]
    seed: str
    definition: SuccessDefinition | None
    motions: Mapping[str, MotionResult]
    notes: tuple[str, ...] = ()

    def value(self, name: str) -> str | None:
        """A condition or the seed; None for any other name."""
        return self.seed if name == "seed" else self.conditions.get(name)


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a run, or the evaluations of a sweep."""

    name: str
    runs: tuple[MeasuredRun, ...]

    def values(self, name: str) -> list[str]:
        """The values of a condition or of the seed, sorted, each once."""
        return sorted({value for run in self.runs if (value := run.value(name)) is not None})

    def only(self, wanted: Mapping[str, str]) -> Side:
        """The runs with these conditions. Raises PML372 if there are none."""
        chosen = tuple(run for run in self.runs if all(run.value(name) == value for name, value in wanted.items()))
        if chosen:
            return Side(self.name, chosen)
        held = "; ".join(f"{name}: {', '.join(self.values(name)) or 'no such condition'}" for name in wanted)
        raise PmlaunchError("PML372", f"{self.name} has no such evaluation. It has {held}.", subject=self.name)


def selected(typed: str) -> tuple[str, dict[str, str]]:
    """Split `NAME@condition=value,condition=value` into the name and the conditions, of which there may be none."""
    found = _SELECTION.fullmatch(typed)
    if found is None:
        return typed, {}
    return found[1], dict(each.split("=", 1) for each in found[2].split(","))


def measured_side(folder: Path) -> Side:
    """A run that is done and measured its motions. Raises PML010 if it is no run, PML372 if it measured none."""
    run = load(folder)
    if run.summary.state is not RunState.DONE:
        state = run.summary.state.value.replace("_", " ")
        message = f"{run.name} is {state}, not done, so its figures prove nothing."
        raise PmlaunchError("PML372", message, fix=f"pmlaunch runs show {run.name}", subject=run.name)
    motions = by_unique_name(motion for motion in run.motions if motion.metrics)
    if not motions:
        message = f"{run.name} has no figures of single motions (--no-metrics, or an agent without metrics)."
        raise PmlaunchError("PML372", message, subject=run.name)
    conditions, seed, plan = conditions_of(folder)
    definition = read_definition(as_mapping(run_record(folder).get("evaluation")), plan)
    notes = () if run.comparable else run.notes
    return Side(run.name, (MeasuredRun(run.name, conditions, seed, definition, motions, notes),))


def by_unique_name(motions: Iterable[MotionResult]) -> dict[str, MotionResult]:
    """Motions by name; the second of the same name is "NAME (2)"."""
    found: dict[str, MotionResult] = {}
    seen: dict[str, int] = {}
    for motion in motions:
        name = motion.name
        while name in found:
            seen[motion.name] = seen.get(motion.name, 1) + 1
            name = f"{motion.name} ({seen[motion.name]})"
        found[name] = motion
    return found


def conditions_of(folder: Path) -> tuple[dict[str, str], str, dict[str, Any]]:
    """(conditions, seed, plan.json) of the run in a folder."""
    plan = document(folder, "plan.json")
    provenance = {name: as_mapping(entry).get("value") for name, entry in as_mapping(plan.get("provenance")).items()}
    measuring = as_mapping(plan.get("measuring"))
    constraints = [str(name) for name in as_list(provenance.get("constraints"))]
    conditions = {name: _text(plan.get(name, provenance.get(name))) for name in (*POLICY, *CONDITIONS[:-1])}
    conditions["checkpoint"] = re.split(r"[\\/]", conditions["checkpoint"])[-1]
    conditions["constraint"] = ", ".join(sorted(constraints)) or "none"
    return conditions, _text(measuring.get("seed", provenance.get("seed"))), plan


def _text(value: object) -> str:
    return "none" if value is None else str(value)[:300]
