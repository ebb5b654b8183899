"""What a checkout of ProtoMotions 3 holds, told without importing anything of it."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from pathlib import Path

import pytest

from pmlaunch.catalog.models import models
from pmlaunch.catalog.motions import find_motion, motions, read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import Robot, robots, simulators
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import demo_checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.generations.v3.checkout import InferenceCheckout
from pmlaunch.model import FLAG, Generation
from pmlaunch.settings import Settings
from standin import pointer_text
from standin3 import G1, SMPL, Named, make_clip, make_library, make_trained, save_like_torch


def available(opened3: InferenceCheckout) -> list[Robot]:
    return robots(opened3, presets("robot"))


def find(checkout: InferenceCheckout, wanted: str, robot: str | None = "g1") -> Path:
    known = available(checkout)
    own = next((item for item in known if item.name == robot), None)
    return find_motion(wanted, checkout, known, own, presets("motion"), Path("nowhere"))


def test_found_by_its_program(checkout3: Path, tmp_path: Path) -> None:
    found = find_checkout(Settings(tmp_path), str(checkout3))
    assert (found.generation, found.source, found.groups(), found.options("robot")) == (Generation.V3, FLAG, [], [])
    assert not found.config_dir.exists()


def test_robots_are_read_from_their_mjcf(opened3: InferenceCheckout) -> None:
    found = {robot.name: robot for robot in available(opened3)}
    assert list(found) == ["g1", "smpl"]  # not the one whose file is missing, nor the one that does not parse
    assert found["g1"].bodies == tuple(G1)
    assert (found["smpl"].actions, found["smpl"].motion_prefix) == (len(SMPL), "smpl_humanoid")


def test_simulators(opened3: InferenceCheckout) -> None:
    found = {simulator.name: simulator for simulator in simulators(opened3, presets("simulator"))}
    assert list(found) == ["isaaclab", "mujoco", "newton"]
    assert (found["mujoco"].devices, found["isaaclab"].runtime) == (("cpu",), "isaaclab")


def test_models(opened3: InferenceCheckout) -> None:
    found = {model.name: model for model in models(opened3, demo_checkout(), presets("model"), available(opened3))}
    assert (found["masked_mimic"].state, found["masked_mimic"].size) == ("pointer", 229_131_184)
    assert (found["g1_mlp"].robot, found["g1_mlp"].state) == ("g1", "here")
    assert found["gpc_prior"].checkpoint.name == "inference_last.ckpt"


def test_model_of_another_generation_is_not_listed_for_2(opened, refused) -> None:
    known = robots(opened, presets("robot"))
    assert "gpc_prior" not in {model.name for model in models(opened, demo_checkout(), presets("model"), known)}
    error = refused("gpc_prior")
    assert (error.code, error.exit_code) == ("PML013", 3)
    assert "ProtoMotions 3" in error.message


def test_smaller_checkpoint_of_a_folder_is_taken(opened3: InferenceCheckout) -> None:
    shutil.copyfile(opened3.root / "results/g1_mlp/last.ckpt", opened3.root / "results/g1_mlp/inference_last.ckpt")
    names = [path.name for path in opened3.checkpoints() if path.parent.name == "g1_mlp"]
    assert names == ["inference_last.ckpt"]


def test_motions_tell_their_robot_by_their_bodies(opened3: InferenceCheckout) -> None:
    found = {motion.name: motion for motion in motions(opened3, available(opened3))}
    walk, library = found["output_walk"], found["g1_all"]
    assert (walk.robot, walk.frames, walk.fps) == ("g1", 51, 30.0)
    assert walk.seconds == pytest.approx(50 / 30)
    assert (library.robot, library.frames, library.seconds, library.fps) == ("g1", 92, 2.0, 30.0)
    assert found["smpl_humanoid_sit_armchair"].robot == "smpl"
    assert found["g1_far"].problem.code == "PML127"
    assert "32.2 MB" in found["g1_far"].problem.message


def test_library_of_another_kind_is_not_looked_into(opened3: InferenceCheckout, tmp_path: Path) -> None:
    for name, content in (
        ("object", {"gts": Named("protomotions.utils.motion_lib", "MotionLib")}),
        ("short", {"gts": 1}),
        ("other", {"weights": 1}),
    ):
        path = tmp_path / f"{name}.pt"
        save_like_torch(path, content)
        assert read_info(path, available(opened3)).problem.code == "PML126", name
    cut = make_library(tmp_path / "cut.pt", len(G1), {"walk": -1.0}, fps=30)
    assert read_info(cut, available(opened3)).problem.code == "PML126"


@pytest.mark.parametrize(
    ("wanted", "file"),
    [
        ("walk", "output_walk.motion"),
        ("output_wave", "output_wave.motion"),
        ("wave", "output_wave.motion"),
        ("g1_far", "g1_far.pt"),
        ("all", "g1_all.pt"),
    ],
)
def test_motion_by_name(opened3: InferenceCheckout, wanted: str, file: str) -> None:
    assert find(opened3, wanted).name == file


def test_motion_of_a_preset_is_the_generations_own(opened3: InferenceCheckout) -> None:
    assert find(opened3, "sit", "smpl").name == "smpl_humanoid_sit_armchair.motion"


def test_motion_that_the_robot_has_not_is_answered_with_those_it_has(opened3: InferenceCheckout) -> None:
    with pytest.raises(PmlaunchError) as caught:
        find(opened3, "walk", "smpl")
    assert caught.value.code == "PML010"
    assert "smpl_humanoid_sit_armchair" in caught.value.message


def test_one_name_in_two_folders_is_ambiguous(opened3: InferenceCheckout) -> None:
    make_clip(opened3.root / "data/more/output_walk.motion", len(G1), frames=3, fps=30)
    with pytest.raises(PmlaunchError) as caught:
        find(opened3, "walk")
    assert caught.value.code == "PML011"
    assert "more/output_walk.motion" in caught.value.message


def test_frozen_configs_tell_the_robot_and_ask_for_nothing_foreign(checkout3: Path) -> None:
    checkpoint = checkout3 / "results/g1_mlp/last.ckpt"
    assert frozen.read_frozen(checkpoint) == frozen.FrozenConfigs("here", "g1")
    assert frozen.trained_simulator(checkpoint) == "mujoco"
    assert frozen.robot_bodies(checkpoint) == frozenset(G1)
    assert frozen.number_at(frozen.frozen_text(checkpoint), "simulator.sim.fps") == 1000
    assert frozen.text_at(frozen.frozen_text(checkpoint), "env.empty") is None


@pytest.mark.parametrize(
    ("content", "foreign"),
    [
        ({"a": Named("os", "system")}, "os.system"),
        ({"a": Named("protomotions.utils.hydra_replacement", "instantiate")}, "protomotions.utils"),
        ({"a": Named("torch.hub", "load")}, "torch.hub.load"),
        ({"agent": {"_target_": "subprocess.Popen"}}, "subprocess.Popen"),
        ({"x": "subprocess.run", "agent": {"_target_": "subprocess.run"}}, "subprocess.run"),
    ],
)
def test_frozen_configs_that_ask_for_foreign_code(tmp_path: Path, content: dict, foreign: str) -> None:
    checkpoint = make_trained(tmp_path, "g1", G1)
    save_like_torch(tmp_path / frozen.CONFIGS, content)
    found = frozen.read_frozen(checkpoint)
    assert found.state == "here"
    assert any(name.startswith(foreign) for name in found.foreign)


def _archive(path: Path, payload: bytes, before: bytes = b"") -> frozen.FrozenConfigs:
    """`payload` as torch would find it in `path`, behind other bytes."""
    with path.open("wb") as file:
        file.write(before)
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("configs/data.pkl", payload)
    return frozen.read_frozen(path.with_name("last.ckpt"))


_TWICE = [{"_target_": "protomotions.agents.ppo.agent.PPO"}, {"_target_": "os.system"}]
_CONFIG = b"cprotomotions.envs.base_env.config\nEnvConfig\n"


@pytest.mark.parametrize(
    ("payload", "foreign"),
    [
        # a module of ProtoMotions has whatever it imported
        (b"\x80\x02cprotomotions.agents.common.common\nget_class\n(X\x09\x00\x00\x00os.systemtR.", "get_class"),
        (b"\x80\x02cprotomotions.envs.base_env.env\nget_class\n.", "get_class"),
        # a function may be named, and not called
        (b"\x80\x02cprotomotions.envs.obs.path\ncompute_path_obs\n)R.", "compute_path_obs"),
        # the rest of protocol 4: a path of attributes, and a memo without numbers
        (b"\x80\x04cprotomotions.components.motion_lib\nos.system\n.", "PROTO"),
        (b"\x80\x02cprotomotions.envs.obs\nos.system\n.", "os.system"),
        (pickle.dumps(_TWICE, protocol=4), "PROTO"),
        (b"\x80\x02" + pickle.dumps(_TWICE, protocol=4)[2:], "FRAME"),
        (pickle.dumps(_TWICE, protocol=2), "os.system"),
        # what is given to a class or function that was only named changes it for everybody
        (b"\x80\x02" + _CONFIG + b"}X\x01\x00\x00\x00aK\x01sb.", "BUILD"),
        (b"\x80\x02" + _CONFIG + b")\x81}X\x09\x00\x00\x00__class__K\x01sb.", "__class__"),
        (b"\x80\x02" + _CONFIG + b")\x81K\x01a.", "APPEND"),
        (b"\x80\x02ccollections\nOrderedDict\n]\x85R.", "OrderedDict"),
    ],
)
def test_ways_around_the_look_at_the_pickle(tmp_path: Path, payload: bytes, foreign: str) -> None:
    found = _archive(tmp_path / frozen.CONFIGS, payload)
    assert found.state == "here"
    assert any(foreign in name for name in found.foreign)


def test_a_pickle_with_an_archive_behind_it_is_unreadable(tmp_path: Path) -> None:
    """torch loads the pickle, and zipfile would look at the archive."""
    assert _archive(tmp_path / frozen.CONFIGS, b"\x80\x02}.", before=b"cos\nsystem\n.").state == "unreadable"


def test_what_upstreams_own_configs_do_is_not_foreign(tmp_path: Path) -> None:
    """The names and calls of real files: configs, an enum, a term whose function is a value, a tensor's storage."""
    payload = (
        b"\x80\x02(" + _CONFIG + b")\x81}X\x08\x00\x00\x00_target_X\x22\x00\x00\x00protomotions.envs.base_env.env.Envsb"
        b"cprotomotions.robot_configs.base\nControlType\nX\x01\x00\x00\x00a\x85R"
        b"cprotomotions.envs.mdp_component\nMdpComponent\n)\x81}X\x01\x00\x00\x00f"
        b"cprotomotions.envs.obs.path\ncompute_path_obs\nsbccollections\nOrderedDict\n)Rt."
    )
    found = _archive(tmp_path / frozen.CONFIGS, payload)
    assert found == frozen.FrozenConfigs("here", None)


