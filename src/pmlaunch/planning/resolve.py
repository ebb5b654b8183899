"""Names become things: checkout, checkpoint, robot, simulator and motions of a request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.catalog.models import Model, choose_model, from_checkpoint, models
from pmlaunch.catalog.motions import find_motion
from pmlaunch.catalog.presets import Preset
from pmlaunch.catalog.robots import Robot, Simulator, choose_robot, choose_simulator, robots, simulators
from pmlaunch.errors import NoCheckoutError, PmlaunchError, did_you_mean
from pmlaunch.generations.checkout import Checkout, demo_checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.v2.overrides import UserOverride
from pmlaunch.generations.v3.frozen_configs import trained_simulator
from pmlaunch.model import (
    ARGUMENT,
    CHECKPOINT,
    DEFAULT,
    FLAG,
    OVERRIDE,
    PRESET,
    UNKNOWN,
    EvalRequest,
    Generation,
    MotionInfo,
    Source,
    Sourced,
)
from pmlaunch.planning.generation_mismatch import refuse_another_generation
from pmlaunch.planning.motion_list import MotionList, collect, own_list
from pmlaunch.settings import Settings
from pmlaunch.support.names import fold

Known = Mapping[str, Mapping[str, Preset]]


@dataclass(frozen=True)
class Things:
    """What a request is about. `robots` are all that the checkout has; `overrides` the user's, understood."""

    checkout: Checkout
    model: Model
    checkpoint: Sourced[Path]
    robot: Sourced[Robot | None]
    simulator: Sourced[Simulator]
    motions: tuple[MotionInfo, ...]
    motion_source: Source
    overrides: tuple[UserOverride, ...]
    robots: tuple[Robot, ...]
    motion_list: MotionList = field(default_factory=MotionList)


def find_things(request: EvalRequest, settings: Settings, known: Known) -> Things:
    """Everything that `request` names. Raises PML010, PML011, PML012 for what is not there, and PML106."""
    checkout = _checkout(request, settings, known)
    available = robots(checkout, known["robot"])
    model = _model(request, settings, checkout, known, available)
    if not any(text.lstrip("+").startswith("checkpoint=") for text in request.overrides):
        refuse_another_generation(_checkpoint(request, settings, model, ()).value, checkout)
    overrides = tuple(checkout.parse(request.overrides))
    checkpoint = _checkpoint(request, settings, model, overrides)
    refuse_another_generation(checkpoint.value, checkout)
    _refuse_unknown_groups(overrides, checkout)
    robot = _robot(request, overrides, model, checkpoint, available)
    available_simulators = simulators(checkout, known["simulator"])
    simulator = _simulator(request, settings, overrides, model, checkpoint.value, available_simulators)
    motion_list, motion_source = _motions(
        request, settings, overrides, model, checkpoint, checkout, robot.value, available, known
    )
    motions = motion_list.motions
    return Things(
        checkout, model, checkpoint, robot, simulator, motions, motion_source, overrides, tuple(available), motion_list
    )


def is_path(model: str, folder: Path) -> bool:
    """Whether MODEL is a checkpoint's path, or the folder of one, rather than a name."""
    if model.endswith(".ckpt") or "/" in model or "\\" in model:
        return True
    return (folder / model / "last.ckpt").is_file()


def _checkout(request: EvalRequest, settings: Settings, known: Known) -> Checkout:
    """The embedded one when the model is the demo's, else the user's."""
    wanted = fold(request.model)
    for preset in known["model"].values():
        if preset.values.get("checkout") == "demo" and wanted in {fold(name) for name in preset.names}:
            return demo_checkout()
    demo = demo_checkout()
    if is_path(request.model, settings.folder):
        path = Path(os.path.abspath(settings.folder / Path(request.model).expanduser()))  # noqa: PTH100 (see find.py)
        if path.is_relative_to(demo.root):
            return demo
        if not path.exists() and not _has_checkout(request, settings):
            # a mistyped path is told as such, also where there is no checkout
            raise PmlaunchError(
                "PML102",
                f"Checkpoint {path} does not exist.",
                hint="check the path; pmlaunch list models shows what has a name",
                subject=str(path),
            )
    elif not _could_be_a_model(wanted, known):
        # a typo is answered as one, also where there is no checkout
        _try_checkout(request, settings, known)
    return find_checkout(settings, request.protomotions)


def _has_checkout(request: EvalRequest, settings: Settings) -> bool:
    try:
        find_checkout(settings, request.protomotions)
    except NoCheckoutError:
        return False
    return True


def _could_be_a_model(wanted: str, known: Known) -> bool:
    names = [fold(name) for preset in known["model"].values() for name in preset.names]
    return any(name.startswith(wanted) for name in names)


def _try_checkout(request: EvalRequest, settings: Settings, known: Known) -> None:
    """Raise PML010 for a model that is neither a preset nor, having no checkout, anything else."""
    try:
        find_checkout(settings, request.protomotions)
    except NoCheckoutError:
        if request.protomotions is None:
            choose_model(request.model, known["model"], [])
        raise


def _model(request: EvalRequest, settings: Settings, checkout: Checkout, known: Known, available: list[Robot]) -> Model:
    if is_path(request.model, settings.folder):
        path = settings.folder / Path(request.model).expanduser()
        path = path / "last.ckpt" if path.is_dir() else path
        return from_checkpoint(path.absolute(), available)
    home = None if checkout.generation is Generation.DEMO else checkout
    return choose_model(request.model, known["model"], models(home, demo_checkout(), known["model"], available))


