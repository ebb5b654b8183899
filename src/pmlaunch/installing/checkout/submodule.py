"""Make a clone inside a user's git repository a submodule of it: recorded in .gitmodules and in the index.

Nothing is committed; that is up to the user. Every function may be called again after an interruption.
"""

from __future__ import annotations

from pathlib import Path

from pmlaunch.git.failures import failure
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import Surrounding
from pmlaunch.installing.checkout.unfinished import Marker
from pmlaunch.processes.supervise import ChildResult


def free_name(repository: Surrounding) -> str:
    """The submodule's name: the recorded one, else its path as git does it, or path-2, path-3 if that is taken."""
    if repository.name:
        return repository.name
    name, number = repository.path, 1
    while (repository.modules / name).exists():
        number += 1
        name = f"{repository.path}-{number}"
    return name


def register(git: Git, repository: Surrounding, marker: Marker) -> None:
    """Record the clone as the submodule that `marker` names, and move its repository into that of `repository`.

    Clone and repository refer to each other by relative paths, so the whole may be moved. Raises PML409.
    """
    # repository.path may differ from the path in our request: git resolves symbolic links
    path = repository.path
    if repository.name == marker.name and repository.pinned is not None:
        arguments = ["submodule", "init", "--", path]
    else:
        arguments = ["submodule", "add", "--force", "--name", str(marker.name), "--", marker.url, path]
    for command in (arguments, ["submodule", "absorbgitdirs", "--", path]):
        ended = git.tell(*command, cwd=repository.root)
        _check(ended, f"Noting {path} as a submodule of {repository.root}", repository.root)


def restore(git: Git, repository: Surrounding) -> None:
    """Check out a submodule whose files were removed (`git submodule deinit`); git still has its repository.

    Raises PML409.
    """
    ended = git.run(
        "submodule", "update", "--init", "--force", "--", repository.path,
        cwd=repository.root, settings=["protocol.file.allow=always"],
    )  # fmt: skip
    _check(ended, f"Restoring the submodule {repository.path}", repository.root)


def _check(ended: ChildResult, what: str, root: Path) -> None:
    if not ended.ok:
        raise failure(ended, what, str(root))
