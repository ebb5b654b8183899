"""`pmlaunch fetch`: checkpoints from Git LFS or from a stand-in for Hugging Face, and their removal."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installs import Install, assert_complete, pmlaunch, pmlaunch_process

from pmlaunch.generations.find import fetch_path_command
from pmlaunch.git.lfs_pointer import read_pointer
from started import Done
from upstream import MASKED, TRACKER, Upstream, git, needs_lfs

pytestmark = needs_lfs
Fetch = Callable[..., Done]

# The two calls that pmlaunch makes, with the real library's return values (as of huggingface_hub 2.4).
HUB = """
import json, os, pathlib, types

def _files():
    return json.loads(pathlib.Path(os.environ["STANDIN_HUB"]).read_text(encoding="utf-8"))

class BlobLfsInfo(dict):
    pass

class HfApi:
    def model_info(self, repo_id, *, files_metadata=False):
        assert files_metadata
        if os.environ.get("STANDIN_OFFLINE"):
            raise ConnectionError("Cannot reach huggingface.co: Name or service not known")
        siblings = []
        for name, path in _files()[repo_id].items():
            content = pathlib.Path(path).read_bytes()
            import hashlib
            lfs = BlobLfsInfo(size=len(content), sha256=hashlib.sha256(content).hexdigest(), pointer_size=130)
            siblings.append(types.SimpleNamespace(rfilename=name, size=len(content), lfs=lfs))
        siblings.append(types.SimpleNamespace(rfilename="README.md", size=10, lfs=None))
        return types.SimpleNamespace(siblings=siblings)

def hf_hub_download(repo_id, filename, *, local_dir):
    target = pathlib.Path(local_dir, filename)
    target.parent.mkdir(parents=True, exist_ok=True)
    content = pathlib.Path(_files()[repo_id][filename]).read_bytes()
    if os.environ.get("STANDIN_BROKEN"):
        content = content[:-1]
    target.write_bytes(content)
    return str(target)
"""


@pytest.fixture
def fetch(folder: Path, tmp_path: Path) -> Fetch:
    """A function that runs `pmlaunch fetch --json` in `folder`; with variables for Python, in a process of its own."""

    def run_fetch(*arguments: str, **variables: str) -> Done:
        if variables:
            return pmlaunch_process(folder, tmp_path, "fetch", *arguments, "--json", **variables)
        return pmlaunch(folder, tmp_path, "fetch", *arguments)

    return run_fetch


@pytest.fixture
def hub(made: Upstream, tmp_path: Path) -> dict[str, str]:
    """Variables with which huggingface_hub is our stand-in, whose repository holds MaskedMimic's checkpoint."""
    package = tmp_path / "site" / "huggingface_hub"
    (package / "utils").mkdir(parents=True)
    (package / "__init__.py").write_text(HUB, encoding="utf-8")
    (package / "utils" / "__init__.py").write_text("def disable_progress_bars(): pass\n", encoding="utf-8")
    content = tmp_path / "content"
    content.write_bytes(made.masked)
    other = tmp_path / "other content"
    other.write_bytes(made.tracker)
    listing = tmp_path / "hub.json"
    files = {"other.ckpt": str(other), "smpl/weights.ckpt": str(content)}
    listing.write_text(json.dumps({"ctessler/MaskedMimic": files}), encoding="utf-8")
    return {"PYTHONPATH": str(package.parent), "STANDIN_HUB": str(listing)}


def stored(checkout: Path, content: bytes) -> Path:
    oid = hashlib.sha256(content).hexdigest()
    return checkout / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def test_checkpoints_are_downloaded_from_git_lfs_and_removed_again(fetch: Fetch, made: Upstream, cloned: Path) -> None:
    before = {path: (cloned / path).read_bytes() for path in (MASKED, TRACKER)}
    done = fetch("tracker", "maskmimic")
    assert done.code == 0, done.out
    assert [(model["title"], model["state"], model["bytes"]) for model in done.document["data"]["models"]] == [
        ("motion_tracker", "done", len(made.tracker)),
        ("masked_mimic", "done", len(made.masked)),
    ]
    assert (cloned / MASKED).read_bytes() == made.masked
    assert (cloned / TRACKER).read_bytes() == made.tracker
    assert [model["state"] for model in fetch("all").document["data"]["models"]] == ["already done"] * 2
    gone = fetch("all", "--remove")
    assert gone.code == 0
    assert gone.document["data"]["bytes"] == 2 * (len(made.masked) + len(made.tracker))
    assert {path: (cloned / path).read_bytes() for path in before} == before
    assert not stored(cloned, made.masked).exists()
    assert git(cloned, "status", "--porcelain") == ""
    assert [model["state"] for model in fetch("all", "--remove").document["data"]["models"]] == ["already done"] * 2


