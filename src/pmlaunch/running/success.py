"""What success means in a run: which figure of a motion must stay within which limit, and how much of it is played."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pmlaunch.support.json import as_list, as_mapping, from_json

_DISTANCE = re.compile(r"gt_err|joint_err|cartesian_err")
_OLDER = ("eval/gt_err_max", 0.5)  # ProtoMotions 2 and the demo, before metrics.json held a definition


@dataclass(frozen=True)
class SuccessDefinition:
    """When a motion counts as tracked.

    Attributes:
        figure: the metric that decides; None if no motion can fail.
        limit: a motion fails above it, or below it if `figure` ends in "min".
        max_steps: control steps after which motions were cut; None if none was.
        mask: MaskedMimic's constraints.
        others: {figure: limit} of further metrics that decide.
    """

    figure: str | None = None
    limit: float | None = None
    max_steps: int | None = None
    mask: tuple[str, ...] = ()
    others: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        limits = {self.figure: self.limit, **self.others} if self.figure is not None and self.limit is not None else {}
        rules = [
            f"{name} {'<' if name.endswith('min') else '>'} {limit:g}{' m' if _DISTANCE.search(name) else ''}"
            for name, limit in limits.items()
        ]
        steps = "whole motions" if self.max_steps is None else f"cut after {self.max_steps} steps"
        mask = [f"constraint {', '.join(self.mask)}"] if self.mask else []
        return "; ".join([f"failed if {' or '.join(rules)}" if rules else "no motion can fail", steps, *mask])

    @property
    def rule(self) -> SuccessDefinition:
        """The definition without the mask, which is a condition of the run and does not decide what counts as failed."""
        return replace(self, mask=())


def read_definition(evaluation: Mapping[str, Any], plan: Mapping[str, Any]) -> SuccessDefinition | None:
    """The definition of success in an evaluation's document, with the mask of its plan.json; None if it is not known.

    An older document has none. That of ProtoMotions 2 and of the demo was always the same.
    """
    provenance = as_mapping(plan.get("provenance"))
    constraints = as_list(as_mapping(provenance.get("constraints")).get("value"))
    mask = tuple(name for name in constraints if isinstance(name, str))
    if definition := as_mapping(evaluation.get("definition")):
        found = from_json(SuccessDefinition, definition)
        return replace(found, mask=mask or found.mask)
    if plan.get("generation") not in ("2", "demo"):
        return None
    cut = evaluation.get("comparable") is False
    steps = as_mapping(provenance.get("max_steps")).get("value")
    figure, limit = _OLDER
    return SuccessDefinition(figure, limit, steps if cut and type(steps) is int else None, mask)
