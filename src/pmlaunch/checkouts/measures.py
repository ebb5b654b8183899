"""What a generation measures: the names of its figures, their units, and which of them mean the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AGENT_TARGET = "pmlaunch_agent.evaluate_v2.agent"
"""What `agent._target_` names in a run of ProtoMotions 2 that measures, keeps or records (agent/evaluate_v2.py)."""


@dataclass(frozen=True)
class Measures:
    """The figures of one generation.

    Attributes:
        units: unit of a figure by its name without prefix, `_max` and `_min`.
        common: {name that every generation has: this generation's}.
        failed_when: (figure of one motion, limit): above it the motion counts as lost.
        agents: how the agents' `_target_` begin that have figures of their own.
        wraps: whether `agent._target_` is replaced for a run that measures.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    common: Mapping[str, str] = field(default_factory=dict)
    failed_when: tuple[str, float] | None = None
    agents: tuple[str, ...] = ()
    wraps: bool = False


_SHARE = "0 to 1"
_V2 = Measures(
    units={
        "gt_err": "m",
        "cartesian_err": "m",
        "gr_err": "rad",
        "gr_err_degrees": "deg",
        "tracking_success_rate": "share of motions",
        **{f"{name}_rew": _SHARE for name in ("dv", "kb", "lr", "rv", "rav", "gt", "gr", "gv", "gav", "rt", "rh")},
        "episode_reward": "reward",
        "episode_length": "steps",
        "reward": "reward per step",
        "resets": "episodes",
    },
    common={
        "success_rate": "eval/tracking_success_rate",
        "mean_position_error_m": "eval/gt_err",
        "mean_rotation_error_deg": "eval/gr_err_degrees",
    },
    failed_when=("gt_err_max", 0.5),
    agents=("protomotions.agents.mimic.", "protomotions.agents.masked_mimic."),
    wraps=True,
)


def measures_of(generation: str) -> Measures:
    """What `generation` measures; nothing for one that is not known here."""
    return {"2": _V2}.get(generation, Measures())


def has_metrics(generation: str, agent: str | None) -> bool:
    """Whether this agent (its `_target_`) has figures of its own, as far as can be told before the start."""
    measures = measures_of(generation)
    return not measures.wraps or agent is None or agent.startswith(measures.agents)
