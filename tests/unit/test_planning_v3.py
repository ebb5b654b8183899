"""Plans for a checkout of ProtoMotions 3: their arguments, and what is refused before the start."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit_help import Plan, Refused, codes, present, source, told

from pmlaunch.checks.measuring import check_measuring
from pmlaunch.checks.motions import check_motions
from pmlaunch.checks.preflight import preflight
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Origin, Severity
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import spec_document
from pmlaunch.settings import Settings
from standin import make_checkout, pointer_text
from standin3 import G1, SMPL, Named, make_clip, make_trained, save_like_torch

Plan3 = Callable[..., Planned]
ERROR, NOTE = Severity.ERROR, Severity.NOTE


@pytest.fixture
def plan3(checkout3: Path, tmp_path: Path, in_git: object) -> Plan3:
    """Plan a run of the trained G1, headless by default: `plan3("env.max_episode_length=5", num_envs=1)`."""

    def plan_it(*overrides: str, model: str = "g1_mlp", **options: object) -> Planned:
        given: dict[str, Any] = {"motions": ("walk",), "headless": True, "python": "python", **options}
        overridden = {text.lstrip("+").partition("=")[0] for text in overrides}
        for key, option in (("motion_file", "motions"), ("headless", "headless")):
            if key in overridden and option not in options:
                del given[option]
        request = EvalRequest(model, overrides=overrides, protomotions=str(checkout3), **given)
        return make_plan(request, Settings(tmp_path))

    return plan_it


@pytest.fixture
def refused3(plan3: Plan3) -> Callable[..., PmlaunchError]:
    def refuse(*args: str, **options: object) -> PmlaunchError:
        with pytest.raises(PmlaunchError) as caught:
            plan3(*args, **options)
        return caught.value

    return refuse


def test_arguments_of_a_default_run(plan3: Plan3, checkout3: Path) -> None:
    planned = plan3()
    assert planned.plan.overrides == (
        f"--checkpoint={checkout3 / 'results/g1_mlp/last.ckpt'}",
        "--simulator=mujoco",
        f"--motion-file={checkout3 / 'data/clips/proto/output_walk.motion'}",
        "--num-envs=1",
        "--headless",
        "--full-eval",
    )
    assert planned.plan.script.name == "inference_agent.py"
    assert codes(planned) == []
    assert told(source(planned, "robot")) == ("g1", "checkpoint")
    assert told(source(planned, "simulator")) == ("mujoco", "checkpoint")


def test_single_cpu_environment_disables_compilation_and_threads(
    plan3: Plan3, checkout3: Path, tmp_path: Path, in_git: object
) -> None:
    plan = plan3().plan
    assert (plan.env["TORCH_COMPILE_DISABLE"], plan.env["OMP_NUM_THREADS"]) == ("1", "1")
    assert "TORCH_COMPILE_DISABLE=1" in plan.plain_command["bash"]
    newton = plan3(simulator="newton").plan.env
    assert newton["TORCH_COMPILE_DISABLE"] == "1"
    assert "OMP_NUM_THREADS" not in newton
    assert "TORCH_COMPILE_DISABLE" not in plan3(simulator="newton", metrics=False).plan.env, "a long run earns it back"
    request = EvalRequest("g1_mlp", motions=("walk",), protomotions=str(checkout3), python="python", headless=True)
    own = make_plan(request, Settings(tmp_path, {"OMP_NUM_THREADS": "4"})).plan
    assert "OMP_NUM_THREADS" not in own.env, "the user's own value is kept"
    assert own.provenance["TORCH_COMPILE_DISABLE"].source.origin is Origin.DEFAULT


def test_window_measures_and_ends_unless_it_is_endless(plan3: Plan3) -> None:
    planned = plan3(headless=False)
    assert ("--headless" in planned.plan.overrides, "--full-eval" in planned.plan.overrides) == (False, True)
    assert (planned.plan.metrics, planned.plan.ends_by_itself, planned.plan.silence) == (True, True, 1800.0)
    assert plan3(headless=False, metrics=False).plan.max_steps == 84
    endless = plan3(endless=True, headless=None)
    assert not {"--headless", "--full-eval"} & set(endless.plan.overrides)
    assert (endless.plan.metrics, endless.plan.max_steps, endless.plan.ends_by_itself) == (False, None, False)
    assert endless.plan.silence is None


def test_headless_run_without_metrics_has_a_step_limit(plan3: Plan3) -> None:
    planned = plan3(metrics=False)
    assert "--full-eval" not in planned.plan.overrides
    # 51 frames at 30/s, 50 decisions per second
    assert told(source(planned, "max_steps")) == (math.ceil(50 / 30 * 50), "default: the motion's length")
    assert not planned.plan.ends_by_itself
    assert source(plan3(metrics=False, simulator="newton"), "max_steps").value == math.ceil(50 / 30 * 40)
    assert told(source(plan3(metrics=False, max_steps=7), "max_steps")) == (7, "flag")


def test_checkpoint_without_metrics_is_only_played(plan3: Plan3, checkout3: Path) -> None:
    text = checkout3 / "results/g1_mlp/resolved_configs_inference.yaml"
    written = text.read_text(encoding="utf-8").replace("{max_eval_steps", "{evaluation_components: {}, max_eval_steps")
    text.write_text(written, encoding="utf-8")
    planned = plan3()
    assert "--full-eval" not in planned.plan.overrides
    assert (planned.plan.metrics, planned.plan.max_steps, planned.plan.ends_by_itself) == (False, 84, False)
    assert "computes no metrics" in str(source(planned, "metrics").source)
    asked = plan3(metrics=True)
    assert asked.plan.metrics
    (finding,) = check_measuring(asked)
    assert (finding.code, finding.severity, finding.subject) == ("PML014", NOTE, "--metrics")
    assert not list(check_measuring(planned))


def test_full_evaluation_ends_by_itself(plan3: Plan3, tmp_path: Path) -> None:
    planned = plan3()
    assert (planned.plan.max_steps, planned.plan.ends_by_itself) == (83, True)
    assert spec_document(planned.plan, RunFolder(tmp_path))["hooks"]["max_steps"] is None
    assert source(plan3(motions=("g1_all",)), "max_steps").value is None  # unknown for a packed library


def test_max_steps_of_a_full_evaluation_sets_upstreams_limit(plan3: Plan3) -> None:
    planned = plan3(max_steps=20)
    assert planned.plan.overrides[-2:] == ("--overrides", "agent.evaluator.max_eval_steps=20")
    assert (planned.plan.max_steps, planned.plan.measuring.limit) == (20, 20)
    assert codes(planned) == [("PML311", NOTE)]
    typed = plan3("agent.evaluator.max_eval_steps=30")
    assert typed.plan.overrides[-1] == "agent.evaluator.max_eval_steps=30"
    assert told(source(typed, "max_steps")) == (30, "override")
    assert typed.plan.measuring.limit == 30


def test_overrides_in_the_spelling_of_2_and_3(plan3: Plan3) -> None:
    planned = plan3(
        "++headless=false", "num_envs=1", "env.max_episode_length=5", "+agent.evaluator.max_eval_steps=null"
    )
    assert "--headless" not in planned.plan.overrides
    assert planned.plan.overrides[-3:] == (
        "--overrides",
        "env.max_episode_length=5",
        "agent.evaluator.max_eval_steps=None",
    )
    assert str(source(planned, "headless").source) == "override"


def test_pml118_suggests_a_model_that_measures(plan3: Plan3, checkout3: Path) -> None:
    """Neither the demo's model nor a prior, which follows no motion, is suggested."""
    for name in ("a_prior", "b_tracker"):
        make_trained(checkout3 / "results" / name, "smpl", SMPL)
    text = checkout3 / "results/a_prior/resolved_configs_inference.yaml"
    written = text.read_text(encoding="utf-8").replace("{max_eval_steps", "{evaluation_components: {}, max_eval_steps")
    text.write_text(written, encoding="utf-8")
    planned = plan3(motions=("walk", str(checkout3 / "examples/data/smpl_humanoid_sit_armchair.motion")))
    (finding,) = [finding for finding in check_motions(planned) if finding.code == "PML118"]
    own, other = present(finding.hint).split("\n        ")
    options = f"--headless --protomotions {checkout3} --python python".replace("\\", "")
    assert own.startswith("pmlaunch eval g1_mlp --motion ")
    assert other.startswith("pmlaunch eval b_tracker --motion ")
    for line in (own, other):
        assert line.replace("\\", "").replace('"', "").endswith(options)


