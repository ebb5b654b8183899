"""The surroundings of the commands under test: checkouts, motions, Isaac Lab, interpreters and git, all of them stand-ins."""

from __future__ import annotations

import importlib
import sys
import venv
from pathlib import Path

from standin import smpl_motion
from standin3 import make_checkout3
from wheelhouse import TORCH, make_installable, put_into

_COMMIT = "0123456789" * 4
_GIT = """#!/bin/sh
case "$*" in
    *"lfs version"*) echo "git-lfs/3.4.0 (GitHub; linux amd64; go 1.20)" ;;
    *version*) echo "git version 2.40.0" ;;
    "config -z --list"*) ;;
    *) exit 1 ;;
esac
"""
_FILES = {
    "work/broken.npy": "no motion\n",
    "work/clips.yaml": """
motions:
  - {file: clips/turn.npy, fps: 15, sub_motions: [{timings: {start: 0.2, end: 0.8}, weight: 2.0}]}
  - {file: clips/jump.npy}
""",
    "work/protomotions/.git/HEAD": "ref: refs/heads/main\n",
    "work/protomotions/.git/refs/heads/main": f"{_COMMIT}\n",
    "work/isaaclab/VERSION": "2.1.0\n",
    "work/isaaclab/isaaclab.sh": "",
    "work/isaaclab/isaaclab.bat": "",
    "work/isaaclab/_isaac_sim/python.sh": "",
    "work/isaaclab/_isaac_sim/python.bat": "",
    "work/isaaclab/_isaac_sim/kit/python/pyvenv.cfg": "version = 3.9.20\n",
    "work/python/pyvenv.cfg": "version = 3.9.20\n",
    "workspace/pmlaunch.yaml": """
protomotions: ../work/protomotions
isaaclab: ../work/isaaclab
runs: results
num_envs: 4
timeout: 600
""",
    "workspace/configs/model/mine.yaml": """
name: mine
title: A preset of the workspace
aliases: [my own]
checkpoint: data/pretrained_models/motion_tracker/smpl/last.ckpt
robot: smpl
simulator: genesis
motion: walk
""",
    "workspace/mistyped/pmlaunch.yaml": "simulatr: genesis\n",
    "user/pmlaunch/config.yaml": "device: cpu\nnum_envs: 2\npython: ../../work/python/bin/python\n",
    **{
        f"modules/{name}/__init__.py": "raise AssertionError('imported')\n"
        for name in ("torch", "lightning", "mujoco", "matplotlib")
    },
    "more/moviepy/__init__.py": "ImageSequenceClip = 'by a stand-in'\n",
}
_PROGRAMS = {"tools/git": _GIT, "tools/git-lfs": _GIT, "work/python/bin/python": "#!/bin/sh\nexit 1\n"}
_PACKAGES = {"torch": "2.5.0", "hydra-core": "1.3.2", "numpy": "1.26.4", "moviepy": "2.1.1", "pydantic": "1.10.9"}
_REAL = ("hydra", "omegaconf", "antlr4", "yaml", "packaging")


def make_world(root: Path) -> None:
    """Create the surroundings below `root`.

    work/ has checkouts of 2.x and 3.x, motions, an Isaac Lab and an interpreter that is never started; empty/ nothing;
    workspace/ and user/ settings; tools/ a git without repositories; modules/ packages for pmlaunch's own Python; more/
    packages for a run's PYTHONPATH.
    """
    for name in ("empty", "home", "cache"):
        (root / name).mkdir(parents=True)
    make_installable(root / "work" / "protomotions")
    make_checkout3(root / "work" / "three")
    for name, frames in {"turn": 16, "jump": 61}.items():
        smpl_motion(root / "work" / "clips" / f"{name}.npy", frames=frames)
    for name, text in {**_FILES, **_PROGRAMS}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name in _PROGRAMS:
        (root / name).chmod(0o755)
    for prefix in ("python", "isaaclab/_isaac_sim/kit/python"):
        for name, version in _PACKAGES.items():
            put_into(root / "work" / prefix / "lib" / "python3.9" / "site-packages", name, version)


def make_python(folder: Path) -> Path:
    """Create a virtual environment that can run the stand-ins, with the real Hydra and a stand-in for torch."""
    venv.create(folder, symlinks=True)
    site = packages_of(folder)
    for name in _REAL:
        (site / name).symlink_to(Path(str(importlib.import_module(name).__file__)).parent)
    put_into(site, "torch", "2.5.0", {"torch.py": TORCH})
    put_into(site, "hydra-core", "1.3.2", {})
    for name in ("lightning", "moviepy"):
        put_into(site, name, "2.5.0")
    for name in ("omegaconf", "numpy", "scipy", "trimesh", "easydict", "rich", "genesis-world", "pip"):
        put_into(site, name, "1.0", {})
    return folder / "bin" / "python"


def packages_of(folder: Path) -> Path:
    """The site-packages folder of the virtual environment in `folder`."""
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
