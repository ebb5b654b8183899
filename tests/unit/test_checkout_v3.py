"""Read a checkout of ProtoMotions 3 without importing anything from it."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit_help import Refused, present

from pmlaunch.catalog.models import models
from pmlaunch.catalog.motions import MotionSearch, motions, read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import Robot, robots, simulators
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.registry import training_of
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.generations.v3 import FROZEN_CONFIGS
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.generations.v3.checkout import InferenceCheckout
from pmlaunch.generations.v3.frozen_configs import FrozenState
from pmlaunch.generations.values import Training
from pmlaunch.model import FLAG, Generation, RuntimeKind
from pmlaunch.settings import Settings
from pmlaunch.support.paths import Place
from standin import pointer_text
from standin3 import G1, SMPL, Named, make_clip, make_library, make_trained, save_like_torch


def available(opened3: InferenceCheckout) -> list[Robot]:
    return robots(opened3, presets("robot"))


def find(checkout: InferenceCheckout, wanted: str, robot: str | None = "g1") -> Path:
    known = available(checkout)
    own = next((item for item in known if item.name == robot), None)
    return MotionSearch(checkout, known, own, presets("motion"), (Place(Path("nowhere")),)).find(wanted)


def test_checkout_is_recognised_by_its_program(checkout3: Path, tmp_path: Path) -> None:
    found = find_checkout(Settings(tmp_path), str(checkout3))
    assert (found.generation, found.source, found.groups(), found.options("robot")) == (Generation.V3, FLAG, [], [])
    assert not found.config_dir.exists()


def test_robots_are_read_from_their_mjcf(opened3: InferenceCheckout) -> None:
    found = {robot.name: robot for robot in available(opened3)}
    assert list(found) == ["g1", "smpl"]  # the others have a missing or a malformed file
    assert found["g1"].bodies == tuple(G1)
    assert (found["smpl"].actions, found["smpl"].motion_prefix) == (len(SMPL), "smpl_humanoid")


def test_simulators_have_the_facts_of_their_presets(opened3: InferenceCheckout) -> None:
    found = {simulator.name: simulator for simulator in simulators(opened3, presets("simulator"))}
    assert list(found) == ["isaaclab", "mujoco", "newton"]
    assert (found["mujoco"].devices, found["isaaclab"].runtime) == (("cpu",), RuntimeKind.ISAACLAB)


def test_models_have_state_size_and_robot(opened3: InferenceCheckout) -> None:
    found = {model.name: model for model in models(opened3, demo_checkout(), presets("model"), available(opened3))}
    assert (found["masked_mimic"].state, found["masked_mimic"].size) == ("pointer", 229_131_184)
    assert (found["g1_mlp"].robot, found["g1_mlp"].state) == ("g1", "here")
    assert found["gpc_prior"].checkpoint.name == "inference_last.ckpt"


def test_pml013_model_of_another_generation(opened: HydraCheckout, refused: Refused) -> None:
    known = robots(opened, presets("robot"))
    assert "gpc_prior" not in {model.name for model in models(opened, demo_checkout(), presets("model"), known)}
    error = refused("gpc_prior")
    assert (error.code, error.exit_code) == ("PML013", 3)
    assert "ProtoMotions 3" in error.message


def test_smallest_checkpoint_of_a_folder_is_used(opened3: InferenceCheckout) -> None:
    shutil.copyfile(opened3.root / "results/g1_mlp/last.ckpt", opened3.root / "results/g1_mlp/inference_last.ckpt")
    names = [path.name for path in opened3.checkpoints() if path.parent.name == "g1_mlp"]
    assert names == ["inference_last.ckpt"]


def test_robot_of_a_motion_follows_from_its_bodies(opened3: InferenceCheckout) -> None:
    found = {motion.name: motion for motion in motions(opened3, available(opened3))}
    walk, library = found["output_walk"], found["g1_all"]
    assert (walk.robot, walk.frames, walk.fps) == ("g1", 51, 30.0)
    assert walk.seconds == pytest.approx(50 / 30)
    assert (library.robot, library.frames, library.seconds, library.fps) == ("g1", 92, 2.0, 30.0)
    assert found["smpl_humanoid_sit_armchair"].robot == "smpl"
    assert present(found["g1_far"].problem).code == "PML127"
    assert "32.2 MB" in present(found["g1_far"].problem).message


def test_pml126_other_packed_files_are_not_read(opened3: InferenceCheckout, tmp_path: Path) -> None:
    for name, code, content in (
        ("object", "PML126", {"gts": Named("protomotions.utils.motion_lib", "MotionLib")}),
        ("long", "PML126", {"names": ["x"] * 200_000}),
        ("short", "PML122", {"gts": 1}),
        ("other", "PML122", {"weights": 1}),
    ):
        path = tmp_path / f"{name}.pt"
        save_like_torch(path, content)
        assert present(read_info(path, available(opened3)).problem).code == code, name
    cut = make_library(tmp_path / "cut.pt", len(G1), {"walk": -1.0}, fps=30)
    assert present(read_info(cut, available(opened3)).problem).code == "PML122"


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
def test_motion_by_part_of_its_name(opened3: InferenceCheckout, wanted: str, file: str) -> None:
    assert find(opened3, wanted).name == file


def test_preset_finds_the_motion_of_the_generation(opened3: InferenceCheckout) -> None:
    assert find(opened3, "sit", "smpl").name == "smpl_humanoid_sit_armchair.motion"


def test_unknown_motion_lists_those_of_the_robot(opened3: InferenceCheckout) -> None:
    with pytest.raises(PmlaunchError) as caught:
        find(opened3, "waltz", "smpl")
    assert caught.value.code == "PML010"
    assert "smpl_humanoid_sit_armchair" in caught.value.message


def test_pml011_same_name_in_two_folders(opened3: InferenceCheckout) -> None:
    make_clip(opened3.root / "data/more/output_walk.motion", len(G1), frames=3, fps=30)
    with pytest.raises(PmlaunchError) as caught:
        find(opened3, "walk")
    assert caught.value.code == "PML011"
    assert "more/output_walk.motion" in caught.value.message


def test_frozen_configs_name_the_robot_and_no_foreign_code(checkout3: Path) -> None:
    checkpoint = checkout3 / "results/g1_mlp/last.ckpt"
    assert frozen.read_frozen(checkpoint) == frozen.FrozenConfigs(FrozenState.HERE, "g1")
    assert training_of(checkpoint) == Training(Generation.V3, ("g1", "g1"), frozenset(G1), "mujoco")
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
def test_foreign_code_in_frozen_configs_is_detected(tmp_path: Path, content: dict[str, Any], foreign: str) -> None:
    checkpoint = make_trained(tmp_path, "g1", G1)
    save_like_torch(tmp_path / FROZEN_CONFIGS, content)
    found = frozen.read_frozen(checkpoint)
    assert found.state is FrozenState.HERE
    assert any(name.startswith(foreign) for name in found.foreign)


def _archive(path: Path, payload: bytes, before: bytes = b"") -> frozen.FrozenConfigs:
    """The frozen configs of an archive with `payload` as its pickle, after other bytes."""
    with path.open("wb") as file:
        file.write(before)
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("configs/data.pkl", payload)
    return frozen.read_frozen(path.with_name("last.ckpt"))


_TWICE = [{"_target_": "protomotions.agents.ppo.agent.PPO"}, {"_target_": "os.system"}]
_CONFIG = b"cprotomotions.envs.base_env.config\nEnvConfig\n"
_GETATTR = b"c__builtin__\ngetattr\n"
_ENUM = b"cprotomotions.robot_configs.base\nControlType\n"
_MEMBER = _GETATTR + b"q\x00" + _ENUM + b"q\x01X\x0b\x00\x00\x00BUILT_IN_PDq\x02\x86q\x03R"


@pytest.mark.parametrize(
    ("payload", "foreign"),
    [
        # a module of ProtoMotions also exposes what it imports
        (b"\x80\x02cprotomotions.agents.common.common\nget_class\n(X\x09\x00\x00\x00os.systemtR.", "get_class"),
        (b"\x80\x02cprotomotions.envs.base_env.env\nget_class\n.", "get_class"),
        # a function may be named but not called
        (b"\x80\x02cprotomotions.envs.obs.path\ncompute_path_obs\n)R.", "compute_path_obs"),
        # other features of protocol 4: attribute paths, and an implicit memo
        (b"\x80\x04cprotomotions.components.motion_lib\nos.system\n.", "PROTO"),
        (b"\x80\x02cprotomotions.envs.obs\nos.system\n.", "os.system"),
        (pickle.dumps(_TWICE, protocol=4), "PROTO"),
        (b"\x80\x02" + pickle.dumps(_TWICE, protocol=4)[2:], "FRAME"),
        (pickle.dumps(_TWICE, protocol=2), "os.system"),
        # setting state on a class or function changes it for the whole process
        (b"\x80\x02" + _CONFIG + b"}X\x01\x00\x00\x00aK\x01sb.", "BUILD"),
        (b"\x80\x02" + _CONFIG + b")\x81}X\x09\x00\x00\x00__class__K\x01sb.", "__class__"),
        (b"\x80\x02" + _CONFIG + b")\x81K\x01a.", "APPEND"),
        (b"\x80\x02ccollections\nOrderedDict\n]\x85R.", "OrderedDict"),
        # getattr for anything but a member of an enum
        (b"\x80\x02" + _GETATTR + _CONFIG + b"X\x01\x00\x00\x00A\x86R.", "getattr"),
        (b"\x80\x02" + _GETATTR + _ENUM + b"X\x09\x00\x00\x00__class__\x86R.", "getattr"),
        (b"\x80\x02" + _GETATTR + _ENUM + b"X\x03\x00\x00\x00mro\x86R.", "getattr"),
        (b"\x80\x02" + _GETATTR + b"cos\npath\nX\x01\x00\x00\x00A\x86R.", "getattr"),
        (b"\x80\x02" + _GETATTR + _ENUM + b"X\x01\x00\x00\x00AK\x01\x87R.", "getattr"),
        (b"\x80\x02}X\x01\x00\x00\x00f" + _GETATTR + b"s.", "getattr"),
        (b"\x80\x02(" + _MEMBER + b"h\x00t.", "getattr"),
        (b"\x80\x02(" + _MEMBER + b"j\x00\x00\x00\x00t.", "getattr"),
        (b"\x80\x02" + _MEMBER + b"}X\x01\x00\x00\x00aK\x01sb.", "BUILD"),
    ],
)
def test_attempts_to_evade_the_pickle_check_are_detected(tmp_path: Path, payload: bytes, foreign: str) -> None:
    found = _archive(tmp_path / FROZEN_CONFIGS, payload)
    assert found.state is FrozenState.HERE
    assert any(foreign in name for name in found.foreign)


def test_pickle_followed_by_an_archive_is_unreadable(tmp_path: Path) -> None:
    """Upstream would load the pickle, while zipfile would find the archive."""
    assert _archive(tmp_path / FROZEN_CONFIGS, b"\x80\x02}.", before=b"cos\nsystem\n.").state is FrozenState.UNREADABLE


def test_content_of_upstreams_own_configs_is_accepted(tmp_path: Path) -> None:
    """The pickle has the names and calls of real files: configs, enums, a function as a value, a tensor's storage.

    Pythons 3.11.0 to 3.11.3 save a member of an enum by getattr.
    """
    payload = (
        b"\x80\x02("
        + _MEMBER
        + b"h\x00h\x01h\x02\x86R"
        + _CONFIG
        + b")\x81}X\x08\x00\x00\x00_target_X\x22\x00\x00\x00protomotions.envs.base_env.env.Envsb"
        b"cprotomotions.robot_configs.base\nControlType\nX\x01\x00\x00\x00a\x85R"
        b"cprotomotions.envs.mdp_component\nMdpComponent\n)\x81}X\x01\x00\x00\x00f"
        b"cprotomotions.envs.obs.path\ncompute_path_obs\nsbccollections\nOrderedDict\n)Rt."
    )
    found = _archive(tmp_path / FROZEN_CONFIGS, payload)
    assert found == frozen.FrozenConfigs(FrozenState.HERE, None)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"", FrozenState.UNREADABLE),
        (b"PK\x03\x04", FrozenState.UNREADABLE),
        (pointer_text(b"x").encode(), FrozenState.POINTER),
        (None, FrozenState.MISSING),
    ],
)
def test_state_of_unreadable_frozen_configs(tmp_path: Path, content: bytes | None, state: FrozenState) -> None:
    checkpoint = make_trained(tmp_path, "g1", G1)
    if content is None:
        (tmp_path / FROZEN_CONFIGS).unlink()
    else:
        (tmp_path / FROZEN_CONFIGS).write_bytes(content)
    assert frozen.read_frozen(checkpoint).state is state
    assert present(training_of(checkpoint)).robots == ("g1",)  # from the training's arguments


@pytest.mark.parametrize("more", ["day: 2024-01-31", "ring: &ring [*ring]", "set: !!set {a}", "- broken"])
def test_malformed_yaml_of_the_configs_is_tolerated(tmp_path: Path, more: str) -> None:
    checkpoint = make_trained(tmp_path, "g1", G1)
    text = tmp_path / "resolved_configs_inference.yaml"
    text.write_text(f"{text.read_text(encoding='utf-8')}{more}\n", encoding="utf-8")
    assert (
        present(training_of(checkpoint)).simulator == "mujoco"
    )  # from the YAML, or else from the training's arguments


def test_yaml_of_the_configs_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        checkpoint = make_trained(tmp_path / name, "g1", G1)
        assert present(training_of(checkpoint)).bodies == frozenset(G1)
        monkeypatch.setattr(yaml, "load", lambda *_, **__: pytest.fail("parsed again"))


def test_config_of_2_is_not_mistaken_for_3(config: Path) -> None:
    assert present(training_of(config.with_name("last.ckpt"))).generation is Generation.V2


def test_meshes_that_are_lfs_pointers(opened3: InferenceCheckout) -> None:
    assert opened3.pointer_meshes("g1") == []
    mesh = opened3.assets / "mesh/g1/hull.stl"
    mesh.write_text(pointer_text(b"hull"), encoding="utf-8")
    assert [path.name for path in opened3.pointer_meshes("g1")] == ["hull.stl"]
    mesh.unlink()
    assert opened3.pointer_meshes("g1") == opened3.pointer_meshes("nobody") == []


def test_asset_root_is_read_from_the_environment(checkout3: Path, tmp_path: Path) -> None:
    settings = Settings(tmp_path, {"PROTOMOTIONS_ASSET_ROOT": str(tmp_path / "assets")})
    found = find_checkout(settings, str(checkout3))
    assert isinstance(found, InferenceCheckout)
    assert found.assets == tmp_path / "assets"
