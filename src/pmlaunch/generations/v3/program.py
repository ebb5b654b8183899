"""inference_agent.py of ProtoMotions 3: its command line, and its full evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import ArgumentPoint
from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.interface import Program
from pmlaunch.generations.override_types import wrong_type
from pmlaunch.generations.overrides import OverrideKind, UserOverride
from pmlaunch.generations.v3 import ASSETS, FROZEN_CONFIGS
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.generations.v3.assignments import OPTIONS, literal
from pmlaunch.generations.v3.motion_library import library_text, read_entries
from pmlaunch.generations.values import (
    ENDLESS,
    EVERY_MOTION_ONCE,
    GENESIS_VARIABLES,
    LENGTH_OF_THE_MOTION,
    STEPS_OF_UNKNOWN,
    Choices,
    ConfigReport,
    LaunchDetails,
    RunSettings,
)
from pmlaunch.model import FLAG, OVERRIDE, Finding, Severity, Sourced, Staged
from pmlaunch.motions.readers import PACKED_SUFFIX
from pmlaunch.request import EvalRequest
from pmlaunch.support.json import finite
from pmlaunch.support.paths import refuse_remote

_ASSET_ROOT = "robot.asset.asset_root"
_EXPERT = "agent.expert_model_path"
_LIMIT = "agent.evaluator.max_eval_steps"
_WHERE_KEYS_ARE = "the keys are listed in resolved_configs_inference.yaml beside the checkpoint"
_RATES = ("fps", "decimation")
_SINGLE = ("mujoco",)  # simulators of one environment, on the CPU
# An evaluation is too short to earn the compiler's time back. Measured with the G1: in MuJoCo on two cores it adds 25 s
# to the start; in Newton on an H100, 64 motions of 248 steps take 42.7 s with it and 40.3 s without, and 20 s more when
# it meets a new number of environments.
_WITHOUT_COMPILER = {"TORCH_COMPILE_DISABLE": "1"}
# A second thread for the small network takes the core that MuJoCo needs.
_ON_CPU = {"OMP_NUM_THREADS": "1"}


class InferenceProgram(Program):
    """inference_agent.py."""

    read_library = staticmethod(read_entries)
    library_text = staticmethod(library_text)

    def check_request(self, request: EvalRequest) -> None:
        constraints = "MaskedMimic's constraints are frozen in the checkpoint's configs"
        reasons = {
            "--terrain": (
                request.terrain,
                "it is frozen in the checkpoint's configs, and terrain.FIELD=VALUE overrides a field",
            ),
            "--constraint": (request.constraints or None, constraints),
        }
        given = {option: reason for option, (value, reason) in reasons.items() if value is not None}
        if given:
            told = "; ".join(f"{option}: {reason}" for option, reason in given.items())
            failed = PmlaunchError("PML016", f"No equivalent in ProtoMotions 3: {told}.")
            raise failed.retrying(dict.fromkeys(given))

    def settings(self, choices: Choices) -> RunSettings:
        if choices.simulator in _SINGLE:
            _refuse_what_it_cannot(choices)
        settings: dict[str, Sourced[Any] | None] = {
            "checkpoint": choices.checkpoint_text,
            "motion_file": choices.motion_text,
            "num_envs": choices.num_envs,
            "metrics": choices.metrics,
            "devices": choices.devices,
            "seed": choices.seed,  # no option of the program: the agent sets it
            _LIMIT: choices.max_steps if choices.metrics.value else None,
        }
        return {key: value for key, value in settings.items() if value is not None}

    def report(self, choices: Choices, settings: RunSettings) -> ConfigReport:  # noqa: ARG002
        """The text of the frozen configs with the user's overrides; empty if there is no text."""
        checkpoint = choices.checkpoint
        text = frozen.frozen_text(checkpoint)
        findings = _wrong_overrides(choices, text)
        typed = {item.key: item.value for item in choices.overrides}
        expert = typed.get(_EXPERT, frozen.text_at(text, _EXPERT))
        named = frozen.text_at(text, _ASSET_ROOT)
        assets = typed[_ASSET_ROOT] if _ASSET_ROOT in typed else named and refuse_remote(str(named), checkpoint)
        return ConfigReport(
            findings=tuple(findings),
            control_hz=_control_hz(choices, text, typed),
            motion_file=frozen.text_at(text, "motion_lib.motion_file"),
            max_eval_steps=_whole_number(typed.get(_LIMIT, frozen.number_at(text, _LIMIT))),
            agent=frozen.text_at(text, "agent._target_"),
            control_type=frozen.text_at(text, "robot.control.control_type"),
            expert_model=None if expert is None else str(expert),
            asset_root=None if assets in (None, ASSETS) else str(assets),
        )

    def details(self, choices: Choices, settings: RunSettings, report: ConfigReport) -> LaunchDetails:
        fabric = _fabric(choices)
        patched = ArgumentPoint("protomotions.utils.fabric_config", "FabricConfig.__init__", fabric)
        typed = {key: item.value for key, item in settings.items()}
        typed |= {item.key: item.value for item in choices.overrides}
        return LaunchDetails(
            arguments=tuple(_arguments(choices, settings)),
            steps=_steps(choices, report),
            variables=_variables(choices),
            agent_arguments=(patched,) if fabric else (),
            staged=Staged("--checkpoint", (choices.checkpoint, choices.checkpoint.parent / FROZEN_CONFIGS)),
            limit=_whole_number(typed.get(_LIMIT)),
            ends_by_itself=choices.metrics.value,
        )


