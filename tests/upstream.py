"""A repository like ProtoMotions' own: packages, checkpoints in Git LFS, the tag v2.3 and a newer main.

Each checkpoint has two versions in the history; main has another program. Served from file:// by real git and git-lfs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from standin import make_checkout, torch_file

needs_lfs = pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("git-lfs") is None, reason="skipped: git or git-lfs is not installed"
)
MASKED = "data/pretrained_models/masked_mimic/smpl/last.ckpt"
TRACKER = "data/pretrained_models/motion_tracker/smpl/last.ckpt"
# what generation 3 adds: files in Git LFS, and its list of robots
GENERATION_3 = (
    "data/pretrained_models/masked_mimic/smpl/resolved_configs_inference.pt",
    "data/motion_for_trackers/g1_random.pt",
    "protomotions/data/assets/mesh/G1/pelvis.stl",
    "protomotions/data/assets/mesh/smpl/geom/Pelvis.stl",
    "protomotions/data/assets/usd/room.usd",
    "protomotions/robot_configs/base.py",
    "protomotions/robot_configs/g1.py",
    "protomotions/robot_configs/smpl.py",
)
_WHO = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
_SETUP = 'from setuptools import setup\n\nsetup(name="{0}", version="2.0", packages=["{0}"])\n'


@dataclass(frozen=True)
class Upstream:
    """The repository, and the content of its checkpoints at v2.3."""

    root: Path
    masked: bytes
    tracker: bytes

    @property
    def url(self) -> str:
        return self.root.as_uri()


def make_upstream(root: Path, size: int = 200_000, versions: int = 2) -> Upstream:
    """Make the repository at `root`, with `versions` versions of each checkpoint, of `size` bytes."""
    make_checkout(root)
    for package, folder in (("protomotions", "."), ("isaac_utils", "isaac_utils"), ("poselib", "poselib")):
        home = root / folder
        (home / package).mkdir(parents=True, exist_ok=True)
        (home / package / "__init__.py").touch()
        (home / "setup.py").write_text(_SETUP.format(package), encoding="utf-8", newline="\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "uploadpack.allowFilter", "true")
    git(root, "config", "lfs.locksverify", "false")
    git(root, "lfs", "install", "--local")
    git(root, "lfs", "track", "*.ckpt")
    for version in range(versions):
        for path in (MASKED, TRACKER):
            write_checkpoint(root / path, f"{path} {version}", size)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", f"checkpoints {version}")
    git(root, "tag", "v2.3")
    masked, tracker = ((root / path).read_bytes() for path in (MASKED, TRACKER))
    git(root, "mv", "protomotions/eval_agent.py", "protomotions/inference_agent.py")
    write_checkpoint(root / MASKED, "of generation 3", size)
    git(root, "lfs", "track", "*.pt", "*.stl", "*.usd")
    for name in GENERATION_3:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(root / name, name, 5000)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "generation 3")
    return Upstream(root, masked, tracker)


def write_checkpoint(path: Path, seed: str, size: int) -> None:
    """Write a file of `size` bytes that torch could have saved and that depends on `seed`."""
    path.write_bytes(torch_file(f"{seed}\n".encode(), size))


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """Run a git command that must succeed, and return its output."""
    environment = {**os.environ, **_WHO, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **variables}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return done.stdout.strip()


def make_repository(folder: Path, name: str, text: str) -> Path:
    """A repository on branch main with one committed file."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / name).write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", text)
    return folder