def test_motion_by_override(plan3: Plan3, checkout3: Path) -> None:
    planned = plan3("motion_file=data/clips/proto/output_wave.motion")
    assert f"--motion-file={checkout3 / 'data/clips/proto/output_wave.motion'}" in planned.plan.overrides
    assert codes(planned) == []


@pytest.mark.parametrize(
    ("options", "number", "label"),
    [
        ({}, 2, "default: one per motion"),
        ({"motions": ("walk",)}, 1, "default"),
        ({"motions": ("data/motion_for_trackers/g1_all.pt",)}, 2, "default: one per motion"),
        ({"simulator": "mujoco"}, 1, "default"),
        ({"headless": False}, 1, "default"),
        ({"metrics": False}, 1, "default"),
        ({"num_envs": 5}, 5, "flag"),
    ],
)
def test_motions_are_evaluated_side_by_side(plan3: Plan3, options: dict[str, Any], number: int, label: str) -> None:
    planned = plan3(**{"motions": ("walk", "wave"), "simulator": "newton", **options})
    assert told(source(planned, "num_envs")) == (number, label)
    assert f"--num-envs={number}" in planned.plan.overrides


def test_no_more_environments_than_the_simulator_s_preset_says(plan3: Plan3, checkout3: Path, tmp_path: Path) -> None:
    for number in range(70):
        make_clip(checkout3 / f"data/many/{number}.motion", len(G1), frames=11, fps=30)
    many = plan3(motions=(str(checkout3 / "data/many"),), simulator="newton")
    assert told(source(many, "num_envs")) == (64, "default: at most 64")
    (tmp_path / "pmlaunch.yaml").write_text("num_envs: 70\n")
    assert plan3(motions=(str(checkout3 / "data/many"),), simulator="newton").plan.num_envs == 70