def _steps(choices: Choices, report: ConfigReport) -> Sourced[int | None]:
    """The seconds of the motion times the rate of the policy's decisions, unless something sets the number.

    A full evaluation ends by itself, after each motion or at max_eval_steps. Its number of steps is only an estimate,
    and unknown for a packed library.
    """
    packed = any(motion.path.suffix == PACKED_SUFFIX for motion in choices.motions)
    rate = report.control_hz
    lengths = [motion.seconds * rate for motion in choices.motions if motion.seconds and rate and not packed]
    known = bool(lengths) and len(lengths) == len(choices.motions)
    if choices.metrics.value:
        limit, source = report.max_eval_steps, LENGTH_OF_THE_MOTION
        if _LIMIT in choices.overridden:
            source = OVERRIDE
        elif choices.max_steps is not None:
            limit, source = choices.max_steps.value, FLAG
        elif len(choices.motions) > 1 or packed:
            source = EVERY_MOTION_ONCE
        if not known:
            return Sourced(None, source)
        whole = [min(math.floor(round(length, 4)), limit or math.inf) for length in lengths]
        count = choices.num_envs.value  # of motions that are evaluated together, for as long as the longest takes
        batches = [whole[first : first + count] for first in range(0, len(whole), count)]
        return Sourced(int(sum(map(max, batches))), source)
    if choices.endless:
        return Sourced(None, ENDLESS)
    if choices.max_steps is not None:
        return choices.max_steps
    return Sourced(math.ceil(round(max(lengths), 6)), LENGTH_OF_THE_MOTION) if known else STEPS_OF_UNKNOWN


def _arguments(choices: Choices, settings: RunSettings) -> list[str]:
    """The options, each as `--option=value`, so that a value may begin with a dash; the overrides last."""
    chosen = {key: sourced.value for key, sourced in settings.items()}
    typed = [item for item in choices.overrides if item.kind is OverrideKind.VALUE]
    # paths are written as the target system writes them, even if an override names them
    chosen |= {item.key: item.value for item in typed if item.key in OPTIONS and item.key != "checkpoint"}
    if "motion_file" in settings:
        chosen["motion_file"] = settings["motion_file"].value
    written = [f"--checkpoint={chosen['checkpoint']}", f"--simulator={choices.simulator}"]
    named = ("motion_file", "scenes_file", "num_envs", "command_source")
    written += [f"--{key.replace('_', '-')}={chosen[key]}" for key in named if chosen.get(key) is not None]
    written += ["--headless"] if choices.headless.value else []
    written += ["--full-eval"] if choices.metrics.value else []
    overrides = [f"{key}={value}" for key, value in chosen.items() if "." in key and key not in choices.overridden]
    overrides += [f"{item.key}={item.text}" for item in typed if "." in item.key]
    return [*written, "--overrides", *overrides] if overrides else written


