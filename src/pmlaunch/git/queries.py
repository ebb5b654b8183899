"""Read-only questions about a repository: from its files where possible, otherwise from git."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.git.process import neutral_folder, run_git
from pmlaunch.git.repository import common_folder, git_folder, refuse_links, small_text
from pmlaunch.git.safety import confine, options, safe_environment
from pmlaunch.support.programs import find_program

if TYPE_CHECKING:
    import subprocess

_FOREIGN = re.compile(
    r"(?:dubious ownership in repository at |unsafe repository \()'(.+?)'(?:$| is owned)", re.MULTILINE
)
_NO_HOOKS = f"core.hooksPath={os.devnull}"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class CannotTell:
    """Why a question has no answer, and the command that changes that."""

    reason: str
    hint: str | None = None


@dataclass(frozen=True)
class Head:
    """What is checked out: the commit in hex, its branch (None if detached), and the tags at that commit."""

    commit: str | None
    branch: str | None
    tags: tuple[str, ...]


def read_head(root: Path) -> Head | None:
    """What is checked out at `root`; None if that is not a repository. Handles packed refs, submodules and worktrees."""
    folder = git_folder(root)
    text = small_text(folder / "HEAD") if folder else None
    if folder is None or text is None:
        return None
    common = common_folder(folder)
    packed = _packed(common)
    ref = text.removeprefix("ref:").strip() if text.startswith("ref:") else None
    commit = (small_text(folder / ref) or small_text(common / ref) or packed.get(ref)) if ref else text
    if commit is None or not _COMMIT.fullmatch(commit):
        commit = None  # reftable, or a branch without a commit
    branch = ref.removeprefix("refs/heads/") if ref and ref != "refs/heads/.invalid" else None
    return Head(commit, branch, _tags(common, packed, commit) if commit else ())


def setting_in_files(root: Path | None, section: str, key: str, home: Path) -> str | None:
    """A value from the repository's or the user's git configuration files; None if neither has it.

    For --quick, which starts no process: includes and the system-wide file are not read.
    """
    places = [home / ".gitconfig", home / ".config" / "git" / "config"]
    folder = git_folder(root) if root else None
    if folder is not None:
        places.insert(0, common_folder(folder) / "config")
    for place in places:
        value = _value(place, section, key)
        if value is not None:
            return value
    return None


def ask_git(
    environment: Mapping[str, str], *arguments: str, folder: Path | None = None, changes: bool = False
) -> tuple[int, str] | None:
    """(exit code, output) of a short git command; None if git cannot be started or hangs.

    Does not use a repository above `folder`; without a folder it uses none at all. `changes` tells that the command
    writes. Raises PML140 to PML142 for a repository in which git cannot be started safely.
    """
    if folder and changes:
        refuse_links(folder)
    done = query(environment, arguments, folder, above=False)
    if done is None:
        return None
    output = done.stdout if done.returncode == 0 else done.stdout + done.stderr
    return done.returncode, output.decode("utf-8", "replace")


def query(
    environment: Mapping[str, str], arguments: Sequence[str], folder: Path | None, *, above: bool = True
) -> subprocess.CompletedProcess[bytes] | None:
    """Run one git command that reads: no locks, no network, no prompts, no programs that the repository names.

    Returns None if git cannot be started or hangs. With `above` the repository may be that of a folder above.

    Raises PML140 to PML142 for a repository in which git cannot be started safely.
    """
    git = find_program("git", environment)
    if git is None:
        return None
    place = folder.absolute() if folder else neutral_folder(git)
    own = safe_environment(environment)
    confinement = confine(git, place, own, above=above and folder is not None)
    command = [git, "-C", str(place), *options(*confinement.settings, _NO_HOOKS), *arguments]
    return run_git(command, {**own, **confinement.variables, "GIT_OPTIONAL_LOCKS": "0"})


def owned_by_another(output: str) -> CannotTell | None:
    """The reason and the hint if git's output says that a repository belongs to another user; else None."""
    found = _FOREIGN.search(output)
    if found is None:
        return None
    command = f'git config --global --add safe.directory "{found[1]}"'
    return CannotTell(f"{found[1]} belongs to another user, so git refuses to use it", f"if you trust it: {command}")


def why_not(done: subprocess.CompletedProcess[bytes] | None) -> CannotTell:
    """Why git did not answer a query."""
    if done is None:
        return CannotTell("git is not on PATH, or did not answer in time", "git --version")
    output = done.stderr.decode("utf-8", "replace").strip()
    words = output.splitlines()[0] if output else f"exit code {done.returncode}"
    return owned_by_another(output) or CannotTell(f"git did not answer ({words})")


def _packed(common: Path) -> dict[str, str]:
    """Ref -> commit from packed-refs; for an annotated tag the commit, not the tag object."""
    refs: dict[str, str] = {}
    last = ""
    for line in (small_text(common / "packed-refs") or "").splitlines():
        if line.startswith("^"):
            refs[last] = line[1:]
        elif not line.startswith("#"):
            commit, _, last = line.partition(" ")
            refs[last] = commit
    return refs


def _tags(common: Path, packed: Mapping[str, str], commit: str) -> tuple[str, ...]:
    """Tags at `commit`, except annotated ones that are not packed: those need git's object store."""
    loose = {path.name for path in (common / "refs" / "tags").glob("*") if small_text(path) == commit}
    named = {ref.removeprefix("refs/tags/") for ref, of in packed.items() if ref.startswith("refs/tags/")}
    return tuple(sorted(loose | {name for name in named if packed[f"refs/tags/{name}"] == commit}))


def _value(path: Path, section: str, key: str) -> str | None:
    inside, found = False, None
    for line in (small_text(path) or "").splitlines():
        heading = re.match(r'\s*\[\s*([\w.-]+)(?:\s+"(.*)")?\s*\]', line)
        if heading:
            inside = ".".join(part for part in heading.groups() if part).lower() == section.lower()
        elif (
            inside and (pair := re.match(r"\s*([\w-]+)\s*(?:=\s*(.*?))?\s*$", line)) and pair[1].lower() == key.lower()
        ):
            found = pair[2] if pair[2] is not None else "true"
    return found