def test_the_checkpoint_s_own_motions_are_evaluated_side_by_side(plan3: Plan3, checkout3: Path) -> None:
    make_trained(checkout3 / "results/own", "g1", G1, "data/motion_for_trackers/g1_all.pt")
    planned = plan3(model="own", motions=(), simulator="newton")
    assert told(source(planned, "num_envs")) == (2, "default: one per motion")
    assert "--num-envs=2" in planned.plan.overrides


def test_seed_is_left_to_the_agent(plan3: Plan3, tmp_path: Path) -> None:
    def hooks(planned: Planned) -> Any:
        return spec_document(planned.plan, RunFolder(tmp_path / "run"))["hooks"]

    planned = plan3(seed=7)
    assert told(source(planned, "seed")) == (7, "flag")
    assert planned.plan.overrides == plan3().plan.overrides, "the program has no option for it"
    assert hooks(planned)["seed"] == 7
    assert hooks(plan3())["seed"] == 0
    assert hooks(plan3(headless=False, endless=True))["seed"] is None, "an endless view shows something else each time"


def test_pml163_python_whose_files_do_not_tell_is_named_with_verify(plan3: Plan3) -> None:
    assert "PML163" not in dict(codes(plan3()))
    assert "PML163" in dict(codes(plan3(verify=True)))


def test_pml227_python_without_the_simulator(plan3: Plan3, checkout3: Path, tmp_path: Path) -> None:
    packages = tmp_path / "env/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (tmp_path / "env/bin").mkdir()
    for path in (tmp_path / "env/bin/python", packages / "newton-1.0.0.dist-info", tmp_path / "env/pyvenv.cfg"):
        path.touch()
    (tmp_path / "env/bin/python").chmod(0o755)
    (tmp_path / "env/pyvenv.cfg").write_text("version = 3.11.7\n")
    for path in checkout3.glob("*.dist-info"):  # the stand-in's own
        shutil.rmtree(path)
    typed = {"python": str(tmp_path / "env/bin/python"), "simulator": "newton"}
    (finding,) = preflight(plan3(**typed))
    assert (finding.code, finding.severity, finding.subject) == ("PML227", ERROR, "warp-lang, mujoco-warp")
    assert "--simulator newton --python" in present(finding.fix)
    (packages / "warp_lang-1.12.0.dist-info").touch()
    (packages / "mujoco_warp-3.5.0.2.dist-info").touch()
    assert codes(plan3(**typed)) == []
    (tmp_path / "env/pyvenv.cfg").write_text("version = 3.11.7\ninclude-system-site-packages = true\n")
    (packages / "mujoco_warp-3.5.0.2.dist-info").unlink()
    assert codes(plan3(**typed)) == [], "it may be among the system's"


