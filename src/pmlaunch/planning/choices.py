"""The decisions that are made alike for every generation: window or none, device, backend, limits."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pmlaunch.agent.pmlaunch_agent.contract import ONE_RANK
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.overrides import typed_value
from pmlaunch.generations.registry import training_of
from pmlaunch.generations.values import BACKEND, ENDLESS, Choices, Training
from pmlaunch.model import CHECKPOINT, DEFAULT, FLAG, OVERRIDE, Origin, Source, Sourced
from pmlaunch.planning.command_line import corrected
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.planning.resolve import ResolvedInputs
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.runtimes.compatibility import NO_GLOO, Part, Versions
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform, ssh_variable

T = TypeVar("T")


def make_choices(
    request: EvalRequest, settings: Settings, inputs: ResolvedInputs, platform: Platform, versions: Versions
) -> Choices:
    """Decide what does not depend on the generation. Raises PML001 for values and options that cannot be."""
    headless = _headless(request, settings, inputs, platform)
    if request.endless:
        _refuse_an_end(request, headless.value)
    training = training_of(inputs.checkpoint.value)
    metrics = _metrics(request, training)
    device = _device(request, settings, inputs)
    typed = typed_value(inputs.overrides, "num_envs")
    num_envs = typed if typed and type(typed.value) is int else settings.get("num_envs", request.num_envs)
    devices = _at_least_one(request, "devices", _flag(request.devices))
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
            settings.get("ddp_backend", request.ddp_backend), platform, versions, devices.value if devices else 1
        ),
        num_envs=_at_least_one(request, "num_envs", num_envs)
        or default_num_envs(inputs, side_by_side=headless.value and metrics.value),
        devices=devices,
        seed=_flag(request.seed),
        max_steps=_at_least_one(request, "max_steps", _flag(request.max_steps)),
        metrics=metrics,
        endless=request.endless,
    )


def default_num_envs(inputs: ResolvedInputs, *, side_by_side: bool) -> Sourced[int]:
    """One environment for each motion that is evaluated `side_by_side`, as many as the simulator takes; else one."""
    motions, most = sum(motion.count for motion in inputs.motions), inputs.simulator.value.most_envs
    if not side_by_side or motions <= 1 or most == 1:
        return Sourced(1, DEFAULT)
    label = "default: one per motion" if motions <= most else f"default: at most {most}"
    return Sourced(min(motions, most), Source(Origin.DEFAULT, label))


def seconds_of(key: str, settings: Settings, flag: float | None, default: float | None) -> Sourced[float | None]:
    """A limit in seconds; None is no limit. Raises PML001 for one that is not above 0."""
    chosen = settings.get(key, flag) or Sourced(default, DEFAULT)
    if chosen.value is not None and not chosen.value > 0:
        message = f"--{key} cannot be {chosen.value:g} ({chosen.source}): it must be a number of seconds above 0."
        raise PmlaunchError("PML001", message).retrying({f"--{key}": "600"})
    return chosen


def _headless(request: EvalRequest, settings: Settings, inputs: ResolvedInputs, platform: Platform) -> Sourced[bool]:
    """A window where a person can look at it: at a display, but by default neither in CI nor over SSH."""
    typed = typed_value(inputs.overrides, "headless")
    if typed is not None:
        return Sourced(bool(typed.value), OVERRIDE)
    preset = inputs.model.preset
    if request.headless is not None:
        return Sourced(request.headless, FLAG)
    if request.endless:
        return Sourced(False, ENDLESS)
    if preset and preset.headless is not None:
        return Sourced(preset.headless, preset.source)
    chosen = settings.get("headless")
    if chosen is not None:
        return Sourced(bool(chosen.value), chosen.source)
    if settings.environment.get("CI"):
        return Sourced(True, Source(Origin.ENVIRONMENT, "environment CI"))
    if not platform.foreign and (variable := ssh_variable(settings.environment)):
        return Sourced(True, Source(Origin.ENVIRONMENT, f"environment {variable}"))
    if platform.no_display(settings.environment) is None:
        return Sourced(False, DEFAULT)
    return Sourced(True, Source(Origin.DEFAULT, "default: no display"))


def _refuse_an_end(request: EvalRequest, headless: bool) -> None:
    """Raise PML021 for what contradicts --endless."""
    given = {"metrics": request.metrics, "max_steps": request.max_steps, "headless": headless}
    if ended := [name for name, value in given.items() if value]:
        option = f"--{ended[0].replace('_', '-')}"
        message = f"--endless and {option} contradict each other: an endless run has a window and no metrics."
        fix = corrected(request, endless=False)
        raise PmlaunchError("PML021", message, fix=fix, subject="--endless")


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
    chosen: Sourced[str] | None, platform: Platform, versions: Versions, devices: int
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
    if devices == 1 and NO_GLOO.matches(versions):
        lacking = f"{label}: torch {versions[Part.TORCH].version} has no gloo transport"
        return Sourced(ONE_RANK, Source(Origin.PLATFORM, lacking))
    return Sourced(platform.ddp_backend, Source(Origin.PLATFORM, label))


def _metrics(request: EvalRequest, training: Training | None) -> Sourced[bool]:
    """Whether every motion is evaluated once and measured."""
    if request.metrics is not None:
        return Sourced(request.metrics, FLAG)
    if request.endless:
        return Sourced(False, ENDLESS)
    if training and not training.measures:
        return Sourced(False, Source(Origin.DEFAULT, "default: the checkpoint's evaluator computes no metrics"))
    return Sourced(True, DEFAULT)


def _flag(value: T | None) -> Sourced[T] | None:
    return None if value is None else Sourced(value, FLAG)


def _at_least_one(request: EvalRequest, name: str, count: Sourced[int] | None) -> Sourced[int] | None:
    """`count`, unless its value is below 1. Raises PML001."""
    if count is not None and count.value < 1:
        message = f"--{name.replace('_', '-')} cannot be {count.value} ({count.source}): it must be at least 1."
        fix = corrected(request, **{name: None}) if getattr(request, name) == count.value else None
        raise PmlaunchError("PML001", message, fix=fix)
    return count
