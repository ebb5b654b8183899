"""A checkout in a git repository of the user's becomes its submodule: noted in .gitmodules and in the index.

Nothing is committed: that is the user's to do. Every step may be done twice.
"""

from __future__ import annotations

import os
from pathlib import Path

from pmlaunch.git.failures import failure
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import Around, read_marker
from pmlaunch.support.atomic import write_text


def free_name(wanted: Around) -> str:
    """A name for the submodule whose repository's place is free: the path, as git does it, or path-2, path-3."""
    if wanted.name:
        return wanted.name
    name, number = wanted.path, 1
    while (wanted.modules / name).exists() and read_marker(wanted.modules / name) is None:
        number += 1
        name = f"{wanted.path}-{number}"
    return name


def register(git: Git, repository: Around, folder: Path, gitdir: Path, name: str, url: str) -> None:
    """Make the checkout at `folder` the submodule `name`. Raises PML409."""
    _connect(git, folder, gitdir)
    # repository.path is not always what it is called here: git resolves symbolic links
    noted = repository.name == name and repository.pinned is not None
    arguments = ["submodule", "init", "--", repository.path]
    if not noted:
        arguments = ["submodule", "add", "--force", "--name", name, "--", url, repository.path]
    ended = git.tell(*arguments, cwd=repository.root)
    if not ended.ok:
        raise failure(ended, f"Noting {repository.path} as a submodule of {repository.root}", str(repository.root))


def _connect(git: Git, folder: Path, gitdir: Path) -> None:
    """Checkout and repository know each other by relative paths, so that the whole may be moved."""
    real, home = Path(os.path.realpath(folder)), Path(os.path.realpath(gitdir))
    write_text(folder / ".git", f"gitdir: {Path(os.path.relpath(home, real)).as_posix()}\n")
    ended = git.tell("config", "core.worktree", Path(os.path.relpath(real, home)).as_posix(), cwd=folder)
    if not ended.ok:
        raise failure(ended, "Connecting the submodule with its repository", str(folder))


def restore(git: Git, repository: Around) -> None:
    """A submodule whose files were removed (`git submodule deinit`): git has its repository still. Raises PML409."""
    ended = git.run(
        "submodule", "update", "--init", "--force", "--", repository.path,
        cwd=repository.root, settings=["protocol.file.allow=always"],
    )  # fmt: skip
    if not ended.ok:
        raise failure(ended, f"Restoring the submodule {repository.path}", str(repository.root))
