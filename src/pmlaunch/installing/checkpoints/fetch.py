"""`pmlaunch fetch`: download a model's checkpoint from Git LFS or Hugging Face, or replace it by its pointer again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import find_checkout
from pmlaunch.git.lfs_download import accept, download_lfs, move_aside, set_lfs_up
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
from pmlaunch.git.lfs_pointer import Pointer, read_pointer
from pmlaunch.git.progress import Reporter
from pmlaunch.git.runner import WITH_LFS, Git, cannot_write
from pmlaunch.git.safety import git_folder
from pmlaunch.installing.checkpoints.huggingface import download
from pmlaunch.installing.checkpoints.models import (
    PRETRAINED,
    WITH_GIT,
    FetchableModel,
    choose_models,
    hub_command_for,
    known_models,
    with_configs,
)
from pmlaunch.installing.context import InstallContext, InstallRequest, logs_folder
from pmlaunch.installing.step import State, StepReport, StepResult
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


def fetch(context: InstallContext, from_hub: bool, announce: Announce, report: StepReport) -> Iterator[StepResult]:
    """Download the requested models one by one; what is here already is left alone.

    `announce` is called with a model's name and what is about to happen.

    Raises PML010, PML011, PML411, PML417 and what the download raises.
    """
    git = context.git(report)
    for model in _chosen(context, git):
        begin = time.monotonic()
        files = _files_of(context, git, model)
        missing = [file for file in files if not _is_here(context, git, file)]
        title, size = model.names[0], sum(file.pointer.size for file in missing)
        if not missing:
            text = f"{files[0].path} {megabytes(files[0].pointer.size)}"
            yield StepResult("fetch", title, State.ALREADY, text, _seconds_since(begin))
            continue
        announce(title, f"{megabytes(size)} from {'Hugging Face' if from_hub else 'Git LFS'}")
        if from_hub:
            _from_hub(context, git, model, missing, report)
        else:
            set_lfs_up(git, context.checkout)
            download_lfs(git, context.checkout, missing, report, lambda files: hub_command_for(context, files))
        text = f"{files[0].path} {megabytes(size)}; size and sha256 are right"
        seconds = _seconds_since(begin)
        yield StepResult("fetch", title, State.DONE, text, seconds, bytes=size, log=report.last_log)


def remove(context: InstallContext) -> Iterator[StepResult]:
    """Replace checkpoints by their pointers, and delete Git LFS's copies of them.

    Nothing is deleted before everything was checked. Raises PML420 for a file that is not the model's or that cannot
    be downloaded again, PML417 without a git repository.
    """
    begin, git = time.monotonic(), context.git()
    models = [(model, _tracked(context, git, model, removing=True)) for model in _chosen(context, git, removing=True)]
    states: dict[str, FileState] = {}
    for model, files in models:
        states |= states_of(git, context.checkout, files)
        _refuse_to_lose(context, git, model, files, states)
    for model, files in models:
        store = store_of(git, context.checkout)
        freed = sum(
            _replace_by_pointer(context, git, file, states[file.path]) + _delete_object(object_of(store, file.pointer))
            for file in files
        )
        state = State.DONE if freed else State.ALREADY
        text = f"{files[0].path}: {megabytes(freed)} freed"
        yield StepResult("remove", model.names[0], state, text, _seconds_since(begin), bytes=freed)
        begin = time.monotonic()


def _refuse_to_lose(
    context: InstallContext,
    git: Git,
    model: FetchableModel,
    files: Sequence[LfsFile],
    states: Mapping[str, FileState],
) -> None:
    """Raise PML420 for a file of which this may be the only copy."""
    for file in files:
        if states[file.path] is FileState.OTHER:
            message = f"{file.path} is not the checkpoint that git knows: it may be yours. It was left as it is."
            raise PmlaunchError("PML420", message, hint="move it away, then the same command", subject=file.path)
        if file.pointer.sha256 != model.sha256 and not is_published(git, context.checkout, file):
            message = f"{file.path} stands in no commit that came from a remote: this may be its only copy. Nothing was freed."
            hint = "push its commit (git lfs push, git push), or delete the file by hand"
            raise PmlaunchError("PML420", message, hint=hint, subject=file.path)


def _chosen(context: InstallContext, git: Git, removing: bool = False) -> list[FetchableModel]:
    """The requested models; "all" is every one in the commit, but only those of presets if they are to be removed."""
    known = known_models(context, git if git_folder(context.checkout) else None)
    if "all" in context.request.models:
        tracked = {file.path for file in lfs_files(git, context.checkout, PRETRAINED)}
        return [model for model in known if model.path in tracked and (model.preset or not removing)]
    return choose_models(context.request.models, known)


def _tracked(context: InstallContext, git: Git, model: FetchableModel, removing: bool = False) -> list[LfsFile]:
    """The model's files according to git. Raises PML411 and PML417."""
    root = context.checkout
    if git_folder(root) is None:
        by_hand = f"delete {root.joinpath(*model.path.split('/'))} by hand"
        raise PmlaunchError(
            "PML417",
            f"{root} has no git repository, so Git LFS has nothing to work on.",
            hint=by_hand if removing else model.hub_command or WITH_GIT,
            subject=str(root),
        )
    tracked = {file.path: file for file in lfs_files(git, root, PRETRAINED)}
    if model.path not in tracked:
        raise PmlaunchError(
            "PML411",
            f"{root} has no checkpoint {model.path} in Git LFS.",
            hint="pmlaunch list models",
            subject=model.names[0],
        )
    return with_configs(model.path, tracked)


