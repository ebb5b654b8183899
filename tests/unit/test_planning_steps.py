"""The defaults for the window and for the number of steps, and what overrides them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit_help import STEPS, Plan, Refused, source, told, written

at_once = pytest.mark.usefixtures("composed_at_once")


@pytest.mark.parametrize(
    ("options", "environment", "headless", "origin"),
    [
        ({}, {}, True, "default: no display"),
        ({}, {"DISPLAY": ":0"}, False, "default"),
        ({}, {"WAYLAND_DISPLAY": "wayland-0"}, False, "default"),
        ({}, {"DISPLAY": ":0", "CI": "true"}, True, "environment CI"),
        ({"headless": False}, {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, False, "flag"),
        ({"endless": True}, {"DISPLAY": ":0", "CI": "true", "PMLAUNCH_HEADLESS": "1"}, False, "flag --endless"),
        ({}, {"CI": "true", "PMLAUNCH_HEADLESS": "no"}, False, "environment PMLAUNCH_HEADLESS"),
        ({"headless": False}, {"CI": "true"}, False, "flag"),
        ({"headless": True}, {"DISPLAY": ":0"}, True, "flag"),
        ({"target_os": "windows"}, {"SESSIONNAME": "Console"}, False, "default"),
        ({"target_os": "windows"}, {"CI": "1"}, True, "environment CI"),
    ],
)
@at_once
def test_headless_is_decided_by_the_first_source_that_says_so(
    plan: Plan, options: dict[str, Any], environment: dict[str, Any], headless: bool, origin: str
) -> None:
    planned = plan(environment=environment, **{"target_os": "linux", **options})
    assert planned.plan.headless is headless
    assert told(source(planned, "headless")) == (headless, origin)


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY"])
@at_once
def test_no_window_over_ssh_unless_it_is_asked_for(plan: Plan, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "linux")
    environment = {"DISPLAY": "localhost:10.0", variable: "1"}
    assert told(source(plan(environment=environment), "headless")) == (True, f"environment {variable}")
    assert plan(environment=environment, headless=False).no_display is None
    assert not plan(environment=environment, target_os="windows").plan.headless, "nothing is known of that machine"


@pytest.mark.parametrize(
    ("overrides", "options", "other"),
    [
        ((), {"metrics": True}, "--metrics"),
        ((), {"max_steps": 5}, "--max-steps"),
        ((), {"headless": True}, "--headless"),
        (("headless=true",), {}, "--headless"),
    ],
)
@at_once
def test_endless_contradicts_what_ends_a_run(
    refused: Refused, overrides: tuple[str, ...], options: dict[str, Any], other: str
) -> None:
    error = refused("tracker", *overrides, endless=True, **options)
    assert (error.code, error.subject) == ("PML021", "--endless")
    assert f"--endless and {other} contradict" in error.message


@at_once
def test_endless_lifts_the_limit_of_the_checkpoints_config(plan: Plan) -> None:
    planned = plan(endless=True, motions=("walk",))
    assert written(planned)[f"++{STEPS}"] == "null"
    assert (planned.plan.metrics, planned.plan.headless, planned.plan.silence) == (False, False, None)


@at_once
def test_headless_override_wins_and_is_written_once(plan: Plan) -> None:
    planned = plan("tracker", "headless=false", headless=False)
    assert planned.plan.headless is False
    assert str(source(planned, "headless").source) == "override"
    assert written(planned)["++headless"] == "false"


@at_once
def test_users_preset_decides_headless(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "user"
    (folder / "configs/model").mkdir(parents=True)
    (folder / "configs/model/quiet.yaml").write_text(
        "checkpoint: data/pretrained_models/motion_tracker/smpl/last.ckpt\nrobot: smpl\nmotion: walk\nheadless: true\n"
    )
    planned = plan("quiet", environment={"DISPLAY": ":0"}, user_folder=folder)
    assert told(source(planned, "headless")) == (True, "user file")
    assert told(source(planned, "simulator")) == ("isaaclab", "default")


@pytest.mark.parametrize(
    ("overrides", "options", "steps", "origin"),
    [
        ((), {"headless": True}, 30, "default: the motion's length"),
        ((), {"headless": False}, 30, "default: the motion's length"),
        ((), {"endless": True, "headless": None}, None, "flag --endless"),
        ((), {"headless": False, "max_steps": 5}, 5, "flag"),
        ((), {"headless": True, "max_steps": 5}, 5, "flag"),
        ((f"{STEPS}=7",), {"headless": True, "max_steps": 7}, 7, "override"),
        ((f"{STEPS}=null",), {"headless": True}, None, "override"),
        (
            ("simulator.config.sim.decimation=null",),
            {"headless": True},
            1000,
            "default: the motion's length is unknown",
        ),
    ],
)
def test_number_of_steps(
    plan: Plan, overrides: tuple[Any, ...], options: dict[str, Any], steps: int | None, origin: str
) -> None:
    planned = plan("tracker", *overrides, **options)
    assert planned.plan.max_steps == steps
    assert told(source(planned, "max_steps")) == (steps, origin)
    assert written(planned).get(f"++{STEPS}") == (str(steps) if steps else "null")


def test_checkpoints_config_sets_the_number_of_steps(plan: Plan, checkout: Path) -> None:
    config = checkout / "data/pretrained_models/motion_tracker/smpl/config.yaml"
    config.write_text(config.read_text().replace("max_eval_steps: null", "max_eval_steps: 44"))
    assert told(source(plan(), "max_steps")) == (44, "checkpoint")
    assert told(source(plan(max_steps=3), "max_steps")) == (3, "flag")


def test_number_of_steps_is_rounded_up_to_the_end_of_the_motion(plan: Plan, tmp_path: Path) -> None:
    from standin import smpl_motion

    smpl_motion(tmp_path / "long.npy", frames=25, fps=23.7)  # 1.0127 s at 30 Hz: 30.4 steps
    assert plan(motions=("long.npy",), headless=True).plan.max_steps == 31
