"""The robots, simulators, constraints and models of a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit_help import present

from pmlaunch.catalog.constraints import choose_constraint, constraints
from pmlaunch.catalog.models import Model, checkpoint_state, choose_model, from_checkpoint, models
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import (
    Robot,
    choose_robot,
    choose_simulator,
    robot_with_bodies,
    robots,
    simulators,
)
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.generations.v2.training_config import config_of, trained_bodies, trained_changes
from pmlaunch.model import RuntimeKind
from pmlaunch.support.json import to_json
from standin import CHECKPOINT, SMPL, TRAINED


def known_robots(opened: HydraCheckout) -> list[Robot]:
    return robots(opened, presets("robot"))


def known_models(opened: HydraCheckout | None) -> dict[str, Model]:
    available = known_robots(opened) if opened else []
    return {model.name: model for model in models(opened, demo_checkout(), presets("model"), available)}


def trained_with(opened: HydraCheckout, **changes: str) -> Path:
    """The tracker's checkpoint, as if trained with another robot config."""
    path = opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    text = TRAINED
    for old, new in changes.items():
        text = text.replace(old, new)
    path.with_name("config.yaml").write_text(text, encoding="utf-8")
    return path


def test_robots_without_body_names_are_left_out(opened: HydraCheckout) -> None:
    found = {robot.name: robot for robot in known_robots(opened)}
    assert list(found) == ["amp", "smpl"]  # base has no body names
    assert found["smpl"].bodies == tuple(SMPL)
    assert to_json(found["smpl"]) == {
        "name": "smpl",
        "title": "SMPL humanoid, 24 bodies",
        "bodies": 24,
        "actions": 69,
    }
    assert found["amp"].motion_prefix == "amp_humanoid"


def test_robot_without_a_preset_uses_its_own_name(opened: HydraCheckout) -> None:
    (opened.config_dir / "robot/spot.yaml").write_text("robot: {body_names: [a, b], number_of_actions: 2}")
    spot = choose_robot("Spot", known_robots(opened))
    assert (spot.title, spot.names, spot.motion_prefix) == ("spot", ("spot",), "spot")


def test_broken_robot_is_left_out(opened: HydraCheckout) -> None:
    (opened.config_dir / "robot/amp.yaml").write_text("robot: [")
    assert [robot.name for robot in known_robots(opened)] == ["smpl"]


def test_robot_by_alias_and_typo(opened: HydraCheckout) -> None:
    assert choose_robot("SMPL-humanoid", known_robots(opened)).name == "smpl"
    with pytest.raises(PmlaunchError, match="Did you mean smpl"):
        choose_robot("smlp", known_robots(opened))


def test_robot_by_its_bodies(opened: HydraCheckout) -> None:
    available = known_robots(opened)
    assert present(robot_with_bodies(frozenset(SMPL), available)).name == "smpl"
    assert present(robot_with_bodies(frozenset(SMPL[:3]), available)).name == "smpl"
    assert robot_with_bodies(frozenset(["Tail"]), available) is None
    assert robot_with_bodies(frozenset(), available) is None


def test_simulators_without_a_class_are_left_out(opened: HydraCheckout) -> None:
    found = simulators(opened, presets("simulator"))
    assert [simulator.name for simulator in found] == ["genesis", "isaaclab"]  # neither base nor physx
    assert to_json(choose_simulator("lab", found)) == {
        "name": "isaaclab",
        "title": "Isaac Lab (Isaac Sim, PhysX)",
        "runtime": "isaaclab",
        "devices": ["gpu"],
    }


def test_simulator_without_a_preset_runs_in_a_plain_python(opened: HydraCheckout) -> None:
    (opened.config_dir / "simulator/brax.yaml").write_text("simulator: {_target_: protomotions.brax.Simulator}")
    brax = choose_simulator("brax", simulators(opened, presets("simulator")))
    assert (brax.runtime, brax.devices) == (RuntimeKind.PYTHON, ("gpu", "cpu"))


def test_broken_constraint_is_listed_with_its_problem(opened: HydraCheckout) -> None:
    found = {constraint.name: constraint for constraint in constraints(opened)}
    assert list(found) == ["pelvis", "pelvis_hands_position", "vr"]
    assert to_json(found["vr"]) == {
        "name": "vr",
        "option": "masked_mimic/constraints/vr",
        "parses": True,
        "problem": None,
    }
    broken = found["pelvis_hands_position"]
    assert not to_json(broken)["parses"]
    assert present(broken.problem).startswith("is not valid YAML")
    assert "line 5" in present(broken.problem)
    assert choose_constraint("pelvis", list(found.values())).name == "pelvis"
    with pytest.raises(PmlaunchError) as caught:
        choose_constraint("elbow", list(found.values()))
    assert (caught.value.code, caught.value.hint) == ("PML010", "pmlaunch list constraints")


