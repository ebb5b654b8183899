"""Queries answered from a repository's files: HEAD and settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.git.queries import Head, read_head, setting_in_files
from pmlaunch.git.repository import git_folder

ONE, TWO, TAG = "1" * 40, "2" * 40, "3" * 40


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / ".git"
    (folder / "refs" / "tags").mkdir(parents=True)
    (folder / "refs" / "heads").mkdir()
    (folder / "HEAD").write_text(f"{ONE}\n", encoding="utf-8")
    (folder / "config").write_text("[core]\n\tbare = false\n\tlongPaths = true\n", encoding="utf-8")
    return folder.parent


def test_a_detached_head(repository: Path) -> None:
    assert read_head(repository) == Head(ONE, None, ())


def test_the_head_of_a_branch(repository: Path) -> None:
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/feat/x\n", encoding="utf-8")
    assert read_head(repository) == Head(None, "feat/x", ())  # no commit yet
    (repository / ".git" / "refs" / "heads" / "feat").mkdir()
    (repository / ".git" / "refs" / "heads" / "feat" / "x").write_text(f"{TWO}\n", encoding="utf-8")
    assert read_head(repository) == Head(TWO, "feat/x", ())


def test_packed_branches_and_tags(repository: Path) -> None:
    """v2.3 is an annotated tag: packed-refs has its object first, then its commit."""
    lines = [
        "# pack-refs with: peeled fully-peeled sorted",
        f"{ONE} refs/heads/main",
        f"{TAG} refs/tags/v2.3",
        f"^{ONE}",
    ]
    lines += [f"{TWO} refs/tags/v2.2", f"{ONE} refs/tags/light"]
    (repository / ".git" / "packed-refs").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    assert read_head(repository) == Head(ONE, "main", ("light", "v2.3"))


def test_loose_tags(repository: Path) -> None:
    (repository / ".git" / "refs" / "tags" / "v2.3").write_text(ONE, encoding="utf-8")
    (repository / ".git" / "refs" / "tags" / "v2.2").write_text(TWO, encoding="utf-8")
    assert read_head(repository) == Head(ONE, None, ("v2.3",))


def test_the_head_of_a_submodule(repository: Path, tmp_path: Path) -> None:
    submodule = tmp_path / "sub"
    submodule.mkdir()
    (submodule / ".git").write_text("gitdir: ../repository/.git\n", encoding="utf-8")
    assert read_head(submodule) == Head(ONE, None, ())


def test_the_head_and_settings_of_a_worktree(repository: Path, tmp_path: Path) -> None:
    own = repository / ".git" / "worktrees" / "w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/w\n", encoding="utf-8")
    (own / "commondir").write_text("../..\n", encoding="utf-8")
    (repository / ".git" / "refs" / "heads" / "w").write_text(TWO, encoding="utf-8")
    worktree = tmp_path / "w"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {own}\n", encoding="utf-8")
    assert read_head(worktree) == Head(TWO, "w", ())
    assert setting_in_files(worktree, "core", "longpaths", tmp_path) == "true"


@pytest.mark.parametrize("content", ["", "ref: refs/heads/.invalid\n", "no commit\n"])
def test_an_unusable_head(repository: Path, content: str) -> None:
    """A repository with reftables shows `.invalid` to programs that read files."""
    (repository / ".git" / "HEAD").write_text(content, encoding="utf-8")
    head = read_head(repository)
    assert head is None or (head.commit, head.branch) == (None, None)


def test_a_folder_without_a_repository(tmp_path: Path) -> None:
    assert (git_folder(tmp_path), read_head(tmp_path)) == (None, None)


def test_settings_of_the_repository_go_before_the_user_s(repository: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    text = '[filter "lfs"]\n\tprocess = git-lfs filter-process\n\trequired\n[core]\n\tlongpaths = false\n'
    (home / ".gitconfig").write_text(text, encoding="utf-8")
    assert setting_in_files(repository, "filter.lfs", "process", home) == "git-lfs filter-process"
    assert setting_in_files(repository, "filter.lfs", "required", home) == "true"
    assert setting_in_files(repository, "core", "longpaths", home) == "true"  # the repository's own wins
    assert setting_in_files(None, "core", "longpaths", home) == "false"
    assert setting_in_files(None, "core", "editor", home) is None
