"""Models: those with a preset, and the checkpoints in a checkout, whether pretrained or trained there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePath

from pmlaunch.catalog.presets import ModelPreset, presets
from pmlaunch.catalog.robots import Robot, robot_with_bodies
from pmlaunch.errors import NoCheckoutError, PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.registry import GENERATIONS, training_of
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.git.repository import git_folder
from pmlaunch.model import Generation
from pmlaunch.support.json import HIDDEN
from pmlaunch.support.names import choose

PRETRAINED = "data/pretrained_models"


class CheckpointState(str, Enum):
    """Whether a checkpoint's file is there: `pointer` is a Git LFS pointer, not downloaded yet."""

    HERE = "here"
    POINTER = "pointer"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Model:
    """A model that can be evaluated.

    `size` is that of the real checkpoint in bytes, even if only its pointer is here; None if it is missing or unreadable.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    checkpoint: Path
    robot: str | None
    simulator: str | None
    state: CheckpointState
    size: int | None
    preset: ModelPreset | None = field(default=None, metadata=HIDDEN)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the model answers to, the proper one first."""
        return (self.name, *self.aliases)


def models(
    checkout: Checkout | None, demo: Checkout, known: Mapping[str, ModelPreset], robots: Sequence[Robot]
) -> list[Model]:
    """The models with a preset, then the checkpoints of the checkout that no preset names."""
    homes = [(preset, demo if preset.checkout is Generation.DEMO else checkout) for preset in known.values()]
    found = [model for preset, home in homes if home and (model := _from_preset(preset.of(home.generation), home))]
    named = {model.checkpoint for model in found}
    unnamed = [path for path in checkout.checkpoints() if path not in named] if checkout else []
    return found + [from_checkpoint(path, robots, short_name(path)) for path in unnamed]


def choose_model(wanted: str, known: Mapping[str, ModelPreset], found: Sequence[Model]) -> Model:
    """The model that `wanted` names. Raises PML010, PML011, and PML012 or PML013 for a preset without its checkout."""
    names = {model.name for model in found}
    everything: list[Model | ModelPreset] = [*found, *(preset for preset in known.values() if preset.name not in names)]
    chosen = choose("model", wanted, everything, lambda item: item.names, listing="pmlaunch list models")
    if isinstance(chosen, Model):
        return chosen
    others = ", ".join(sorted(generation.value for generation in chosen.generations))
    if others and not chosen.checkpoint:
        message = f"Model {chosen.name} belongs to ProtoMotions {others}, not to this checkout."
        raise PmlaunchError("PML013", message, hint="--protomotions DIR of a checkout for that generation")
    raise NoCheckoutError(f"Model {chosen.name} needs a ProtoMotions checkout, but none was found.")


def fetch_command(path: Path, checkout: Checkout) -> str | None:
    """The `pmlaunch` command that brings a checkpoint of the checkout; None if it is none that `fetch` knows."""
    if not path.is_relative_to(checkout.root / PRETRAINED):
        return None
    inside = PurePath(path.relative_to(checkout.root))
    each = [preset.of(checkout.generation) for preset in presets("model").values() if preset.checkout is None]
    preset = next((preset for preset in each if preset.checkpoint == inside.as_posix()), None)
    source = ""
    if git_folder(checkout.root) is None:
        if preset is None or not (preset.huggingface and preset.sha256):
            ref = " --ref main" if checkout.generation is Generation.V3 else ""
            return f"pmlaunch install --dir ANOTHER_FOLDER{ref}"
        source = " --from hf"
    elif preset is None and inside.name not in GENERATIONS[checkout.generation].checkpoint_names[:1]:
        return None
    return f'pmlaunch fetch {preset.name if preset else short_name(inside)}{source} --protomotions "{checkout.root}"'


def from_checkpoint(path: Path, robots: Sequence[Robot], name: str | None = None) -> Model:
    """The model of a checkpoint file; its robot is the one of its training, as far as the files beside it tell."""
    state, size = checkpoint_state(path)
    robot = trained_for(path, robots)
    own_name = name or path.parent.name or path.stem
    return Model(own_name, str(path), (), path, robot.name if robot else None, None, state, size)


def trained_for(checkpoint: Path, robots: Sequence[Robot]) -> Robot | None:
    """The one of `robots` that the checkpoint was trained for; None if its files do not tell."""
    training = training_of(checkpoint)
    if training is None:
        return None
    named = (robot for name in training.robots for robot in robots if robot.name == name)
    return next(named, None) or robot_with_bodies(training.bodies, robots)


def checkpoint_state(path: Path) -> tuple[CheckpointState, int | None]:
    """(state, size of the real file in bytes)."""
    try:
        pointer = lfs.read_pointer(path)
        if pointer:
            return CheckpointState.POINTER, pointer.size
        return CheckpointState.HERE, path.stat().st_size
    except OSError as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError)) or path.is_dir()
        return CheckpointState.MISSING if missing else CheckpointState.UNREADABLE, None


def _from_preset(preset: ModelPreset, home: Checkout) -> Model | None:
    """The model of a preset; None if the checkout's generation has none."""
    if not preset.checkpoint:
        return None
    path = home.root / preset.checkpoint
    state, size = checkpoint_state(path)
    return Model(preset.name, preset.title, preset.aliases, path, preset.robot, preset.simulator, state, size, preset)


def short_name(path: PurePath) -> str:
    """A checkpoint's name: masked_mimic_smpl for masked_mimic/smpl/last.ckpt, walk for results/walk/last.ckpt."""
    parents = path.parent.parts
    if "pretrained_models" in parents:
        return "_".join(parents[parents.index("pretrained_models") + 1 :])
    return path.parent.name