def _checkpoint(
    request: EvalRequest, settings: Settings, model: Model, overrides: tuple[UserOverride, ...]
) -> Sourced[Path]:
    typed = _typed_value(overrides, "checkpoint")
    if typed is not None:
        return Sourced((settings.folder / Path(str(typed))).absolute(), OVERRIDE)
    if request.checkpoint is not None:
        return Sourced((settings.folder / Path(request.checkpoint).expanduser()).absolute(), FLAG)
    return Sourced(model.checkpoint, model.preset.source if model.preset else ARGUMENT)


def _robot(
    request: EvalRequest,
    overrides: tuple[UserOverride, ...],
    model: Model,
    checkpoint: Sourced[Path],
    available: list[Robot],
) -> Sourced[Robot | None]:
    typed = _typed_group(overrides, "robot")
    if typed is not None:
        return Sourced(choose_robot(typed, available), OVERRIDE)
    if request.robot is not None:
        return Sourced(choose_robot(request.robot, available), FLAG)
    if model.robot is not None and checkpoint.value == model.checkpoint:
        return Sourced(choose_robot(model.robot, available), model.preset.source if model.preset else CHECKPOINT)
    trained = from_checkpoint(checkpoint.value, available).robot
    if trained is not None:
        return Sourced(choose_robot(trained, available), CHECKPOINT)
    if model.robot is not None:  # a --checkpoint that is not there, or does not tell: a check says so
        return Sourced(choose_robot(model.robot, available), model.preset.source if model.preset else CHECKPOINT)
    return Sourced(None, UNKNOWN)


def _simulator(
    request: EvalRequest,
    settings: Settings,
    overrides: tuple[UserOverride, ...],
    model: Model,
    checkpoint: Path,
    available: list[Simulator],
) -> Sourced[Simulator]:
    typed = _typed_group(overrides, "simulator")
    if typed is not None:
        return Sourced(choose_simulator(typed, available), OVERRIDE)
    if request.simulator is not None:
        return Sourced(choose_simulator(request.simulator, available), FLAG)
    preset = model.preset.values.get("simulator") if model.preset else None
    chosen = settings.get("simulator") if not (model.preset and model.preset.values.get("checkout")) else None
    if chosen is not None:
        return Sourced(choose_simulator(str(chosen.value), available), chosen.source)
    if preset:
        return Sourced(choose_simulator(str(preset), available), model.preset.source if model.preset else PRESET)
    trained = trained_simulator(checkpoint)
    if trained in {simulator.name for simulator in available}:
        return Sourced(choose_simulator(str(trained), available), CHECKPOINT)
    return Sourced(choose_simulator("isaaclab", available), DEFAULT)


def _motions(
    request: EvalRequest,
    settings: Settings,
    overrides: tuple[UserOverride, ...],
    model: Model,
    checkpoint: Sourced[Path],
    checkout: Checkout,
    robot: Robot | None,
    available: list[Robot],
    known: Known,
) -> tuple[MotionList, Source]:
    """The motions to evaluate and where their choice came from; none when the checkpoint has to tell."""
    typed = _typed_value(overrides, "motion_file")
    preset = model.preset.values.get("motion") if model.preset else None
    if typed is not None:
        path = settings.folder / str(typed)
        inside = checkout.within(str(typed))
        return own_list(
            inside if inside.exists() and not path.exists() else path, available, checkout.generation
        ), OVERRIDE
    wanted = request.motions or ((str(preset),) if preset else ())
    source = FLAG if request.motions else (model.preset.source if model.preset else PRESET)
    if robot is None and not checkpoint.value.exists():
        # a name means nothing without the robot; the check will tell that the checkpoint is missing
        return MotionList(), UNKNOWN
    if not wanted:
        return MotionList(), CHECKPOINT

    def find(name: str) -> Path:
        return find_motion(name, checkout, available, robot, known["motion"], settings.folder)

    return collect(wanted, find, (settings.folder, checkout.root), available, checkout.generation), source


def _typed_value(overrides: tuple[UserOverride, ...], key: str) -> object | None:
    """The last value that the user typed for `key`, when it is a plain one."""
    values = [item.value for item in overrides if item.kind == "value" and item.key == key]
    return values[-1] if values else None


def _typed_group(overrides: tuple[UserOverride, ...], group: str) -> str | None:
    chosen = [item.choices[-1] for item in overrides if item.kind == "group" and item.key == group and item.choices]
    return chosen[-1] if chosen else None


def _refuse_unknown_groups(overrides: tuple[UserOverride, ...], checkout: Checkout) -> None:
    """Raise PML003 for a group's option that the checkout does not have."""
    for override in overrides:
        if override.kind != "group":
            continue
        group = override.key.split("@")[0]
        options = checkout.options(group)
        for choice in override.choices:
            if group in ("robot", "simulator") or choice in options:
                continue
            near = did_you_mean(choice, list(options))
            raise PmlaunchError(
                "PML003",
                f"{group} has no option {choice!r}.{near}",
                hint="one of: " + ", ".join(options) if options and not near else None,
                subject=override.argument(),
            )
