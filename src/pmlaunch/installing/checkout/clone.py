"""Build a checkout beside its place and move it there: it is whole or not there.

What is fetched: one commit, without history (--depth 1); first only its directory, which tells whether this is
ProtoMotions at all, then the files (--filter=blob:none, where the source can do that). Checkpoints stay pointers.
Everything is noted in a marker inside the repository, so that whoever comes after a kill knows where this was.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.failures import failure
from pmlaunch.git.progress import GitProgress
from pmlaunch.git.runner import NO_LFS, Git, RunOptions, cannot_write
from pmlaunch.git.safety import git_folder
from pmlaunch.installing.checkout.location import read_marker, write_marker
from pmlaunch.installing.checkout.source import Ref, find_ref
from pmlaunch.installing.checkout.stage_folder import discard, refuse_foreign_stage
from pmlaunch.installing.step import Progress, Report
from pmlaunch.processes.child import created, is_running

_PROGRAMS = ("protomotions/eval_agent.py", "protomotions/inference_agent.py")
_STDIN = (2, 29)  # since this git, objects to fetch can be named one by one


@dataclass(frozen=True)
class Building:
    """One checkout to be built. `modules` is the folder for its repository when it becomes the submodule `name`."""

    folder: Path
    url: str
    ref: str
    name: str | None = None
    modules: Path | None = None

    @property
    def stage(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.pmlaunch")

    @property
    def gitdir(self) -> Path:
        return self.modules / self.name if self.modules and self.name else self.stage / ".git"


def build(git: Git, building: Building, report: Report) -> None:
    """Fetch, check out, look, move into place; the marker stays until the caller has finished.

    Raises PML402 to PML406, PML408, PML409, PML422. What was fetched is kept for the next attempt; nothing else is.
    """
    refuse_foreign_stage(building.stage)
    try:
        _prepare(git, building)
        _fetch(git, building, report)
        _check_out(git, building, report)
        _move(building)
    except OSError as error:
        raise cannot_write(building.folder.parent, error) from error
    finally:
        marker = read_marker(building.gitdir)
        if building.stage.exists() and not (marker and marker.get("fetched")):
            discard(building.stage, building.gitdir)


def refuse_if_at_work(gitdir: Path, folder: Path) -> None:
    """Raise PML408 when another install that still runs has this repository in hand."""
    marker = read_marker(gitdir) or {}
    if marker.get("pid") != os.getpid() and is_running(marker.get("pid"), marker.get("created")):
        raise PmlaunchError(
            "PML408",
            f"Another pmlaunch install (pid {marker['pid']}) is building {folder}.",
            hint="wait for it, then: pmlaunch install",
            subject=str(folder),
        )


def _prepare(git: Git, building: Building) -> None:
    """An empty repository with its marker, or the one of an earlier attempt at the same."""
    stage, gitdir = building.stage, building.gitdir
    marker = read_marker(gitdir)
    refuse_if_at_work(gitdir, building.folder)
    same = marker and (marker.get("url"), marker.get("ref")) == (building.url, building.ref)
    if not (same and stage.is_dir() and git_folder(stage)):
        discard(building.stage, building.gitdir)
    stage.mkdir(parents=True, exist_ok=True)
    gitdir.mkdir(parents=True, exist_ok=True)
    me = {"pid": os.getpid(), "created": created(os.getpid())}
    write_marker(gitdir, **me, url=building.url, ref=building.ref, name=building.name)
    for lock in (*gitdir.glob("*.lock"), *gitdir.glob("refs/**/*.lock")):
        lock.unlink(missing_ok=True)  # ours: whoever held it was ended with its launcher
    apart = [f"--separate-git-dir={gitdir}"] if building.name else []
    _told(git, building, "init", "-q", "--template=", *apart, str(stage), cwd=stage.parent)
    _told(git, building, "config", "remote.origin.url", building.url)
    if git.longpaths:
        _told(git, building, "config", "core.longpaths", "true")


def _fetch(git: Git, building: Building, report: Report) -> None:
    """The commit, looked at, and its files."""
    if (read_marker(building.gitdir) or {}).get("fetched"):
        return
    stage, url = building.stage, building.url
    report(Progress(f"asking {url}"))
    ref = find_ref(git, url, building.ref, stage)
    if ref.name:
        _told(git, building, "config", "remote.origin.fetch", ref.refspec)
    partial = ["--filter=blob:none"] if git.version >= _STDIN else []
    text = f"fetching {building.ref}"
    arguments = ["fetch", "--progress", "--depth=1", *partial, "--no-tags", "origin", ref.refspec]
    ended = git.run(*arguments, cwd=stage, listener=GitProgress(report, text))
    if not ended.ok:
        raise failure(ended, f"Fetching {building.ref} from {url}", url, "PML403")
    commit = _commit(git, stage, ref)
    _refuse_others(git, building, commit)
    _fetch_missing(git, building, commit, GitProgress(report, text))
    write_marker(building.gitdir, fetched=True, commit=commit)


def _commit(git: Git, stage: Path, ref: Ref) -> str:
    commit = git.ask("rev-parse", "--verify", "-q", f"{ref.kept}^{{commit}}", cwd=stage)
    if commit is None:
        raise PmlaunchError("PML409", f"git fetched {ref.kept} and does not know it.", subject=ref.kept)
    return commit


def _refuse_others(git: Git, building: Building, commit: str) -> None:
    """Raise PML404 unless the commit's directory has a program of ProtoMotions."""
    if not git.ask("ls-tree", "--name-only", commit, "--", *_PROGRAMS, cwd=building.stage):
        raise PmlaunchError(
            "PML404",
            f"{building.url} is no ProtoMotions: {building.ref} has neither {_PROGRAMS[0]} nor {_PROGRAMS[1]}.",
            hint="--source https://github.com/NVlabs/ProtoMotions",
            subject=building.url,
        )


