"""Every model that ProtoMotions 3 ships: planned, fetched from a Git LFS server, and planned again without findings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from installs import pmlaunch
from lfs_server import LfsServer

from pmlaunch.git.lfs_pointer import read_pointer
from standin3 import G1, SMPL, TEXT, Named, make_checkout3, make_clip, save_like_torch
from started import Done
from upstream import git, needs_lfs, write_checkpoint

pytestmark = needs_lfs
SOMA = ["Hips", "Spine", "Head", "LeftHand"]
BODIES = {"g1": G1, "smpl": SMPL, "soma23": SOMA}
MODELS = {  # name -> (folder, checkpoint to evaluate, robot)
    "masked_mimic": ("masked_mimic/smpl", "last.ckpt", "smpl"),
    "motion_tracker": ("motion_tracker/smpl", "last.ckpt", "smpl"),
    "g1_tracker": ("motion_tracker/g1-bones-deploy", "last.ckpt", "g1"),
    "soma_tracker": ("motion_tracker/soma-bones", "last.ckpt", "soma23"),
    "gpc_prior": ("gpc_prior/soma_bones", "inference_last.ckpt", "soma23"),
    "motion_tracker_smpl-terrains": ("motion_tracker/smpl-terrains", "last.ckpt", "smpl"),
    "motion_tracker_soma_bones_fsq": ("motion_tracker/soma_bones_fsq", "inference_last.ckpt", "soma23"),
    "motion_tracker_soma_bones_fsq_amp_muon": (
        "motion_tracker/soma_bones_fsq_amp_muon",
        "inference_last.ckpt",
        "soma23",
    ),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the models of ProtoMotions 3, small ones, in Git LFS."""
    root = make_checkout3(tmp_path_factory.mktemp("source") / "ProtoMotions")
    robots, mjcf = root / "protomotions/robot_configs", root / "protomotions/data/assets/mjcf"
    (robots / "soma23.py").write_text((robots / "g1.py").read_text().replace("g1.xml", "soma23.xml"))
    bodies = "".join(f'<body name="{body}"><joint/>' for body in SOMA) + "</body>" * len(SOMA)
    (mjcf / "soma23.xml").write_text(f"<mujoco><worldbody>{bodies}</worldbody></mujoco>")
    make_clip(root / "data/soma-kimodo-generated/proto/output.motion", len(SOMA), frames=31, fps=30)
    for name, (folder, checkpoint, robot) in MODELS.items():
        home = root / "data/pretrained_models" / folder
        home.mkdir(parents=True, exist_ok=True)
        for file in {"last.ckpt", checkpoint}:
            write_checkpoint(home / file, f"{name} {file}", 3000)
        configs = {"robot": Named(f"protomotions.robot_configs.{robot}", "RobotConfig"), "agent": {}}
        save_like_torch(home / "resolved_configs_inference.pt", configs)
        text = TEXT.format(robot=robot, bodies=", ".join(BODIES[robot]), motion="None")
        if name == "gpc_prior":
            text = text.replace("evaluator: {", "evaluator: {evaluation_components: {}, ")
        (home / "resolved_configs_inference.yaml").write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "lfs", "install", "--local")
    git(root, "lfs", "track", "*.ckpt", "*.pt")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "models")
    return root


@pytest.fixture
def checkout(source: Path, tmp_path: Path) -> Path:
    """A clone with pointers only."""
    git(tmp_path, "clone", "-q", source.as_uri(), "three", GIT_LFS_SKIP_SMUDGE="1")
    return tmp_path / "three"


@pytest.fixture
def server(source: Path) -> Iterator[LfsServer]:
    running = LfsServer(source / ".git" / "lfs" / "objects")
    yield running
    running.close()


def plan(checkout: Path, logs: Path, model: str, robot: str) -> Done:
    motions = {
        "g1": "data/clips/proto/output_walk.motion",
        "smpl": "examples/data/smpl_humanoid_sit_armchair.motion",
        "soma23": "data/soma-kimodo-generated/proto/output.motion",
    }
    words = ("eval", model, "-m", motions[robot], "--simulator", "newton", "--python", sys.executable, "--headless")
    return pmlaunch(logs, logs, *words, "--protomotions", checkout, "--dry-run")


def test_every_listed_model_can_be_fetched_and_evaluated(checkout: Path, server: LfsServer, tmp_path: Path) -> None:
    listed = pmlaunch(tmp_path, tmp_path, "list", "models", "--protomotions", checkout).document["data"]["models"]
    assert set(MODELS) == {model["name"] for model in listed if "pretrained_models" in model["checkpoint"]} - {"demo"}
    for name, (_, checkpoint, robot) in MODELS.items():
        refused = plan(checkout, tmp_path, name, robot)
        assert {"PML101", "PML130"} <= set(refused.codes), refused.out
        fetched = pmlaunch(tmp_path, tmp_path, "fetch", name, "--protomotions", checkout, **server.variables)
        assert fetched.code == 0, fetched.out
        (result,) = fetched.document["data"]["models"]
        assert (result["title"], result["state"]) == (name, "done")
        assert checkpoint in result["text"]
        planned = plan(checkout, tmp_path, name, robot)
        assert (planned.code, planned.codes) == (0, []), planned.out
        assert planned.document["data"]["plan"]["checkpoint"].endswith(f"/{checkpoint}")
    left = [path.name for path in (checkout / "data").rglob("*.ckpt") if read_pointer(path)]
    assert left == ["last.ckpt"] * 3, "only what training needs"


def test_install_knows_the_models_that_have_no_preset(source: Path, server: LfsServer, tmp_path: Path) -> None:
    typed = ("--simulator", "newton", "--no-packages", "--source", source, "--ref", "main", "--robot", "g1")
    done = pmlaunch(
        tmp_path, tmp_path, "install", *typed, "--models", "motion_tracker_soma_bones_fsq", **server.variables
    )
    assert done.code == 0, done.out
    home = tmp_path / "protomotions/data/pretrained_models/motion_tracker/soma_bones_fsq"
    assert read_pointer(home / "inference_last.ckpt") is None
    assert read_pointer(home / "last.ckpt") is not None