def test_files_are_fetched_by_their_paths(fetch: Fetch, made: Upstream, cloned: Path, tmp_path: Path) -> None:
    done = fetch(TRACKER.replace("/", "\\"))
    assert (done.code, (cloned / TRACKER).read_bytes()) == (0, made.tracker)
    assert TRACKER in done.document["data"]["models"][0]["text"]
    assert read_pointer(cloned / MASKED) is not None
    done = fetch(str(cloned / "data" / "pretrained_models") + "/")
    assert (done.code, (cloned / MASKED).read_bytes()) == (0, made.masked)
    assert fetch(MASKED, "--remove").code == 0
    assert read_pointer(cloned / MASKED) is not None
    for nothing in ("data/no.npy", "../other/", "./", str(tmp_path / "walk.npy"), "data/*"):
        done = fetch(nothing)
        assert (done.code, done.codes[0]) in ((3, "PML411"), (3, "PML010")), nothing


def test_the_command_for_a_pointer_works_as_printed(fetch: Fetch, cloned: Path) -> None:
    words = shlex.split(fetch_path_command(cloned / MASKED))
    assert words[:2] == ["pmlaunch", "fetch"]
    assert fetch(*words[2:]).code == 0
    assert read_pointer(cloned / MASKED) is None
    assert shlex.split(fetch_path_command(cloned / "data"))[2] == "data/"


def test_a_changed_file_is_not_removed(fetch: Fetch, complete: Path) -> None:
    place = complete / MASKED
    place.write_bytes(b"my own weights")
    done = fetch("maskmimic", "--remove")
    assert (done.code, done.codes) == (6, ["PML420"])
    assert place.read_bytes() == b"my own weights"


MINE = "data/pretrained_models/mine/smpl/last.ckpt"


def test_the_only_copy_of_a_checkpoint_is_not_removed(
    install: Install, fetch: Fetch, folder: Path, own: Upstream
) -> None:
    """The user's own checkpoint, never pushed: removing it by name is refused, and "all" leaves it out."""
    assert install("--models", "none", source=own.root).code == 0
    checkout = folder / "protomotions"
    assert fetch("maskmimic").code == 0
    weights = os.urandom(10_000)
    (checkout / MINE).parent.mkdir(parents=True)
    (checkout / MINE).write_bytes(weights)
    git(checkout, "add", MINE)
    git(checkout, "commit", "-q", "-m", "mine")
    git(checkout, "tag", "my-best")
    for names in (["mine_smpl"], ["maskmimic", "mine_smpl"]):
        done = fetch(*names, "--remove")
        assert (done.code, done.codes) == (6, ["PML420"])
        assert "only copy" in done.document["errors"][0]["message"]
        assert (checkout / MINE).read_bytes() == stored(checkout, weights).read_bytes() == weights
        assert (checkout / MASKED).read_bytes() == own.masked, "something was deleted before everything was checked"
    done = fetch("all", "--remove")
    assert done.code == 0, done.out
    assert {model["title"] for model in done.document["data"]["models"]} == {"masked_mimic", "motion_tracker"}
    assert (checkout / MINE).read_bytes() == weights
    # the objects of the source's own pointers are not here to be pushed
    for setting in ("lfs.locksverify=false", "lfs.allowincompletepush=true"):
        git(checkout, "config", *setting.split("="))
    git(checkout, "push", "-q", "origin", "HEAD:refs/heads/mine")
    git(checkout, "fetch", "-q", "origin", "refs/heads/mine:refs/remotes/origin/mine")
    assert fetch("mine_smpl", "--remove").code == 0
    assert read_pointer(checkout / MINE) is not None
    assert fetch("mine_smpl").code == 0
    assert (checkout / MINE).read_bytes() == weights


def test_the_user_s_weights_in_a_preset_s_place_are_not_removed(fetch: Fetch, complete: Path) -> None:
    (complete / MASKED).write_bytes(b"trained further")
    git(complete, "add", MASKED)
    for names in ("maskmimic", "all"):
        done = fetch(names, "--remove")
        assert (done.code, done.codes) == (6, ["PML420"])
        assert (complete / MASKED).read_bytes() == b"trained further"