def _fetch_missing(git: Git, building: Building, commit: str, listener: Callable[[bytes], None]) -> None:
    """The objects that the first fetch left out; none where the source could not leave them out.

    git would fetch them by itself when it checks them out, but says nothing meanwhile.
    """
    told = git.ask("rev-list", "--objects", "--missing=print", "--no-object-names", commit, cwd=building.stage)
    missing = [line[1:] for line in (told or "").splitlines() if line.startswith("?")]
    if not missing:
        return
    listing = building.gitdir / "pmlaunch-missing.txt"
    listing.write_text("\n".join(missing) + "\n", encoding="ascii", newline="\n")
    arguments = ["fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"]
    ended = git.run(
        *arguments, "--filter=blob:none", "--stdin", "origin",
        cwd=building.stage, settings=["fetch.negotiationAlgorithm=noop"], listener=listener,
        more=RunOptions(stdin=listing),
    )  # fmt: skip
    listing.unlink(missing_ok=True)
    if not ended.ok:
        raise failure(ended, f"Fetching the files of {building.ref} from {building.url}", building.url, "PML403")


def _check_out(git: Git, building: Building, report: Report) -> None:
    """The files, LFS ones as pointers. The commit stays detached: it is a pinned one, not a branch to work on."""
    stage = building.stage
    commit = str((read_marker(building.gitdir) or {})["commit"])
    ended = git.run(
        "checkout", "--progress", "--force", "--detach", commit,
        cwd=stage, settings=NO_LFS, listener=GitProgress(report, "writing the files"),
    )  # fmt: skip
    if not ended.ok:
        raise failure(ended, f"Writing the files of {building.ref}", str(stage))
    if generation_of(stage) is None or git.ask("ls-files", "--deleted", cwd=stage) != "":
        raise PmlaunchError(
            "PML409",
            f"git checked out {building.ref}, but files are missing. git's output: {ended.log}",
            subject=str(stage),
        )


def _move(building: Building) -> None:
    """Into place, in one step; over an empty folder, never over anything else."""
    with contextlib.suppress(FileNotFoundError):
        building.folder.rmdir()
    for attempt in range(10):
        try:
            building.stage.rename(building.folder)
            return
        except PermissionError:
            if os.name != "nt" or attempt == 9:  # a virus scanner holds the new files for a moment
                raise
            time.sleep(0.1 * (attempt + 1))


def _told(git: Git, building: Building, *arguments: str, cwd: Path | None = None) -> None:
    ended = git.tell(*arguments, cwd=cwd or building.stage)
    if not ended.ok:
        raise failure(ended, f"git {arguments[0]}", str(building.stage))
