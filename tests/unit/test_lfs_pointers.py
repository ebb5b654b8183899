"""Git LFS pointers: told from real files, and read as far as a launcher needs."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.git.lfs_files import lfs_files
from pmlaunch.git.lfs_pointer import NotInLfs, Pointer, parse_pointer, pointer_in_git, read_pointer, sha256_of
from pmlaunch.git.queries import CannotTell
from pmlaunch.git.repository import Repository
from standin import pointer_text

DIGEST = hashlib.sha256(b"weights").hexdigest()
POINTER = Pointer(DIGEST, 303_850_268)
TEXT = pointer_text(b"weights", 303_850_268)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.rstrip("\n"),
        TEXT.replace("oid", "ext-0-foo sha256:" + "0" * 64 + "\noid"),
        TEXT + "x-unknown key\n",
    ],
    ids=["as git writes it", "CRLF", "without the last line end", "with an extension", "with another key"],
)
def test_a_pointer_is_parsed(text: str) -> None:
    assert parse_pointer(text.encode()) == POINTER


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a torch file",
        TEXT.encode() + b"x" * 1024,
        TEXT.replace(DIGEST, DIGEST[:-1]).encode(),
        TEXT.replace(DIGEST, DIGEST.upper()).encode(),
        TEXT.replace("sha256:", "md5:").encode(),
        TEXT.replace("size 303850268", "size many").encode(),
        TEXT.replace("size 303850268", "size -1").encode(),
        TEXT.replace("v1", "v2").encode()[8:],
        b" " + TEXT.encode(),
        TEXT.split("\n")[0].encode(),
    ],
    ids=[
        *("empty", "zip", "longer than 1024 bytes", "digest too short", "digest in capitals", "another digest"),
        *("no size", "negative size", "no version", "begins with a blank", "version only"),
    ],
)
def test_anything_else_is_not_a_pointer(content: bytes) -> None:
    assert parse_pointer(content) is None


def test_only_the_start_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    path.write_text(TEXT, encoding="utf-8", newline="\n")
    assert read_pointer(path) == POINTER
    path.write_bytes(TEXT.encode() + b"\0" * 5_000_000)
    assert read_pointer(path) is None


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_pointer(tmp_path / "last.ckpt")


@pytest.mark.parametrize("content", [b"", b"weights", b"x" * (1 << 20), b"x" * ((1 << 20) + 1)])
def test_sha256_covers_the_whole_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


DUBIOUS = (
    b"fatal: detected dubious ownership in repository at '/srv/a b'\nTo add an exception for this directory, call:\n"
)
OLDER = b"fatal: unsafe repository ('/srv/a b' is owned by someone else)"


class Git:
    """Stands in for subprocess.run: notes the command, gives an answer."""

    def __init__(self, returncode: int = 0, stdout: bytes = b"", stderr: bytes = b""):
        self.returncode, self.stdout, self.stderr = returncode, stdout, stderr
        self.command: list[str] = []
        self.options: dict[str, Any] = {}

    def __call__(self, command: list[str], **options: Any) -> Git:
        self.command, self.options = command, options
        return self


def test_the_pointer_in_git_comes_from_the_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git = Git(stdout=TEXT.encode())
    monkeypatch.setattr(subprocess, "run", git)
    monkeypatch.setattr("pmlaunch.git.queries.find_program", lambda *_: str(tmp_path / "git"))
    monkeypatch.setattr("pmlaunch.git.lfs_pointer.find_repository", repository_at)
    assert pointer_in_git(tmp_path / "last.ckpt") == POINTER
    assert Path(git.command[0]).is_absolute()
    assert git.command[1:3] == ["-C", str(tmp_path)]
    assert git.command[-3:] == ["cat-file", "blob", "HEAD:./last.ckpt"]
    assert set(git.command[3:-3:2]) == {"-c"}, "nothing but settings of one command"
    assert git.options["env"]["GIT_TERMINAL_PROMPT"] == "0"
    assert git.options["timeout"] > 0
    assert "shell" not in git.options


def repository_at(folder: Path, *, above: bool) -> Repository:
    return Repository(folder, folder / ".git", folder / ".git")


@pytest.mark.parametrize(
    ("answers", "kind", "reason"),
    [
        ([Git(128, stderr=b"fatal: path 'x' does not exist in 'HEAD'"), Git()], NotInLfs, "does not contain it"),
        ([Git(stdout=b"a small file in git itself")], NotInLfs, "contains the file itself"),
        ([Git(128, stderr=b"fatal: bad object"), Git(128)], CannotTell, "fatal: bad object"),
        ([Git(128, stderr=b"fatal: missing blob"), Git(stdout=b"100644 blob")], CannotTell, "fatal: missing blob"),
        ([Git(128, stderr=DUBIOUS), Git(128)], CannotTell, "/srv/a b belongs to another user"),
        ([Git(128, stderr=OLDER), Git(128)], CannotTell, "/srv/a b belongs to another user"),
        ([None], CannotTell, "git is not on PATH"),
    ],
)
def test_no_pointer_has_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answers: list[Git | None], kind: type, reason: str
) -> None:
    left = iter(answers)
    monkeypatch.setattr("pmlaunch.git.lfs_pointer.query", lambda *_: next(left))
    monkeypatch.setattr("pmlaunch.git.lfs_pointer.find_repository", repository_at)
    answer = pointer_in_git(tmp_path / "last.ckpt")
    assert isinstance(answer, kind)
    assert reason in getattr(answer, "reason", "")


def test_outside_of_a_repository_there_is_no_pointer(tmp_path: Path) -> None:
    assert pointer_in_git(tmp_path / "last.ckpt") == NotInLfs("it is not in a git repository")


def test_only_blobs_small_enough_for_a_pointer_are_read() -> None:
    """A robot's assets are hundreds of megabytes; reading them took half a minute."""
    pointer = pointer_text(b"weights").encode()
    blobs = {"a.stl": b"x" * 5000, "b 走.ckpt": pointer, "c.txt": b"small\nbut no pointer", "d.stl": pointer + b" "}

    asked: list[tuple[str, list[str]]] = []

    class Git:
        def answer(self, command: str, question: str, *_: str, given: bytes = b"") -> bytes:
            if command == "ls-files":
                return ("\0".join([*blobs, "with\nnewline", "gone"]) + "\0").encode()
            names = [line[1:] for line in given.decode().splitlines()]
            asked.append((question, names))
            said = b""
            for name in names:
                if name not in blobs:
                    said += f":{name} missing\n".encode()
                    continue
                said += f"{'0' * 40} blob {len(blobs[name])}\n".encode()
                said += blobs[name] + b"\n" if question == "--batch" else b""
            return said

    found = lfs_files(Git())  # type: ignore[arg-type]
    assert [(file.path, file.pointer.size) for file in found] == [("b 走.ckpt", 7), ("d.stl", 7)]
    assert asked == [("--batch-check", [*blobs, "gone"]), ("--batch", ["b 走.ckpt", "c.txt", "d.stl"])]
