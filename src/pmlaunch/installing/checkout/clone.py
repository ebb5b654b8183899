"""Clone a checkout in a temporary folder beside its place and move it there: it is complete or absent.

Fetched is one commit without history (--depth 1): first only its tree, which shows whether this is ProtoMotions at all,
then the files (--filter=blob:none, if the source supports it). Checkpoints stay pointers. An interrupted clone is removed
and begun again by the next install.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.failures import failure
from pmlaunch.git.progress import GitProgress, Progress, Reporter
from pmlaunch.git.runner import NO_LFS, Git, RunOptions, cannot_write
from pmlaunch.installing.checkout.source import Ref, find_ref
from pmlaunch.installing.checkout.unfinished import (
    Marker,
    refuse_foreign,
    refuse_if_at_work,
    remove_leftover,
    write_marker,
)

_PROGRAMS = ("protomotions/eval_agent.py", "protomotions/inference_agent.py")
_STDIN = (2, 29)  # the first git that takes the objects to fetch one by one


@dataclass(frozen=True)
class CloneOrder:
    """A clone to be made: of `ref` at `url` in `folder`, to become the submodule `submodule` if that is a name."""

    folder: Path
    url: str
    ref: str
    submodule: str | None = None

    @property
    def temporary(self) -> Path:
        """The folder beside, in which the clone is made."""
        return self.folder.with_name(f".{self.folder.name}.pmlaunch")

    @property
    def gitdir(self) -> Path:
        """The repository of the clone while it is made."""
        return self.temporary / ".git"


def refuse_clone(order: CloneOrder) -> None:
    """Raise PML408 if another install makes this clone, PML406 if its temporary folder is a user's."""
    refuse_if_at_work(order.gitdir, order.folder)
    refuse_foreign(order.temporary)


def clone(git: Git, order: CloneOrder, report: Reporter) -> None:
    """Fetch, check out and move into place. The marker stays in the repository until the caller has registered it.

    Raises PML402 to PML406, PML408, PML409, PML422; nothing is left behind then.
    """
    refuse_clone(order)
    try:
        remove_leftover(order.temporary)
        order.gitdir.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(order.folder.parent, error) from error
    try:
        _initialise(git, order)
        commit = _fetch(git, order, report)
        _check_out(git, order, commit, report)
        _move(order)
    except OSError as error:
        raise cannot_write(order.folder.parent, error) from error
    finally:
        remove_leftover(order.temporary)


def _initialise(git: Git, order: CloneOrder) -> None:
    """An empty repository with its marker. The marker comes first, so that a kill leaves nothing unrecognised."""
    write_marker(order.gitdir, Marker.of_this_process(order.url, order.submodule))
    _run(git, order, "init", "-q", "--template=", str(order.temporary), cwd=order.temporary.parent)
    _run(git, order, "config", "remote.origin.url", order.url)
    if git.longpaths:
        _run(git, order, "config", "core.longpaths", "true")


def _fetch(git: Git, order: CloneOrder, report: Reporter) -> str:
    """Fetch the commit, make sure that it is ProtoMotions, and fetch its files; return the commit."""
    report.progress(Progress(f"asking {order.url}"))
    ref = find_ref(git, order.url, order.ref, order.temporary)
    if ref.name:
        _run(git, order, "config", "remote.origin.fetch", ref.refspec)
    partial = ["--filter=blob:none"] if git.version >= _STDIN else []
    listener = GitProgress(report.progress, f"fetching {order.ref}")
    arguments = ["fetch", "--progress", "--depth=1", *partial, "--no-tags", "origin", ref.refspec]
    ended = git.run(*arguments, cwd=order.temporary, listener=listener)
    if not ended.ok:
        raise failure(ended, f"Fetching {order.ref} from {order.url}", order.url, "PML403")
    commit = _commit_of(git, order, ref)
    _refuse_other_programs(git, order, commit)
    _fetch_missing(git, order, commit, listener)
    return commit


def _commit_of(git: Git, order: CloneOrder, ref: Ref) -> str:
    commit = git.ask("rev-parse", "--verify", "-q", f"{ref.kept}^{{commit}}", cwd=order.temporary)
    if commit is None:
        raise PmlaunchError("PML409", f"git fetched {ref.kept} and does not know it.", subject=ref.kept)
    return commit


def _refuse_other_programs(git: Git, order: CloneOrder, commit: str) -> None:
    """Raise PML404 unless the commit contains a program of ProtoMotions."""
    if not git.ask("ls-tree", "--name-only", commit, "--", *_PROGRAMS, cwd=order.temporary):
        raise PmlaunchError(
            "PML404",
            f"{order.url} is no ProtoMotions: {order.ref} has neither {_PROGRAMS[0]} nor {_PROGRAMS[1]}.",
            hint="--source https://github.com/NVlabs/ProtoMotions",
            subject=order.url,
        )


def _fetch_missing(git: Git, order: CloneOrder, commit: str, listener: GitProgress) -> None:
    """Fetch the objects that the first fetch left out; none if the source could not leave them out.

    git would fetch them by itself during the checkout, but without reporting progress.
    """
    output = git.ask("rev-list", "--objects", "--missing=print", "--no-object-names", commit, cwd=order.temporary)
    missing = [line[1:] for line in (output or "").splitlines() if line.startswith("?")]
    if not missing:
        return
    listing = order.gitdir / "pmlaunch-missing.txt"
    listing.write_text("\n".join(missing) + "\n", encoding="ascii", newline="\n")
    arguments = ["fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"]
    ended = git.run(
        *arguments, "--filter=blob:none", "--stdin", "origin",
        cwd=order.temporary, settings=["fetch.negotiationAlgorithm=noop"], listener=listener,
        more=RunOptions(stdin=listing),
    )  # fmt: skip
    listing.unlink(missing_ok=True)
    if not ended.ok:
        raise failure(ended, f"Fetching the files of {order.ref} from {order.url}", order.url, "PML403")


def _check_out(git: Git, order: CloneOrder, commit: str, report: Reporter) -> None:
    """Write the files, those in LFS as pointers. HEAD is detached: this is a pinned commit, not a branch to work on."""
    ended = git.run(
        "checkout", "--progress", "--force", "--detach", commit,
        cwd=order.temporary, settings=NO_LFS, listener=GitProgress(report.progress, "writing the files"),
    )  # fmt: skip
    if not ended.ok:
        raise failure(ended, f"Writing the files of {order.ref}", str(order.temporary))
    if generation_of(order.temporary) is None or git.ask("ls-files", "--deleted", cwd=order.temporary) != "":
        raise PmlaunchError(
            "PML409",
            f"git checked out {order.ref}, but files are missing. git's output: {ended.log}",
            subject=str(order.temporary),
        )


def _move(order: CloneOrder) -> None:
    """Move into place in one step, over an empty folder at most."""
    with contextlib.suppress(FileNotFoundError):
        order.folder.rmdir()
    for attempt in range(10):
        try:
            order.temporary.rename(order.folder)
            return
        except PermissionError:
            if os.name != "nt" or attempt == 9:  # a virus scanner may hold new files for a moment
                raise
            time.sleep(0.1 * (attempt + 1))


def _run(git: Git, order: CloneOrder, *arguments: str, cwd: Path | None = None) -> None:
    ended = git.tell(*arguments, cwd=cwd or order.temporary)
    if not ended.ok:
        raise failure(ended, f"git {arguments[0]}", str(order.temporary))
