"""Resolve the names of a request: checkout, checkpoint, robot, simulator, motions, terrain and constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.catalog.constraints import choose_constraint, constraints
from pmlaunch.catalog.models import Model, choose_model, from_checkpoint, models
from pmlaunch.catalog.motions import MotionSearch
from pmlaunch.catalog.presets import ModelPreset, MotionPreset, RobotPreset, SimulatorPreset, presets
from pmlaunch.catalog.robots import Robot, Simulator, choose_robot, choose_simulator, robots, simulators
from pmlaunch.errors import PmlaunchError, UnknownNameError, did_you_mean
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.overrides import OverrideKind, UserOverride, group_choices, typed_values
from pmlaunch.generations.registry import GENERATIONS, maker_of
from pmlaunch.model import ARGUMENT, CHECKPOINT, DEFAULT, FLAG, OVERRIDE, PRESET, UNKNOWN, MotionInfo, Source, Sourced
from pmlaunch.planning.choose_checkout import choose_checkout, is_path, refuse_other_generation
from pmlaunch.planning.motion_list import MotionList, MotionSources, collect, own_list
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings


@dataclass(frozen=True)
class ResolvedInputs:
    """What a request is about, found. `robots` are all that the checkout has."""

    checkout: Checkout
    model: Model
    checkpoint: Sourced[Path]
    robot: Sourced[Robot | None]
    simulator: Sourced[Simulator]
    motion_list: MotionList
    motion_source: Source
    terrain: Sourced[str | None]
    constraints: Sourced[tuple[str, ...]]
    overrides: tuple[UserOverride, ...]
    robots: tuple[Robot, ...]

    @property
    def motions(self) -> tuple[MotionInfo, ...]:
        """Empty if the checkpoint has to name its motion."""
        return self.motion_list.motions


@dataclass(frozen=True)
class _Known:
    """The presets of every group."""

    models: Mapping[str, ModelPreset]
    motions: Mapping[str, MotionPreset]
    robots: Mapping[str, RobotPreset]
    simulators: Mapping[str, SimulatorPreset]


@dataclass(frozen=True)
class _Query:
    """A request with the places where its names are looked up."""

    request: EvalRequest
    settings: Settings
    known: _Known
    checkout: Checkout
    robots: tuple[Robot, ...]
    overrides: tuple[UserOverride, ...] = ()


def resolve(request: EvalRequest, settings: Settings) -> ResolvedInputs:
    """Everything that `request` names.

    Raises PML010, PML011 and PML012 for what is not there, PML003 for an unknown option of a group, PML016 for an
    option without an equivalent, and PML106 for a checkpoint of another generation.
    """
    known = _presets(settings)
    checkout = choose_checkout(request, settings, known.models)
    query = _Query(request, settings, known, checkout, tuple(robots(checkout, known.robots)))
    model = _model(query)
    if not any(text.lstrip("+").startswith("checkpoint=") for text in request.overrides):
        # before the overrides are parsed, which the other generation would write differently
        refuse_other_generation(_checkpoint(query, model).value, checkout)
    query = replace(query, overrides=tuple(checkout.parse(request.overrides)))
    checkpoint = _checkpoint(query, model)
    refuse_other_generation(checkpoint.value, checkout)
    _refuse_unknown_options(query)
    robot = _robot(query, model, checkpoint)
    simulator = _simulator(query, model, checkpoint.value)
    motion_list, motion_source = _motions(query, model, checkpoint.value, robot.value)
    GENERATIONS[checkout.generation].program.check_request(request)
    return ResolvedInputs(
        checkout=checkout,
        model=model,
        checkpoint=checkpoint,
        robot=robot,
        simulator=simulator,
        motion_list=motion_list,
        motion_source=motion_source,
        terrain=_terrain(query, model),
        constraints=_constraints(query),
        overrides=query.overrides,
        robots=query.robots,
    )


def _presets(settings: Settings) -> _Known:
    more = settings.preset_folders
    return _Known(
        models=presets("model", more),
        motions=presets("motion", more),
        robots=presets("robot", more),
        simulators=presets("simulator", more),
    )


def _model(query: _Query) -> Model:
    name, folder = query.request.model, query.settings.folder
    if is_path(name, folder):
        path = folder / Path(name).expanduser()
        path = path / "last.ckpt" if path.is_dir() else path
        return from_checkpoint(path.absolute(), query.robots)
    home = None if GENERATIONS[query.checkout.generation].embedded else query.checkout
    return choose_model(name, query.known.models, models(home, demo_checkout(), query.known.models, query.robots))


def _checkpoint(query: _Query, model: Model) -> Sourced[Path]:
    folder = query.settings.folder
    typed = _typed(query, "checkpoint")
    if typed is not None:
        return Sourced((folder / Path(str(typed))).absolute(), OVERRIDE)
    if query.request.checkpoint is not None:
        return Sourced((folder / Path(query.request.checkpoint).expanduser()).absolute(), FLAG)
    return Sourced(model.checkpoint, model.preset.source if model.preset else ARGUMENT)


def _robot(query: _Query, model: Model, checkpoint: Sourced[Path]) -> Sourced[Robot | None]:
    typed = group_choices(query.overrides, "robot")
    if typed:
        return Sourced(choose_robot(typed[-1], query.robots), OVERRIDE)
    if query.request.robot is not None:
        return Sourced(choose_robot(query.request.robot, query.robots), FLAG)
    source = model.preset.source if model.preset else CHECKPOINT
    if model.robot is not None and checkpoint.value == model.checkpoint:
        return Sourced(choose_robot(model.robot, query.robots), source)
    trained = from_checkpoint(checkpoint.value, query.robots).robot
    if trained is not None:
        return Sourced(choose_robot(trained, query.robots), CHECKPOINT)
    if model.robot is not None:  # a --checkpoint that is missing, or does not tell: a check reports it
        return Sourced(choose_robot(model.robot, query.robots), source)
    return Sourced(None, UNKNOWN)


def _simulator(query: _Query, model: Model, checkpoint: Path) -> Sourced[Simulator]:
    available = simulators(query.checkout, query.known.simulators)
    typed = group_choices(query.overrides, "simulator")
    if typed:
        return Sourced(choose_simulator(typed[-1], available), OVERRIDE)
    if query.request.simulator is not None:
        return Sourced(choose_simulator(query.request.simulator, available), FLAG)
    preset = model.preset
    # the simulator in the settings is meant for the user's checkout, not for the demo
    chosen = None if preset and preset.checkout else query.settings.get("simulator")
    if chosen is not None:
        return Sourced(choose_simulator(str(chosen.value), available), chosen.source)
    if preset and preset.simulator:
        return Sourced(choose_simulator(preset.simulator, available), preset.source)
    maker = maker_of(checkpoint)
    trained = maker.trained_simulator(checkpoint) if maker else None
    if trained in {simulator.name for simulator in available}:
        return Sourced(choose_simulator(str(trained), available), CHECKPOINT)
    return Sourced(choose_simulator("isaaclab", available), DEFAULT)


def _motions(query: _Query, model: Model, checkpoint: Path, robot: Robot | None) -> tuple[MotionList, Source]:
    """The motions to evaluate, and the source of that choice; none if the checkpoint has to name its motion."""
    folder, checkout, request = query.settings.folder, query.checkout, query.request
    typed = _typed(query, "motion_file")
    if typed is not None:
        path, inside = folder / str(typed), checkout.within(str(typed))
        chosen = inside if inside.exists() and not path.exists() else path
        return own_list(chosen, query.robots, checkout.generation), OVERRIDE
    preset = model.preset
    wanted = request.motions or ((preset.motion,) if preset and preset.motion else ())
    if robot is None and not checkpoint.exists():
        # without the robot a name means nothing, and a check reports the missing checkpoint
        return MotionList(), UNKNOWN
    if not wanted:
        return MotionList(), CHECKPOINT
    search = MotionSearch(checkout, query.robots, robot, query.known.motions, folder)
    sources = MotionSources(search.find, (folder, checkout.root), query.robots, checkout.generation)
    return collect(wanted, sources), FLAG if request.motions else (preset.source if preset else PRESET)


def _terrain(query: _Query, model: Model) -> Sourced[str | None]:
    typed = group_choices(query.overrides, "terrain")
    if typed:
        return Sourced(typed[-1], OVERRIDE)
    wanted, preset = query.request.terrain, model.preset
    if wanted is not None:
        options = query.checkout.options("terrain")
        if wanted not in options:
            near = did_you_mean(wanted, options) or f" It is {' or '.join(options)}."
            raise UnknownNameError(f"No terrain is called {wanted!r}.{near}", subject=wanted)
        return Sourced(wanted, FLAG)
    if preset and preset.terrain:
        return Sourced(preset.terrain, preset.source)
    return Sourced(None, CHECKPOINT)


def _constraints(query: _Query) -> Sourced[tuple[str, ...]]:
    wanted = query.request.constraints
    available = constraints(query.checkout) if wanted else []
    return Sourced(tuple(choose_constraint(name, available).option for name in wanted), FLAG if wanted else DEFAULT)


def _typed(query: _Query, key: str) -> object | None:
    """The value of `key` in the user's overrides; None if there is none."""
    typed = typed_values(query.overrides, key)
    return typed[-1] if typed else None


def _refuse_unknown_options(query: _Query) -> None:
    """Raise PML003 for an option that a config group of the checkout does not have."""
    for override in query.overrides:
        group = override.key.split("@")[0]
        if override.kind is not OverrideKind.GROUP or group in ("robot", "simulator"):
            continue
        options: Sequence[str] = query.checkout.options(group)
        for choice in override.choices:
            if choice in options:
                continue
            near = did_you_mean(choice, options)
            raise PmlaunchError(
                "PML003",
                f"{group} has no option {choice!r}.{near}",
                hint="one of: " + ", ".join(options) if options and not near else None,
                subject=f"+{override.key}={override.text}",
            )
