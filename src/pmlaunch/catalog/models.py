"""Models: the presets, and the checkpoints that a checkout really holds, pretrained or trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmlaunch.catalog.presets import Preset
from pmlaunch.catalog.robots import Robot, robot_with_bodies
from pmlaunch.errors import NoCheckoutError, OtherGenerationError, PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.support.names import choose
from pmlaunch.support.yaml_file import yaml_mapping


@dataclass(frozen=True)
class Model:
    """A model that can be evaluated.

    `state` is "here", "pointer" (a Git LFS pointer: not downloaded) or "missing"; `size` is the size of the
    real checkpoint in bytes, also when only its pointer is here.
    """

    name: str
    title: str
    names: tuple[str, ...]
    checkpoint: Path
    robot: str | None
    simulator: str | None
    state: str
    size: int | None
    preset: Preset | None = None

    def __json__(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "aliases": list(self.names[1:]),
            "checkpoint": str(self.checkpoint),
            "robot": self.robot,
            "simulator": self.simulator,
            "state": self.state,
            "size": self.size,
        }


def models(checkout: Checkout | None, demo: Checkout, known: Mapping[str, Preset], robots: list[Robot]) -> list[Model]:
    """The presets first, then the checkpoints of the checkout that no preset names."""
    found = []
    for preset in known.values():
        home = demo if preset.values.get("checkout") == "demo" else checkout
        if home is not None and (model := _from_preset(preset.of(home.generation), home)):
            found.append(model)
    named = {model.checkpoint for model in found}
    if checkout is not None:
        for path in checkout.checkpoints():
            if path not in named:
                found.append(from_checkpoint(path, robots, _short_name(path)))
    return found


def choose_model(wanted: str, known: Mapping[str, Preset], found: list[Model]) -> Model:
    """The model called `wanted`; the names of presets count although their checkout is not here."""
    names = {model.name: model for model in found}
    everything: list[Model | Preset] = [
        *found,
        *(preset for preset in known.values() if preset.name not in names),
    ]
    chosen = choose("model", wanted, everything, lambda thing: thing.names, listing="pmlaunch list models")
    if isinstance(chosen, Preset):
        others = ", ".join(sorted(chosen.values.get("generations") or {}))
        if others and not chosen.values.get("checkpoint"):
            message = f"Model {chosen.name} comes with ProtoMotions {others}, not with this checkout."
            raise OtherGenerationError(message, hint="--protomotions DIR, a checkout of that generation")
        raise NoCheckoutError(f"Model {chosen.name} needs a ProtoMotions checkout, and there is none.")
    return chosen


def from_checkpoint(path: Path, robots: list[Robot], name: str | None = None) -> Model:
    """A checkpoint by path; its robot is the one that it was trained for, as far as its files tell."""
    state, size = checkpoint_state(path)
    robot = trained_for(path, robots)
    own_name = name or path.parent.name or path.stem
    return Model(own_name, str(path), (own_name,), path, robot.name if robot else None, None, state, size)


def trained_for(checkpoint: Path, robots: Sequence[Robot]) -> Robot | None:
    """The robot of `robots` that the checkpoint was trained for; None where its files do not tell."""
    if frozen.is_of_generation_3(checkpoint):
        for name in frozen.robot_names(checkpoint):
            own = [robot for robot in robots if robot.name == name]
            if own:
                return own[0]
    bodies = trained_bodies(checkpoint)
    return robot_with_bodies(bodies, list(robots)) if bodies else None


def config_of(checkpoint: Path) -> Path | None:
    """The training's config.yaml as eval_agent.py looks for it: beside the checkpoint, or one folder up."""
    for folder in (checkpoint.parent, checkpoint.parent.parent):
        if (folder / "config.yaml").is_file():
            return folder / "config.yaml"
    return None


def trained_bodies(checkpoint: Path) -> frozenset[str]:
    """The body names that the checkpoint's network was trained for; empty when its config does not tell."""
    if frozen.is_of_generation_3(checkpoint):
        return frozen.robot_bodies(checkpoint)
    bodies = trained_robot(checkpoint).get("body_names")
    return frozenset(map(str, bodies)) if isinstance(bodies, list) else frozenset()


def trained_robot(checkpoint: Path) -> dict[str, Any]:
    """The part `robot` of the training's config.yaml; empty where there is none to be read."""
    config = config_of(checkpoint)
    return _robot_part(config, config.stat().st_mtime_ns) if config else {}


@lru_cache(maxsize=64)
def _robot_part(config: Path, _changed: int) -> dict[str, Any]:
    try:
        robot = yaml_mapping(config).get("robot")
    except PmlaunchError:
        return {}  # the config check says what is wrong with the file
    return robot if isinstance(robot, dict) else {}


def checkpoint_state(path: Path) -> tuple[str, int | None]:
    """("here" | "pointer" | "missing", size of the real file in bytes)."""
    try:
        pointer = lfs.read_pointer(path)
        return ("pointer", pointer.size) if pointer else ("here", path.stat().st_size)
    except OSError:
        return "missing", None


def _from_preset(preset: Preset, home: Checkout) -> Model | None:
    """The model of a preset; None where the checkout's generation has none."""
    place = preset.values.get("checkpoint")
    if not place:
        return None
    path = home.within(str(place))
    state, size = checkpoint_state(path)
    robot, simulator = preset.values.get("robot"), preset.values.get("simulator")
    return Model(preset.name, preset.title, preset.names, path, robot, simulator, state, size, preset)


def _short_name(path: Path) -> str:
    """masked_mimic/smpl/last.ckpt -> masked_mimic_smpl; results/walk/last.ckpt -> walk."""
    parents = path.parent.parts
    if "pretrained_models" in parents:
        return "_".join(parents[parents.index("pretrained_models") + 1 :])
    return path.parent.name
