"""`pmlaunch fetch`: one checkpoint more, from Git LFS or from a stand-in for Hugging Face; and given up again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installs import Install, folder, install, is_whole, made, own, pmlaunch

from pmlaunch.git.lfs_pointer import read_pointer
from started import Done
from upstream import MASKED, TRACKER, Upstream, git, needs_lfs

pytestmark = needs_lfs
__all__ = ["folder", "install", "made", "own"]  # fixtures
Fetch = Callable[..., Done]

# The two calls that pmlaunch makes, with what the real library returns (looked up in huggingface_hub 2.4).
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
    def run(*arguments: str, **variables: str) -> Done:
        return pmlaunch(folder, tmp_path, "fetch", *arguments, **variables)

    return run


@pytest.fixture
def hub(made: Upstream, tmp_path: Path) -> dict[str, str]:
    """An environment in which huggingface_hub is our stand-in, and its repository holds MaskedMimic's checkpoint."""
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


def test_from_git_lfs_and_given_up_again(install: Install, fetch: Fetch, folder: Path, made: Upstream) -> None:
    assert install("--models", "none").code == 0
    checkout = folder / "protomotions"
    before = {path: (checkout / path).read_bytes() for path in (MASKED, TRACKER)}
    done = fetch("tracker", "maskmimic")
    assert done.code == 0, done.out
    assert [(model["title"], model["state"], model["bytes"]) for model in done.document["data"]["models"]] == [
        ("motion_tracker", "done", len(made.tracker)),
        ("masked_mimic", "done", len(made.masked)),
    ]
    assert (checkout / MASKED).read_bytes() == made.masked
    assert (checkout / TRACKER).read_bytes() == made.tracker
    assert [model["state"] for model in fetch("all").document["data"]["models"]] == ["already done"] * 2
    gone = fetch("all", "--remove")
    assert gone.code == 0
    assert gone.document["data"]["bytes"] == 2 * (len(made.masked) + len(made.tracker))
    assert {path: (checkout / path).read_bytes() for path in before} == before
    assert not stored(checkout, made.masked).exists()
    assert git(checkout, "status", "--porcelain") == ""
    assert [model["state"] for model in fetch("all", "--remove").document["data"]["models"]] == ["already done"] * 2


def test_a_changed_file_is_not_removed(install: Install, fetch: Fetch, folder: Path) -> None:
    assert install().code == 0
    place = folder / "protomotions" / MASKED
    place.write_bytes(b"my own weights")
    done = fetch("maskmimic", "--remove")
    assert (done.code, done.codes) == (6, ["PML420"])
    assert place.read_bytes() == b"my own weights"


MINE = "data/pretrained_models/mine/smpl/last.ckpt"


def test_the_only_copy_is_not_removed(install: Install, fetch: Fetch, folder: Path, own: Upstream) -> None:
    """A checkpoint of the user's that was never pushed: named it is refused, and "all" does not mean it."""
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
        assert (checkout / MASKED).read_bytes() == own.masked, "something was freed before all was looked at"
    done = fetch("all", "--remove")
    assert done.code == 0, done.out
    assert {model["title"] for model in done.document["data"]["models"]} == {"masked_mimic", "motion_tracker"}
    assert (checkout / MINE).read_bytes() == weights
    for setting in (
        "lfs.locksverify=false",
        "lfs.allowincompletepush=true",
    ):  # the pointers of others are not ours to push
        git(checkout, "config", *setting.split("="))
    git(checkout, "push", "-q", "origin", "HEAD:refs/heads/mine")
    git(checkout, "fetch", "-q", "origin", "refs/heads/mine:refs/remotes/origin/mine")
    assert fetch("mine_smpl", "--remove").code == 0
    assert read_pointer(checkout / MINE) is not None
    assert fetch("mine_smpl").code == 0
    assert (checkout / MINE).read_bytes() == weights


