"""What belongs to the Hydra programs, ProtoMotions 2 and the embedded demo: their config decides the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pmlaunch.catalog.models import config_of
from pmlaunch.generations.v2.compose import ConfigReport, config_report
from pmlaunch.generations.v2.values import MAX_STEPS_KEY, Values, decide_values
from pmlaunch.generations.v3.frozen_configs import is_of_generation_3
from pmlaunch.model import (
    CHECKPOINT,
    FLAG,
    OVERRIDE,
    EvalRequest,
    Generation,
    LaunchPlan,
    MotionInfo,
    Origin,
    Source,
    Sourced,
)
from pmlaunch.planning.resolve import Things
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform

_UPSTREAM_FPS = 30  # frames per second to which ProtoMotions 2 thins a motion out
STEPS_OF_UNKNOWN = 1000
"""Control steps of a headless run whose motion's length is not known: half a minute."""


class HydraProgram:
    """eval_agent.py of 2.x and of the demo."""

    def values(self, request: EvalRequest, settings: Settings, things: Things, platform: Platform) -> Values:
        return decide_values(request, settings, things, platform)

    def report(self, things: Things, values: Values) -> ConfigReport:
        return _report(things, values)

    def steps(self, request: EvalRequest, values: Values, report: ConfigReport, things: Things) -> Sourced[Any]:
        return _max_steps(request, values, report, things)

    def with_steps(self, values: Values, steps: Sourced[Any]) -> Values:
        return values if steps.value is None else values.with_value(MAX_STEPS_KEY, steps)

    def variables(self, values: Values) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def complete(self, plan: LaunchPlan, values: Values) -> LaunchPlan:  # noqa: ARG002
        return plan


def _report(things: Things, values: Values) -> ConfigReport:
    """What the config of the run holds; nothing where the checkpoint has no config: that is the finding then."""
    trained = config_of(things.checkpoint.value)
    if trained is None or is_of_generation_3(things.checkpoint.value):
        return ConfigReport()
    typed = [override.key for override in things.overrides if override.kind == "value"]
    return config_report(things.checkout.config_dir, trained, values.arguments(), typed)


def _max_steps(request: EvalRequest, values: Values, report: ConfigReport, things: Things) -> Sourced[Any]:
    """How many control steps the run takes; None is without end, which only a window is allowed.

    Steps of a motion: its seconds times the rate of the policy's decisions, rounded up.
    """
    if MAX_STEPS_KEY in values.overridden:
        return Sourced(report.max_eval_steps, OVERRIDE)
    if request.max_steps is not None:
        return Sourced(request.max_steps, FLAG)
    if report.max_eval_steps is not None:
        return Sourced(int(report.max_eval_steps), CHECKPOINT)
    if things.checkout.generation is Generation.DEMO and len(things.motions) > 1:
        return Sourced(None, Source(Origin.DEFAULT, "default: every motion once"))
    if not values.headless.value and not request.metrics:
        return Sourced(None, Source(Origin.DEFAULT, "default: a window stays open"))
    seconds = [
        played_seconds(motion, things.checkout.generation)
        for motion in things.motions
        if motion.seconds is not None and motion.frames is not None and motion.fps is not None
    ]
    if not seconds or report.control_hz is None:
        return Sourced(STEPS_OF_UNKNOWN, Source(Origin.DEFAULT, "default: the motion's length is unknown"))
    return Sourced(
        math.ceil(round(max(seconds) * report.control_hz, 6)), Source(Origin.DEFAULT, "default: the motion's length")
    )


def played_seconds(motion: MotionInfo, generation: Generation) -> float:
    """How long a run plays the motion.

    ProtoMotions 2 keeps every n-th frame of a faster motion, n = round(fps / 30), and plays what is left at 30
    frames per second (MotionLib._fix_motion_fps): 511 frames at 100/s last 5.67 s there and not 5.1 s.
    """
    frames, fps, seconds = motion.frames or 0, motion.fps or 1.0, motion.seconds or 0.0
    if generation is not Generation.V2 or fps <= _UPSTREAM_FPS:
        return seconds
    kept = math.ceil(frames / round(fps / _UPSTREAM_FPS))
    return (kept - 1) / _UPSTREAM_FPS
