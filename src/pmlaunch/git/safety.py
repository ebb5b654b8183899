"""Run git safely: in the intended repository, and so that nothing in that repository decides what is started or contacted.

Every start of git takes its environment and its settings from here. See settings.py for what a repository may say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.repository import Repository, find_repository
from pmlaunch.git.settings import overrides
from pmlaunch.support.paths import real_path
from pmlaunch.support.programs import find_program, search_path

# Set by git hooks, for example. With one of these every command would work on the repository it names.
FOREIGN = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_CONFIG",
    "GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_REPLACE_REF_BASE",
)  # fmt: skip
_SETTINGS = (
    *("core.fsmonitor=false", "protocol.ext.allow=never", "submodule.recurse=false", "fetch.recurseSubmodules=false"),
    *("log.showSignature=false", "maintenance.auto=false", "gc.auto=0"),
)
# No password prompts, and English messages, because some are matched. Not LC_ALL=C: that may change
# how Git for Windows passes paths to its shell scripts. A commit is what its hash says, whatever refs/replace holds.
_ALWAYS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "LANGUAGE": "en",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "NoDefaultCurrentDirectoryInExePath": "1",
}
# What git can speak without a helper program. Which of them it is may be decided by the user's own url.*.insteadOf.
_PROTOCOLS = ("file", "git", "http", "https", "ssh")


def safe_environment(given: Mapping[str, str], *, network: bool = False) -> dict[str, str]:
    """`given` for a git process: nothing in it names another repository, no prompts, messages in English.

    Without `network` git contacts nobody, not even to fetch an object that is missing in a partial clone.
    """
    kept = {name: value for name, value in given.items() if name not in FOREIGN}
    limits = given.get("GIT_ALLOW_PROTOCOL")  # the user's own
    allowed = [name for name in _PROTOCOLS if network and (limits is None or name in limits.split(":"))]
    own = {"GIT_ALLOW_PROTOCOL": ":".join(allowed) or "none", "PATH": search_path(given)}
    if not network:
        own["GIT_NO_LAZY_FETCH"] = "1"  # only git 2.44 and later heed it, but they say what is missing
    return {**kept, **_ALWAYS, **own}


def git_program(environment: Mapping[str, str]) -> str:
    """The path of git. Raises PML400 if it is not on PATH."""
    found = find_program("git", environment)
    if found is None:
        raise PmlaunchError("PML400", "There is no git on PATH.", hint="install git: https://git-scm.com")
    return found


def lfs_program(environment: Mapping[str, str]) -> str | None:
    """The path of git-lfs: on PATH, or among git's own programs. None if it is not installed."""
    git = find_program("git", environment)
    root = Path(git).parent.parent if git else Path()
    own = [root / name / "git-core" for name in ("lib", "libexec")] if git else []
    beside = [root / name / "bin" for name in ("mingw64", "clangarm64", "mingw32")] if git else []
    return find_program("git-lfs", environment, *own) or find_program("git-lfs.exe", {"PATH": ""}, *beside)


@dataclass(frozen=True)
class Confinement:
    """How to start git in a folder: the settings to override, and the variables that keep it in its repository."""

    repository: Repository | None
    settings: tuple[str, ...]
    variables: Mapping[str, str]


def confine(git: str, folder: Path, environment: Mapping[str, str], *, above: bool = True) -> Confinement:
    """Examine the repository that git would use in `folder`; with `above` that of a folder above is one, too.

    Raises PML140, PML141 and PML142 if git cannot be started there safely.
    """
    repository = find_repository(folder, above=above)
    highest = repository.root if repository else real_path(folder)
    variables = {"GIT_CEILING_DIRECTORIES": str(highest.parent)}
    settings = overrides(git, repository, environment) if repository else ()
    return Confinement(repository, (*settings, *_SETTINGS), variables)


def options(*settings: str) -> list[str]:
    """The command-line options that apply `settings` to one git command."""
    return [word for setting in settings for word in ("-c", setting)]
