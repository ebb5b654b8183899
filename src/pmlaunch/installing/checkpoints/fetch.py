"""One model's checkpoint later on: fetched from Git LFS or Hugging Face, or turned back into its pointer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import find_checkout
from pmlaunch.git.lfs_files import (
    LfsFile,
    acquaint,
    bring,
    is_right,
    lfs_files,
    move_aside,
    object_of,
    state_of,
    store_of,
)
from pmlaunch.git.lfs_pointer import Pointer, read_pointer
from pmlaunch.git.published import is_published
from pmlaunch.git.runner import WITH_LFS, Git, cannot_write
from pmlaunch.git.safety import git_folder
from pmlaunch.installing.checkout.stage_folder import remove_tree
from pmlaunch.installing.checkpoints.checkpoints_step import (
    PRETRAINED,
    WITH_GIT,
    Wanted,
    beside,
    chosen_models,
    from_hub,
    known_models,
    set_lfs_up,
)
from pmlaunch.installing.checkpoints.huggingface import download
from pmlaunch.installing.engine import logs_folder
from pmlaunch.installing.step import InstallRequest, Report, Site, State, StepResult
from pmlaunch.settings import Settings
from pmlaunch.support.atomic import write_text
from pmlaunch.support.disk import require_room
from pmlaunch.support.platforms import platform_named
from pmlaunch.support.text import megabytes

Say = Callable[[str, str], None]  # (model, what is about to happen)


def fetch_site(settings: Settings, protomotions: str | None, models: tuple[str, ...]) -> Site:
    """The site around the checkout that is there. Raises PML012; any generation will do."""
    root = find_checkout(settings, protomotions).root
    request = InstallRequest(Path(os.path.abspath(root)), "", "", models)  # noqa: PTH100 (see checkouts/find.py)
    return Site(request, settings, platform_named(None), settings.environment, logs_folder(settings))


def fetch(site: Site, origin: str, report: Report, say: Say) -> Iterator[StepResult]:
    """Bring the models one by one; what is here already is left alone.

    Raises PML010, PML011, PML411, PML417 and what the download raises.
    """
    git = Git(site)
    for wanted in chosen(site, git):
        files = _files_of(site, git, wanted)
        missing = [file for file in files if not _is_here(site, git, file)]
        title, size = wanted.names[0], sum(file.pointer.size for file in missing)
        if not missing:
            text = f"{files[0].path} {megabytes(files[0].pointer.size)}"
            yield StepResult("fetch", title, State.ALREADY, text)
            continue
        say(title, f"{megabytes(size)} from {'Hugging Face' if origin == 'hf' else 'Git LFS'}")
        if origin == "hf":
            _from_hub(site, git, wanted, missing, report)
        else:
            set_lfs_up(git, site.checkout)
            bring(site, git, site.checkout, missing, report)
        text = f"{files[0].path} {megabytes(size)}; size and sha256 are right"
        yield StepResult("fetch", title, State.DONE, text, bytes=size, log=site.log)


def remove(site: Site) -> Iterator[StepResult]:
    """Put git's own pointers in the checkpoints' places, and free what Git LFS keeps of them.

    Nothing is freed before everything was looked at. Raises PML420 for a file that is not the model's or that cannot be
    had again, PML417 without a git repository.
    """
    git = Git(site)
    named = [(wanted, _tracked(site, git, wanted, removing=True)) for wanted in chosen(site, git, removing=True)]
    states: dict[str, str] = {}
    for wanted, files in named:
        states |= state_of(git, site.checkout, files)
        _refuse_what_would_be_lost(site, git, wanted, files, states)
    for wanted, files in named:
        store = store_of(git, site.checkout)
        freed = sum(_free(site, git, file, states[file.path], object_of(store, file.pointer)) for file in files)
        state = State.DONE if freed else State.ALREADY
        yield StepResult("remove", wanted.names[0], state, f"{files[0].path}: {megabytes(freed)} freed", bytes=freed)


def _refuse_what_would_be_lost(
    site: Site, git: Git, wanted: Wanted, files: list[LfsFile], states: Mapping[str, str]
) -> None:
    """Raise PML420 for a file that nobody but the user may have."""
    preset_sha256 = str(wanted.preset.values.get("sha256") or "") if wanted.preset else ""
    for file in files:
        if states[file.path] == "other":
            message = f"{file.path} is not the checkpoint that git knows: it may be yours. It was left as it is."
            raise PmlaunchError("PML420", message, hint="move it away, then the same command", subject=file.path)
        if not is_published(git, site.checkout, file, preset_sha256):
            message = f"{file.path} stands in no commit that came from a remote: this may be its only copy. Nothing was freed."
            hint = "push its commit (git lfs push, git push), or delete the file by hand"
            raise PmlaunchError("PML420", message, hint=hint, subject=file.path)


def chosen(site: Site, git: Git, removing: bool = False) -> list[Wanted]:
    """The models that were named; "all" means those that the commit has, and to remove only those of presets."""
    known = known_models(site, git if git_folder(site.checkout) else None)
    if "all" in site.request.models:
        tracked = {file.path for file in lfs_files(git, site.checkout, PRETRAINED)}
        return [wanted for wanted in known if wanted.path in tracked and (wanted.preset or not removing)]
    return chosen_models(site.request.models, known)


def _tracked(site: Site, git: Git, wanted: Wanted, removing: bool = False) -> list[LfsFile]:
    """The model's files as git knows them. Raises PML411 and PML417."""
    if git_folder(site.checkout) is None:
        by_hand = f"delete {site.checkout.joinpath(*wanted.path.split('/'))} by hand"
        raise PmlaunchError(
            "PML417",
            f"{site.checkout} has no git repository, so Git LFS has nothing to work on.",
            hint=by_hand if removing else from_hub(wanted) or WITH_GIT,
            subject=str(site.checkout),
        )
    tracked = {file.path: file for file in lfs_files(git, site.checkout, PRETRAINED)}
    if wanted.path not in tracked:
        raise PmlaunchError(
            "PML411",
            f"{site.checkout} has no checkpoint {wanted.path} in Git LFS.",
            hint="pmlaunch list models",
            subject=wanted.names[0],
        )
    return beside(wanted.path, tracked)


