"""`pmlaunch fetch`: download a model's checkpoint from Git LFS or Hugging Face, or replace it by its pointer again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pmlaunch.catalog.models import PRETRAINED
from pmlaunch.checks.pickles import downloaded_findings
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import find_checkout
from pmlaunch.git.failures import writing
from pmlaunch.git.lfs_download import accept, delete_object, download_lfs, move_aside, set_lfs_up
from pmlaunch.git.lfs_files import (
    RIGHT,
    FileState,
    LfsFile,
    is_published,
    is_right,
    lfs_files,
    object_of,
    states_of,
    store_of,
)
from pmlaunch.git.lfs_pointer import Pointer
from pmlaunch.git.progress import Reporter
from pmlaunch.git.repository import git_folder
from pmlaunch.git.runner import WITH_LFS, Git
from pmlaunch.installing.checkpoints.huggingface import download
from pmlaunch.installing.checkpoints.models import (
    WITH_GIT,
    FetchableModel,
    choose_named,
    hub_command_for,
    known_models,
    with_configs,
)
from pmlaunch.installing.context import InstallContext, InstallRequest, logs_folder
from pmlaunch.installing.step import StepResult, StepState, seconds_since
from pmlaunch.settings import Settings
from pmlaunch.support.atomic import write_text
from pmlaunch.support.disk import remove_tree, require_room
from pmlaunch.support.platforms import platform_named
from pmlaunch.support.text import megabytes

Announce = Callable[[str, str], None]


def fetch_context(settings: Settings, protomotions: str | None, models: tuple[str, ...]) -> InstallContext:
    """The context around an existing checkout of any generation. Raises PML012."""
    root = find_checkout(settings, protomotions).root
    request = InstallRequest(Path(os.path.abspath(root)), "", "", models)  # noqa: PTH100 (see generations/find.py)
    return InstallContext(request, settings, platform_named(None), logs_folder(settings))


def fetch(context: InstallContext, from_hub: bool, announce: Announce, report: Reporter) -> Iterator[StepResult]:
    """Download the requested models in turn, except those that are complete already.

    `announce` is called with a model's name and what is about to happen.

    Raises PML010, PML011, PML411, PML417 and what the download raises.
    """
    git = context.git(report)
    for model in _chosen(context, git):
        begin = time.monotonic()
        files = _files_of(context, git, model)
        states = states_of(git, files)
        missing = [file for file in files if states[file.path] not in RIGHT]
        places = [file.target(git.folder) for file in files]
        title, size = model.names[0], sum(file.pointer.size for file in missing)
        if not missing:
            report.findings += downloaded_findings(places, git.folder)
            text = f"{_title(files)} {megabytes(sum(file.pointer.size for file in files))}"
            yield StepResult("fetch", title, StepState.ALREADY, text, seconds_since(begin))
            continue
        announce(title, f"{megabytes(size)} from {'Hugging Face' if from_hub else 'Git LFS'}")
        if from_hub:
            _from_hub(git, model, missing, report)
        else:
            set_lfs_up(git)
            download_lfs(git, missing, report, lambda files: hub_command_for(context, files))
        report.findings += downloaded_findings(places, git.folder)
        text = f"{_title(files)} {megabytes(size)}; size and SHA-256 match"
        seconds = seconds_since(begin)
        yield StepResult("fetch", title, StepState.DONE, text, seconds, bytes=size, log=report.last_log)


def remove(context: InstallContext) -> Iterator[StepResult]:
    """Replace checkpoints by their pointers, and delete Git LFS's copies of them.

    Nothing is deleted before everything was checked. Raises PML420 for a file that is not the model's or that cannot
    be downloaded again, PML417 without a git repository.
    """
    begin, git = time.monotonic(), context.git()
    models = [(model, _tracked(context, git, model, removing=True)) for model in _chosen(context, git, removing=True)]
    states: dict[str, FileState] = {}
    for model, files in models:
        states |= states_of(git, files)
        _refuse_to_lose(git, model, files, states)
    for model, files in models:
        store, freed = store_of(git), 0
        for file in files:
            freed += _replace_by_pointer(git, file, states[file.path]) + delete_object(object_of(store, file.pointer))
        state = StepState.DONE if freed else StepState.ALREADY
        text = f"{_title(files)}: {megabytes(freed)} freed"
        yield StepResult("remove", model.names[0], state, text, seconds_since(begin), bytes=freed)
        begin = time.monotonic()


def _title(files: Sequence[LfsFile]) -> str:
    return f"{files[0].path}{f' and {len(files) - 1} more' if len(files) > 1 else ''}"


def _refuse_to_lose(git: Git, model: FetchableModel, files: Sequence[LfsFile], states: Mapping[str, FileState]) -> None:
    """Raise PML420 for a file of which this may be the only copy."""
    for file in files:
        if states[file.path] is FileState.OTHER:
            message = f"{file.path} is not the checkpoint that git records. It may be yours, so pmlaunch kept it."
            raise PmlaunchError(
                "PML420", message, hint="move the file away, then repeat the command", subject=file.path
            )
        if file.pointer.sha256 != model.sha256 and not is_published(git, file):
            message = (
                f"{file.path} is in no commit that came from a remote. This may be the only copy, so pmlaunch kept it."
            )
            hint = "push its commit (git lfs push, git push), or delete the file by hand"
            raise PmlaunchError("PML420", message, hint=hint, subject=file.path)


def _chosen(context: InstallContext, git: Git, removing: bool = False) -> list[FetchableModel]:
    """The requested models; "all" is every one in the commit, but only those of presets if they are to be removed."""
    known = known_models(context, git if git_folder(context.checkout) else None)
    if "all" in context.request.models:
        tracked = {file.path for file in lfs_files(git, PRETRAINED)}
        return [model for model in known if model.path in tracked and (model.has_preset or not removing)]
    return choose_named(context.request.models, known, context.checkout)


def _tracked(context: InstallContext, git: Git, model: FetchableModel, removing: bool = False) -> list[LfsFile]:
    """The model's files according to git. Raises PML411 and PML417."""
    root = context.checkout
    if git_folder(root) is None:
        message = f"{root} has no git repository, so Git LFS cannot download into it."
        by_hand = f"delete {root.joinpath(*model.path.split('/'))} by hand"
        hint = by_hand if removing else model.hub_command or WITH_GIT
        raise PmlaunchError("PML417", message, hint=hint, subject=str(root))
    tracked = {file.path: file for file in lfs_files(git, f":(literal){model.path}" if model.by_path else PRETRAINED)}
    if model.path not in tracked and not (model.by_path and tracked):
        what, listing = ("file", "motions") if model.by_path else ("checkpoint", "models")
        message = f"{root} has no {what} {model.path} in Git LFS."
        raise PmlaunchError("PML411", message, fix=f"pmlaunch list {listing}", subject=model.names[0])
    return list(tracked.values()) if model.by_path else with_configs(model.path, tracked)


