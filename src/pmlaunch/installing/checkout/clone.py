"""Clone a checkout in a temporary folder beside its final path, then move it there, so it is complete or absent.

Only one commit is fetched, without history (--depth 1): first its tree, to check that this is ProtoMotions at all, then
the files (--filter=blob:none, if the source supports it). Checkpoints stay pointers. The next install removes an
interrupted clone and begins again.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.failures import check, writing
from pmlaunch.git.progress import GitProgress, Progress, Reporter
from pmlaunch.git.runner import NO_LFS, Git
from pmlaunch.installing.checkout.location import (
    Marker,
    refuse_foreign,
    refuse_if_at_work,
    remove_leftover,
    write_marker,
)
from pmlaunch.installing.checkout.source import DEFAULT_SOURCE, find_ref, refuse_moved
from pmlaunch.processes.child import created
from pmlaunch.support.atomic import move

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
        """The folder in which the clone is made."""
        return self.folder.with_name(f".{self.folder.name}.pmlaunch")

    @property
    def gitdir(self) -> Path:
        """The clone's repository until it is moved."""
        return self.temporary / ".git"


def refuse_clone(order: CloneOrder) -> None:
    """Raise PML408 if another install makes this clone, PML406 if its temporary folder is a user's."""
    refuse_if_at_work(order.gitdir, order.folder)
    refuse_foreign(order.temporary)


def clone(git: Git, order: CloneOrder, report: Reporter) -> None:
    """Fetch, check out and move into place. The marker stays in the repository until the caller has registered it.

    Raises PML144, PML402 to PML406, PML408, PML409, PML422; nothing is left behind then.
    """
    refuse_clone(order)
    with writing(order.folder.parent):
        remove_leftover(order.temporary)
        order.gitdir.mkdir(parents=True)
        try:
            inside = git.at(order.temporary)
            _initialise(inside, order)
            commit = _fetch(inside, order, report)
            _check_out(inside, order, commit, report)
            _move(order)
        finally:
            remove_leftover(order.temporary)


def _initialise(git: Git, order: CloneOrder) -> None:
    """An empty repository with its marker. The marker comes first: after a kill, what is left can be recognised."""
    write_marker(order.gitdir, Marker(os.getpid(), created(os.getpid()) or 0.0, order.url, order.submodule))
    _run(git, "init", "-q", "--template=", str(order.temporary))
    _run(git, "config", "remote.origin.url", order.url)
    if git.longpaths:
        _run(git, "config", "core.longpaths", "true")


def _fetch(git: Git, order: CloneOrder, report: Reporter) -> str:
    """Fetch the commit, make sure that it is ProtoMotions, and fetch its files; return the commit."""
    report.progress(Progress(f"asking {order.url}"))
    ref = find_ref(git, order.url, order.ref)
    if ref.name:
        _run(git, "config", "remote.origin.fetch", ref.refspec)
    partial = ["--filter=blob:none"] if git.version >= _STDIN else []
    watcher = GitProgress(report.progress, f"fetching {order.ref}")
    arguments = ["fetch", "--progress", "--depth=1", *partial, "--no-tags", "origin", ref.refspec]
    check(
        git.online.run(*arguments, watcher=watcher),
        f"Fetching {order.ref} from {order.url}",
        order.url,
        "PML403",
    )
    commit = git.ask("rev-parse", "--verify", "-q", f"{ref.kept}^{{commit}}")
    if commit is None:
        raise PmlaunchError("PML409", f"git fetched {ref.kept} but does not know it.", subject=ref.kept)
    refuse_moved(order.ref, order.url, commit)
    if not git.ask("ls-tree", "--name-only", commit, "--", *_PROGRAMS):
        message = f"{order.url} is not ProtoMotions: {order.ref} has neither {_PROGRAMS[0]} nor {_PROGRAMS[1]}."
        raise PmlaunchError("PML404", message, subject=order.url).retrying({"--source": DEFAULT_SOURCE})
    _fetch_missing(git, order, commit, watcher)
    return commit


def _fetch_missing(git: Git, order: CloneOrder, commit: str, watcher: GitProgress) -> None:
    """Fetch the objects that the first fetch left out; none if the source could not leave them out.

    git would fetch them itself during the checkout, but would not report progress.
    """
    output = git.ask("rev-list", "--objects", "--missing=print", "--no-object-names", commit)
    missing = [line[1:] for line in (output or "").splitlines() if line.startswith("?")]
    if not missing:
        return
    listing = order.gitdir / "pmlaunch-missing.txt"
    listing.write_text("\n".join(missing) + "\n", encoding="ascii", newline="\n")
    fetch = ["fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"]
    fetch += ["--filter=blob:none", "--stdin", "origin"]
    noop = ["fetch.negotiationAlgorithm=noop"]
    ended = git.online.run(*fetch, settings=noop, watcher=watcher, stdin=listing)
    listing.unlink(missing_ok=True)
    check(ended, f"Fetching the files of {order.ref} from {order.url}", order.url, "PML403")


def _check_out(git: Git, order: CloneOrder, commit: str, report: Reporter) -> None:
    """Write the files, those in LFS as pointers. HEAD is detached: this is a pinned commit, not a branch to work on."""
    watcher = GitProgress(report.progress, "writing the files")
    ended = git.run("checkout", "--progress", "--force", "--detach", commit, settings=NO_LFS, watcher=watcher)
    check(ended, f"Writing the files of {order.ref}", str(order.temporary))
    if generation_of(order.temporary) is None or git.ask("ls-files", "--deleted") != "":
        message = f"git checked out {order.ref}, but files are missing. git's output: {ended.log}"
        raise PmlaunchError("PML409", message, subject=str(order.temporary))


def _move(order: CloneOrder) -> None:
    """Move into place in one step, over an empty folder at most."""
    with contextlib.suppress(FileNotFoundError):
        order.folder.rmdir()
    move(order.temporary, order.folder, patience=4.5)  # a virus scanner may hold new files for a moment


def _run(git: Git, *arguments: str) -> None:
    check(git.tell(*arguments), f"git {arguments[0]}", str(git.folder))
