"""The decisions that are made alike for every generation: window or none, device, backend, limits."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pmlaunch.agent.pmlaunch_agent.contract import ONE_RANK
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.overrides import typed_value
from pmlaunch.generations.registry import GENERATIONS, training_of
from pmlaunch.generations.values import BACKEND, WINDOW_STAYS_OPEN, Choices, Training
from pmlaunch.model import CHECKPOINT, DEFAULT, FLAG, OVERRIDE, ChosenPython, Origin, Source, Sourced
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.planning.resolve import ResolvedInputs
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.runtimes.torch_build import has_gloo_transport, torch_version
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform

T = TypeVar("T")


def make_choices(
    request: EvalRequest, settings: Settings, inputs: ResolvedInputs, platform: Platform, python: ChosenPython | None
) -> Choices:
    """Decide what does not depend on the generation. Raises PML001 for a value that an option cannot have."""
    headless = _headless(request, settings, inputs, platform)
    training = training_of(inputs.checkpoint.value)
    metrics = _metrics(request, inputs, training, headless.value)
    device = _device(request, settings, inputs)
    typed = typed_value(inputs.overrides, "num_envs")
    num_envs = typed if typed and type(typed.value) is int else settings.get("num_envs", request.num_envs)
    devices = _at_least_one("--devices", _flag(request.devices))
    root, checkpoint = inputs.checkout.root, inputs.checkpoint
    motion = inputs.motion_list.file or Path(LIBRARY_FILE)
    return Choices(
        checkout=inputs.checkout,
        checkpoint=checkpoint.value,
        training=training,
        robot=inputs.robot,
        simulator=inputs.simulator.value.name,
        terrain=inputs.terrain,
        constraints=inputs.constraints,
        motions=inputs.motions,
        overrides=inputs.overrides,
        checkpoint_text=Sourced(platform.path_text(checkpoint.value, root), checkpoint.source),
        motion_text=Sourced(platform.path_text(motion, root), inputs.motion_source) if inputs.motions else None,
        headless=headless,
        device=device,
        backend=typed_value(inputs.overrides, BACKEND)
        or process_group_backend(
            settings.get("ddp_backend", request.ddp_backend), platform, python, devices.value if devices else 1
        ),
        num_envs=_at_least_one("--num-envs", num_envs)
        or default_num_envs(inputs, side_by_side=headless.value and metrics.value),
        devices=devices,
        seed=_flag(request.seed),
        max_steps=_at_least_one("--max-steps", _flag(request.max_steps)),
        metrics=metrics,
    )


def default_num_envs(inputs: ResolvedInputs, *, side_by_side: bool) -> Sourced[int]:
    """One environment for each motion that is evaluated `side_by_side`, as many as the simulator takes; else one."""
    motions, most = sum(motion.count for motion in inputs.motions), inputs.simulator.value.most_envs
    if not side_by_side or motions <= 1 or most == 1:
        return Sourced(1, DEFAULT)
    label = "default: one for each motion" if motions <= most else f"default: no more than {most}"
    return Sourced(min(motions, most), Source(Origin.DEFAULT, label))


def seconds_of(key: str, settings: Settings, flag: float | None, default: float | None) -> Sourced[float | None]:
    """A limit in seconds; None is no limit. Raises PML001 for one that is not above 0."""
    chosen = settings.get(key, flag) or Sourced(default, DEFAULT)
    if chosen.value is not None and not chosen.value > 0:
        message = f"--{key} cannot be {chosen.value:g} ({chosen.source}): it is a number of seconds above 0."
        raise PmlaunchError("PML001", message, hint=f"--{key} 600, or leave it out")
    return chosen


def _headless(request: EvalRequest, settings: Settings, inputs: ResolvedInputs, platform: Platform) -> Sourced[bool]:
    """A window where a person can look at it: on Windows, or if there is a display; never in CI."""
    typed = typed_value(inputs.overrides, "headless")
    if typed is not None:
        return Sourced(bool(typed.value), OVERRIDE)
    preset = inputs.model.preset
    if request.headless is not None:
        return Sourced(request.headless, FLAG)
    if preset and preset.headless is not None:
        return Sourced(preset.headless, preset.source)
    chosen = settings.get("headless")
    if chosen is not None:
        return Sourced(bool(chosen.value), chosen.source)
    if settings.environment.get("CI"):
        return Sourced(True, Source(Origin.ENVIRONMENT, "environment CI"))
    if platform.has_display(settings.environment):
        return Sourced(False, DEFAULT)
    return Sourced(True, Source(Origin.DEFAULT, "default: no display"))


def _device(request: EvalRequest, settings: Settings, inputs: ResolvedInputs) -> Sourced[str | None]:
    """The device, gpu or cpu; None if the checkpoint or upstream decides."""
    preset = inputs.model.preset
    chosen = settings.get("device", request.device)
    if request.device is None and preset and preset.device:
        chosen = Sourced(preset.device, preset.source)
    if chosen is None:
        return Sourced(None, CHECKPOINT)
    require_choice(EvalRequest, "device", chosen.value)
    return chosen


def process_group_backend(
    chosen: Sourced[str] | None, platform: Platform, python: ChosenPython | None, devices: int
) -> Sourced[str | None]:
    """The backend of the process group, where `chosen` is auto (or None), gloo, nccl or none.

    The result None leaves the choice to Lightning. Without a group (none), Lightning's collectives would lose the rank's
    dimension, so one rank gets the agent's own group; so does one device on Windows if its torch has no gloo transport.
    """
    if chosen is not None:
        require_choice(EvalRequest, "ddp_backend", chosen.value)
        if chosen.value != "auto":
            return Sourced(ONE_RANK, chosen.source) if chosen.value == "none" else chosen
    label = f"platform {platform.name}"
    if platform.windows and devices == 1 and not has_gloo_transport(platform, version := torch_version(python)):
        return Sourced(ONE_RANK, Source(Origin.PLATFORM, f"{label}: torch {version} has no gloo transport"))
    return Sourced(platform.ddp_backend, Source(Origin.PLATFORM, label))


def _metrics(request: EvalRequest, inputs: ResolvedInputs, training: Training | None, headless: bool) -> Sourced[bool]:
    """Whether every motion is evaluated once and measured, which is what a run without a window is for."""
    if request.metrics is not None:
        return Sourced(request.metrics, FLAG)
    if training and not training.measures:
        return Sourced(False, Source(Origin.DEFAULT, "default: the checkpoint's evaluator measures nothing"))
    if headless or GENERATIONS[inputs.checkout.generation].embedded:
        return Sourced(True, Source(Origin.DEFAULT, "default: headless"))
    return Sourced(False, WINDOW_STAYS_OPEN)


def _flag(value: T | None) -> Sourced[T] | None:
    return None if value is None else Sourced(value, FLAG)


def _at_least_one(option: str, count: Sourced[int] | None) -> Sourced[int] | None:
    """`count`, unless its value is below 1. Raises PML001."""
    if count is not None and count.value < 1:
        raise PmlaunchError("PML001", f"{option} cannot be {count.value}: it is at least 1.")
    return count