@pytest.mark.parametrize(
    ("content", "state"),
    [(b"", "unreadable"), (b"PK\x03\x04", "unreadable"), (pointer_text(b"x").encode(), "pointer"), (None, "missing")],
)
def test_frozen_configs_that_cannot_be_read(tmp_path: Path, content: bytes | None, state: str) -> None:
    checkpoint = make_trained(tmp_path, "g1", G1)
    if content is None:
        (tmp_path / frozen.CONFIGS).unlink()
    else:
        (tmp_path / frozen.CONFIGS).write_bytes(content)
    assert frozen.read_frozen(checkpoint).state == state
    assert list(frozen.robot_names(checkpoint)) == ["g1"]  # what was typed for the training still tells


@pytest.mark.parametrize("more", ["day: 2024-01-31", "ring: &ring [*ring]", "set: !!set {a}", "- broken"])
def test_odd_text_of_the_configs_is_no_failure(tmp_path: Path, more: str) -> None:
    checkpoint = make_trained(tmp_path, "g1", G1)
    text = tmp_path / "resolved_configs_inference.yaml"
    text.write_text(f"{text.read_text(encoding='utf-8')}{more}\n", encoding="utf-8")
    assert frozen.trained_simulator(checkpoint) == "mujoco"  # the YAML says so, or else what was typed