def _files_of(context: InstallContext, git: Git, model: FetchableModel) -> list[LfsFile]:
    """The model's files according to git; without a repository according to the preset, which describes v2.3."""
    if git_folder(context.checkout) is None and model.sha256 and model.size:
        return [LfsFile(model.path, Pointer(model.sha256, model.size))]
    return _tracked(context, git, model)


def _is_here(context: InstallContext, git: Git, file: LfsFile) -> bool:
    if git_folder(context.checkout) is None:
        return is_right(file.within(context.checkout), file.pointer)
    return states_of(git, context.checkout, [file])[file.path] in RIGHT


def _from_hub(
    context: InstallContext, git: Git, model: FetchableModel, missing: Sequence[LfsFile], report: Reporter
) -> None:
    """Download from the repository that the preset names, verify, and move into place in one step."""
    if model.repository is None:
        raise PmlaunchError(
            "PML419",
            f"No repository on Hugging Face is known for {model.names[0]}.",
            hint=f"pmlaunch fetch {model.names[0]} --from lfs",
            subject=model.names[0],
        )
    gitdir = git_folder(context.checkout)
    # on the checkout's own disk, so that the move is one step
    parts = (gitdir / "pmlaunch-hf") if gitdir else context.checkout / ".pmlaunch-hf"
    require_room(context.checkout, sum(file.pointer.size for file in missing) * (2 if gitdir else 1))
    for file in missing:
        downloaded = download(model.repository, file.pointer, parts, report.progress)
        if not is_right(downloaded, file.pointer):
            remove_tree(parts)
            message = f"What {model.repository} delivered as {downloaded.name} is not what git says. It was deleted."
            raise PmlaunchError("PML413", message, hint="the same command again, or --from lfs", subject=file.path)
        _move_into_place(context, git, file, downloaded, report)
    remove_tree(parts)


def _move_into_place(context: InstallContext, git: Git, file: LfsFile, downloaded: Path, report: Reporter) -> None:
    root = context.checkout
    target, in_git = file.within(root), git_folder(root) is not None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if in_git:
            is_other = states_of(git, root, [file])[file.path] is FileState.OTHER
        else:
            is_other = target.exists() and read_pointer(target) is None
        if is_other:
            report.found(move_aside(target))
        downloaded.replace(target)
    except OSError as error:
        raise cannot_write(target.parent, error) from error
    if in_git:  # otherwise git would call the file changed
        set_lfs_up(git, root)
        accept(git, root, [file])


def _replace_by_pointer(context: InstallContext, git: Git, file: LfsFile, state: FileState) -> int:
    """Write the pointer in the file's place; return the bytes freed."""
    if state is FileState.POINTER:
        return 0
    target = file.within(context.checkout)
    pointer = git.ask_bytes("cat-file", "blob", f":{file.path}", cwd=context.checkout)
    try:
        write_text(target, (pointer or b"").decode("utf-8"))
        target.chmod(0o644)
    except OSError as error:
        raise cannot_write(target.parent, error) from error
    git.tell("add", "--", file.path, cwd=context.checkout, settings=WITH_LFS)
    return file.pointer.size if state in RIGHT else 0


def _delete_object(stored: Path) -> int:
    """Delete an object from Git LFS's store; return the bytes freed."""
    if not stored.exists():
        return 0
    try:
        size = stored.stat().st_size
        stored.chmod(0o600)
        stored.unlink()
    except OSError as error:
        raise cannot_write(stored.parent, error) from error
    return size


def _seconds_since(begin: float) -> float:
    return round(time.monotonic() - begin, 3)
