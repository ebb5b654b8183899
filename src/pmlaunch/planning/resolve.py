"""Resolve the names of a request: checkout, checkpoint, robot, simulator, motions, terrain and constraints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.catalog.constraints import choose_constraint, constraints
from pmlaunch.catalog.models import Model, choose_model, from_checkpoint, models, trained_for
from pmlaunch.catalog.motions import MotionSearch, looks_like_path
from pmlaunch.catalog.presets import ModelPreset, presets
from pmlaunch.catalog.robots import Robot, Simulator, choose_robot, choose_simulator, robots, simulators
from pmlaunch.errors import NoCheckoutError, PmlaunchError, nearest
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.overrides import UserOverride, group_choices, typed_value
from pmlaunch.generations.registry import GENERATIONS, training_of
from pmlaunch.model import (
    ARGUMENT,
    CHECKPOINT,
    DEFAULT,
    FLAG,
    OVERRIDE,
    UNKNOWN,
    Generation,
    MotionInfo,
    Source,
    Sourced,
)
from pmlaunch.planning.mistakes import proposing, refuse_bare_words, refuse_contradictions, refuse_unknown_options
from pmlaunch.planning.motion_list import MotionList, MotionSources, collect, own_list
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.names import fold, unknown_name
from pmlaunch.support.paths import Place, did_you_mean_path, expanded, find_path


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
class _Query:
    """A request with the places where its names are looked up."""

    request: EvalRequest
    settings: Settings
    checkout: Checkout
    robots: tuple[Robot, ...]
    overrides: tuple[UserOverride, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """Where a relative path may start."""
        return search_places(self.settings.folder, self.checkout)

    def path(self, typed: str, source: Source) -> Sourced[Path]:
        """The path that was typed; its source says where it was found, if not in the current folder."""
        path, place = find_path(typed, self.places)
        return Sourced(path.absolute(), _in_place(source, place.label))


def search_places(folder: Path, checkout: Checkout) -> tuple[Place, ...]:
    """Where a relative path may start: the current folder, the checkout, or the folder that the checkout lies in."""
    places = Place(folder), Place(checkout.root, "in the checkout"), Place(checkout.root.parent, "beside the checkout")
    return places[:2] if GENERATIONS[checkout.generation].embedded else places


def _in_place(source: Source, *labels: str) -> Source:
    """The source with the places in which the paths were found, if they have labels."""
    found = dict.fromkeys(filter(None, labels))
    return replace(source, label=", ".join([str(source), *found])) if found else source


def resolve(request: EvalRequest, settings: Settings) -> ResolvedInputs:
    """Everything that `request` names.

    Raises PML010, PML011 and PML012 for what is not there, PML003 for an unknown option of a group, PML016 for an
    option without an equivalent, and PML106 for a checkpoint of another generation.
    """
    more = settings.preset_folders
    with proposing(request, "model"):
        checkout = _checkout(request, settings, presets("model", more))
        query = _Query(request, settings, checkout, tuple(robots(checkout, presets("robot", more))))
        model = _model(query)
    refuse_bare_words(request, _search(query, next((it for it in query.robots if it.name == model.robot), None)))
    if not any(text.lstrip("+").startswith("checkpoint=") for text in request.overrides):
        # before the overrides are parsed, which the other generation would write differently
        _refuse_other_generation(_checkpoint(query, model).value, checkout)
    query = replace(query, overrides=tuple(checkout.parse(request.overrides)))
    refuse_contradictions(request, query.overrides)
    checkpoint = _checkpoint(query, model)
    _refuse_other_generation(checkpoint.value, checkout)
    refuse_unknown_options(request, checkout, query.overrides)
    with proposing(request, "robot"):
        robot = _robot(query, model, checkpoint)
    with proposing(request, "simulator"):
        simulator = _simulator(query, model, checkpoint.value)
    with proposing(request, "motions"):
        motion_list, motion_source = _motions(query, model, checkpoint.value, robot.value)
    GENERATIONS[checkout.generation].program.check_request(request)
    with proposing(request, "terrain"):
        terrain = _terrain(query, model)
    with proposing(request, "constraints"):
        chosen = _constraints(query)
    return ResolvedInputs(
        checkout=checkout,
        model=model,
        checkpoint=checkpoint,
        robot=robot,
        simulator=simulator,
        motion_list=motion_list,
        motion_source=motion_source,
        terrain=terrain,
        constraints=chosen,
        overrides=query.overrides,
        robots=query.robots,
    )


def _checkout(request: EvalRequest, settings: Settings, known: Mapping[str, ModelPreset]) -> Checkout:
    """The checkout for `request`: the embedded one for the demo's models, else the user's. `known` are model presets.

    Raises PML012 if there is none; before that PML102 for a mistyped path, and PML010 for a mistyped name.
    """
    wanted, demo, path = fold(request.model), demo_checkout(), None
    if _is_path(request.model, settings.folder):
        path = Path(os.path.abspath(settings.folder / expanded(request.model)))  # noqa: PTH100 (see find.py)
    names = [(fold(name), preset.checkout) for preset in known.values() for name in preset.names]
    if (wanted, Generation.DEMO) in names or (path is not None and path.is_relative_to(demo.root)):
        return demo
    try:
        return find_checkout(settings, request.protomotions)
    except NoCheckoutError:
        if path is not None and not path.exists():
            hint = "check the path; if it is inside a ProtoMotions checkout, use --protomotions DIR or pmlaunch install"
            message = f"Checkpoint {path} does not exist.{did_you_mean_path(path, (settings.folder,))}"
            raise PmlaunchError("PML102", message, hint=hint, subject=str(path)) from None
        if path is None and request.protomotions is None and not any(name.startswith(wanted) for name, _ in names):
            choose_model(request.model, known, [])
        raise


def _is_path(model: str, folder: Path) -> bool:
    """Whether MODEL is the path of a checkpoint or of its folder, rather than a name."""
    if model.endswith(".ckpt") or "/" in model or "\\" in model:
        return True
    return (folder / model / "last.ckpt").is_file()


def _refuse_other_generation(checkpoint: Path, checkout: Checkout) -> None:
    """Raise PML106 for a checkpoint that another generation of ProtoMotions made.

    Its motions, simulators and options differ as well: each would be refused as unknown, which helps nobody.
    """
    training, own = training_of(checkpoint), GENERATIONS[checkout.generation]
    if training is None or training.generation is own.generation or own.embedded:
        return
    maker = GENERATIONS[training.generation]
    raise PmlaunchError(
        "PML106",
        f"{checkpoint} was trained with ProtoMotions {maker.generation}, but {checkout.root} is ProtoMotions "
        f"{own.generation}, which cannot load it.",
        hint=f"--protomotions DIR of a {maker.label} checkout ({maker.origin_of_checkout}), or a checkpoint for "
        f"{own.label}",
        subject=str(checkpoint),
    )


def _model(query: _Query) -> Model:
    name = query.request.model
    if _is_path(name, query.settings.folder):
        path = query.path(name, ARGUMENT).value
        return from_checkpoint(path / "last.ckpt" if path.is_dir() else path, query.robots)
    home = None if GENERATIONS[query.checkout.generation].embedded else query.checkout
    known = presets("model", query.settings.preset_folders)
    return choose_model(name, known, models(home, demo_checkout(), known, query.robots))


def _checkpoint(query: _Query, model: Model) -> Sourced[Path]:
    typed = typed_value(query.overrides, "checkpoint")
    if typed is not None:
        return query.path(str(typed.value), OVERRIDE)
    if query.request.checkpoint is not None:
        return query.path(query.request.checkpoint, FLAG)
    if _is_path(query.request.model, query.settings.folder):
        return Sourced(model.checkpoint, query.path(query.request.model, ARGUMENT).source)
    return Sourced(model.checkpoint, model.preset.source if model.preset else ARGUMENT)


def _robot(query: _Query, model: Model, checkpoint: Sourced[Path]) -> Sourced[Robot | None]:
    typed = group_choices(query.overrides, "robot")
    if typed:
        return Sourced(choose_robot(typed[-1], query.robots), OVERRIDE)
    if query.request.robot is not None:
        return Sourced(choose_robot(query.request.robot, query.robots), FLAG)
    is_models_own = model.robot is not None and checkpoint.value == model.checkpoint
    trained = None if is_models_own else trained_for(checkpoint.value, query.robots)
    if trained is not None:
        return Sourced(trained, CHECKPOINT)
    if model.robot is not None:  # the model's own, or a --checkpoint that does not tell, which a check reports
        source = model.preset.source if model.preset else CHECKPOINT
        return Sourced(choose_robot(model.robot, query.robots), source)
    GENERATIONS[query.checkout.generation].refuse_unreadable_config(checkpoint.value)
    return Sourced(None, UNKNOWN)


def _simulator(query: _Query, model: Model, checkpoint: Path) -> Sourced[Simulator]:
    available = simulators(query.checkout, presets("simulator", query.settings.preset_folders))
    preset, training = model.preset, training_of(checkpoint)
    chosen: Sourced[str]
    if typed := group_choices(query.overrides, "simulator"):
        chosen = Sourced(typed[-1], OVERRIDE)
    elif query.request.simulator is not None:
        chosen = Sourced(query.request.simulator, FLAG)
    # the simulator in the settings is meant for the user's checkout, not for the demo
    elif not (preset and preset.checkout) and (setting := query.settings.get("simulator")):
        chosen = setting
    elif preset and preset.simulator:
        chosen = Sourced(preset.simulator, preset.source)
    elif training and training.simulator in {simulator.name for simulator in available}:
        chosen = Sourced(str(training.simulator), CHECKPOINT)
    else:
        chosen = Sourced("isaaclab", DEFAULT)
    return Sourced(choose_simulator(chosen.value, available), chosen.source)


def _motions(query: _Query, model: Model, checkpoint: Path, robot: Robot | None) -> tuple[MotionList, Source]:
    """The motions to evaluate, and the source of that choice; none if the checkpoint has to name its motion."""
    request, preset, places = query.request, model.preset, query.places
    generation = query.checkout.generation
    typed = typed_value(query.overrides, "motion_file")
    if typed is not None and typed.value is not None:
        chosen = query.path(str(typed.value), OVERRIDE)
        return own_list(chosen.value, query.robots, generation), chosen.source
    if robot is None and not checkpoint.exists():
        # without the robot a name means nothing, and a check reports the missing checkpoint
        return MotionList(), UNKNOWN
    if request.motions:
        wanted, source = request.motions, FLAG
    elif preset and preset.motion:
        wanted, source = (preset.motion,), preset.source
    else:
        return MotionList(), CHECKPOINT
    find, folders = _search(query, robot).find, [place.folder for place in places]
    labels = [find_path(text, places)[1].label for text in wanted if looks_like_path(text)]
    only = robot.name if robot and (request.robot or group_choices(query.overrides, "robot")) else None
    sources = MotionSources(find, folders, query.robots, generation, only, request.skip_bad, request.exclude)
    return collect(wanted, sources), _in_place(source, *labels)


def _search(query: _Query, robot: Robot | None) -> MotionSearch:
    known = presets("motion", query.settings.preset_folders)
    return MotionSearch(query.checkout, query.robots, robot, known, query.places)


def _terrain(query: _Query, model: Model) -> Sourced[str | None]:
    typed = group_choices(query.overrides, "terrain")
    if typed:
        return Sourced(typed[-1], OVERRIDE)
    wanted, preset = query.request.terrain, model.preset
    if wanted is not None:
        options = query.checkout.options("terrain")
        if wanted not in options:
            near = nearest(wanted, {option: option for option in options})
            there = "" if near else f" Choose {' or '.join(options)}."
            raise unknown_name(f"No terrain is called {wanted!r}.{there}", wanted, near, "pmlaunch eval --help")
        return Sourced(wanted, FLAG)
    if preset and preset.terrain and query.checkout.groups():
        return Sourced(preset.terrain, preset.source)
    return Sourced(None, CHECKPOINT)


def _constraints(query: _Query) -> Sourced[tuple[str, ...]]:
    wanted = query.request.constraints
    if not wanted:
        return Sourced((), DEFAULT if query.checkout.groups() else CHECKPOINT)
    available = constraints(query.checkout)
    return Sourced(tuple(choose_constraint(name, available).option for name in wanted), FLAG)