def _files_of(site: Site, git: Git, wanted: Wanted) -> list[LfsFile]:
    """As git knows them; without git what the preset says of v2.3."""
    values = wanted.preset.values if wanted.preset else {}
    if git_folder(site.checkout) is None and values.get("sha256") and wanted.size:
        return [LfsFile(wanted.path, Pointer(str(values["sha256"]), wanted.size))]
    return _tracked(site, git, wanted)


def _is_here(site: Site, git: Git, file: LfsFile) -> bool:
    if git_folder(site.checkout) is None:
        return is_right(file.within(site.checkout), file.pointer)
    return state_of(git, site.checkout, [file])[file.path] in ("here", "unknown")


def _from_hub(site: Site, git: Git, wanted: Wanted, missing: list[LfsFile], report: Report) -> None:
    """The checkpoint from the repository that the preset names, checked, and put in its place in one step."""
    repository = str(wanted.preset.values.get("huggingface") or "") if wanted.preset else ""
    if not repository:
        raise PmlaunchError(
            "PML419",
            f"No repository on Hugging Face is known for {wanted.names[0]}.",
            hint=f"pmlaunch fetch {wanted.names[0]} --from lfs",
            subject=wanted.names[0],
        )
    gitdir = git_folder(site.checkout)
    # on the checkout's own disk, so that moving it into place is one step
    parts = (gitdir / "pmlaunch-hf") if gitdir else site.checkout / ".pmlaunch-hf"
    require_room(site.checkout, sum(file.pointer.size for file in missing) * (2 if gitdir else 1))
    for file in missing:
        came = download(repository, file.pointer, parts, report)
        if not is_right(came, file.pointer):
            remove_tree(parts)
            message = f"What {repository} delivered as {came.name} is not what git says. It was deleted."
            raise PmlaunchError("PML413", message, hint="the same command again, or --from lfs", subject=file.path)
        _place(site, git, file, came)
    remove_tree(parts)


def _place(site: Site, git: Git, file: LfsFile, came: Path) -> None:
    target = file.within(site.checkout)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        in_git = git_folder(site.checkout) is not None
        if (state_of(git, site.checkout, [file])[file.path] if in_git else _plain_state(target)) == "other":
            move_aside(site, target)
        came.replace(target)
    except OSError as error:
        raise cannot_write(target.parent, error) from error
    if in_git:  # git learns that this is what it has: otherwise it would call the file changed
        set_lfs_up(git, site.checkout)
        acquaint(git, site.checkout, [file])


def _plain_state(target: Path) -> str:
    """Without git: anything but a pointer that lies there is not ours."""
    return "other" if target.exists() and read_pointer(target) is None else "pointer"


def _free(site: Site, git: Git, file: LfsFile, state: str, stored: Path) -> int:
    """The pointer back in its place; returns the bytes that were freed."""
    target, freed = file.within(site.checkout), 0
    try:
        if state != "pointer":
            pointer = git.ask_bytes("cat-file", "blob", f":{file.path}", cwd=site.checkout)
            freed += file.pointer.size if state in ("here", "unknown") else 0
            write_text(target, (pointer or b"").decode("utf-8"))
            target.chmod(0o644)
            git.tell("add", "--", file.path, cwd=site.checkout, settings=WITH_LFS)
        if stored.exists():
            freed += stored.stat().st_size
            stored.chmod(0o600)
            stored.unlink()
    except OSError as error:
        raise cannot_write(target.parent, error) from error
    return freed


def with_seconds(result: StepResult, seconds: float) -> StepResult:
    return replace(result, seconds=seconds)
