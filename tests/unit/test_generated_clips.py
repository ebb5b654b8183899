"""Generated clips for a checkout of 3.x without motions for SMPL: computed for its skeleton, and reported as ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pmlaunch.catalog import generated_clips
from pmlaunch.catalog.generated_clips import is_own, own_clip, own_clips, tensors_of
from pmlaunch.catalog.motions import MotionSearch, motions, read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import choose_robot, robots
from pmlaunch.checks.preflight import preflight
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v3.checkout import InferenceCheckout, v3_checkout
from pmlaunch.model import FLAG, Severity
from pmlaunch.motions.generated.choreography import own_motion
from pmlaunch.motions.generated.skeleton import NODE_NAMES, PARENTS, Skeleton, varied_skeleton
from pmlaunch.motions.kinematics import forward_kinematics, from_vector
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.paths import Place
from standin3 import make_checkout3, make_trained

PLACES = varied_skeleton(np.random.default_rng(3)).offsets
SKELETON = Skeleton(PLACES)


def mjcf(places: np.ndarray, extra: str = "") -> str:
    def body(index: int) -> str:
        place = " ".join(f"{value:.6f}" for value in places[index])
        inside = "".join(body(int(child)) for child in np.flatnonzero(index == PARENTS))
        return f'<body name="{NODE_NAMES[index]}" pos="{place}"{extra if index == 5 else ""}>{inside}</body>'

    return f"<mujoco><worldbody>{body(0)}</worldbody></mujoco>"


@pytest.fixture
def smpl3(tmp_path: Path) -> InferenceCheckout:
    """Make a checkout of 3.x whose SMPL humanoid has all bodies, with proportions of its own."""
    root = make_checkout3(tmp_path / "three")
    (root / "protomotions/data/assets/mjcf/smpl.xml").write_text(mjcf(PLACES), encoding="utf-8")
    make_trained(root / "results/smpl_mlp", "smpl", list(NODE_NAMES))
    return v3_checkout(root, FLAG)


def find(checkout: InferenceCheckout, wanted: str, robot: str = "smpl") -> Path:
    known = robots(checkout, presets("robot"))
    search = MotionSearch(checkout, known, choose_robot(robot, known), presets("motion"), (Place(checkout.root),))
    return search.find(wanted)


@pytest.mark.parametrize(
    ("wanted", "name"), [("walk", "walk"), ("Walking", "walk"), ("wave", "wave"), ("pmlaunch_smpl_squat", "squat")]
)
def test_missing_motion_is_generated(smpl3: InferenceCheckout, wanted: str, name: str) -> None:
    path = find(smpl3, wanted)
    assert is_own(path)
    info = read_info(path, robots(smpl3, presets("robot")))
    assert (info.name, info.robot, info.frames, info.fps) == (f"pmlaunch_smpl_{name}", "smpl", 151, 30.0)
    assert find(smpl3, wanted) == path, "written once"


def test_clips_of_the_checkout_take_precedence(smpl3: InferenceCheckout) -> None:
    assert not is_own(find(smpl3, "sit"))
    assert not is_own(find(smpl3, "walk", "g1"))
    with pytest.raises(PmlaunchError) as caught:
        find(smpl3, "squat", "g1")
    assert caught.value.code == "PML010"
    with pytest.raises(PmlaunchError) as caught:
        find(smpl3, "dance")
    assert "pmlaunch_smpl_wave" in caught.value.message


def test_generated_clips_are_listed(smpl3: InferenceCheckout) -> None:
    found = {motion.name: motion for motion in motions(smpl3, robots(smpl3, presets("robot")))}
    assert found["pmlaunch_smpl_squat"].robot == "smpl"
    assert found["pmlaunch_smpl_walk"].problem is None


def test_broken_file_is_written_again(smpl3: InferenceCheckout) -> None:
    path = find(smpl3, "walk")
    whole = path.read_bytes()
    path.write_bytes(b"half")
    assert find(smpl3, "walk").read_bytes() == whole


FLAT = "".join(f'<body name="{name}" pos="0 0 1"/>' for name in NODE_NAMES)


@pytest.mark.parametrize(
    "text",
    [
        mjcf(PLACES, ' quat="1 0 0 0"'),
        mjcf(np.where(PLACES[3, 0] == PLACES, np.nan, PLACES)),
        f"<mujoco><worldbody>{FLAT}</worldbody></mujoco>",
        mjcf(PLACES)[:-9],
        "<mujoco/>",
        mjcf(PLACES * 0.0),
    ],
    ids=["turned", "no number", "another tree", "cut", "empty", "no bones"],
)
def test_no_clips_for_an_unusual_skeleton(smpl3: InferenceCheckout, text: str) -> None:
    (smpl3.root / "protomotions/data/assets/mjcf/smpl.xml").write_text(text, encoding="utf-8")
    assert own_clips(smpl3) == []


def test_clips_are_in_the_data_folder_if_the_cache_is_off(
    smpl3: InferenceCheckout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PMLAUNCH_CACHE", "off")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "data")
    assert own_clip("walk", smpl3, "smpl") == next((tmp_path / "data/clips").rglob("*.motion"))


@pytest.mark.usefixtures("in_git")
def test_pml134_generated_clip_is_reported(smpl3: InferenceCheckout, tmp_path: Path) -> None:
    request = EvalRequest(
        "smpl_mlp", motions=("walk", "sit"), protomotions=str(smpl3.root), headless=True, python="python"
    )
    planned = make_plan(request, Settings(tmp_path))
    (finding,) = [item for item in preflight(planned) if item.code == "PML134"]
    assert (finding.severity, finding.subject) == (Severity.NOTE, str(planned.plan.motions[0].path))


@pytest.mark.parametrize("name", ["walk", "wave", "squat"])
def test_tensors_of_a_clip_are_consistent(name: str) -> None:
    held = tensors_of(own_motion(name, SKELETON))
    local = from_vector(held["dof_pos"].reshape(151, 23, 3).astype(float))
    assert np.abs(np.abs(np.sum(local * held["local_rigid_body_rot"][:, 1:], axis=-1)) - 1.0).max() < 1e-5
    positions, _ = forward_kinematics(PARENTS, PLACES, held["local_rigid_body_rot"], held["rigid_body_pos"][:, 0])
    assert np.abs(positions - held["rigid_body_pos"]).max() < 1e-5
    moved = held["rigid_body_pos"][:-2] + held["rigid_body_vel"][1:-1] * (2 / 30)
    assert np.abs(moved - held["rigid_body_pos"][2:]).max() < 1e-5
    assert held["rigid_body_pos"][..., 2].min() > -0.01, "no body is below the ground"
    speed = float(np.linalg.norm(held["rigid_body_vel"][:, 0, :2], axis=-1).mean())
    assert (0.8 < speed < 1.6) == (name == "walk")
    feet = [NODE_NAMES.index(f"{side}_Toe") for side in "LR"]
    assert held["rigid_body_contacts"][:, feet].any(axis=1).mean() > 0.9, "a foot is on the ground"
    assert not held["rigid_body_contacts"][:, [NODE_NAMES.index("Head")]].any()


def test_angular_velocities_are_in_upstreams_frames() -> None:
    """Let a body turn at 1 rad/s about z, with a parent that lies on its side."""
    made = own_motion("walk", SKELETON)
    times = np.arange(made.frames) / made.fps
    local = np.zeros_like(made.local_rotation)
    local[..., 3] = 1.0
    local[:, 0] = from_vector(np.array([np.pi / 2, 0.0, 0.0]))
    local[:, 1] = from_vector(np.stack([0 * times, 0 * times, times], axis=-1))
    from dataclasses import replace

    held = tensors_of(replace(made, local_rotation=local))
    assert np.abs(held["dof_vel"][:, :3] - [0.0, 0.0, 1.0]).max() < 1e-5
    assert np.abs(held["rigid_body_ang_vel"][:, 1] - [0.0, -1.0, 0.0]).max() < 1e-5


@pytest.mark.usefixtures("in_git")
@pytest.mark.parametrize("typed", [(), ("walk",)])
def test_maskmimic_gets_a_generated_walk_in_3(smpl3: InferenceCheckout, tmp_path: Path, typed: tuple[str, ...]) -> None:
    request = EvalRequest("maskmimic", motions=typed, protomotions=str(smpl3.root), headless=True, python="python")
    plan = make_plan(request, Settings(tmp_path)).plan
    assert plan.script.name == "inference_agent.py"
    (motion,) = plan.motions
    assert is_own(motion.path)
    assert f"--motion-file={motion.path}" in plan.overrides


def test_oldest_clips_are_pruned(smpl3: InferenceCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMLAUNCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(generated_clips, "_KEEP", 2)
    stranger = tmp_path / "cache/clips/mine/notes.txt"
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    paths = [find(smpl3, name) for name in ("walk", "wave", "squat")]
    assert [path.exists() for path in paths] == [False, True, True]
    assert not paths[0].parent.exists()
    assert stranger.exists()
