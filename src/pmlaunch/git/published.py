"""Whether a file in Git LFS can be had again: only then may the one that is here be given up."""

from __future__ import annotations

from pathlib import Path

from pmlaunch.git.lfs_files import LfsFile
from pmlaunch.git.runner import Git


def is_published(git: Git, root: Path, file: LfsFile, preset_sha256: str | None = None) -> bool:
    """Whether the file's content is a preset's, or its pointer stands in a commit that came from a remote.

    Such a commit is one that a remote-tracking branch holds, or one at which a shallow history ends: git makes that
    only when it fetches. A tag or a branch of this repository proves nothing, because the user may have made it.
    """
    if file.pointer.sha256 == preset_sha256:
        return True
    blob = git.ask("rev-parse", "--verify", "-q", f":{file.path}", cwd=root)
    if not blob:
        return False
    told = git.ask(
        "log", "-1", "--format=%H", f"--find-object={blob}", "--remotes", *_shallow(git, root), "--", file.path,
        cwd=root, settings=("log.showRoot=true", "log.showSignature=false"),
    )  # fmt: skip
    return bool(told)


def _shallow(git: Git, root: Path) -> list[str]:
    """The commits at which the history ends that was fetched; none in a whole history."""
    named = git.ask("rev-parse", "--git-path", "shallow", cwd=root)
    try:
        return (root / named).read_text(encoding="ascii").split() if named else []
    except (OSError, ValueError):
        return []
