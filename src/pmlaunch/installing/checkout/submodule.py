"""The git repository around a checkout, and the checkout as a submodule of it.

A submodule is recorded in .gitmodules and in the index. Nothing is committed; that is up to the user. Every function may
be called again after an interruption.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.git.failures import check
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import Marker


@dataclass(frozen=True)
class Surrounding:
    """The git repository around a folder.

    `modules` is where it keeps the repositories of its submodules, `path` the folder's path in it. `pinned` is the commit
    that its index holds for a submodule at that path; `name` and `url` are the submodule's in .gitmodules.
    """

    root: Path
    modules: Path
    path: str
    ignored: bool
    pinned: str | None = None
    name: str | None = None
    url: str | None = None


def surrounding(git: Git) -> Surrounding | None:
    """The git repository that contains git's folder (not the one that it is itself); None if there is none."""
    folder = git.folder
    start = folder.parent
    while not start.is_dir() and start != start.parent:
        start = start.parent
    output = git.at(start, above=True).ask("rev-parse", "--show-toplevel", "--show-prefix", "--git-path", "modules")
    lines = output.splitlines() if output else []
    if len(lines) != 3 or not lines[0]:  # a bare repository has no work tree
        return None
    root, prefix, modules = lines
    path = prefix + folder.relative_to(start).as_posix()
    around = git.at(Path(root))
    ignored = around.ask("check-ignore", "-q", "--", path) is not None
    link = re.match(r"160000 ([0-9a-f]+) ", around.ask("ls-files", "-s", "--", path) or "")
    name = _name_in_gitmodules(around, path)
    url = around.ask("config", "-f", ".gitmodules", f"submodule.{name}.url") if name else None
    return Surrounding(Path(root), start / modules, path, ignored, link[1] if link else None, name, url)


def _name_in_gitmodules(around: Git, path: str) -> str | None:
    output = around.ask("config", "-z", "-f", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$") or ""
    for entry in output.split("\0"):
        key, _, value = entry.partition("\n")
        if value == path:
            return key.removeprefix("submodule.").removesuffix(".path")
    return None


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
    path, around = repository.path, git.at(repository.root)
    if repository.name == marker.name and repository.pinned is not None:
        arguments = ["submodule", "init", "--", path]
    else:
        arguments = ["submodule", "add", "--force", "--name", str(marker.name), "--", marker.url, path]
    for command in (arguments, ["submodule", "absorbgitdirs", "--", path]):
        what = f"Adding {path} as a submodule of {repository.root}"
        check(around.tell(*command), what, str(repository.root))


def restore(git: Git, repository: Surrounding) -> None:
    """Check out a submodule whose files were removed (`git submodule deinit`); git still has its repository.

    Raises PML409.
    """
    update = ["submodule", "update", "--init", "--force", "--", repository.path]
    # git is started in the submodule's repository as well, which may be a stranger's like any other
    settings = git.overrides_in(Path(os.path.realpath(repository.modules / str(repository.name))))
    ended = git.at(repository.root).run(*update, settings=settings)
    check(ended, f"Restoring the submodule {repository.path}", str(repository.root))
