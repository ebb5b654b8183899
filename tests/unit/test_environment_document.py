"""environment.json: the commit of the checkout, however git stores it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.running.spec import environment_document

pytestmark = pytest.mark.usefixtures("composed_at_once")
COMMIT, OTHER = "a" * 40, "b" * 40


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def detached(root: Path) -> None:
    write(root / ".git/HEAD", COMMIT)


def loose_ref(root: Path) -> None:
    write(root / ".git/HEAD", "ref: refs/heads/main")
    write(root / ".git/refs/heads/main", COMMIT)


def packed_ref(root: Path) -> None:
    write(root / ".git/HEAD", "ref: refs/heads/feature/x")
    write(
        root / ".git/packed-refs",
        f"# pack-refs with: peeled fully-peeled sorted\n{COMMIT} refs/heads/feature/x\n{OTHER} refs/heads/main",
    )


def worktree(root: Path) -> None:
    repository = root.parent / "repository/.git"
    write(root / ".git", f"gitdir: {repository / 'worktrees/w'}")
    write(repository / "HEAD", "ref: refs/heads/main")
    write(repository / "refs/heads/main", OTHER)
    write(repository / "refs/heads/w", COMMIT)
    write(repository / "worktrees/w/HEAD", "ref: refs/heads/w")
    write(repository / "worktrees/w/commondir", "../..")


def packed_worktree(root: Path) -> None:
    worktree(root)
    repository = root.parent / "repository/.git"
    (repository / "refs/heads/w").unlink()
    write(repository / "packed-refs", f"{COMMIT} refs/heads/w")


def submodule(root: Path) -> None:
    write(root / ".git", "gitdir: ../modules/protomotions")
    write(root.parent / "modules/protomotions/HEAD", COMMIT)


@pytest.mark.parametrize("layout", [detached, loose_ref, packed_ref, worktree, packed_worktree, submodule])
def test_commit_of_the_checkout(plan: Any, tmp_path: Path, layout: Any) -> None:
    layout(tmp_path / "checkout")
    document = environment_document(replace(plan().plan, cwd=tmp_path / "checkout"))
    assert document["checkout_commit"] == COMMIT


def test_no_repository(plan: Any, tmp_path: Path) -> None:
    assert environment_document(replace(plan().plan, cwd=tmp_path))["checkout_commit"] is None


def test_branch_without_a_commit(plan: Any, tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", "ref: refs/heads/main")
    assert environment_document(replace(plan().plan, cwd=tmp_path))["checkout_commit"] is None
