"""What pmlaunch recommends is typed in the situation in which it recommends it, and the finding is gone.

Each situation is made with real git and files. The command is taken from the finding, as a person would copy it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from installs import pmlaunch

from pmlaunch.checks.environment import DEMO_PACKAGES
from pmlaunch.git.lfs_pointer import pull_command, read_pointer
from started import Done
from upstream import MASKED, TRACKER, Upstream, git, needs_lfs

pytestmark = [
    needs_lfs,
    pytest.mark.hostile,
    pytest.mark.skipif(sys.platform == "win32", reason="skipped: the commands are typed into sh"),
]
LOOK = ("eval", "motion_tracker", "--motion", "walk", "--simulator", "genesis", "--headless", "--dry-run")
NOBODY = 65534
Look = Callable[..., Done]


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's settings of git, for a user who never set Git LFS up."""
    path = tmp_path / "gitconfig"
    path.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return path


@pytest.fixture
def look(folder: Path, tmp_path: Path) -> Look:
    def look(*arguments: str, **variables: str) -> Done:
        return pmlaunch(folder, tmp_path, *(arguments or LOOK), **variables)

    return look


@pytest.fixture
def type_it(folder: Path, tmp_path: Path) -> Callable[[str], None]:
    """A function that types a recommended line into a shell; it must succeed."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    (scripts / "pmlaunch").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pmlaunch "$@"\n')
    (scripts / "pmlaunch").chmod(0o755)

    def type_it(line: str) -> None:
        path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PMLAUNCH_LOGS": str(tmp_path / "logs")}
        done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)

    return type_it


def finding(done: Done, code: str) -> dict[str, Any]:
    found = [it for it in done.document["findings"] + done.document["errors"] if it["code"] == code]
    assert found, (code, done.codes, done.out)
    return dict(found[0])


def command_in(hint: str) -> str:
    """The command of a hint such as "if you trust it: git config ..."."""
    match = re.search(r"(?:git|pmlaunch) .*", hint)
    assert match, hint
    return match[0]


def test_pointer_is_fetched(cloned: Path, look: Look, type_it: Callable[[str], None]) -> None:
    git(cloned, "config", "lfs.fetchexclude", "*")
    hint = finding(look(), "PML101")["fix"]
    assert hint.startswith("pmlaunch fetch motion_tracker")
    type_it(hint)
    assert read_pointer(cloned / TRACKER) is None
    assert "PML101" not in look().codes


@pytest.mark.parametrize("code", ["PML102", "PML103", "PML104"])
def test_wrong_file_is_fetched_again(
    code: str, cloned: Path, made: Upstream, look: Look, type_it: Callable[[str], None]
) -> None:
    content = {"PML102": None, "PML103": made.tracker[:-1], "PML104": made.tracker[:-1] + b"?"}[code]
    path = cloned / TRACKER
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    type_it(finding(look(*LOOK, "--verify"), code)["fix"])
    assert (cloned / TRACKER).read_bytes() == made.tracker
    after = look(*LOOK, "--verify").codes
    assert code not in after
    assert "PML161" in after, "--verify says that the file is right"


@pytest.mark.parametrize("name", [TRACKER, "data/pretrained_models/od[d], {name}/la st.ckpt"])
def test_pull_command_brings_one_file_where_git_lfs_was_never_set_up(
    name: str, own: Upstream, tmp_path: Path, type_it: Callable[[str], None]
) -> None:
    odd = own.root / name
    odd.parent.mkdir(parents=True, exist_ok=True)
    odd.write_bytes(b"weights" * 50)
    git(own.root, "add", "-A")
    git(own.root, "commit", "-q", "-m", "odd")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", own.url, str(clone), GIT_LFS_SKIP_SMUDGE="1")
    git(clone, "config", "lfs.fetchexclude", "*")
    assert read_pointer(clone / name) is not None
    type_it(pull_command(clone / name))
    assert (clone / name).read_bytes() == b"weights" * 50
    assert read_pointer(clone / MASKED) is not None, "and nothing else"


def test_pointer_without_a_repository_is_brought_by_another_checkout(
    cloned: Path, folder: Path, made: Upstream, look: Look, type_it: Callable[[str], None]
) -> None:
    shutil.rmtree(cloned / ".git")
    line = finding(look(), "PML101")["fix"]
    assert "lfs pull" not in line
    another = pull_command(cloned / TRACKER).replace("ANOTHER_FOLDER", "another")
    type_it(f'{another} --source "{made.root}" --simulator genesis --no-packages --models motion_tracker --yes')
    assert not {"PML101", "PML012"} & set(look(*LOOK, "--protomotions", "another").codes)


@pytest.mark.parametrize("name", ["remote.origin.vcs", "include.path", "core.gitproxy"])
def test_disallowed_setting_is_removed(name: str, complete: Path, look: Look, type_it: Callable[[str], None]) -> None:
    git(complete, "config", name, "x")
    before = look("fetch", "maskmimic")
    assert before.codes == ["PML140"]
    type_it(finding(before, "PML140")["hint"])
    assert look("fetch", "maskmimic").code == 0


def test_missing_checkout_is_installed(look: Look, made: Upstream, type_it: Callable[[str], None]) -> None:
    hint = finding(look(), "PML012")["hint"]
    line = command_in(hint).split(",")[0].split(";")[0]
    assert line.startswith("pmlaunch install")
    type_it(f'{line} --source "{made.root}" --no-packages --models motion_tracker --yes')
    assert not {"PML012", "PML101"} & set(look().codes)


@pytest.fixture
def foreign(complete: Path) -> Iterator[Path]:
    """A checkout that belongs to another user."""
    if os.geteuid() != 0:
        pytest.skip("skipped: only root can give files away")
    for path in (complete, *complete.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    yield complete
    for path in (complete, *complete.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)


EVALUATE = ("eval", "maskmimic", "--motion", "walk", "--simulator", "genesis", "--headless", "--dry-run")


def test_repository_of_another_user_is_trusted(foreign: Path, look: Look, type_it: Callable[[str], None]) -> None:
    before = finding(look(*EVALUATE), "PML160")
    assert before["severity"] == "warning", "its size was not compared"
    verified = look(*EVALUATE, "--verify")
    assert (verified.code, finding(verified, "PML160")["severity"]) == (4, "error")
    fetched = look("fetch", "maskmimic")
    assert (fetched.code, fetched.codes) == (4, ["PML162"])
    assert finding(fetched, "PML162")["hint"] == before["hint"]
    assert {"PML160", "PML162"} <= set(look("doctor").codes)
    type_it(command_in(before["hint"]))
    assert "PML160" not in look(*EVALUATE).codes
    assert "PML161" in look(*EVALUATE, "--verify").codes
    assert look("fetch", "maskmimic").code == 0
    assert not {"PML160", "PML162"} & set(look("doctor").codes)


@pytest.mark.parametrize("kind", ["missing", "broken", "silent about the commit"])
def test_verify_without_an_answer_from_git_is_no_success(
    kind: str, complete: Path, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if kind == "broken":
        (programs / "git").write_text("#!/bin/sh\nexit 3\n")
        (programs / "git").chmod(0o755)
    if kind == "silent about the commit":
        (complete / ".git" / "HEAD").write_text("ref: refs/heads/gone\n")
    else:
        monkeypatch.setenv("PATH", str(programs))
    done = look(*EVALUATE, "--verify")
    assert done.code == 4
    assert set(done.codes) & {"PML160", "PML142"}, done.out
    assert "PML161" not in done.codes


def test_demo_packages_come_with_the_recommended_requirement() -> None:
    """PML203 recommends `pip install "pmlaunch[demo]"`."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    extra = project.partition("\ndemo = [")[2].partition("]")[0]
    assert set(DEMO_PACKAGES) <= set(re.findall(r'"([\w-]+)', extra))
