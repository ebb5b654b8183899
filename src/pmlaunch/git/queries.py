"""Read-only questions about a repository: from its files where possible, otherwise from git."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pmlaunch.git.safety import (
    FILTERS,
    NO_HOOKS,
    SETTINGS,
    confined_to,
    git_folder,
    may_filter,
    options,
    safe_environment,
    without_filters,
)

_TIMEOUT = 15.0  # seconds
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class Head:
    """What is checked out: the commit in hex, its branch (None if detached), and the tags at that commit."""

    commit: str | None
    branch: str | None
    tags: tuple[str, ...]


def read_head(root: Path) -> Head | None:
    """What is checked out at `root`; None if that is not a repository. Handles packed refs, submodules and worktrees."""
    folder = git_folder(root)
    text = _line(folder / "HEAD") if folder else None
    if folder is None or text is None:
        return None
    common = _common(folder)
    packed = _packed(common)
    ref = text.removeprefix("ref:").strip() if text.startswith("ref:") else None
    commit = (_line(folder / ref) or _line(common / ref) or packed.get(ref)) if ref else text
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
        places.insert(0, _common(folder) / "config")
    for place in places:
        value = _value(place, section, key)
        if value is not None:
            return value
    return None


def ask_git(environment: Mapping[str, str], *arguments: str, folder: Path | None = None) -> tuple[int, str] | None:
    """(exit code, output) of a short git command; None if git cannot be started or hangs.

    Runs no monitor, hook or filter that the repository's configuration names, and does not use a repository
    above `folder`.
    """
    settings: tuple[str, ...] = ()
    confined = confined_to(folder) if folder else {}
    if folder and may_filter(arguments):
        configured = query(environment, FILTERS, folder, confined)
        if configured is None:
            return None
        filters = without_filters(configured.stdout)
        if filters is None:
            return 1, "the repository's configuration names a filter that cannot be switched off"
        settings = filters
    done = query(environment, [*options(*settings), *arguments], folder, confined)
    if done is None:
        return None
    output = done.stdout if done.returncode == 0 else done.stdout + done.stderr
    return done.returncode, output.decode("utf-8", "replace")


def query(
    environment: Mapping[str, str],
    arguments: Sequence[str],
    folder: Path | None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[bytes] | None:
    """Run one git command that reads: no locks, no downloads, no prompts, no hooks. None if it cannot be started or hangs.

    Unlike `ask_git`, it leaves filters on: only for commands that use none.
    """
    place = ["-C", str(folder)] if folder else []
    command = ["git", *place, *options(*SETTINGS, NO_HOOKS), *arguments]
    own = {**safe_environment(environment), "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", **variables}
    try:
        return subprocess.run(
            command, env=own, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _common(folder: Path) -> Path:
    """The main repository's folder, which holds branches, tags and configuration; differs in a worktree."""
    common = _line(folder / "commondir")
    return folder / common if common else folder


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _packed(common: Path) -> dict[str, str]:
    """Ref -> commit from packed-refs; for an annotated tag the commit, not the tag object."""
    refs: dict[str, str] = {}
    last = ""
    for line in (_line(common / "packed-refs") or "").splitlines():
        if line.startswith("^"):
            refs[last] = line[1:]
        elif not line.startswith("#"):
            commit, _, last = line.partition(" ")
            refs[last] = commit
    return refs


def _tags(common: Path, packed: Mapping[str, str], commit: str) -> tuple[str, ...]:
    """Tags at `commit`, except annotated ones that are not packed: those need git's object store."""
    loose = {path.name for path in (common / "refs" / "tags").glob("*") if _line(path) == commit}
    named = {ref.removeprefix("refs/tags/") for ref, of in packed.items() if ref.startswith("refs/tags/")}
    return tuple(sorted(loose | {name for name in named if packed[f"refs/tags/{name}"] == commit}))


def _value(path: Path, section: str, key: str) -> str | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    inside, found = False, None
    for line in text.splitlines():
        heading = re.match(r'\s*\[\s*([\w.-]+)(?:\s+"(.*)")?\s*\]', line)
        if heading:
            inside = ".".join(part for part in heading.groups() if part).lower() == section.lower()
        elif (
            inside and (pair := re.match(r"\s*([\w-]+)\s*(?:=\s*(.*?))?\s*$", line)) and pair[1].lower() == key.lower()
        ):
            found = pair[2] if pair[2] is not None else "true"
    return found
