"""Which checkpoint, robot, simulator and motion a request means, and which source wins in a conflict."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from unit_help import Plan, Refused, present, told

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.quoting import is_scanned
from pmlaunch.model import Generation, Origin, RuntimeKind, Source
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from standin import CHECKPOINT, TRAINED, smpl_motion

AMP_TRAINED = TRAINED.replace(
    TRAINED[TRAINED.index("[Pelvis") : TRAINED.index("]", TRAINED.index("[Pelvis")) + 1], "[base, left, right]", 1
)


at_once = pytest.mark.usefixtures("composed_at_once")


def value_of(planned: Planned, key: str) -> object:
    """The value of `key` that upstream receives."""
    (argument,) = [text for text in planned.plan.overrides if text.startswith(f"++{key}=")]
    override = OverridesParser.create().parse_override(argument)
    config = OmegaConf.create({})
    OmegaConf.update(config, key, override.value(), merge=True, force_add=True)
    return OmegaConf.select(config, key)


def training(folder: Path, config: str = TRAINED) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "last.ckpt").write_bytes(CHECKPOINT)
    return folder / "last.ckpt"


@pytest.mark.parametrize("model", ["motion_tracker", "tracker", "Motion-Tracker", "full_body_tracker"])
@at_once
def test_model_by_name(plan: Plan, checkout: Path, model: str) -> None:
    planned = plan(model)
    assert planned.plan.model == "motion_tracker"
    assert planned.plan.checkpoint == checkout.resolve() / "data/pretrained_models/motion_tracker/smpl/last.ckpt"


@pytest.mark.parametrize("typed", ["mine/last.ckpt", "mine", "./mine", "mine/"])
@at_once
def test_model_by_path(plan: Plan, tmp_path: Path, typed: str) -> None:
    checkpoint = training(tmp_path / "mine")
    planned = plan(typed, motions=("walk",))
    assert planned.plan.checkpoint == checkpoint
    assert str(planned.inputs.checkpoint.source) == "argument"
    assert told(planned.inputs.robot) == (planned.inputs.robots[1], "checkpoint")
    assert planned.plan.terrain is None


@at_once
def test_model_of_a_training_in_the_checkout(plan: Plan, checkout: Path) -> None:
    training(checkout / "results/my_run")
    assert plan("my-run", motions=("walk",)).plan.model == "my_run"


def test_unreadable_config_of_a_checkpoint_is_no_ambiguous_motion(refused: Refused, tmp_path: Path) -> None:
    training(tmp_path / "mine", "robot: [")
    error = refused("mine", motions=("walk",))
    assert (error.code, error.subject) == ("PML107", str(tmp_path / "mine/config.yaml"))


def test_typo_is_reported_even_without_a_checkout(plan: Plan, refused: Refused, checkout: Path) -> None:
    shutil.rmtree(checkout)
    error = refused("maskmimc")
    assert (error.code, "masked_mimic" in error.message) == ("PML010", True)
    assert refused("maskmimic").code == "PML012"
    assert refused("maskmimc", protomotions="gone").code == "PML012"


@at_once
def test_robot_comes_from_the_checkpoint(plan: Plan, tmp_path: Path) -> None:
    training(tmp_path / "amp_run", AMP_TRAINED)
    planned = plan("amp_run", motions=("walk",))
    assert (planned.plan.robot, planned.plan.motions[0].name) == ("amp", "amp_humanoid_walk")


@at_once
def test_robot_comes_from_an_explicit_checkpoint(plan: Plan, tmp_path: Path) -> None:
    training(tmp_path / "amp_run", AMP_TRAINED)
    planned = plan("tracker", checkpoint="amp_run/last.ckpt")
    assert told(planned.inputs.checkpoint) == (tmp_path / "amp_run/last.ckpt", "flag")
    assert (planned.plan.robot, str(planned.inputs.robot.source)) == ("amp", "checkpoint")


def test_robot_is_unknown_if_no_file_states_it(plan: Plan, tmp_path: Path) -> None:
    training(tmp_path / "run", "a: 1\n")
    planned = plan("run", motions=("smpl_humanoid_walk",))
    assert told(planned.inputs.robot) == (None, "unknown")
    assert planned.plan.overrides[0] == "+simulator=isaaclab"


def test_overrides_win_over_presets(plan: Plan, tmp_path: Path) -> None:
    checkpoint = training(tmp_path / "amp_run", AMP_TRAINED)
    motion = smpl_motion(tmp_path / "mine.npy")
    planned = plan(
        "tracker",
        "+robot=amp",
        "+simulator=genesis",
        "+terrain=complex",
        "checkpoint=amp_run/last.ckpt",
        "motion_file=mine.npy",
        "num_envs=7",
    )
    inputs = planned.inputs
    assert (present(inputs.robot.value).name, str(inputs.robot.source)) == ("amp", "override")
    assert (inputs.simulator.value.name, str(inputs.simulator.source)) == ("genesis", "override")
    assert told(inputs.checkpoint) == (checkpoint, "override")
    assert (planned.plan.motions[0].path, str(inputs.motion_source)) == (motion, "override")
    assert told(planned.inputs.terrain) == ("complex", "override")
    assert planned.plan.overrides[:3] == ("+robot=amp", "+simulator=genesis", "+terrain=complex")
    assert [text for text in planned.plan.overrides if "num_envs" in text] == ["++num_envs=7"]
    assert planned.runtime.facts.kind is RuntimeKind.PYTHON  # genesis needs no Isaac Lab


@at_once
def test_override_that_says_the_same_twice_is_written_once(plan: Plan) -> None:
    planned = plan("tracker", "+robot=smpl", "+robot=smpl", "headless=false", headless=False, robot="SMPL")
    assert (planned.plan.robot, planned.plan.headless) == ("smpl", False)
    assert [text for text in planned.plan.overrides if text.startswith("+robot=")] == ["+robot=smpl"]


def test_motion_in_the_checkpoints_config_is_relative_to_the_checkout(
    plan: Plan, checkout: Path, tmp_path: Path
) -> None:
    config = TRAINED.replace("motion_file: ???", "motion_file: data/motions/smpl_humanoid_walk.npy")
    training(tmp_path / "run", config)
    planned = plan("run")
    assert planned.plan.motions[0].path == checkout.resolve() / "data/motions/smpl_humanoid_walk.npy"
    assert planned.inputs.motion_source.origin is Origin.CHECKPOINT
    assert not any("motion_file" in text for text in planned.plan.overrides)


def test_motion_path_is_relative_to_the_current_folder(plan: Plan, tmp_path: Path) -> None:
    path = smpl_motion(tmp_path / "mine.npy")
    planned = plan(motions=("mine.npy",))
    assert planned.plan.motions[0].path == path
    assert value_of(planned, "motion_file") == str(path)


@at_once
def test_demo_works_without_a_checkout(plan: Plan, checkout: Path, isaaclab: Path) -> None:
    shutil.rmtree(checkout)
    planned = plan("demo")
    assert (planned.plan.generation, planned.plan.simulator, planned.plan.headless) == (Generation.DEMO, "mujoco", True)
    assert str(planned.inputs.checkout.source) == "comes with pmlaunch"
    assert planned.plan.overrides[:2] == ("+robot=smpl", "+simulator=mujoco")
    assert planned.runtime.facts.kind is RuntimeKind.PYTHON


@at_once
def test_demo_uses_pmlaunchs_interpreter_even_in_another_environment(plan: Plan, tmp_path: Path) -> None:
    for place in ("bin/python", "Scripts/python.exe"):
        (tmp_path / "env" / place).parent.mkdir(parents=True)
        (tmp_path / "env" / place).touch()
    environment = {"VIRTUAL_ENV": str(tmp_path / "env")}
    assert plan("demo", environment=environment).plan.runtime.source.origin is Origin.DEFAULT
    chosen = plan("tracker", simulator="genesis", environment=environment).plan.runtime
    assert chosen.source == Source(Origin.ACTIVE_ENVIRONMENT, "environment VIRTUAL_ENV")
    assert Path(chosen.path).is_relative_to(tmp_path / "env")


HOSTILE = [
    "with blanks",
    "R&D (x86)",
    "a=b",
    "bang!",
    "%PATH%",
    "it's",
    "走路",
    "[1,2];{x}",
    "~#@$^+",
    "$HOME",
    "${seed}",
    "\\${x}" if Path("/").anchor == "/" else "${x}",
    "simulator isaacgym",
    "genesis=simulator=isaaclab",
    "null",
    "`id`",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_paths_with_special_characters_arrive_unchanged(plan: Plan, tmp_path: Path, checkout: Path, name: str) -> None:
    folder = tmp_path / name
    checkpoint = training(folder)
    motion = smpl_motion(folder / "walk.npy")
    moved = Path(shutil.move(checkout, folder / "checkout"))
    planned = plan(str(checkpoint), motions=(str(motion),), protomotions=str(moved))
    assert value_of(planned, "checkpoint") == str(checkpoint)
    assert value_of(planned, "motion_file") == str(motion)
    assert not [text for text in planned.plan.overrides[2:] if is_scanned(text)]
    assert planned.plan.cwd == moved.resolve()
    assert planned.report.findings == ()


@pytest.mark.parametrize("name", ["simulator_runs/isaacgym", "it's (a) simulator/genesis"])
def test_override_is_not_mistaken_for_the_choice_of_a_simulator(plan: Plan, tmp_path: Path, name: str) -> None:
    checkpoint = training(tmp_path / name)
    quoted = str(checkpoint).replace("'", "\\'")
    planned = plan("tracker", f"checkpoint='{quoted}'")
    assert planned.plan.checkpoint == checkpoint
    assert value_of(planned, "checkpoint") == str(checkpoint)
    assert not [text for text in planned.plan.overrides[2:] if is_scanned(text)]


def test_mistyped_checkpoint_is_reported_without_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError, match="does not exist") as caught:
        make_plan(EvalRequest("nothere.ckpt"), Settings(tmp_path))
    assert caught.value.code == "PML102"


_CHECKPOINT, _MOTION = "data/pretrained_models/motion_tracker/smpl/last.ckpt", "data/motions/smpl_humanoid_walk.npy"


@pytest.mark.parametrize(
    ("prefix", "where"), [("protomotions/", ""), ("", ", in the checkout"), ("sub/", ", beside the checkout")]
)
@pytest.mark.parametrize("as_overrides", [False, True])
def test_relative_paths_start_here_in_the_checkout_or_beside_it(
    checkout: Path, tmp_path: Path, prefix: str, where: str, as_overrides: bool
) -> None:
    """Typed in work/, with the checkout in lib/protomotions and more files in lib/sub."""
    (tmp_path / "lib").mkdir()
    folder = tmp_path / ("work" if where else "lib")
    folder.mkdir(exist_ok=True)
    root = Path(shutil.move(checkout, tmp_path / "lib/protomotions"))
    shutil.copytree(root / "data", tmp_path / "lib/sub/data")
    home = tmp_path / "lib/sub" if prefix == "sub/" else root
    typed = (f"checkpoint={prefix}{_CHECKPOINT}", f"motion_file={prefix}{_MOTION}") if as_overrides else ()
    flags = {} if as_overrides else {"checkpoint": prefix + _CHECKPOINT, "motions": (prefix + _MOTION,)}
    planned = make_plan(
        EvalRequest("tracker", overrides=typed, protomotions=str(root), headless=True, **flags),  # type: ignore[arg-type]
        Settings(folder),
    )
    origin = "override" if as_overrides else "flag"
    assert told(planned.inputs.checkpoint) == (home / _CHECKPOINT, origin + where)
    assert [motion.path for motion in planned.plan.motions] == [home / _MOTION]
    assert str(planned.inputs.motion_source) == origin + where
    model = make_plan(EvalRequest(prefix + _CHECKPOINT, ("walk",), protomotions=str(root)), Settings(folder))
    assert told(model.inputs.checkpoint) == (home / _CHECKPOINT, "argument" + where)


def test_pattern_and_folder_of_motions_beside_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    smpl_motion(tmp_path / "clips" / "run.npy")
    for typed in ("clips", "clips/*.npy"):
        planned = make_plan(
            EvalRequest("tracker", (typed,), protomotions=str(checkout), headless=True), Settings(tmp_path / "work")
        )
        assert [motion.path for motion in planned.plan.motions] == [tmp_path / "clips" / "run.npy"]


def test_pml102_and_pml121_suggest_the_nearest_path(plan: Plan, checkout: Path) -> None:
    from pmlaunch.checks.preflight import preflight

    planned = plan("{" + _CHECKPOINT, motions=(_MOTION.replace("walk.npy", "wlk.pt"),), robot="smpl")
    found = {finding.code: finding.message for finding in preflight(planned)}
    assert found["PML102"].endswith(f"does not exist. Did you mean {checkout / _CHECKPOINT}?")
    assert found["PML121"].endswith(f"does not exist. Did you mean {checkout / _MOTION}?")


def test_mistyped_checkpoint_suggests_the_nearest_even_without_a_checkout(tmp_path: Path) -> None:
    training(tmp_path / "results/run")
    with pytest.raises(PmlaunchError, match=r"Did you mean .*last\.ckpt") as caught:
        make_plan(EvalRequest("result/run/last.ckpt"), Settings(tmp_path))
    assert caught.value.code == "PML102"
