"""Run git safely: in the intended repository, without starting any program that the repository's files name.

A checkout may come from anywhere, and its configuration can name programs that even `git status` would start: hooks,
a file watcher, filters. Every call of git takes its environment and its settings from here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

# Set by git hooks, for example. With one of these every command would work on the repository it names.
FOREIGN = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_CONFIG",
    "GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_REPLACE_REF_BASE",
)  # fmt: skip
SETTINGS = ("core.fsmonitor=false", "protocol.ext.allow=never", "submodule.recurse=false")
"""No file watcher, no remote helper, no nested submodules."""
NO_HOOKS = f"core.hooksPath={os.devnull}"
FILTERS = ("config", "-z", "--get-regexp", r"^(filter|lfs\.extension)\..*\.(clean|smudge|process)$")
"""The git command whose output `without_filters` takes."""
# These never pass a file of the work tree through a filter, so FILTERS need not be queried first.
_UNFILTERED = frozenset(
    (
        *("cat-file", "check-ignore", "config", "fetch", "for-each-ref", "init", "ls-remote", "ls-tree", "name-rev"),
        *("rev-list", "rev-parse", "version"),
    )
)
_LFS = {"clean": "git-lfs clean -- %f", "smudge": "git-lfs smudge -- %f", "process": "git-lfs filter-process"}
_LFS_AS_INSTALLED = re.compile(r"git-lfs (?:clean|smudge(?: --skip)?|filter-process(?: --skip)?)(?: -- %f)?")
# Nobody is asked for a password, and messages are in English, because some are matched. Not LC_ALL=C: that may change
# how Git for Windows passes paths to its shell scripts.
_ALWAYS = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "LANGUAGE": "en"}


def safe_environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` for a git process: nothing in it names another repository, no prompts, messages in English."""
    return {**{name: value for name, value in given.items() if name not in FOREIGN}, **_ALWAYS}


def confined_to(folder: Path) -> dict[str, str]:
    """The variable that stops git from using a repository above `folder`."""
    return {"GIT_CEILING_DIRECTORIES": str(Path(os.path.realpath(folder)).parent)}


def may_filter(arguments: Sequence[str]) -> bool:
    """Whether this git command could start a filter, so that FILTERS must be queried first."""
    return bool(arguments) and not arguments[0].startswith("-") and arguments[0] not in _UNFILTERED


def without_filters(configured: bytes) -> tuple[str, ...] | None:
    """Settings that disable every filter in the output of FILTERS; Git LFS's own are reset to what Git LFS installs.

    None if one cannot be disabled: its name contains "=", which `-c` takes for the end of the name.
    """
    settings: dict[str, None] = {}
    for entry in configured.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        driver, _, kind = key.rpartition(".")
        if not key:
            continue
        if "=" in key or not driver:
            return None
        if driver == "filter.lfs":
            if not _LFS_AS_INSTALLED.fullmatch(value):
                settings[f"{key}={_LFS[kind]}"] = None
            continue
        settings[f"{key}="] = None
        if driver.startswith("filter."):  # a required filter that is missing would be an error
            settings[f"{driver}.required=false"] = None
    return tuple(settings)


def options(*settings: str) -> list[str]:
    """The command-line options that apply `settings` to one git command."""
    return [word for setting in settings for word in ("-c", setting)]


def git_folder(root: Path) -> Path | None:
    """The repository's own folder: .git, or the folder that the .git file of a submodule or worktree names."""
    place = root / ".git"
    if place.is_dir():
        return place
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    named = re.match(r"gitdir:\s*(.+)", text)
    return (root / named[1].strip()) if named else None