@pytest.mark.parametrize("folder", ["/home/someone/assets", "D:\\\\assets", "elsewhere"])
def test_pml131_assets_of_another_machine(plan3: Plan3, checkout3: Path, folder: str) -> None:
    text = checkout3 / "results/g1_mlp/resolved_configs_inference.yaml"
    text.write_text(text.read_text().replace("asset: {", f'asset: {{asset_root: "{folder}", '))
    planned = plan3()
    (finding,) = preflight(planned)
    assert (finding.code, finding.severity) == ("PML131", ERROR)
    assert (finding.subject or "").replace("\\", "/") == folder.replace("\\\\", "/")
    assert "robot.asset.asset_root=protomotions/data/assets" in present(finding.hint)
    assert codes(plan3("robot.asset.asset_root=protomotions/data/assets")) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"terrain": "flat"}, "--terrain: it is frozen"),
        ({"constraints": ("vr",)}, "--constraint"),
    ],
)
def test_pml016_options_without_an_equivalent(refused3: Refused, options: dict[str, Any], said: str) -> None:
    error = refused3(**options)
    assert (error.code, error.exit_code) == ("PML016", 2)
    assert said in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("override", "code", "said"),
    [
        ("+opt=masked_mimic/constraints/vr", "PML016", "constraints"),
        ("+terrain=flat", "PML016", "terrain.FIELD=VALUE"),
        ("seed=1", "PML016", "--seed"),
        ("++fabric.accelerator=cpu", "PML016", "--device"),
        ("~env.max_episode_length", "PML016", "deletes"),
        ("env.max_episode_length", "PML002", "key=value"),
        ("=5", "PML002", "key=value"),
        ("agnet.evaluator.max_eval_steps=5", "PML003", "agent"),
        ("num_env=5", "PML003", "num_envs"),
    ],
)
def test_overrides_without_an_equivalent(refused3: Refused, override: str, code: str, said: str) -> None:
    error = refused3(override)
    assert (error.code, error.exit_code) == (code, 2)
    assert said in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("env.max_episode_lenght=5", "max_episode_length"),
        ("agent.evaluator=5", "group"),
        ("env.max_episode_length.x=5", "no"),
    ],
)
def test_keys_missing_from_the_frozen_configs(plan3: Plan3, override: str, said: str) -> None:
    planned = plan3(override)
    assert codes(planned) == [("PML003", ERROR)]
    assert said in planned.report.findings[0].message


@pytest.mark.parametrize("options", [{"num_envs": 2}, {"device": "gpu"}])
def test_pml017_mujoco_has_one_environment_and_no_gpu(refused3: Refused, options: dict[str, Any]) -> None:
    error = refused3(**options)
    assert error.code == "PML017"
    assert "--simulator newton" in error.message
    assert error.retry in ({"--num-envs": "1"}, {"--device": "cpu"})
    assert refused3("simulator.num_envs=4").code == "PML017"


def test_devices_and_accelerator_go_through_the_agent(plan3: Plan3, tmp_path: Path) -> None:
    planned = plan3(devices=2, ddp_backend="gloo")
    (setting,) = spec_document(planned.plan, RunFolder(tmp_path))["hooks"]["arguments"]
    assert setting == {
        "module": "protomotions.utils.fabric_config",
        "attribute": "FabricConfig.__init__",
        "values": {"devices": 2},
    }
    assert plan3().plan.arguments == plan3(device="cpu").plan.arguments == ()
    assert plan3(simulator="newton", device="cpu").plan.arguments[0].values == {"accelerator": "cpu"}
    without = plan3(ddp_backend="none").plan
    assert (without.arguments, without.ddp_backend) == ((), "one_rank")


