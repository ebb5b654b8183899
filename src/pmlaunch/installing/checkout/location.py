"""What lies where a checkout is wanted, and in which git repository that is. Looks; changes nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.generations.find import generation_of
from pmlaunch.git.runner import Git
from pmlaunch.git.safety import git_folder
from pmlaunch.model import Generation
from pmlaunch.support.atomic import write_text

_MARKER = "pmlaunch-install.json"


@dataclass(frozen=True)
class Around:
    """The git repository around a folder: its `root`, where it keeps its submodules' repositories, and the folder's
    `path` in it. `pinned` is the commit that it holds for a submodule there, `name` and `url` what .gitmodules says.
    """

    root: Path
    modules: Path
    path: str
    ignored: bool
    pinned: str | None = None
    name: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Place:
    """What lies in a folder: "absent" (or empty), "checkout" or "other". `marker` is that of an unfinished install."""

    state: str
    generation: Generation | None = None
    gitdir: Path | None = None
    marker: Mapping[str, Any] | None = None


def look_at(folder: Path) -> Place:
    """What lies in `folder`, told from its files."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return Place("absent")
    generation = generation_of(folder) if folder.is_dir() else None
    if generation is None:
        return Place("other")
    gitdir = git_folder(folder)
    return Place("checkout", generation, gitdir, read_marker(gitdir) if gitdir else None)


def read_marker(gitdir: Path) -> Mapping[str, Any] | None:
    """What an install that is building, or was building, this repository has noted in it."""
    try:
        document = json.loads((gitdir / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def marker_of(gitdir: Path) -> Path:
    """Where that is noted."""
    return gitdir / _MARKER


def write_marker(gitdir: Path, **facts: Any) -> None:
    """Note `facts` beside those that are there already. Raises OSError."""
    write_text(gitdir / _MARKER, json.dumps({**(read_marker(gitdir) or {}), **facts}) + "\n")


def remove_marker(gitdir: Path) -> None:
    (gitdir / _MARKER).unlink(missing_ok=True)


def around(git: Git, folder: Path) -> Around | None:
    """The git repository that `folder` lies in (not the one that it is); None when there is none."""
    start = folder.parent
    while not start.is_dir() and start != start.parent:
        start = start.parent
    told = git.ask("rev-parse", "--show-toplevel", "--show-prefix", "--git-path", "modules", cwd=start)
    if told is None:
        return None
    lines = told.splitlines()
    if len(lines) != 3 or not lines[0]:  # a bare repository has no work tree
        return None
    root, prefix, modules = lines
    path = prefix + folder.relative_to(start).as_posix()
    ignored = git.ask("check-ignore", "-q", "--", path, cwd=Path(root)) is not None
    link = re.match(r"160000 ([0-9a-f]+) ", git.ask("ls-files", "-s", "--", path, cwd=Path(root)) or "")
    name = _name_of(git, Path(root), path)
    url = git.ask("config", "-f", ".gitmodules", f"submodule.{name}.url", cwd=Path(root)) if name else None
    return Around(Path(root), start / modules, path, ignored, link[1] if link else None, name, url)


def _name_of(git: Git, root: Path, path: str) -> str | None:
    """The name under which .gitmodules has `path`."""
    told = git.ask("config", "-z", "-f", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$", cwd=root) or ""
    for entry in told.split("\0"):
        key, _, value = entry.partition("\n")
        if value == path:
            return key.removeprefix("submodule.").removesuffix(".path")
    return None
