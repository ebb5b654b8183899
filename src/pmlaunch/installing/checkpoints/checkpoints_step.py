"""The step that downloads the requested checkpoints, and nothing else that is in Git LFS."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from pmlaunch.catalog.models import PRETRAINED
from pmlaunch.checks.pickles import downloaded_findings
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v3 import ASSETS
from pmlaunch.git.lfs_download import download_lfs, set_lfs_up
from pmlaunch.git.lfs_files import FileState, LfsFile, has_object, room_for, states_of, store_of
from pmlaunch.git.progress import Reporter
from pmlaunch.installing.checkout.location import look_at
from pmlaunch.installing.checkout.source import generation_by_name
from pmlaunch.installing.checkpoints.models import (
    WITH_GIT,
    FetchableModel,
    assets_in_lfs,
    choose_models,
    hub_command_for,
    known_models,
    wanted_files,
)
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.step import AlreadyDone, Done, Todo
from pmlaunch.model import Generation
from pmlaunch.support.text import megabytes

_NONE = "none requested"


class CheckpointsStep:
    """Download the checkpoints."""

    name = "models"
    title = "checkpoints"

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Raises PML010 for an unknown model, PML411 and PML417."""
        location, models = look_at(context.checkout), context.request.models
        if not models and not assets_in_lfs(location.generation or generation_by_name(context.request.ref)):
            return AlreadyDone(_NONE)
        if location.empty or location.marker:
            return _estimate(context)
        if location.gitdir is None:
            if not models:
                return AlreadyDone("")
            message = f"{context.checkout} has no git repository, so Git LFS cannot download its checkpoints."
            hint = _hint_without_git(context)
            raise PmlaunchError("PML417", message, hint=hint, subject=str(context.checkout))
        git = context.git()
        files = wanted_files(git, context)
        states = states_of(git, files)
        missing = [file for file in files if states[file.path] is not FileState.HERE]
        is_set_up = git.ask("config", "--local", "filter.lfs.clean")
        if not missing and is_set_up:
            return AlreadyDone(_describe(files) or _NONE)
        store = store_of(git)
        absent = [file for file in missing if states[file.path] is not FileState.UNKNOWN]
        return Todo(
            _describe(missing) if missing else "configure Git LFS in the checkout",
            _commands(context, [file.path for file in missing]),
            bytes=sum(file.pointer.size for file in absent if not has_object(store, file.pointer)),
            disk=room_for(store, absent),
        )

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Raises PML413 if a file still does not match git."""
        git = context.git(report)
        files = wanted_files(git, context)
        set_lfs_up(git)
        download_lfs(git, files, report, lambda missing: hub_command_for(context, missing))
        for path, state in states_of(git, files).items():
            if state is not FileState.HERE:
                raise PmlaunchError("PML413", f"{path} is still missing ({state.value}).", subject=path)
        report.findings += downloaded_findings((file.target(git.folder) for file in files), git.folder)
        return Done(f"{_describe(files)}; size and SHA-256 match" if files else f"{_NONE}; Git LFS is configured")


def _hint_without_git(context: InstallContext) -> str:
    """What to type for the requested models if the checkout has no git repository."""
    models: list[FetchableModel] = []
    with contextlib.suppress(PmlaunchError):  # a name that only the checkout's git would know
        models = choose_models(context.request.models, known_models(context))
    commands = [model.hub_command for model in models if model.hub_command]
    return f"--models none, then: {commands[0]}" if commands else f"--models none; {WITH_GIT}"


def _commands(context: InstallContext, paths: Sequence[str]) -> tuple[str, ...]:
    """The equivalent commands to type by hand."""
    root = context.checkout
    pull = (f'git -C "{root}" lfs pull --include="{",".join(paths)}" --exclude=""',) if paths else ()
    return (f'git -C "{root}" lfs install --local', *pull)


def _describe(files: Sequence[LfsFile]) -> str:
    """Name the files: "masked_mimic/smpl/last.ckpt 304 MB, 74 meshes and pieces of scenery 31 MB"."""
    assets = [file for file in files if file.path.startswith(f"{ASSETS}/")]
    others = [file for file in files if file not in assets]
    words = [f"{file.path.removeprefix(f'{PRETRAINED}/')} {megabytes(file.pointer.size)}" for file in others[:4]]
    if assets:
        words.append(f"{len(assets)} meshes and scenery files {megabytes(sum(it.pointer.size for it in assets))}")
    return ", ".join(words) + (f" and {len(others) - 4} more" if len(others) > 4 else "")


def _estimate(context: InstallContext) -> AlreadyDone | Todo:
    """The plan before there is a checkout: the sizes that the presets give; generation 3 also has meshes."""
    request, generation = context.request, generation_by_name(context.request.ref)
    try:
        models = choose_models(request.models, known_models(context))
    except PmlaunchError:
        if generation is Generation.V2:
            raise
        models = []  # perhaps the checkout has it
    size = sum(model.size or 0 for model in models)
    names = ", ".join(model.names[0] for model in models) or ", ".join(request.models)
    parts = [f"{names}: about {megabytes(size)}"] if names else []
    if assets_in_lfs(generation):
        parts.append(f"the meshes of robot {request.robot} that the checkout refers to")
    if not parts:
        return AlreadyDone("")
    commands = _commands(context, [model.path for model in models])
    return Todo(f"{'; '.join(parts)}; from Git LFS", commands, bytes=size or None, disk=2 * size)