def _fabric(choices: Choices) -> dict[str, Any]:
    """Devices and accelerator: arguments of Lightning's Fabric that the program has no options for."""
    fabric: dict[str, Any] = {}
    if choices.devices is not None and choices.devices.value > 1:
        fabric["devices"] = choices.devices.value
    device = choices.device.value
    if device is not None and (device == "cpu") != (choices.simulator in _SINGLE):
        fabric["accelerator"] = device
    return fabric


def _variables(choices: Choices) -> dict[str, str]:
    single = choices.simulator in _SINGLE
    variables = _ON_CPU if single else GENESIS_VARIABLES if choices.simulator == "genesis" else {}
    return {**(_WITHOUT_COMPILER if single or choices.metrics.value else {}), **variables}


def _refuse_what_it_cannot(choices: Choices) -> None:
    """Raise PML017 for several environments or a GPU, in a simulator of one environment on the CPU."""
    simulator, typed = choices.simulator, {item.key: item.value for item in choices.overrides}
    num_envs = typed.get("num_envs", typed.get("simulator.num_envs", choices.num_envs.value))
    if num_envs != 1:
        message = f"{simulator} simulates a single environment, not {num_envs}; --simulator newton simulates several."
        failed = PmlaunchError("PML017", message, hint="num_envs=1")
        raise failed if "num_envs" in {key.split(".")[-1] for key in typed} else failed.retrying({"--num-envs": "1"})
    if choices.device.value == "gpu":
        message = f"{simulator} runs on the CPU, --simulator newton on the GPU."
        raise PmlaunchError("PML017", message).retrying({"--device": "cpu"})


def _control_hz(choices: Choices, text: Mapping[str, Any], typed: Mapping[str, Any]) -> float | None:
    """The rate of the policy's decisions in 1/s. For another simulator upstream takes the robot's own parameters."""
    own = choices.training is not None and choices.training.simulator == choices.simulator
    place = "simulator.sim" if own else f"robot.simulation_params.{choices.simulator}"
    numbers = [typed.get(f"simulator.sim.{name}", frozen.number_at(text, f"{place}.{name}")) for name in _RATES]
    fps, decimation = (finite(value) or 0.0 for value in numbers)
    return fps / decimation if fps > 0 and decimation > 0 else None


def _wrong_overrides(choices: Choices, text: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each key that the frozen configs lack, and for each value of another type than theirs.

    Upstream refuses these as well, but only after its start. Without the text of the configs nothing is known of keys.
    """
    for item in choices.overrides:
        if item.kind is not OverrideKind.VALUE:
            continue
        complaint = _complaint(item, text) if text and "." in item.key else None
        own = frozen.text_at(text, item.key) if "." in item.key else None
        if complaint is None and (found := wrong_type(item.key, literal(own), item.value, item.text)):
            yield found
        if complaint:
            yield Finding("PML003", Severity.ERROR, complaint, _WHERE_KEYS_ARE, subject=item.key)


def _complaint(item: UserOverride, text: Mapping[str, Any]) -> str | None:
    """Why the configs cannot take the override; None if they can."""
    node: Any = text
    for part in item.key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            near = did_you_mean(part, list(map(str, node))) if isinstance(node, Mapping) else ""
            return f"The checkpoint's configs have no {item.key}.{near}"
        node = node[part]
    return (
        f"{item.key} is a group of values, which a single override cannot set." if isinstance(node, Mapping) else None
    )


def _whole_number(value: object) -> int | None:
    """`value` as an integer, if it is a finite number."""
    number = finite(value)
    return None if number is None else int(number)