def _files_of(context: InstallContext, git: Git, model: FetchableModel) -> list[LfsFile]:
    """The model's files according to git; without a repository according to the preset, which describes v2.3."""
    if git_folder(context.checkout) is None and model.sha256 and model.size:
        return [LfsFile(model.path, Pointer(model.sha256, model.size))]
    return _tracked(context, git, model)


def _from_hub(git: Git, model: FetchableModel, missing: Sequence[LfsFile], report: Reporter) -> None:
    """Download from the repository that the preset names, verify, and move into place in one step."""
    if model.repository is None:
        name = model.names[0]
        message, fix = f"pmlaunch knows no Hugging Face repository for {name}.", f"pmlaunch fetch {name} --from lfs"
        raise PmlaunchError("PML419", message, fix=fix, subject=name)
    gitdir = git_folder(git.folder)
    # on the checkout's own disk, so that the move is one step
    parts = (gitdir / "pmlaunch-hf") if gitdir else git.folder / ".pmlaunch-hf"
    require_room(git.folder, sum(file.pointer.size for file in missing) * (2 if gitdir else 1))
    for file in missing:
        downloaded = download(model.repository, file.pointer, parts, report.progress)
        if not is_right(downloaded, file.pointer):
            remove_tree(parts)
            message = f"The file {downloaded.name} from {model.repository} does not match git and was deleted."
            raise PmlaunchError("PML413", message, subject=file.path).retrying({"--from": "lfs"})
        target = file.target(git.folder)
        with writing(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            if states_of(git, [file])[file.path] is FileState.OTHER:
                report.findings.append(move_aside(target))
            downloaded.replace(target)
        if gitdir:  # otherwise git would call the file changed
            set_lfs_up(git)
            accept(git, [file])
    remove_tree(parts)


def _replace_by_pointer(git: Git, file: LfsFile, state: FileState) -> int:
    """Write the pointer in the file's place; return the bytes freed."""
    if state is FileState.POINTER:
        return 0
    target = file.target(git.folder)
    pointer = git.answer("cat-file", "blob", f":{file.path}")
    with writing(target.parent):
        write_text(target, pointer.decode("utf-8"))
        target.chmod(0o644)
    git.tell("add", "--", file.path, settings=WITH_LFS)
    return file.pointer.size if state in RIGHT else 0
