"""What belongs to ProtoMotions 3: the arguments of inference_agent.py, and its full evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.v2.compose import ConfigReport
from pmlaunch.generations.v2.program import STEPS_OF_UNKNOWN
from pmlaunch.generations.v2.values import Values
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.generations.v3.assignments import OPTIONS
from pmlaunch.generations.v3.checkout import fabric_arguments
from pmlaunch.model import (
    CHECKPOINT,
    DEFAULT,
    FLAG,
    OVERRIDE,
    EvalRequest,
    Finding,
    LaunchPlan,
    Origin,
    Severity,
    Source,
    Sourced,
    Staged,
)
from pmlaunch.planning.choices import at_least_one, backend_of, device_of, headless_or_window, path_text
from pmlaunch.planning.measuring import wants_metrics
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.planning.resolve import Things
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform

_LIMIT = "agent.evaluator.max_eval_steps"
_PLACE_OF_KEYS = "the keys stand in resolved_configs_inference.yaml beside the checkpoint"
_SINGLE = ("mujoco",)  # simulators of one environment, on the CPU
# Measured with the G1 in MuJoCo on two cores: torch.compile costs about 25 s of start, which one environment never earns
# back, and a second thread for the small network takes the core that MuJoCo needs.
_ON_CPU = {"TORCH_COMPILE_DISABLE": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class InferenceValues(Values):
    """The decided values; `fabric` are arguments of Lightning that inference_agent.py has no option for."""

    fabric: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """`--option=value` in one piece, so that a value may begin with a dash; the overrides last."""
        chosen = {key: sourced.value for key, sourced in self.settings.items()}
        chosen |= {item.key: item.value for item in self.user if item.kind == "value" and item.key in OPTIONS}
        written = [f"--checkpoint={self.settings['checkpoint'].value}", f"--simulator={self.simulator}"]
        for key in ("motion_file", "scenes_file", "num_envs", "command_source"):
            if chosen.get(key) is not None:
                value = self.settings[key].value if key == "motion_file" and key in self.settings else chosen[key]
                written.append(f"--{key.replace('_', '-')}={value}")
        written += ["--headless"] if self.headless.value else []
        written += ["--full-eval"] if self.metrics else []
        overrides = [f"{key}={value}" for key, value in chosen.items() if "." in key and key not in self.overridden]
        overrides += [f"{item.key}={item.text}" for item in self.user if item.kind == "value" and "." in item.key]
        return [*written, "--overrides", *overrides] if overrides else written


class InferenceProgram:
    """inference_agent.py of ProtoMotions 3."""

    def values(self, request: EvalRequest, settings: Settings, things: Things, platform: Platform) -> Values:
        headless = headless_or_window(request, settings, things, platform)
        metrics = wants_metrics(request, bool(headless.value))
        if request.metrics is None and not frozen.measures_something(things.checkpoint.value):
            metrics = Sourced(False, Source(Origin.DEFAULT, "default: the checkpoint's evaluator measures nothing"))
        _refuse_what_has_no_equivalent(request)
        device = device_of(request, settings, things)
        backend, strategy = backend_of(request, settings, platform)
        keys: dict[str, Sourced[Any]] = {"checkpoint": path_text(things.checkpoint, platform, things)}
        if things.motions:
            path = Sourced(things.motion_list.file or Path(LIBRARY_FILE), things.motion_source)
            keys["motion_file"] = path_text(path, platform, things)
        num_envs = settings.get("num_envs", request.num_envs) or Sourced(1, DEFAULT)
        keys["num_envs"] = at_least_one("--num-envs", num_envs)
        keys["metrics"] = metrics
        fabric: dict[str, Any] = {}
        if request.devices is not None:
            keys["devices"] = at_least_one("--devices", Sourced(request.devices, FLAG))
            fabric |= {"devices": request.devices} if request.devices > 1 else {}
        simulator = things.simulator.value.name
        if device.value is not None and (device.value == "cpu") != (simulator in _SINGLE):
            fabric["accelerator"] = device.value
        if strategy is not None:
            fabric["strategy"] = strategy.value
        if request.max_steps is not None:
            steps = at_least_one("--max-steps", Sourced(request.max_steps, FLAG))
            keys |= {_LIMIT: steps} if metrics.value else {}
        values = InferenceValues(
            robot=things.robot.value.name if things.robot.value else None,
            simulator=simulator,
            terrain=Sourced(None, CHECKPOINT),
            constraints=Sourced((), CHECKPOINT),
            headless=headless,
            device=device,
            backend=backend,
            settings=keys,
            user=things.overrides,
            metrics=bool(metrics.value),
            fabric=fabric,
        )
        _refuse_what_the_simulator_cannot(values)
        return values

    def report(self, things: Things, values: Values) -> ConfigReport:
        """What the text of the frozen configs says, with the user's overrides; empty where there is no text."""
        checkpoint = things.checkpoint.value
        configs = frozen.read_frozen(checkpoint)
        findings = []
        if configs.foreign:
            message = (
                f"{frozen.CONFIGS} would import or call {', '.join(configs.foreign[:4])}: configs have no need of that, and "
                "upstream loads the file as a pickle, which may run anything."
            )
            hint = "if you trust it: --no-check PML128"
            findings.append(Finding("PML128", Severity.ERROR, message, hint, None, str(checkpoint.parent)))
        text = frozen.frozen_text(checkpoint)
        findings += _unknown_keys(values, text)
        typed = {item.key: item.value for item in values.user}
        return ConfigReport(
            findings=tuple(findings),
            control_hz=_control_hz(text, values.simulator, frozen.trained_simulator(checkpoint), typed),
            motion_file=frozen.text_at(text, "motion_lib.motion_file"),
            max_eval_steps=_whole(typed.get(_LIMIT, frozen.number_at(text, _LIMIT))),
            agent=frozen.text_at(text, "agent._target_"),
            control_type=frozen.text_at(text, "robot.control.control_type"),
        )

    def steps(self, request: EvalRequest, values: Values, report: ConfigReport, things: Things) -> Sourced[Any]:
        """Steps of a motion: its seconds times the rate of the policy's decisions.

        A full evaluation ends by itself, at the end of each motion or at max_eval_steps; its number is only what is
        expected, and not known of a packed library or of several environments.
        """
        packed = any(motion.path.suffix == ".pt" for motion in things.motions)
        rate = report.control_hz
        lengths = [motion.seconds * rate for motion in things.motions if motion.seconds and rate and not packed]
        known = bool(lengths) and len(lengths) == len(things.motions)
        if values.metrics:
            limit, source = report.max_eval_steps, Source(Origin.DEFAULT, "default: the motion's length")
            if _LIMIT in values.overridden:
                source = OVERRIDE
            elif request.max_steps is not None:
                limit, source = request.max_steps, FLAG
            elif len(things.motions) > 1 or packed:
                source = Source(Origin.DEFAULT, "default: every motion once")
            if not known or values.settings["num_envs"].value != 1:
                return Sourced(None, source)
            whole = [math.floor(round(length, 4)) for length in lengths]
            return Sourced(sum(min(length, limit) if limit else length for length in whole), source)
        if request.max_steps is not None:
            return Sourced(request.max_steps, FLAG)
        if not values.headless.value:
            return Sourced(None, Source(Origin.DEFAULT, "default: a window stays open"))
        if not known:
            return Sourced(STEPS_OF_UNKNOWN, Source(Origin.DEFAULT, "default: the motion's length is unknown"))
        return Sourced(math.ceil(round(max(lengths), 6)), Source(Origin.DEFAULT, "default: the motion's length"))

    def with_steps(self, values: Values, steps: Sourced[Any]) -> Values:  # noqa: ARG002
        return values  # a full evaluation knows its own end, and the agent ends any other

    def variables(self, values: Values) -> Mapping[str, str]:
        return _ON_CPU if values.simulator in _SINGLE else {}

    def complete(self, plan: LaunchPlan, values: Values) -> LaunchPlan:
        """Staged: upstream writes its results beside the checkpoint that it is given."""
        fabric = values.fabric if isinstance(values, InferenceValues) else {}
        typed = {key: it.value for key, it in values.settings.items()} | {item.key: item.value for item in values.user}
        return replace(
            plan,
            arguments=fabric_arguments(fabric),
            staged=Staged("--checkpoint", (plan.checkpoint, plan.checkpoint.parent / frozen.CONFIGS)),
            hydra=False,
            metrics=values.metrics,
            measuring=replace(plan.measuring, limit=_whole(typed.get(_LIMIT))),
            provenance={**plan.provenance, "metrics": values.settings["metrics"]},
            ends_by_itself=values.metrics,
        )


