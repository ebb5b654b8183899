"""What lies where a checkout is wanted, and which git repository surrounds it. Changes nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pmlaunch.generations.find import generation_of
from pmlaunch.git.runner import Git
from pmlaunch.git.safety import git_folder
from pmlaunch.installing.checkout.unfinished import Marker, read_marker
from pmlaunch.model import Generation


class Content(Enum):
    """What a folder holds."""

    NOTHING = "nothing"
    CHECKOUT = "checkout"
    OTHER = "other"


@dataclass(frozen=True)
class Location:
    """What lies in a folder: its content, and for a checkout its repository; `marker` is that of an unfinished install."""

    content: Content
    generation: Generation | None = None
    gitdir: Path | None = None
    marker: Marker | None = None


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


def look_at(folder: Path) -> Location:
    """What lies in `folder`, judged by its files."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return Location(Content.NOTHING)
    generation = generation_of(folder) if folder.is_dir() else None
    if generation is None:
        return Location(Content.OTHER)
    gitdir = git_folder(folder)
    return Location(Content.CHECKOUT, generation, gitdir, read_marker(gitdir) if gitdir else None)


def surrounding(git: Git, folder: Path) -> Surrounding | None:
    """The git repository that contains `folder` (not the one that it is itself); None if there is none."""
    start = folder.parent
    while not start.is_dir() and start != start.parent:
        start = start.parent
    output = git.ask("rev-parse", "--show-toplevel", "--show-prefix", "--git-path", "modules", cwd=start)
    lines = output.splitlines() if output else []
    if len(lines) != 3 or not lines[0]:  # a bare repository has no work tree
        return None
    root, prefix, modules = lines
    path = prefix + folder.relative_to(start).as_posix()
    ignored = git.ask("check-ignore", "-q", "--", path, cwd=Path(root)) is not None
    link = re.match(r"160000 ([0-9a-f]+) ", git.ask("ls-files", "-s", "--", path, cwd=Path(root)) or "")
    name = _submodule_name(git, Path(root), path)
    url = git.ask("config", "-f", ".gitmodules", f"submodule.{name}.url", cwd=Path(root)) if name else None
    return Surrounding(Path(root), start / modules, path, ignored, link[1] if link else None, name, url)


def _submodule_name(git: Git, root: Path, path: str) -> str | None:
    """The name of the submodule at `path` in .gitmodules."""
    output = git.ask("config", "-z", "-f", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$", cwd=root) or ""
    for entry in output.split("\0"):
        key, _, value = entry.partition("\n")
        if value == path:
            return key.removeprefix("submodule.").removesuffix(".path")
    return None
