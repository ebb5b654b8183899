"""What a generation measures: the names of its figures, their units, and which of them mean the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pmlaunch.agent.pmlaunch_agent.contract import AGENT_TARGET as AGENT_TARGET  # noqa: PLC0414
from pmlaunch.model import Generation


@dataclass(frozen=True)
class Measures:
    """The figures of one generation.

    Attributes:
        units: unit of a figure by its name without prefix, `_max` and `_min`.
        common: {name that every generation has: this generation's}.
        factors: {name that every generation has: the factor from this generation's unit}, where that is not 1.
        failed_when: (figure of one motion, limit): above it the motion counts as lost.
        agents: how the agents' `_target_` begin that have figures of their own.
        wraps: whether `agent._target_` is replaced for a run that measures.
        by_itself: whether the program measures when it is asked to, so that the agent only watches.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    common: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    failed_when: tuple[str, float] | None = None
    agents: tuple[str, ...] = ()
    wraps: bool = False
    by_itself: bool = False


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
# ProtoMotions 3 writes the component between: eval/gt_error/mean
_COMPONENTS = {"gt_error": "m", "max_joint_error": "m", "gr_error": "rad"}
_V3 = Measures(
    units={
        **{f"{name}/{part}": unit for name, unit in _COMPONENTS.items() for part in ("mean", "max", "min")},
        "failure_rate": "share of motions",
        "success_rate": "share of motions",
        "num_evaluated": "motions",
        "action_delta_mean_rad": "rad",
        "action_delta_max_rad": "rad",
        "action_delta_mean_deg": "deg",
        "action_delta_max_deg": "deg",
        "action_rate_mean_rad_s": "rad/s",
        "high_jerk_frame_percentage_mean": "%",
    },
    common={
        "success_rate": "eval/success_rate",
        "mean_position_error_m": "eval/gt_error/mean",
        "mean_rotation_error_deg": "eval/gr_error/mean",
    },
    factors={"mean_rotation_error_deg": math.degrees(1.0)},
    by_itself=True,
)


def measures_of(generation: Generation) -> Measures:
    """What `generation` measures; nothing for one that is not known here."""
    return {Generation.V2: _V2, Generation.V3: _V3}.get(generation, Measures())


def has_metrics(generation: Generation, agent: str | None) -> bool:
    """Whether this agent (its `_target_`) has figures of its own, as far as can be told before the start."""
    measures = measures_of(generation)
    return not measures.wraps or agent is None or agent.startswith(measures.agents)