def _refuse_what_has_no_equivalent(request: EvalRequest) -> None:
    """Raise PML016 for the options of 2.x that 3.x has nothing for."""
    reasons = {
        "--terrain": (request.terrain, "the terrain is frozen in the checkpoint's configs", "terrain.FIELD=VALUE"),
        "--constraint": (request.constraints, "MaskedMimic's constraints are frozen in the checkpoint's configs", None),
        "--seed": (request.seed, "inference_agent.py sets no seed", None),
    }
    given = {option: (reason, way) for option, (value, reason, way) in reasons.items() if value not in (None, ())}
    if given:
        told = "; ".join(f"{option}: {reason}" for option, (reason, _) in given.items())
        ways = [way for _, way in given.values() if way]
        hint = f"{ways[0]} changes a field of it" if ways else f"leave out {' and '.join(given)}"
        raise PmlaunchError("PML016", f"Without an equivalent in ProtoMotions 3: {told}.", hint=hint)


def _refuse_what_the_simulator_cannot(values: InferenceValues) -> None:
    if values.simulator not in _SINGLE:
        return
    typed = {item.key: item.value for item in values.user}
    num_envs = typed.get("num_envs", typed.get("simulator.num_envs", values.settings["num_envs"].value))
    if num_envs != 1:
        message = f"{values.simulator} simulates one environment, not {num_envs}."
        raise PmlaunchError("PML017", message, hint="--num-envs 1, or --simulator newton")
    if values.device.value == "gpu":
        message = f"{values.simulator} runs on the CPU."
        raise PmlaunchError("PML017", message, hint="leave out --device, or --simulator newton")