def test_windows_gets_gloo_through_the_agent(plan3: Plan3) -> None:
    planned = plan3(target_os="windows")
    assert told(source(planned, "ddp_backend")) == ("gloo", "platform windows")
    # it has no option
    assert not [word for word in planned.plan.overrides if "backend" in word or word.endswith("gloo")]
    (motion,) = [argument for argument in planned.plan.overrides if argument.startswith("--motion-file=")]
    assert motion.endswith("data\\clips\\proto\\output_walk.motion")


def test_checkpoint_is_copied_into_the_run_folder(plan3: Plan3, tmp_path: Path) -> None:
    document = spec_document(plan3().plan, RunFolder(tmp_path / "run"))
    assert document["argv"][0] == f"--checkpoint={tmp_path / 'run/checkpoint/last.ckpt'}"
    assert not [argument for argument in document["argv"] if "hydra" in argument]
    assert document["hooks"]["metrics"]["file"] == str(tmp_path / "run/metrics.json")
    assert document["hooks"]["agent"] is None


@pytest.mark.parametrize(
    ("overrides", "options"),
    [
        ((), {"robot": "g1"}),
        ((), {"motions": ("walk_of_the_other",)}),
        ((), {"seed": 1, "terrain": "flat", "simulator": "genesis"}),
        (("+opt=foo",), {}),
    ],
)
def test_pml106_comes_before_errors_about_unknown_names_in_3(
    refused3: Refused, tmp_path: Path, overrides: tuple[str, ...], options: dict[str, Any]
) -> None:
    old = make_checkout(tmp_path / "old") / "data/pretrained_models/motion_tracker/smpl"
    error = refused3(*overrides, model=str(old), **options)
    assert (error.code, error.exit_code) == ("PML106", 4)
    assert "ProtoMotions 2" in error.message
    assert "v2.3" in (error.hint or "")


def test_pml106_for_a_checkpoint_given_by_override(refused3: Refused, tmp_path: Path) -> None:
    old = make_checkout(tmp_path / "old") / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    assert refused3(f"checkpoint={old}", motions=("nothing",)).code == "PML106"


@pytest.mark.parametrize("options", [{"simulator": "mujoco"}, {"motions": ("walk",)}, {"overrides": ("+opt=foo",)}])
def test_pml106_comes_before_errors_about_unknown_names_in_2(
    refused: Refused, checkout3: Path, in_git: object, options: dict[str, Any]
) -> None:
    error = refused(str(checkout3 / "results/g1_mlp/last.ckpt"), *options.pop("overrides", ()), **options)
    assert error.code == "PML106"
    assert "trained with ProtoMotions 3" in error.message
    assert "3.x checkout" in (error.hint or "")


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "PML129"), (pointer_text(b"configs"), "PML130"), ("no zip", "PML130")],
)
def test_missing_or_unreadable_frozen_configs(plan3: Plan3, checkout3: Path, content: str | None, code: str) -> None:
    path = checkout3 / "results/g1_mlp/resolved_configs_inference.pt"
    path.unlink()
    if content:
        path.write_text(content, encoding="utf-8")
    assert (code, ERROR) in codes(plan3())


def test_pml128_frozen_configs_with_foreign_code(plan3: Plan3, checkout3: Path) -> None:
    save_like_torch(checkout3 / "results/g1_mlp/resolved_configs_inference.pt", {"robot": Named("os", "system")})
    assert codes(plan3()) == [("PML128", ERROR)]
    assert codes(plan3(no_check=("pml128",))) == [("PML128", Severity.WARNING)]


def test_lfs_pointers_are_reported_before_the_start(plan3: Plan3, checkout3: Path) -> None:
    planned = plan3(model="maskmimic", motions=("sit",), via="python")
    assert planned.plan.motions[0].name == "smpl_humanoid_sit_armchair"
    assert {"PML101", "PML130"} == {code for code, _ in codes(planned)}
    (checkout3 / "protomotions/data/assets/mesh/g1/hull.stl").write_text(pointer_text(b"hull"), encoding="utf-8")
    assert codes(plan3()) == [("PML131", ERROR)]
    assert codes(plan3(simulator="isaaclab", via="python")) == []  # Isaac Lab reads other files
    assert codes(plan3(motions=("g1_far",), simulator="isaaclab", via="python")) == [("PML127", ERROR)]


