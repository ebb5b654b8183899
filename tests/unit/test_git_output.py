"""git's and git-lfs's output: progress, failures, versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.git.failures import failure
from pmlaunch.git.progress import LfsProgress, Progress, git_progress
from pmlaunch.git.runner import version_in
from pmlaunch.processes.supervise import ChildResult, Ending


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Receiving objects:  50% (4/8), 10.00 MiB | 2.00 MiB/s", Progress("x", 10 << 20, 20 << 20)),
        ("Receiving objects: 100% (8/8), 512 bytes | 512.00 KiB/s, done.", Progress("x", 512, 512)),
        ("Receiving objects:   1% (1/99), 1.00 KiB | 1.00 KiB/s", Progress("x", 1024, None)),
        ("remote: Counting objects:  33% (1/3)", Progress("x: counting objects 1 of 3")),
        ("Updating files:  45% (45/100)", Progress("x: updating files 45 of 100")),
        ("From https://github.com/NVlabs/ProtoMotions", None),
        ("HEAD is now at 4a905b9 v2.3", None),
    ],
)
def test_progress_is_parsed_from_a_line_of_git(line: str, expected: Progress | None) -> None:
    assert git_progress(line, "x") == expected


def test_lfs_progress_sums_up_the_files_and_waits_for_complete_lines(tmp_path: Path) -> None:
    path, seen = tmp_path / "progress", list[Progress]()
    progress = LfsProgress(path, seen.append, "x", 300)
    assert progress.read() == 0
    path.write_bytes(b"download 1/2 50/100 a b.ckpt\ndownload 2/2 20/200 c.ckpt\ndownload 2/2 4")
    assert progress.read() == 70
    with path.open("ab") as file:
        file.write(b"0/200 c.ckpt\nclean 1/1 9/9 a b.ckpt\ndownload 1/2 100/100 a b.ckpt\n")
    assert progress.read() == 140
    assert (progress.poll(), progress.poll()) == (True, False), "only a change is a sign of life"
    assert seen == [Progress("x", 70, 300), Progress("x", 140, 300)]


FAILURES = [
    ("fatal: write error: No space left on device", "PML402"),
    ("fatal: sha1 file '.git/index.lock' write error. Out of diskspace", "PML402"),
    ("fatal: unable to access 'https://x/': Could not resolve host: x", "PML403"),
    ("fatal: unable to access 'https://x/': Failed to connect to x port 443", "PML403"),
    ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", "PML403"),
    ("fatal: early EOF", "PML403"),
    ("batch response: This repository is over its data quota. Account responsible", "PML412"),
    ("fatal: the remote broke off at 80% (404/505)", "PML409"),
    ("fatal: unable to access 'https://x/': The requested URL returned error: 404", "PML412"),
    ("fatal: the remote broke off at 79% (401/505)", "PML409"),
    ("Authentication required: HTTP 401 from https://x/info/lfs", "PML403"),
    ("[404] Object does not exist on the server", "PML412"),
    ("fatal: Unable to create '/a/.git/index.lock': File exists.", "PML409"),
    ("error: unable to create file a/b: Filename too long", "PML421"),
    ("error: could not lock config file .git/config: Permission denied", "PML422"),
    ("fatal: something that nobody has seen before", "PML409"),
]


def test_pml162_names_the_command_for_the_repository_that_git_named(tmp_path: Path) -> None:
    line = "fatal: detected dubious ownership in repository at '/srv/p m'"
    error = failure(ChildResult(128, (line,), tmp_path / "log"), "Fetching", "x")
    assert (error.code, error.exit_code) == ("PML162", 4)
    assert 'git config --global --add safe.directory "/srv/p m"' in (error.hint or "")


@pytest.mark.parametrize(("line", "code"), FAILURES)
def test_a_failure_is_recognised_by_git_s_output(line: str, code: str, tmp_path: Path) -> None:
    error = failure(ChildResult(128, ("remote: Counting objects", line), tmp_path / "log"), "Fetching", "x")
    assert (error.code, error.exit_code) == (code, 6)
    assert line[:60] in error.message
    assert str(tmp_path / "log") in error.message
    assert error.hint


def test_a_download_that_the_source_lacks_hints_at_the_alternative(tmp_path: Path) -> None:
    for line in ("[404] Object does not exist on the server", "This repository is over its data quota."):
        ended = ChildResult(2, (line,), tmp_path)
        assert failure(ended, "Fetching", "x", elsewhere="fetch it there").hint == "fetch it there"
        assert "maskmimic" not in (failure(ended, "Fetching", "x").hint or "")


def test_silence_and_a_file_size_limit_are_recognised(tmp_path: Path) -> None:
    assert failure(ChildResult(-9, (), tmp_path, Ending.SILENT), "Fetching", "x").code == "PML403"
    assert failure(ChildResult(-25, (), tmp_path), "Fetching", "x").code == "PML402"


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (b"git version 2.39.5", (2, 39, 5)),
        (b"git version 2.45.1.windows.1", (2, 45, 1)),
        (b"git-lfs/3.3.0 (GitHub; linux amd64; go 1.19.8)", (3, 3, 0)),
        (b"", (0,)),
    ],
)
def test_the_version_is_parsed_from_a_program_s_output(output: bytes, version: tuple[int, ...]) -> None:
    assert version_in(output) == version