def test_text_of_the_configs_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        checkpoint = make_trained(tmp_path / name, "g1", G1)
        assert frozen.robot_bodies(checkpoint) == frozenset(G1)
        monkeypatch.setattr(frozen, "yaml_mapping", lambda _: pytest.fail("parsed again"))


def test_config_of_2_is_none_of_3(config: Path) -> None:
    assert not frozen.is_of_generation_3(config.with_name("last.ckpt"))


def test_meshes_that_are_pointers(opened3: InferenceCheckout) -> None:
    assert opened3.pointer_meshes("g1") == []
    mesh = opened3.assets / "mesh/g1/hull.stl"
    mesh.write_text(pointer_text(b"hull"), encoding="utf-8")
    assert [path.name for path in opened3.pointer_meshes("g1")] == ["hull.stl"]
    mesh.unlink()
    assert opened3.pointer_meshes("g1") == opened3.pointer_meshes("nobody") == []


def test_asset_root_of_the_environment_is_obeyed(checkout3: Path, tmp_path: Path) -> None:
    settings = Settings(tmp_path, {"PROTOMOTIONS_ASSET_ROOT": str(tmp_path / "assets")})
    found = find_checkout(settings, str(checkout3))
    assert isinstance(found, InferenceCheckout)
    assert found.assets == tmp_path / "assets"
