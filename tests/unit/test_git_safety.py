"""Safe use of git: what it is given, which settings a repository may contribute, and where programs come from."""

from __future__ import annotations

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.safety import safe_environment
from pmlaunch.git.settings import Setting
from pmlaunch.support.disk import path_below
from pmlaunch.support.programs import find_program, search_path

pytestmark = pytest.mark.hostile


def test_a_folder_that_another_thread_makes_is_no_link(tmp_path: Path) -> None:
    end = time.monotonic() + 0.5

    def make() -> None:
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                (tmp_path / "runs").mkdir()
            with contextlib.suppress(OSError):
                (tmp_path / "runs").rmdir()

    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(make)
        while time.monotonic() < end:
            assert path_below(tmp_path, "runs/one") == tmp_path / "runs" / "one"
        made.result()


def test_the_environment_names_no_other_repository(tmp_path: Path) -> None:
    path = str(tmp_path)
    given = {"GIT_DIR": "/other/.git", "GIT_WORK_TREE": "/other", "GIT_INDEX_FILE": "x", "PATH": path, "GIT_SSH": "ssh"}
    kept = safe_environment(given)
    assert (kept["PATH"], kept["GIT_SSH"], kept["GIT_TERMINAL_PROMPT"], kept["LANGUAGE"]) == (path, "ssh", "0", "en")
    assert not {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} & set(kept)


def test_a_query_may_use_no_protocol_and_a_download_only_those_of_git_itself() -> None:
    assert safe_environment({})["GIT_ALLOW_PROTOCOL"] == "none"
    assert safe_environment({}, network=True)["GIT_ALLOW_PROTOCOL"] == "file:git:http:https:ssh"
    own = {"GIT_ALLOW_PROTOCOL": "https:ext"}
    assert safe_environment(own, network=True)["GIT_ALLOW_PROTOCOL"] == "https", "the user's own limits hold"
    assert safe_environment({"GIT_ALLOW_PROTOCOL": "ext"}, network=True)["GIT_ALLOW_PROTOCOL"] == "none"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("core.filemode", "true", True),
        ("branch.a=b.remote", "origin", True),
        ("remote.origin.url", "x", True),
        ("filter.lfs.clean", "git-lfs clean -- %f", True),
        ("filter.lfs.clean", "git-lfs clean -- %f; x", False),
        ("filter.x.clean", "", False),
        ("core.sshcommand", "ssh", False),
        ("remote.origin.uploadpack", "x", False),
        ("lfs.url", "x", False),
        ("lfs.https://h/x.access", "basic", True),
        ("http.https://h/.proxy", "x", False),
        ("nobody.knows", "x", False),
    ],
)
def test_what_a_repository_may_say(name: str, value: str, allowed: bool) -> None:
    assert Setting(name, value, Path("config")).allowed is allowed


def test_programs_are_found_in_absolute_folders_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("here", "far"):
        (tmp_path / folder / "bin").mkdir(parents=True)
        for place in (tmp_path / folder, tmp_path / folder / "bin"):
            (place / "tool").touch(0o755)
            (place / "tool.exe").touch(0o755)
    monkeypatch.chdir(tmp_path / "here")
    relative = os.pathsep.join(("", ".", "bin", "./bin"))
    assert find_program("tool", {"PATH": relative}) is None
    assert search_path({"PATH": relative}) == ""
    far = str(tmp_path / "far")
    found = find_program("tool", {"PATH": os.pathsep.join((relative, far))})
    assert found is not None
    assert Path(found).parent == Path(far)
    assert find_program("absent", {"PATH": far}) is None


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "C:/x", "C:x", "a//b", ".git/config", "a/..", "\\\\h\\s\\x"]
)
def test_a_file_outside_is_not_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError) as refused:
        path_below(tmp_path, name)
    assert refused.value.code == "PML143"


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root, outside):
        folder.mkdir()
    assert path_below(root, "data/a/last.ckpt") == root / "data" / "a" / "last.ckpt"
    try:
        (root / "data").symlink_to(outside)
    except OSError:
        pytest.skip("links need a privilege here")
    if not (root / "data").is_symlink():
        pytest.skip("skipped: Wine follows a link without showing it")
    with pytest.raises(PmlaunchError) as refused:
        path_below(root, "data/a/last.ckpt")
    assert refused.value.code == "PML143"
