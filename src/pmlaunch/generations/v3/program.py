"""inference_agent.py of ProtoMotions 3: its command line, and its full evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.interface import STEPS_OF_UNKNOWN
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo
from pmlaunch.generations.overrides import OverrideKind, UserOverride
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.generations.v3.assignments import OPTIONS
from pmlaunch.generations.values import Choices, ConfigReport, LaunchDetails, Values, whole_number
from pmlaunch.model import CHECKPOINT, FLAG, OVERRIDE, ArgumentPoint, Finding, Origin, Severity, Source, Sourced, Staged
from pmlaunch.request import EvalRequest

_LIMIT = "agent.evaluator.max_eval_steps"
_WHERE_KEYS_ARE = "the keys stand in resolved_configs_inference.yaml beside the checkpoint"
_SINGLE = ("mujoco",)  # simulators of one environment, on the CPU
# Measured with the G1 in MuJoCo on two cores: torch.compile adds about 25 s to the start, which one environment never
# earns back, and a second thread for the small network takes the core that MuJoCo needs.
_ON_CPU = {"TORCH_COMPILE_DISABLE": "1", "OMP_NUM_THREADS": "1"}


class InferenceProgram:
    """inference_agent.py."""

    def check_request(self, request: EvalRequest) -> None:
        """Raise PML016 for the options of 2.x that have no equivalent."""
        reasons = {
            "--terrain": (request.terrain, "the terrain is frozen in the checkpoint's configs", "terrain.FIELD=VALUE"),
            "--constraint": (
                request.constraints,
                "MaskedMimic's constraints are frozen in the checkpoint's configs",
                None,
            ),
            "--seed": (request.seed, "inference_agent.py sets no seed", None),
        }
        given = {option: (reason, way) for option, (value, reason, way) in reasons.items() if value not in (None, ())}
        if given:
            told = "; ".join(f"{option}: {reason}" for option, (reason, _) in given.items())
            ways = [way for _, way in given.values() if way]
            hint = f"{ways[0]} changes a field of it" if ways else f"leave out {' and '.join(given)}"
            raise PmlaunchError("PML016", f"Without an equivalent in ProtoMotions 3: {told}.", hint=hint)

    def values(self, choices: Choices) -> Values:
        settings: dict[str, Sourced[Any]] = {"checkpoint": choices.checkpoint_text}
        if choices.motion_text is not None:
            settings["motion_file"] = choices.motion_text
        settings |= {"num_envs": choices.num_envs, "metrics": choices.metrics}
        if choices.devices is not None:
            settings["devices"] = choices.devices
        if choices.max_steps is not None and choices.metrics.value:
            settings[_LIMIT] = choices.max_steps
        values = Values(
            terrain=Sourced(None, CHECKPOINT),
            constraints=Sourced((), CHECKPOINT),
            headless=choices.headless,
            device=choices.device,
            backend=choices.backend,
            settings=settings,
            overrides=choices.overrides,
            fabric=_fabric(choices),
        )
        if choices.simulator in _SINGLE:
            _refuse_what_it_cannot(choices.simulator, values)
        return values

    def report(self, choices: Choices, values: Values) -> ConfigReport:
        """The text of the frozen configs with the user's overrides; empty if there is no text."""
        checkpoint = choices.checkpoint
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
        typed = {item.key: item.value for item in values.overrides}
        return ConfigReport(
            findings=tuple(findings),
            control_hz=_control_hz(text, choices.simulator, frozen.trained_simulator(checkpoint), typed),
            motion_file=frozen.text_at(text, "motion_lib.motion_file"),
            max_eval_steps=whole_number(typed.get(_LIMIT, frozen.number_at(text, _LIMIT))),
            agent=frozen.text_at(text, "agent._target_"),
            control_type=frozen.text_at(text, "robot.control.control_type"),
        )

    def steps(self, choices: Choices, values: Values, report: ConfigReport) -> Sourced[int | None]:
        """The seconds of the motion times the rate of the policy's decisions, unless something sets the number.

        A full evaluation ends by itself, after each motion or at max_eval_steps. Its number of steps is only an
        estimate, and unknown for a packed library or several environments.
        """
        packed = any(motion.path.suffix == ".pt" for motion in choices.motions)
        rate = report.control_hz
        lengths = [motion.seconds * rate for motion in choices.motions if motion.seconds and rate and not packed]
        known = bool(lengths) and len(lengths) == len(choices.motions)
        if choices.metrics.value:
            limit, source = report.max_eval_steps, Source(Origin.DEFAULT, "default: the motion's length")
            if _LIMIT in values.overridden:
                source = OVERRIDE
            elif choices.max_steps is not None:
                limit, source = choices.max_steps.value, FLAG
            elif len(choices.motions) > 1 or packed:
                source = Source(Origin.DEFAULT, "default: every motion once")
            if not known or choices.num_envs.value != 1:
                return Sourced(None, source)
            whole = [math.floor(round(length, 4)) for length in lengths]
            return Sourced(sum(min(length, limit) if limit else length for length in whole), source)
        if choices.max_steps is not None:
            return choices.max_steps
        if not choices.headless.value:
            return Sourced(None, Source(Origin.DEFAULT, "default: a window stays open"))
        if not known:
            return Sourced(STEPS_OF_UNKNOWN, Source(Origin.DEFAULT, "default: the motion's length is unknown"))
        return Sourced(math.ceil(round(max(lengths), 6)), Source(Origin.DEFAULT, "default: the motion's length"))

    def details(self, choices: Choices, values: Values, steps: Sourced[int | None]) -> LaunchDetails:  # noqa: ARG002
        typed = {key: item.value for key, item in values.settings.items()}
        typed |= {item.key: item.value for item in values.overrides}
        patched = ArgumentPoint("protomotions.utils.fabric_config", "FabricConfig.__init__", values.fabric)
        return LaunchDetails(
            arguments=tuple(_arguments(choices, values)),
            variables=_ON_CPU if choices.simulator in _SINGLE else {},
            agent_arguments=(patched,) if values.fabric else (),
            staged=Staged("--checkpoint", (choices.checkpoint, choices.checkpoint.parent / frozen.CONFIGS)),
            limit=whole_number(typed.get(_LIMIT)),
            ends_by_itself=choices.metrics.value,
        )

    def read_library(self, library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
        from pmlaunch.generations.v3.motion_library import read_entries

        return read_entries(library, read)

    def library_text(self, entries: Sequence[LibraryEntry]) -> str:
        from pmlaunch.generations.v3.motion_library import library_text

        return library_text(entries)


def _arguments(choices: Choices, values: Values) -> list[str]:
    """The options, each as `--option=value`, so that a value may begin with a dash; the overrides last."""
    chosen = {key: sourced.value for key, sourced in values.settings.items()}
    typed = [item for item in values.overrides if item.kind is OverrideKind.VALUE]
    chosen |= {item.key: item.value for item in typed if item.key in OPTIONS}
    if chosen.get("motion_file") is not None and "motion_file" in values.settings:
        chosen["motion_file"] = values.settings["motion_file"].value
    written = [f"--checkpoint={values.settings['checkpoint'].value}", f"--simulator={choices.simulator}"]
    named = ("motion_file", "scenes_file", "num_envs", "command_source")
    written += [f"--{key.replace('_', '-')}={chosen[key]}" for key in named if chosen.get(key) is not None]
    written += ["--headless"] if choices.headless.value else []
    written += ["--full-eval"] if choices.metrics.value else []
    overrides = [f"{key}={value}" for key, value in chosen.items() if "." in key and key not in values.overridden]
    overrides += [f"{item.key}={item.text}" for item in typed if "." in item.key]
    return [*written, "--overrides", *overrides] if overrides else written


def _fabric(choices: Choices) -> dict[str, Any]:
    """Devices, accelerator and strategy, which inference_agent.py has no options for."""
    fabric: dict[str, Any] = {}
    if choices.devices is not None and choices.devices.value > 1:
        fabric["devices"] = choices.devices.value
    device = choices.device.value
    if device is not None and (device == "cpu") != (choices.simulator in _SINGLE):
        fabric["accelerator"] = device
    if choices.strategy is not None:
        fabric["strategy"] = choices.strategy.value
    return fabric


def _refuse_what_it_cannot(simulator: str, values: Values) -> None:
    """Raise PML017 for several environments or a GPU, in a simulator of one environment on the CPU."""
    typed = {item.key: item.value for item in values.overrides}
    num_envs = typed.get("num_envs", typed.get("simulator.num_envs", values.settings["num_envs"].value))
    if num_envs != 1:
        message = f"{simulator} simulates one environment, not {num_envs}."
        raise PmlaunchError("PML017", message, hint="--num-envs 1, or --simulator newton")
    if values.device.value == "gpu":
        message = f"{simulator} runs on the CPU."
        raise PmlaunchError("PML017", message, hint="leave out --device, or --simulator newton")


def _control_hz(text: Mapping[str, Any], simulator: str, trained: str | None, typed: Mapping[str, Any]) -> float | None:
    """The rate of the policy's decisions in 1/s. For another simulator upstream takes the robot's own parameters."""
    place = "simulator.sim" if simulator == trained else f"robot.simulation_params.{simulator}"
    numbers = []
    for name in ("fps", "decimation"):
        value = typed.get(f"simulator.sim.{name}", frozen.number_at(text, f"{place}.{name}"))
        numbers.append(float(value) if isinstance(value, (int, float)) else 0.0)
    fps, decimation = numbers
    return fps / decimation if fps > 0 and decimation > 0 else None


def _unknown_keys(values: Values, text: Mapping[str, Any]) -> list[Finding]:
    """A finding for each dotted key that the frozen configs lack: upstream refuses it, but only after its start."""
    if not text:
        return []
    typed = (item for item in values.overrides if item.kind is OverrideKind.VALUE and "." in item.key)
    found = ((item, _complaint(item, text)) for item in typed)
    return [
        Finding("PML003", Severity.ERROR, complaint, _WHERE_KEYS_ARE, subject=item.key)
        for item, complaint in found
        if complaint
    ]


def _complaint(item: UserOverride, text: Mapping[str, Any]) -> str | None:
    """Why the configs cannot take the override; None if they can."""
    node: Any = text
    for part in item.key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            near = did_you_mean(part, list(map(str, node))) if isinstance(node, Mapping) else ""
            return f"The checkpoint's configs have no {item.key}.{near}"
        node = node[part]
    if isinstance(node, Mapping):
        return f"{item.key} is a group of values, which one override cannot set."
    return None
