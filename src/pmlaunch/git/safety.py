"""How git is asked safely: in the repository that is meant, and with nothing run that a repository's own files name.

A checkout may come from anywhere. Its configuration can name programs that even `git status` would start: a hook, a
file watcher, a filter. All callers of git take their environment and their settings from here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

# Where the environment names a repository (a git hook does so), every command would work on that one.
FOREIGN = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_CONFIG",
    "GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_REPLACE_REF_BASE",
)  # fmt: skip
SETTINGS = ("core.fsmonitor=false", "protocol.ext.allow=never", "submodule.recurse=false")
"""No file watcher, no remote helper, no submodule of a submodule."""
NO_HOOKS = f"core.hooksPath={os.devnull}"
FILTERS = ("config", "-z", "--get-regexp", r"^(filter|lfs\.extension)\..*\.(clean|smudge|process)$")
"""The question whose answer `without_filters` takes."""
# These read and write no file of a work tree through a filter, so FILTERS need not be asked before them.
_UNFILTERED = frozenset(
    (
        *("cat-file", "check-ignore", "config", "fetch", "for-each-ref", "init", "ls-remote", "ls-tree", "name-rev"),
        *("rev-list", "rev-parse", "version"),
    )
)
_LFS = {"clean": "git-lfs clean -- %f", "smudge": "git-lfs smudge -- %f", "process": "git-lfs filter-process"}
_LFS_AS_INSTALLED = re.compile(r"git-lfs (?:clean|smudge(?: --skip)?|filter-process(?: --skip)?)(?: -- %f)?")


def safe_environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` without what names another repository, and with nobody asked for a password."""
    kept = {name: value for name, value in given.items() if name not in FOREIGN}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never"}


def confined_to(folder: Path) -> dict[str, str]:
    """The variable by which git takes no repository above `folder` for the one of `folder`."""
    return {"GIT_CEILING_DIRECTORIES": str(Path(os.path.realpath(folder)).parent)}


def may_filter(arguments: Sequence[str]) -> bool:
    """Whether this command could start a filter, so that FILTERS has to be asked first."""
    return bool(arguments) and not arguments[0].startswith("-") and arguments[0] not in _UNFILTERED


def without_filters(told: bytes) -> tuple[str, ...] | None:
    """Settings that switch off every filter of git's answer to FILTERS; Git LFS's own stays what Git LFS installs.

    None when one of them cannot be switched off: its name holds a "=", which `-c` takes for the end of the name.
    """
    settings: dict[str, None] = {}
    for entry in told.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        driver, _, what = key.rpartition(".")
        if not key:
            continue
        if "=" in key or not driver:
            return None
        if driver == "filter.lfs":
            if not _LFS_AS_INSTALLED.fullmatch(value):
                settings[f"{key}={_LFS[what]}"] = None
            continue
        settings[f"{key}="] = None
        if driver.startswith("filter."):  # one that is required and not there would be an error
            settings[f"{driver}.required=false"] = None
    return tuple(settings)


def options(*settings: str) -> list[str]:
    """The words with which git is given `settings` for one command."""
    return [word for setting in settings for word in ("-c", setting)]


def git_folder(root: Path) -> Path | None:
    """The repository's own folder: .git, or what the file .git of a submodule or a worktree names."""
    place = root / ".git"
    if place.is_dir():
        return place
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    named = re.match(r"gitdir:\s*(.+)", text)
    return (root / named[1].strip()) if named else None
