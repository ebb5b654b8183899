"""Which models can be fetched, and which files in Git LFS belong to each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pmlaunch.catalog.models import PRETRAINED, short_name
from pmlaunch.catalog.motions import looks_like_path
from pmlaunch.catalog.presets import presets
from pmlaunch.errors import PmlaunchError, UnknownNameError
from pmlaunch.generations.find import generation_of
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v3 import ASSETS
from pmlaunch.git.lfs_files import LfsFile, lfs_files
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import look_at
from pmlaunch.installing.checkout.source import generation_by_name
from pmlaunch.installing.context import InstallContext
from pmlaunch.model import Generation
from pmlaunch.support.names import choose, fold

WITH_GIT = "pmlaunch install --dir ANOTHER_FOLDER creates a checkout with git"


@dataclass(frozen=True)
class FetchableModel:
    """A model with a checkpoint, which is at `path` in the checkout.

    A preset may know the checkpoint's size (bytes) and sha256, and a `repository` on Hugging Face that has it, too.
    With `by_path` it is no model, but any file or folder in Git LFS: a motion, a robot's meshes.
    """

    names: tuple[str, ...]
    path: str
    size: int | None = None
    sha256: str | None = None
    repository: str | None = None
    has_preset: bool = True
    by_path: bool = False

    @property
    def hub_command(self) -> str | None:
        """The command that fetches the model from Hugging Face; None if no repository there is known."""
        return f"pmlaunch fetch {self.names[0]} --from hf" if self.repository else None


def known_models(context: InstallContext, git: Git | None = None) -> list[FetchableModel]:
    """The models of the generation's presets; with `git` also the other checkpoints that the checkout tracks.

    They have the names that `pmlaunch list models` shows.
    """
    generation = generation_of(context.checkout) or generation_by_name(context.request.ref) or Generation.V2
    found = [
        FetchableModel(preset.names, preset.checkpoint, preset.size, preset.sha256, preset.huggingface)
        for each in presets("model", context.settings.preset_folders).values()
        if each.checkout is None and (preset := each.of(generation)).checkpoint
    ]
    of_presets = {model.path for model in found}
    # without an answer, use the presets' names; lfs_files raises an error if git's files are needed
    listed = set((git.ask("ls-files", "-z", "--", PRETRAINED) or "").split("\0")) if git else set()
    for folder in sorted({path.rpartition("/")[0] for path in listed if path}):
        paths = (f"{folder}/{name}" for name in GENERATIONS[generation].checkpoint_names)
        path = next((path for path in paths if path in listed), None)
        if path is not None and path not in of_presets:
            found.append(FetchableModel((short_name(PurePosixPath(path)),), path, has_preset=False))
    return found


def choose_models(names: Sequence[str], known: Sequence[FetchableModel]) -> list[FetchableModel]:
    """The models with these names; "all" is every one. Raises PML010 and PML011."""
    if "all" in names:
        return list(known)
    chosen = [choose("model", name, known, lambda model: model.names, listing="pmlaunch list models") for name in names]
    return list(dict.fromkeys(chosen))


def choose_named(names: Sequence[str], known: Sequence[FetchableModel], root: Path) -> list[FetchableModel]:
    """The models with these names, and the files in the checkout at `root` with these paths. Raises PML010 and PML011."""
    taken = {fold(name) for model in known for name in model.names}
    paths = [name for name in names if looks_like_path(name) and fold(name) not in taken]
    inside = [Path(os.path.abspath(root / path.replace("\\", "/"))) for path in paths]  # noqa: PTH100 (follows no link)
    if outside := [path for path, it in zip(paths, inside, strict=True) if root not in it.parents]:
        message = f"{outside[0]} is no file below the checkout {root}."
        raise UnknownNameError(message, fix="pmlaunch list motions", subject=outside[0])
    below = dict.fromkeys(path.relative_to(root).as_posix() for path in inside)
    files = [FetchableModel((path,), path, has_preset=False, by_path=True) for path in below]
    return [*choose_models([name for name in names if name not in paths], known), *files]


def refuse_unknown_models(context: InstallContext) -> None:
    """Raise PML010 before anything is downloaded. Only for 2.x, of which the presets know every model."""
    request = context.request
    if request.models and generation_by_name(request.ref) is Generation.V2 and look_at(context.checkout).empty:
        choose_models(request.models, known_models(context))


def hub_command_for(context: InstallContext, files: Sequence[LfsFile]) -> str | None:
    """The command that fetches one of `files` from Hugging Face; None if no repository there is known."""
    wanted = {file.path for file in files}
    commands = (model.hub_command for model in known_models(context) if model.path in wanted)
    return next((command for command in commands if command), None)


def wanted_files(git: Git, context: InstallContext) -> list[LfsFile]:
    """The LFS files of the requested models: the checkpoints, and what generation 3 needs with them.

    Raises PML010, PML011, and PML411 if the commit lacks such a file.
    """
    tracked = {file.path: file for file in lfs_files(git, PRETRAINED)}
    files: list[LfsFile] = []
    for model in choose_models(context.request.models, known_models(context, git)):
        if model.path in tracked:
            files += with_configs(model.path, tracked)
        elif "all" not in context.request.models:
            there = [path for path in tracked if path.endswith(".ckpt")][:6]
            message = f"{context.checkout} has no checkpoint {model.path} in Git LFS."
            message += f" It has: {', '.join(there)}." if there else ""
            raise PmlaunchError("PML411", message, subject=model.names[0]).retrying({"--models": "none"})
    if assets_in_lfs(generation_of(context.checkout)):
        files += robot_assets(git, context)
    return list(dict.fromkeys(files))


def with_configs(path: str, tracked: Mapping[str, LfsFile]) -> list[LfsFile]:
    """A checkpoint and the frozen configs (.pt) in its folder, without which generation 3 cannot load it."""
    folder = path.rpartition("/")[0]
    configs = [file for name, file in tracked.items() if name.rpartition("/")[0] == folder and name.endswith(".pt")]
    return [tracked[path], *configs]


def assets_in_lfs(generation: Generation | None) -> bool:
    """Whether a checkout of this generation keeps the robots' meshes in Git LFS."""
    return generation is not None and GENERATIONS[generation].assets_in_lfs


def robot_assets(git: Git, context: InstallContext) -> list[LfsFile]:
    """Generation 3's assets in Git LFS: the meshes of the requested robot, and whatever belongs to no robot.

    Raises PML010 for a robot that the checkout does not have.
    """
    configs = context.checkout / "protomotions" / "robot_configs"
    known = sorted(path.stem for path in configs.glob("*.py") if path.stem not in ("__init__", "base", "factory"))
    listing = f"--robot NAME, one of: {', '.join(known)}"
    robot = choose("robot", context.request.robot, known, lambda name: (name,), listing=listing) if known else ""
    meshes = f"{ASSETS}/mesh/"
    return [
        file
        for file in lfs_files(git, ASSETS)
        if not file.path.startswith(meshes) or fold(file.path.removeprefix(meshes).split("/")[0]) == fold(robot)
    ]