def test_robot_other_than_the_checkpoints_is_refused(plan3: Plan3) -> None:
    assert codes(plan3(robot="smpl", motions=("sit",))) == [("PML111", ERROR)]
    assert codes(plan3(motions=("examples/data/smpl_humanoid_sit_armchair.motion",))) == [("PML124", ERROR)]


def test_frozen_motion_of_another_robot_is_refused(plan3: Plan3, tmp_path: Path) -> None:
    motion = "examples/data/smpl_humanoid_sit_armchair.motion"
    checkpoint = make_trained(tmp_path / "mine", "g1", G1, motion=motion)
    planned = plan3(model=str(checkpoint), motions=())
    assert str(source(planned, "motion").source) == "checkpoint"
    assert codes(planned) == [("PML124", ERROR)]
    silent = make_trained(tmp_path / "silent", "smpl", SMPL)
    assert codes(plan3(model=str(silent), motions=())) == [("PML125", ERROR)]


def test_several_motions_become_one_library(plan3: Plan3, tmp_path: Path) -> None:
    planned = plan3(motions=("walk", "wave"))
    assert len(planned.plan.motions) == 2
    assert told(source(planned, "max_steps")) == (83 + 50, "default: every motion once")
    limited = plan3(motions=("walk", "wave"), max_steps=60)
    assert (limited.plan.max_steps, limited.plan.measuring.limit) == (60 + 50, 60)
    side_by_side = {"motions": ("walk", "wave"), "simulator": "newton"}
    assert plan3(**side_by_side).plan.max_steps == 66, "as long as the longest of the two"
    assert plan3(**side_by_side, num_envs=1).plan.max_steps == 66 + 40
    assert plan3("num_envs=1", **side_by_side).plan.max_steps == 66 + 40
    assert plan3(motions=("walk", "wave"), metrics=False).plan.max_steps == 84
    document = spec_document(planned.plan, RunFolder(tmp_path / "run"))
    assert f"--motion-file={tmp_path / 'run/motions.yaml'}" in document["argv"]
    assert "output_wave.motion" in (planned.plan.measuring.library or "")


def test_recording_and_saving_work_in_a_window(plan3: Plan3, tmp_path: Path) -> None:
    planned = plan3(record=True, save_motion=True, endless=True, headless=None, simulator="isaaclab")
    hooks = spec_document(planned.plan, RunFolder(tmp_path / "run"))["hooks"]
    assert (hooks["record"], hooks["metrics"]) == ({"path": str(tmp_path / "run/recording")}, None)
    watched = {(point["event"], point["attribute"]) for point in hooks["watch"]}
    assert {("recording", "BaseEvaluator.evaluate"), ("recording", "BaseEvaluator.simple_test_policy")} <= watched
    assert ("playing", "BaseEvaluator.simple_test_policy") in watched


def test_save_motion_watches_the_bodies(plan3: Plan3, tmp_path: Path) -> None:
    hooks = spec_document(plan3(save_motion=True).plan, RunFolder(tmp_path / "run"))["hooks"]
    assert hooks["save_motion"] == {"file": str(tmp_path / "run/motion.npz")}
    assert {"bodies", "batches", "batch", "scores"} <= {point["event"] for point in hooks["watch"]}


def _library(path: Path, entries: list[dict[str, Any]]) -> Path:
    path.write_text(yaml.safe_dump({"motions": entries}), encoding="utf-8")
    return path


def _clips(checkout3: Path) -> tuple[str, str]:
    return tuple(str(checkout3 / f"data/clips/proto/output_{name}.motion") for name in ("walk", "wave"))  # type: ignore[return-value]


def test_library_keeps_the_order_in_which_3_reads_it(plan3: Plan3, checkout3: Path, tmp_path: Path) -> None:
    walk, wave = _clips(checkout3)
    path = _library(tmp_path / "l.yaml", [{"file": walk, "idx": 1}, {"file": wave, "idx": 0}])
    planned = plan3(motions=(str(path),))
    assert [motion.name for motion in planned.plan.motions] == ["output_walk", "output_wave"], "3.x ignores idx"
    assert f"--motion-file={path}" in planned.plan.overrides