def test_a_checkpoint_on_a_remote_branch_is_removed_in_a_full_clone(fetch: Fetch, folder: Path, made: Upstream) -> None:
    checkout = folder / "protomotions"
    git(folder, "clone", "-q", made.url, "protomotions", GIT_LFS_SKIP_SMUDGE="1")
    git(checkout, "checkout", "-q", "v2.3", GIT_LFS_SKIP_SMUDGE="1")
    assert fetch("all").code == 0
    assert fetch("all", "--remove").code == 0
    assert read_pointer(checkout / MASKED) is not None


def test_without_an_answer_from_git_a_file_of_the_right_size_is_hashed(
    install: Install, fetch: Fetch, made: Upstream, complete: Path
) -> None:
    place = complete / MASKED
    (complete / ".git" / "lfs").rename(complete / ".git" / "lfs-away")
    (complete / ".git" / "lfs").touch()
    place.write_bytes(made.masked)  # git has not seen this file yet
    assert fetch("maskmimic").document["data"]["models"][0]["state"] == "already done"
    wrong = os.urandom(len(made.masked))
    place.write_bytes(wrong)
    for done in (fetch("maskmimic"), install()):
        assert done.code == 6, done.out
    assert wrong in [path.read_bytes() for path in place.parent.glob("last.ckpt*")], "the user's file was lost"


def test_a_file_on_hugging_face_is_identified_by_its_content(
    fetch: Fetch, made: Upstream, hub: dict[str, str], cloned: Path
) -> None:
    done = fetch("maskmimic", "--from", "hf", **hub)
    assert done.code == 0, done.out
    assert_complete(cloned, made)
    assert not (cloned / ".git" / "pmlaunch-hf").exists()
    assert fetch("maskmimic").document["data"]["models"][0]["state"] == "already done"


@pytest.mark.parametrize(
    ("model", "variables", "code"),
    [
        ("maskmimic", {"STANDIN_OFFLINE": "1"}, "PML419"),
        ("maskmimic", {"STANDIN_BROKEN": "1"}, "PML413"),
        ("tracker", {}, "PML419"),
        ("maskmimic", {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}, "PML418"),
    ],
)
def test_failures_of_hugging_face(
    fetch: Fetch, cloned: Path, tmp_path: Path, hub: dict[str, str], model: str, variables: dict[str, str], code: str
) -> None:
    if code == "PML418":
        blocker = tmp_path / "blocked"
        (blocker / "huggingface_hub").mkdir(parents=True)  # a package in name only
        variables = {**variables, "PYTHONPATH": str(blocker)}
    done = fetch(model, "--from", "hf", **{**hub, **variables})
    assert (done.code, done.codes[-1]) == (6, code)
    assert read_pointer(cloned / MASKED) is not None
    if code == "PML418":  # a plain `pip` may belong to another Python
        assert done.document["errors"][0]["hint"].startswith(f'"{sys.executable}" -m pip install ')


def test_remove_and_from_exclude_each_other(fetch: Fetch, cloned: Path) -> None:
    done = fetch("maskmimic", "--remove", "--from", "hf")
    assert (done.code, done.codes) == (2, ["PML001"])
    assert fetch("ALL", "--remove").code == 0


def test_a_repository_without_the_wanted_content(
    fetch: Fetch, hub: dict[str, str], own: Upstream, tmp_path: Path, cloned: Path
) -> None:
    (tmp_path / "content").write_bytes(b"newer weights")
    done = fetch("maskmimic", "--from", "hf", **hub)
    assert (done.code, done.codes) == (6, ["PML419"])
    assert "smpl/weights.ckpt" in done.document["errors"][0]["message"]


def test_without_a_git_repository(fetch: Fetch, folder: Path, made: Upstream) -> None:
    shutil.copytree(made.root, folder / "protomotions", ignore=shutil.ignore_patterns(".git", "last.ckpt"))
    done = fetch("motion_tracker_other", "--from", "lfs")
    assert (done.code, done.codes) == (3, ["PML010"])
    done = fetch("maskmimic", "--remove")
    assert (done.code, done.codes) == (6, ["PML417"])
    assert done.document["errors"][0]["hint"] == f"delete {folder / 'protomotions' / MASKED} by hand"


def test_without_a_checkout(fetch: Fetch) -> None:
    done = fetch("maskmimic")
    assert (done.code, done.codes) == (3, ["PML012"])


def test_an_unknown_model(fetch: Fetch, cloned: Path) -> None:
    done = fetch("maskmimik")
    assert (done.code, done.codes) == (3, ["PML010"])
    assert fetch("maskmimic", "--from", "ftp").code == 2
