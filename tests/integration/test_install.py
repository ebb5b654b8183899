"""`pmlaunch install` with real git and git-lfs: empty folder, submodule, existing checkout, repetition, bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from installs import TYPED, Install, assert_complete, pmlaunch, pmlaunch_process, states

from pmlaunch.git.lfs_pointer import read_pointer
from started import command
from upstream import GENERATION_3, MASKED, TRACKER, Upstream, git, needs_lfs

pytestmark = needs_lfs


def test_an_empty_folder_gets_a_checkout_and_a_workspace(install: Install, folder: Path, made: Upstream) -> None:
    done = install()
    assert done.code == 0, done.out
    assert states(done) == dict.fromkeys(("tools", "checkout", "models", "workspace"), "done") | {
        "tools": "already done"
    }
    assert_complete(folder / "protomotions", made)
    assert sorted(path.name for path in folder.iterdir()) == ["pmlaunch.yaml", "protomotions"]
    planned = pmlaunch(folder, folder.parent, "eval", "maskmimic", "-m", "walk", "--dry-run")
    assert planned.code == 0
    assert planned.document["data"]["plan"]["provenance"]["simulator"]["value"] == "genesis"
    assert Path(planned.document["data"]["plan"]["cwd"]) == folder / "protomotions"


def test_the_next_command_names_the_installed_model(folder: Path, made: Upstream, tmp_path: Path) -> None:
    done = pmlaunch_process(folder, tmp_path, "install", "--source", made.root, *TYPED, "--models", "motion_tracker")
    assert done.code == 0, done.err
    assert "next: pmlaunch eval motion_tracker " in done.out


def test_a_second_install_changes_nothing(install: Install, folder: Path, complete: Path) -> None:
    before = times(folder)
    done = install()
    assert done.code == 0
    assert set(states(done).values()) == {"already done"}
    assert times(folder) == before


def times(folder: Path) -> dict[Path, int]:
    """The modification time of each file outside .git."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if ".git" not in path.parts}


def test_dry_run_changes_nothing(install: Install, folder: Path, tmp_path: Path) -> None:
    done = install("--dry-run")
    assert done.code == 0
    assert states(done)["checkout"] == "planned"
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "logs").exists()


def test_inside_a_git_repository_the_checkout_becomes_a_submodule(
    install: Install, folder: Path, made: Upstream
) -> None:
    git(folder, "init", "-q")
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    git(folder, "add", "mine.txt")
    done = install("--dir", "third party/pm")
    assert done.code == 0, done.out
    checkout = folder / "third party" / "pm"
    assert_complete(checkout, made)
    commit = git(checkout, "rev-parse", "HEAD")
    assert git(folder, "submodule", "status").split()[0] == commit
    assert git(folder, "config", "-f", ".gitmodules", "submodule.third party/pm.url") == made.url
    assert (checkout / ".git").read_text(encoding="utf-8").startswith("gitdir: ../")
    assert set(states(install("--dir", "third party/pm")).values()) == {"already done"}
    # it can be moved, since nothing in it contains its path
    git(folder, "commit", "-q", "-m", "with ProtoMotions")
    moved = folder.rename(folder.with_name("moved"))
    assert git(moved / "third party" / "pm", "status", "--porcelain") == git(moved, "submodule", "status")[:0]
    moved.rename(folder)


def test_a_recorded_submodule_keeps_its_commit(install: Install, folder: Path, own: Upstream) -> None:
    """In a clone of a repository with the submodule, its folder is empty and its commit recorded."""
    git(folder, "init", "-q")
    assert install(source=own.root).code == 0
    git(folder, "commit", "-q", "-am", "with ProtoMotions")
    pinned = git(folder / "protomotions", "rev-parse", "HEAD")
    git(own.root, "tag", "-f", "v2.3", "v2.3~1")
    other = folder.with_name("other")
    git(folder.parent, "clone", "-q", folder.as_uri(), "other")
    done = install(cwd=other, source=own.root)
    assert done.code == 0, done.out
    assert git(other / "protomotions", "rev-parse", "HEAD") == pinned
    assert git(other, "status", "--porcelain") == "?? pmlaunch.yaml"
    assert (other / "protomotions" / MASKED).read_bytes() == own.masked