def test_written_library_has_only_what_3_reads(plan3: Plan3, checkout3: Path, tmp_path: Path) -> None:
    walk, wave = _clips(checkout3)
    whole = [{"idx": 0, "timings": {"start": 0, "end": -1}, "weight": 3.0}]
    _library(tmp_path / "l.yaml", [{"file": walk, "fps": 30, "sub_motions": whole, "idx": 1}])
    library = plan3(motions=(str(tmp_path / "l.yaml"), "wave")).plan.measuring.library
    assert yaml.safe_load(library or "") == {"motions": [{"file": walk, "weight": 3.0}, {"file": wave, "weight": 1.0}]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sub_motions": [{"timings": {"start": 0, "end": 1}}, {"timings": {"start": 0, "end": -1}}]}, "in parts"),
        ({"sub_motions": [{"timings": {"start": 0.5, "end": -1}}]}, "in parts"),
        ({"timings": {"start": 0, "end": 0.5}}, "in parts"),
        ({"fps": 60}, "at another frame rate"),
    ],
)
def test_pml016_library_entries_that_3_would_play_differently(
    refused3: Refused, plan3: Plan3, checkout3: Path, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    walk, _ = _clips(checkout3)
    path = _library(tmp_path / "p.yaml", [{"file": walk, **more}])
    for motions in ((str(path), "wave"), (str(path),)):
        error = refused3(motions=motions)
        assert (error.code, error.exit_code) == ("PML016", 2)
        assert said in error.message
    typed = plan3(f"motion_file={path}")
    assert [motion.problem.code for motion in typed.plan.motions if motion.problem] == ["PML016"]


def test_pml132_motion_of_another_generation(
    plan: Plan, plan3: Plan3, checkout: Path, checkout3: Path, composed_at_once: None
) -> None:
    walk, wave = _clips(checkout3)
    old = checkout / "data/motions/smpl_humanoid_walk.npy"
    for motions in ((str(old),), (str(old), "wave")):
        assert ("PML132", ERROR) in codes(plan3(motions=motions))
    for motions in ((walk,), (walk, wave), (str(checkout3 / "data/motion_for_trackers/g1_all.pt"),)):
        (finding, *_) = [item for item in planned_findings(plan(motions=motions)) if item.code == "PML132"]
        assert "ProtoMotions 3" in finding.message


def test_folders_and_patterns_prefer_the_checkouts_own_motion_format(
    plan: Plan, plan3: Plan3, refused3: Refused, checkout: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    make_clip(mixed / "three.motion", len(G1), frames=31, fps=30)
    shutil.copy(checkout / "data/motions/smpl_humanoid_walk.npy", mixed / "two.npy")
    for typed in ("mixed", "mixed/*"):
        assert [motion.path.name for motion in plan3(motions=(typed,)).plan.motions] == ["three.motion"]
        assert [motion.path.name for motion in plan(motions=(typed,)).plan.motions] == ["two.npy"]
    (mixed / "three.motion").unlink()
    assert refused3(motions=("mixed",)).code == "PML010"
    assert ("PML132", ERROR) in codes(plan3(motions=("mixed/*.npy",)))


def planned_findings(planned: Planned) -> list[Finding]:
    from pmlaunch.checks.preflight import preflight

    return preflight(planned)


def test_pml158_expert_of_a_trained_policy(plan3: Plan3, checkout3: Path, tmp_path: Path) -> None:
    checkpoint = make_trained(tmp_path / "mine", "g1", G1)
    text = checkpoint.parent / "resolved_configs_inference.yaml"
    text.write_text(text.read_text().replace("agent:\n", "agent:\n  expert_model_path: results/expert/last.ckpt\n", 1))
    planned = plan3(model=str(checkpoint), motions=("walk",))
    (finding,) = [finding for finding in preflight(planned) if finding.code == "PML158"]
    assert finding.subject == str(checkout3 / "results/expert/last.ckpt")
    assert "--motion walk agent.expert_model_path=None" in present(finding.fix)
    without = plan3("agent.expert_model_path=None", model=str(checkpoint), motions=("walk",))
    assert codes(without) == []
