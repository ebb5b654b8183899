"""Every flag becomes a value with its source, in the order that upstream needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit_help import STEPS, Plan, Refused, source, told, written

from pmlaunch.errors import PmlaunchError
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.json import to_json

at_once = pytest.mark.usefixtures("composed_at_once")


@pytest.mark.parametrize(
    ("system", "backend"), [("linux", ()), ("windows", ("++fabric.strategy.process_group_backend='gloo'",))]
)
def test_order_of_the_overrides(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, system: str, backend: tuple[str, ...]
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: system)
    planned = plan("tracker", "seed=3", "+opt=wandb", "~terrain", constraints=("vr",), num_envs=4, headless=True)
    checkpoint = planned.plan.checkpoint
    motion = planned.plan.motions[0].path
    assert planned.plan.overrides == (
        "+robot=smpl",
        "+simulator=isaaclab",
        "+terrain=flat",
        "+opt=[masked_mimic/constraints/vr,wandb]",
        f"++checkpoint='{checkpoint}'",
        f"++motion_file='{motion}'",
        "++num_envs=4",
        "++headless=true",
        *backend,
        f"++{STEPS}=30",
        "++seed=3",
        "~terrain",
    )


@pytest.mark.parametrize(
    ("options", "key", "text", "name"),
    [
        ({"robot": "SMPL"}, "+robot", "smpl", "robot"),
        ({"simulator": "Genesis"}, "+simulator", "genesis", "simulator"),
        ({"terrain": "complex"}, "+terrain", "complex", "terrain"),
        ({"constraints": ("vr",)}, "+opt", "masked_mimic/constraints/vr", "constraints"),
        ({"num_envs": 4}, "++num_envs", "4", "num_envs"),
        ({"devices": 2}, "++ngpu", "2", "ngpu"),
        ({"headless": True}, "++headless", "true", "headless"),
        ({"headless": False}, "++headless", "false", "headless"),
        ({"max_steps": 9}, f"++{STEPS}", "9", "max_steps"),
        ({"seed": 0}, "++seed", "0", "seed"),
        ({"device": "cpu"}, "++fabric.accelerator", "'cpu'", "device"),
        ({"ddp_backend": "gloo"}, "++fabric.strategy.process_group_backend", "'gloo'", "ddp_backend"),
        ({"ddp_backend": "nccl"}, "++fabric.strategy.process_group_backend", "'nccl'", "ddp_backend"),
        ({"ddp_backend": "none"}, "++fabric.strategy.process_group_backend", "'one_rank'", "ddp_backend"),
    ],
)
@at_once
def test_flag_becomes_an_override(plan: Plan, options: dict[str, Any], key: str, text: str, name: str) -> None:
    planned = plan(**options)
    assert written(planned)[key] == text
    assert str(source(planned, name).source) == "flag"


@pytest.mark.parametrize(
    ("options", "attribute", "value"),
    [
        ({"timeout": 60.0}, "timeout", 60.0),
        ({"silence": 5.0}, "silence", 5.0),
        ({}, "timeout", None),
        ({"headless": True}, "silence", 1800.0),
        ({"headless": False}, "silence", 1800.0),
        ({"endless": True}, "silence", None),
    ],
)
@at_once
def test_time_limits(plan: Plan, options: dict[str, Any], attribute: str, value: Any) -> None:
    planned = plan(**options)
    assert getattr(planned.plan, attribute) == value
    assert told(source(planned, attribute)) == (value, "flag" if attribute in options else "default")


@at_once
def test_several_constraints_become_one_list(plan: Plan) -> None:
    planned = plan("tracker", "+opt=wandb", "+opt=[masked_mimic/constraints/vr]", constraints=("vr", "pelvis"))
    assert written(planned)["+opt"] == "[masked_mimic/constraints/vr,masked_mimic/constraints/pelvis,wandb]"


@at_once
@pytest.mark.parametrize("system", ["linux", "windows"])
def test_sources_of_all_values_of_a_default_run(
    plan: Plan, checkout: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: system)
    planned = plan()
    assert {name: str(sourced.source) for name, sourced in planned.plan.provenance.items()} == {
        "checkout": "found here",
        "model": "argument",
        "checkpoint": "preset",
        "robot": "preset",
        "simulator": "preset",
        "terrain": "preset",
        "constraints": "default",
        "motion": "preset",
        "headless": "default: no display",
        "max_steps": "default: the motion's length",
        "device": "checkpoint",
        "ddp_backend": f"platform {planned.plan.platform}",
        "runtime": f"found in {checkout.parent}",
        "num_envs": "default",
        "timeout": "default",
        "silence": "default",
        "runs": "default",
        "metrics": "default",
    }


@at_once
def test_settings_are_reported_as_the_source(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "pmlaunch.yaml").write_text("num_envs: 3\nsimulator: genesis\nruns: out\ndevice: cpu\n")
    planned = plan(environment={"PMLAUNCH_NUM_ENVS": "5", "PMLAUNCH_TIMEOUT": "60", "PMLAUNCH_DDP_BACKEND": "gloo"})
    assert told(source(planned, "num_envs")) == (5, "environment PMLAUNCH_NUM_ENVS")
    assert told(source(planned, "timeout")) == (60.0, "environment PMLAUNCH_TIMEOUT")
    assert told(source(planned, "ddp_backend")) == ("gloo", "environment PMLAUNCH_DDP_BACKEND")
    assert told(source(planned, "simulator")) == ("genesis", "workspace pmlaunch.yaml")
    assert told(source(planned, "device")) == ("cpu", "workspace pmlaunch.yaml")
    assert planned.plan.runs == tmp_path / "out"


@at_once
def test_runs_folder_is_in_the_current_folder(plan: Plan, tmp_path: Path) -> None:
    assert plan().plan.runs == tmp_path / "runs"
    assert plan(runs="there").plan.runs == tmp_path / "there"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_envs": 0}, "--num-envs cannot be 0"),
        ({"num_envs": -3}, "--num-envs cannot be -3"),
        ({"devices": 0}, "--devices cannot be 0"),
        ({"max_steps": 0}, "--max-steps cannot be 0"),
        ({"device": "tpu"}, "--device cannot be 'tpu'"),
        ({"ddp_backend": "mpi"}, "--ddp-backend cannot be 'mpi'"),
        ({"via": "docker"}, "--via cannot be 'docker'"),
        ({"target_os": "macos"}, "--target-os cannot be 'macos'"),
    ],
)
@at_once
def test_impossible_value_is_refused(refused: Refused, options: dict[str, Any], words: str) -> None:
    error = refused(**options)
    assert (error.code, error.exit_code) == ("PML001", 2)
    assert words in error.message


@pytest.mark.parametrize(
    ("overrides", "options", "code"),
    [
        ((), {"terrain": "flt"}, "PML010"),
        ((), {"constraints": ("elbow",)}, "PML010"),
        ((), {"robot": "spot"}, "PML010"),
        ((), {"simulator": "unity"}, "PML010"),
        ((), {"motions": ("backflip",)}, "PML010"),
        (("+terrain=moon",), {}, "PML003"),
        (("+opt=masked_mimic/tasks/user_control",), {}, "PML003"),
        (("+robot=spot",), {}, "PML010"),
        (("seed=1,2",), {}, "PML002"),
    ],
)
@at_once
def test_unknown_name_is_refused(
    refused: Refused, overrides: tuple[Any, ...], options: dict[str, Any], code: str
) -> None:
    error = refused("tracker", *overrides, **options)
    assert error.code == code
    assert "\n\n" not in error.message


def test_unknown_group_option_suggests_the_nearest(refused: Refused) -> None:
    error = refused("tracker", "+opt=mask_mimic/constraints/vr")
    assert "Did you mean masked_mimic/constraints/vr, " in error.message
    assert str(error.fix).endswith(" +opt=masked_mimic/constraints/vr")
    assert refused("tracker", "+terrain=moon").hint == "one of: complex, flat"


@at_once
def test_values_changed_by_the_training_are_repeated(plan: Plan, checkout: Path) -> None:
    config = checkout / "data/pretrained_models/motion_tracker/smpl/config.yaml"
    config.write_text(config.read_text().replace("control_type: built_in_pd", "control_type: proportional"))
    key = "robot.control.control_type"
    planned = plan()
    assert written(planned)[f"++{key}"] == "'proportional'"
    assert str(source(planned, key).source) == "checkpoint"
    assert f"++{key}" not in written(plan(robot="amp", motions=("amp_humanoid_walk",)))
    assert written(plan("tracker", f"{key}=torque"))[f"++{key}"] == "torque"
    assert f"++{key}" not in written(plan("tracker", "+robot=smpl"))


def test_unknown_key_is_an_error_and_added_key_a_warning(plan: Plan) -> None:
    from pmlaunch.planning.plan import plan_findings

    found = plan_findings(plan("tracker", "num_env=3", "+my.key=1", "++max_eval_step=2", "seed=1"))
    assert [(finding.code, finding.severity.value, finding.subject) for finding in found] == [
        ("PML003", "error", "num_env"),
        ("PML112", "warning", "my.key"),
        ("PML112", "warning", "max_eval_step"),
    ]
    assert "Did you mean num_envs" in found[0].message
    assert found[0].fix == "pmlaunch eval tracker num_envs=3 +my.key=1 ++max_eval_step=2 seed=1"


def test_plan_serialises_to_json(plan: Plan) -> None:
    import json

    document = json.loads(json.dumps(to_json(plan("tracker", "seed=1").plan)))
    assert document["provenance"]["motion"]["value"] == [document["motions"][0]["path"]]
    assert document["provenance"]["seed"] == {"value": "1", "source": "override"}


@pytest.mark.parametrize("key", ["timeout", "silence"])
def test_time_limits_must_be_positive_in_every_layer(tmp_path: Path, checkout: Path, key: str) -> None:
    request = EvalRequest("motion_tracker", protomotions=str(checkout))
    settings = Settings(tmp_path, {f"PMLAUNCH_{key.upper()}": "-5"})
    with pytest.raises(PmlaunchError, match=f"--{key} cannot be -5 .environment") as caught:
        make_plan(request, settings)
    assert caught.value.code == "PML001"
