"""The metrics of a generation: names, units, and which of them mean the same in every generation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MetricDefinitions:
    """The metrics of one generation.

    Attributes:
        units: unit of a metric by its name without prefix, `_max` and `_min`.
        common: {name shared by all generations: this generation's name}.
        factors: {name shared by all generations: factor from this generation's unit}, where it is not 1.
        failed_when: (metric of one motion, limit): above the limit the motion counts as lost.
        agents: prefixes of the agents (`_target_`) that have metrics of their own.
        wraps: whether `agent._target_` is replaced for a run that measures.
        by_itself: whether the program measures when asked to, so that the agent only watches.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    common: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    failed_when: tuple[str, float] | None = None
    agents: tuple[str, ...] = ()
    wraps: bool = False
    by_itself: bool = False

    def cover(self, agent: str | None) -> bool:
        """Whether this agent (its `_target_`) has metrics of its own, as far as can be told before the start."""
        return not self.wraps or agent is None or agent.startswith(self.agents)