def test_a_deinitialised_submodule_is_restored(install: Install, folder: Path, made: Upstream) -> None:
    git(folder, "init", "-q")
    assert install().code == 0
    git(folder, "commit", "-q", "-am", "with ProtoMotions")
    git(folder, "submodule", "deinit", "-f", "protomotions")
    assert list((folder / "protomotions").iterdir()) == []
    assert install().code == 0
    assert_complete(folder / "protomotions", made)


def test_in_an_ignored_folder_the_checkout_is_a_plain_clone(install: Install, folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("protomotions\n", encoding="utf-8")
    assert install("--models", "none").code == 0
    assert not (folder / ".gitmodules").exists()
    assert (folder / "protomotions" / ".git").is_dir()


def test_as_clone_inside_a_git_repository(install: Install, folder: Path) -> None:
    git(folder, "init", "-q")
    assert install("--models", "none", "--as", "clone").code == 0
    assert not (folder / ".gitmodules").exists()
    assert install("--as", "submodule", "--dir", "../elsewhere", cwd=folder.parent).codes[-1] == "PML001"


def test_an_existing_checkout_is_used_with_its_local_changes(install: Install, folder: Path, made: Upstream) -> None:
    clone(made, folder / "protomotions", "v2.3")
    changed = folder / "protomotions" / "protomotions" / "eval_agent.py"
    changed.write_text("# mine\n", encoding="utf-8")
    (folder / "protomotions" / "notes.txt").write_text("mine", encoding="utf-8")
    done = install()
    assert done.code == 0, done.out
    assert states(done)["checkout"] == "already done"
    assert changed.read_text(encoding="utf-8") == "# mine\n"
    assert (folder / "protomotions" / "notes.txt").exists()
    assert (folder / "protomotions" / MASKED).read_bytes() == made.masked
    assert git(folder / "protomotions", "branch", "--format=%(refname:short)").splitlines()[-1] == "main"


def test_a_checkout_at_another_commit_is_used_as_it_is(install: Install, folder: Path, made: Upstream) -> None:
    clone(made, folder / "protomotions", "v2.3~1")
    done = install("--models", "none")
    assert (done.code, done.codes) == (0, ["PML416"])
    (hint,) = [found["hint"] for found in done.document["findings"]]
    assert hint == f'pmlaunch install --dir "{folder / "protomotions"}" --simulator genesis --ref v2.3'
    assert git(folder / "protomotions", "rev-parse", "HEAD") == git(made.root, "rev-parse", "v2.3~1")
    done = install("--models", "none", "--ref", "v2.3")
    assert (done.code, states(done)["checkout"]) == (0, "done")
    assert git(folder / "protomotions", "rev-parse", "HEAD") == git(made.root, "rev-parse", "v2.3")
    assert git(folder / "protomotions", "rev-list", "--count", "HEAD") == "2", "its history was truncated"


def test_a_checkout_of_generation_3_is_switched_only_on_request(install: Install, folder: Path, made: Upstream) -> None:
    checkout = clone(made, folder / "protomotions", "main")
    done = install("--models", "none")
    assert (done.code, done.codes) == (0, ["PML416", "PML410"])
    assert str(checkout) in done.document["findings"][1]["hint"]
    assert (states(done)["checkout"], git(checkout, "branch", "--show-current")) == ("already done", "main")
    done = install("--ref", "v2.3")
    assert (done.code, done.codes) == (0, ["PML416"])
    assert "was on the branch main" in done.document["findings"][0]["message"]
    assert (checkout / MASKED).read_bytes() == made.masked
    assert git(checkout, "describe", "--tags") == "v2.3"


@pytest.mark.parametrize("adopted", [False, True])
def test_a_branch_is_updated_from_its_source(install: Install, folder: Path, own: Upstream, adopted: bool) -> None:
    checkout = folder / "protomotions"
    if adopted:
        clone(own, checkout, "main")
    words = ("--ref", "main", "--models", "none")
    assert install(*words, source=own.root).code == 0
    assert states(install(*words, source=own.root))["checkout"] == "already done"
    (own.root / "newer.txt").write_text("newer", encoding="utf-8")
    git(own.root, "add", "newer.txt")
    git(own.root, "commit", "-q", "-m", "newer")
    done = install(*words, source=own.root)
    assert (done.code, states(done)["checkout"]) == (0, "done"), done.out
    assert (checkout / "newer.txt").exists()
    assert states(install(*words, source=own.root))["checkout"] == "already done"
    away = own.root.rename(own.root.with_name("away"))
    own.root.mkdir()  # the source does not answer
    done = install(*words, source=own.root)
    assert (done.code, states(done)["checkout"]) == (0, "already done")
    assert [code for code in done.codes if code != "PML410"] == ["PML416"]
    own.root.rmdir()
    away.rename(own.root)


def test_another_source_than_the_checkout_s_is_reported(
    install: Install, folder: Path, made: Upstream, own: Upstream
) -> None:
    words = ("--models", "none", "--ref", "v2.3")
    assert install(*words).code == 0
    assert install(*words).codes == []
    done = install(*words, source=own.root)
    assert (done.code, done.codes) == (0, ["PML416"])
    assert str(own.root) in done.document["findings"][0]["message"]


OLD_GIT = """#!/bin/sh
# git 2.25 knows no --end-of-options in rev-parse
[ "$*" = version ] && { echo git version 2.25.1; exit; }
for word; do [ "$word" = --end-of-options ] && exit 128; done
exec "GIT" "$@"
"""


@pytest.mark.skipif(os.name == "nt", reason="skipped: the stand-in for git is a shell script")
def test_with_the_git_of_ubuntu_20_04(install: Install, folder: Path, made: Upstream, tmp_path: Path) -> None:
    old = tmp_path / "old" / "git"
    old.parent.mkdir()
    old.write_text(OLD_GIT.replace("GIT", str(shutil.which("git"))), encoding="utf-8")
    old.chmod(0o755)
    path = f"{old.parent}{os.pathsep}{os.environ['PATH']}"
    assert install("--ref", "v2.3", PATH=path).code == 0
    assert_complete(folder / "protomotions", made)
    assert set(states(install("--ref", "v2.3", PATH=path)).values()) == {"already done"}


def test_a_ref_that_looks_like_an_option(install: Install, folder: Path) -> None:
    assert install("--ref=--all", "--models", "none").codes[-1] == "PML405"
    assert list(folder.iterdir()) == []
    assert install("--models", "none").code == 0
    assert install("--ref=--all", "--models", "none").codes[-1] == "PML405"


@pytest.mark.parametrize("change", ["file", "commit"])
def test_local_changes_stop_a_switch(install: Install, folder: Path, made: Upstream, change: str) -> None:
    checkout = clone(made, folder / "protomotions", "main")
    changed = checkout / "protomotions" / "inference_agent.py"
    changed.write_text("# mine\n", encoding="utf-8")
    if change == "commit":
        git(checkout, "checkout", "-q", "--detach")
        git(checkout, "commit", "-q", "-am", "mine")
    head = git(checkout, "rev-parse", "HEAD")
    done = install("--ref", "v2.3")
    assert (done.code, done.codes[-1]) == (6, "PML407")
    assert git(checkout, "rev-parse", "HEAD") == head
    assert changed.read_text(encoding="utf-8") == "# mine\n"


def test_a_switch_spares_ignored_files(install: Install, folder: Path, made: Upstream) -> None:
    checkout = clone(made, folder / "protomotions", "v2.3")
    mine = checkout / "protomotions" / "inference_agent.py"  # v2.3 has none, main has one
    mine.write_text("# mine\n", encoding="utf-8")
    (checkout / ".git" / "info" / "exclude").write_text("inference_agent.py\n", encoding="utf-8")
    head = git(checkout, "rev-parse", "HEAD")
    done = install("--ref", "main", "--models", "none")
    assert (done.code, done.codes[-1]) == (6, "PML407")
    assert "protomotions/inference_agent.py" in done.document["errors"][0]["message"]
    assert mine.read_text(encoding="utf-8") == "# mine\n"
    assert git(checkout, "rev-parse", "HEAD") == head


def test_a_checkpoint_in_its_place_is_not_a_local_change(install: Install, folder: Path, made: Upstream) -> None:
    """It came by other means than Git LFS, whose filters are not set up."""
    checkout = clone(made, folder / "protomotions", "v2.3")
    (checkout / MASKED).write_bytes(made.masked)
    done = install("--ref", "main", "--models", "none")
    assert done.code == 0, done.out
    assert "PML410" in done.codes
    assert (checkout / "protomotions" / "inference_agent.py").exists()


def test_a_checkout_without_git_is_used_and_reported(install: Install, folder: Path, made: Upstream) -> None:
    shutil.copytree(made.root, folder / "protomotions", ignore=shutil.ignore_patterns(".git"))
    done = install("--models", "none", "--ref", "main")
    assert (done.code, done.codes) == (0, ["PML417"])
    refused = install("--ref", "main")
    assert (refused.code, refused.codes[-1]) == (6, "PML417")


def test_all_models(install: Install, folder: Path, made: Upstream) -> None:
    assert install("--models", "all").code == 0
    assert (folder / "protomotions" / MASKED).read_bytes() == made.masked
    assert (folder / "protomotions" / TRACKER).read_bytes() == made.tracker


def test_another_generation_works_with_a_warning(install: Install, folder: Path) -> None:
    done = install("--ref", "main", "--models", "none")
    assert (done.code, done.codes) == (0, ["PML410"])
    assert (folder / "protomotions" / "protomotions" / "inference_agent.py").is_file()


@pytest.mark.parametrize("robot", ["smpl", "g1"])
def test_generation_3_downloads_one_robot_s_meshes(install: Install, folder: Path, robot: str) -> None:
    assert install("--ref", "main", "--robot", robot).code == 0
    checkout = folder / "protomotions"
    here = {
        name for name in GENERATION_3 if name.endswith((".pt", ".stl", ".usd")) and not read_pointer(checkout / name)
    }
    config, motion, g1, smpl, room = GENERATION_3[:5]
    assert here == {config, room, smpl if robot == "smpl" else g1}
    assert motion not in here
    assert read_pointer(checkout / MASKED) is None
    assert git(checkout, "status", "--porcelain") == ""
    assert set(states(install("--ref", "main", "--robot", robot)).values()) == {"already done"}
    assert install("--ref", "main", "--robot", "h2").codes[-1] == "PML010"


def test_a_source_that_cannot_filter(install: Install, own: Upstream, folder: Path) -> None:
    git(own.root, "config", "uploadpack.allowFilter", "false")
    assert install(source=own.root).code == 0
    assert_complete(folder / "protomotions", own)


def test_a_commit_as_ref(install: Install, made: Upstream, folder: Path) -> None:
    commit = git(made.root, "rev-parse", "v2.3~1")
    assert install("--ref", commit, "--models", "none").code == 0
    assert git(folder / "protomotions", "rev-parse", "HEAD") == commit


def test_hooks_and_filters_of_the_checkout_are_not_run(
    install: Install, folder: Path, made: Upstream, tmp_path: Path
) -> None:
    checkout = clone(made, folder / "protomotions", "main")
    trace = tmp_path / "trace"
    for name in ("post-checkout", "pre-push", "post-index-change", "reference-transaction"):
        hook = checkout / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >> '{trace}'\n", encoding="utf-8")
        hook.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", f"echo monitor >> '{trace}'")
    before = {path: path.read_bytes() for path in (checkout / ".git" / "hooks").iterdir()}
    trace.unlink(missing_ok=True)
    assert install("--ref", "v2.3").code == 0
    assert not trace.exists() or "hook" not in trace.read_text(), trace.read_text()
    assert {path: path.read_bytes() for path in (checkout / ".git" / "hooks").iterdir()} == before


BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "ref": (("--ref", "v2.9"), 3, "PML405"),
    "model": (("--models", "maskmimik"), 3, "PML010"),
    "kind": (("--as", "copy"), 2, "PML001"),
    "simulator": (("--simulator", "isaacslab"), 3, "PML010"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(install: Install, folder: Path, name: str) -> None:
    arguments, code, error = BAD[name]
    done = install(*arguments)
    assert (done.code, done.codes[-1]) == (code, error)
    assert list(folder.iterdir()) == []


def test_a_similar_ref_is_suggested(install: Install) -> None:
    done = install("--ref", "v2.4")
    assert done.codes == ["PML405"]
    assert "Did you mean v2.3?" in done.document["errors"][0]["message"]


def test_a_source_that_is_not_protomotions(install: Install, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "v2.3")
    (other / "a").touch()
    git(other, "add", "a")
    git(other, "commit", "-q", "-m", "a")
    for source in (other, tmp_path / "nowhere", tmp_path):
        done = install(source=source)
        assert (done.code, done.codes[-1]) == (6, "PML404")
    git(folder, "init", "-q")
    assert install(source=other).codes[-1] == "PML404"
    assert [path.name for path in folder.iterdir()] == [".git"]
    assert not (folder / ".git" / "modules" / "protomotions").exists()


def test_a_folder_that_holds_something_else(install: Install, folder: Path) -> None:
    (folder / "protomotions").mkdir()
    (folder / "protomotions" / "thesis.tex").write_text("mine", encoding="utf-8")
    done = install()
    assert (done.code, done.codes[-1]) == (6, "PML406")
    assert [path.name for path in folder.rglob("*")] == ["protomotions", "thesis.tex"]


def test_a_user_s_folder_in_the_temporary_folder_s_place_is_left_alone(
    install: Install, folder: Path, tmp_path: Path
) -> None:
    """It has the name of the temporary folder. A repository in it does not make it ours."""
    home = tmp_path / "home"
    mine = home / ".protomotions.pmlaunch" / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    for _ in range(2):
        for extra in ((), ("--dry-run",)):
            done = install(*extra, cwd=home)
            assert (done.code, done.codes[-1]) == (6, "PML406")
            assert mine.read_text(encoding="utf-8") == "mine"
        if not (home / ".git").exists():
            git(home, "init", "-q")  # next, as a submodule
            git(mine.parent, "init", "-q")
    mine.parent.rename(home / "moved")
    assert install("--models", "none", cwd=home).code == 0
    assert not mine.parent.exists()


def test_the_current_folder_is_not_replaced(install: Install, folder: Path, tmp_path: Path) -> None:
    inside = folder / "pm"
    inside.mkdir()
    number = inside.stat().st_ino
    done = install("--dir", ".", cwd=inside)
    assert (done.code, done.codes) == (2, ["PML001"])
    assert done.document["errors"][0]["hint"] == 'cd .. and then: pmlaunch install --dir "pm"'
    assert (inside.stat().st_ino, list(inside.iterdir())) == (number, [])
    assert install("--dir", "pm", "--models", "none").code == 0
    assert set(states(install("--dir", ".", "--models", "none", cwd=inside)).values()) == {"already done"}


@pytest.mark.skipif(os.name == "nt", reason="skipped: Windows removes no folder in which somebody stands")
@pytest.mark.parametrize("words", [("install",), ("doctor",), ("fetch", "maskmimic")])
def test_a_deleted_current_folder(tmp_path: Path, words: tuple[str, ...]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = 'rmdir "$0" && exec "$@" --json'
    done = subprocess.run(
        ["sh", "-c", shell, str(gone), *command(*words)], cwd=gone, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 3, done.stderr
    assert [error["code"] for error in json.loads(done.stdout)["errors"]] == ["PML018"]


def test_a_model_missing_in_the_commit(install: Install, own: Upstream, folder: Path) -> None:
    git(own.root, "checkout", "-q", "-f", "v2.3")
    git(own.root, "rm", "-q", MASKED)
    git(own.root, "commit", "-q", "-m", "without")
    git(own.root, "tag", "-f", "v2.3")
    done = install(source=own.root)
    assert (done.code, done.codes[-1]) == (3, "PML411")
    assert "motion_tracker" in done.document["errors"][0]["message"]


def clone(made: Upstream, folder: Path, ref: str) -> Path:
    """A user's own clone without checkpoints."""
    git(folder.parent, "clone", "-q", made.url, folder.name, GIT_LFS_SKIP_SMUDGE="1")
    if ref != "main":
        git(folder, "checkout", "-q", "--detach", git(made.root, "rev-parse", ref), GIT_LFS_SKIP_SMUDGE="1")
    return folder


def test_the_next_command_finds_the_installed_checkout(folder: Path, made: Upstream, tmp_path: Path) -> None:
    """Also in a folder below: a second checkout is not what the user means."""
    typed = ("install", "--source", made.root, "--models", "none", "--no-packages")
    done = pmlaunch(folder, tmp_path, *typed, "--simulator", "genesis", "--dir", "my checkout")
    assert done.code == 0, done.document
    (folder / "deep" / "down").mkdir(parents=True)
    again = pmlaunch(folder / "deep" / "down", tmp_path, *typed)
    assert again.code == 0, again.document
    assert again.document["data"]["folder"] == str(folder / "my checkout")
    assert set(states(again).values()) == {"already done"}
    assert again.document["findings"] == []
    # an option overrides the file
    other = pmlaunch(folder, tmp_path, *typed, "--dir", "other", "--dry-run")
    assert other.document["data"]["folder"] == str(folder / "other")