def _control_hz(text: Mapping[str, Any], simulator: str, trained: str | None, typed: Mapping[str, Any]) -> float | None:
    """The rate of the policy's decisions in 1/s: upstream takes the robot's own for another simulator."""
    place = "simulator.sim" if simulator == trained else f"robot.simulation_params.{simulator}"
    numbers = []
    for name in ("fps", "decimation"):
        value = typed.get(f"simulator.sim.{name}", frozen.number_at(text, f"{place}.{name}"))
        numbers.append(float(value) if isinstance(value, (int, float)) else 0.0)
    fps, decimation = numbers
    return fps / decimation if fps > 0 and decimation > 0 else None


def _unknown_keys(values: Values, text: Mapping[str, Any]) -> list[Finding]:
    """A finding for each dotted key that the frozen configs do not have: upstream refuses it, after its start."""
    findings = []
    for item in values.user if text else ():
        if item.kind != "value" or "." not in item.key:
            continue
        node: Any = text
        for part in item.key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                near = did_you_mean(part, list(map(str, node))) if isinstance(node, Mapping) else ""
                message = f"The checkpoint's configs have no {item.key}.{near}"
                findings.append(Finding("PML003", Severity.ERROR, message, _PLACE_OF_KEYS, subject=item.key))
                break
            node = node[part]
        else:
            if isinstance(node, Mapping):
                message = f"{item.key} is a group of values, which one override cannot set."
                findings.append(Finding("PML003", Severity.ERROR, message, _PLACE_OF_KEYS, subject=item.key))
    return findings


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