def test_ones_own_weights_in_a_presets_place_are_not_removed(install: Install, fetch: Fetch, folder: Path) -> None:
    assert install().code == 0
    checkout = folder / "protomotions"
    (checkout / MASKED).write_bytes(b"trained further")
    git(checkout, "add", MASKED)
    for names in ("maskmimic", "all"):
        done = fetch(names, "--remove")
        assert (done.code, done.codes) == (6, ["PML420"])
        assert (checkout / MASKED).read_bytes() == b"trained further"


def test_in_a_whole_clone_what_a_remote_branch_held_is_removed(fetch: Fetch, folder: Path, made: Upstream) -> None:
    checkout = folder / "protomotions"
    git(folder, "clone", "-q", made.url, "protomotions", GIT_LFS_SKIP_SMUDGE="1")
    git(checkout, "checkout", "-q", "v2.3", GIT_LFS_SKIP_SMUDGE="1")
    assert fetch("all").code == 0
    assert fetch("all", "--remove").code == 0
    assert read_pointer(checkout / MASKED) is not None


def test_where_git_cannot_answer_a_file_of_the_right_size_is_not_believed(
    install: Install, fetch: Fetch, folder: Path, made: Upstream
) -> None:
    assert install().code == 0
    checkout = folder / "protomotions"
    place = checkout / MASKED
    (checkout / ".git" / "lfs").rename(checkout / ".git" / "lfs-away")
    (checkout / ".git" / "lfs").touch()
    place.write_bytes(made.masked)  # git does not know this one yet
    assert fetch("maskmimic").document["data"]["models"][0]["state"] == "already done"
    wrong = os.urandom(len(made.masked))
    place.write_bytes(wrong)
    for done in (fetch("maskmimic"), install()):
        assert done.code == 6, done.out
    assert wrong in [path.read_bytes() for path in place.parent.glob("last.ckpt*")], "it is the user's"


def test_from_hugging_face_by_content(
    install: Install, fetch: Fetch, folder: Path, made: Upstream, hub: dict[str, str]
) -> None:
    assert install("--models", "none").code == 0
    done = fetch("maskmimic", "--from", "hf", **hub)
    assert done.code == 0, done.out
    is_whole(folder / "protomotions", made)
    assert not (folder / "protomotions" / ".git" / "pmlaunch-hf").exists()
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
def test_hugging_face_that_does_not_deliver(
    install: Install, fetch: Fetch, folder: Path, hub: dict[str, str], model: str, variables: dict[str, str], code: str
) -> None:
    if code == "PML418":
        blocker = folder.parent / "blocked"
        (blocker / "huggingface_hub").mkdir(parents=True)  # a package that is there in name only
        variables = {**variables, "PYTHONPATH": str(blocker)}
    assert install("--models", "none").code == 0
    done = fetch(model, "--from", "hf", **{**hub, **variables})
    assert (done.code, done.codes[-1]) == (6, code)
    assert read_pointer(folder / "protomotions" / MASKED) is not None
    if code == "PML418":  # a plain pip may be that of another Python
        assert done.document["errors"][0]["hint"].startswith(f'"{sys.executable}" -m pip install ')


def test_freeing_and_a_source_are_not_both_meant(install: Install, fetch: Fetch) -> None:
    assert install("--models", "none").code == 0
    done = fetch("maskmimic", "--remove", "--from", "hf")
    assert (done.code, done.codes) == (2, ["PML001"])
    assert fetch("ALL", "--remove").code == 0


def test_a_repository_without_that_content(
    install: Install, fetch: Fetch, folder: Path, hub: dict[str, str], own: Upstream, tmp_path: Path
) -> None:
    assert install("--models", "none").code == 0
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


def test_a_model_that_nobody_knows(install: Install, fetch: Fetch) -> None:
    assert install("--models", "none").code == 0
    done = fetch("maskmimik")
    assert (done.code, done.codes) == (3, ["PML010"])
    assert fetch("maskmimic", "--from", "ftp").code == 2