def test_models_have_the_state_and_size_of_their_checkpoint(opened: HydraCheckout) -> None:
    found = known_models(opened)
    assert (found["motion_tracker"].state, found["motion_tracker"].size) == ("here", len(CHECKPOINT))
    assert (found["masked_mimic"].state, found["masked_mimic"].size) == ("pointer", 303_850_268)
    found["motion_tracker"].checkpoint.unlink()
    assert (known_models(opened)["motion_tracker"].state, known_models(opened)["motion_tracker"].size) == (
        "missing",
        None,
    )
    assert checkpoint_state(opened.root) == ("missing", None)  # a folder is not a checkpoint


def test_only_the_demo_is_listed_without_a_checkout() -> None:
    assert list(known_models(None)) == ["demo"]


def test_pml012_model_needs_a_checkout() -> None:
    with pytest.raises(PmlaunchError, match="masked_mimic needs a ProtoMotions checkout") as caught:
        choose_model("maskmimic", presets("model"), list(known_models(None).values()))
    assert caught.value.code == "PML012"


def test_checkpoints_without_a_preset_are_discovered(opened: HydraCheckout) -> None:
    run = opened.root / "results/my run"
    other = opened.root / "data/pretrained_models/path_follower/smpl"
    for folder in (run, other):
        folder.mkdir(parents=True)
        (folder / "last.ckpt").write_bytes(CHECKPOINT)
    (run / "config.yaml").write_text(TRAINED, encoding="utf-8")
    found = known_models(opened)
    assert list(found)[-2:] == ["path_follower_smpl", "my run"]
    assert (found["my run"].robot, found["my run"].checkpoint) == ("smpl", run / "last.ckpt")
    assert found["path_follower_smpl"].robot is None
    assert choose_model("My-Run", presets("model"), list(found.values())).name == "my run"


def test_config_is_found_beside_the_checkpoint_or_one_folder_above(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run" / "lightning" / "last.ckpt"
    checkpoint.parent.mkdir(parents=True)
    assert config_of(checkpoint) is None
    assert trained_bodies(checkpoint) == frozenset()
    (tmp_path / "config.yaml").write_text("robot: {body_names: [far]}")
    assert config_of(checkpoint) is None
    for folder in (tmp_path / "run", checkpoint.parent):
        (folder / "config.yaml").write_text(f"robot: {{body_names: [{folder.name}]}}")
        assert config_of(checkpoint) == folder / "config.yaml"
        assert trained_bodies(checkpoint) == {folder.name}


@pytest.mark.parametrize("config", ["robot: 3", "robot: {body_names: 3}", "a: [", "- a"])
def test_malformed_config_states_no_robot(opened: HydraCheckout, config: str) -> None:
    path = opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    path.with_name("config.yaml").write_text(config)
    assert from_checkpoint(path, known_robots(opened)).robot is None


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("headless: true", "headless: true", {}),
        ("built_in_pd", "proportional", {"robot.control.control_type": "proportional"}),
        ("action_scale: 1.0", "action_scale: 0.5", {"robot.control.action_scale": 0.5}),
        ("fps: 60", "fps: 30", {"robot.sim.genesis.fps": 30}),
        ("action_scale: 1.0", "action_scale: 1.0, new_key: 1", {}),
        ("action_scale: 1.0", 'action_scale: "${eval:1}"', {}),
        ("action_scale: 1.0", "action_scale: ???", {}),
        ("action_scale: 1.0", "action_scale: null", {}),
        ("action_scale: 1.0", "action_scale: [1, 2]", {"robot.control.action_scale": [1, 2]}),
        ("action_scale: 1.0", "action_scale: [[1]]", {}),
    ],
)
def test_changes_of_a_training_to_its_robot(opened: HydraCheckout, old: str, new: str, changes: dict[str, Any]) -> None:
    path = trained_with(opened, **{old: new})
    robot = choose_robot("smpl", known_robots(opened))
    assert trained_changes(opened.config_dir, robot, path) == changes
