"""What an installation plans, without git and without a network."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from install_help import MakeContext, make_context, no_git, refused

from pmlaunch.cli.commands.install import model_names
from pmlaunch.installing import tools_step
from pmlaunch.installing.checkout.checkout_step import CheckoutStep
from pmlaunch.installing.checkout.source import Ref, address, generation_by_name
from pmlaunch.installing.checkpoints.checkpoints_step import CheckpointsStep
from pmlaunch.installing.checkpoints.models import robot_assets
from pmlaunch.installing.engine import plan
from pmlaunch.installing.python.imports_step import proof_key
from pmlaunch.installing.python.target_python import PythonReport
from pmlaunch.installing.step import AlreadyDone, InstallStep, Todo
from pmlaunch.installing.tools_step import ToolsStep
from pmlaunch.installing.workspace_step import WorkspaceStep
from pmlaunch.model import Generation
from pmlaunch.running.probe_reply import ProbeReply
from pmlaunch.support import disk
from pmlaunch.support.disk import require_room

__all__ = ["make_context", "no_git"]  # fixtures


def test_an_empty_folder_gets_a_plan_of_all_steps(make_context: MakeContext, no_git: None) -> None:
    context = make_context()
    planned = plan([ToolsStep(), CheckoutStep(), CheckpointsStep(), WorkspaceStep()], context)
    assert planned.error is None
    assert [(result.name, result.state.value) for result in planned.results] == [
        ("tools", "already done"),
        ("checkout", "planned"),
        ("models", "planned"),
        ("workspace", "planned"),
    ]
    _, checkout, models, _ = planned.results
    assert "git 2.40.0, git-lfs 3.4.0" in planned.results[0].text
    assert "as a clone" in checkout.text
    assert "--depth 1" in checkout.commands[0]
    assert checkout.commands[0].startswith("git -c filter.lfs.smudge= "), "a form that every shell understands"
    assert models.bytes == 303_850_268
    assert models.commands[-1].endswith('--include="data/pretrained_models/masked_mimic/smpl/last.ckpt" --exclude=""')
    assert planned.bytes == models.bytes + (checkout.bytes or 0)
    assert not context.logs.exists()
    assert not context.checkout.exists()


@pytest.mark.parametrize(
    ("models", "size"), [(("maskmimic",), 303_850_268), (("mm", "tracker"), 583_102_140), (("all",), 583_102_140)]
)
def test_the_download_and_the_disk_space_of_models_are_known_from_the_presets(
    make_context: MakeContext, no_git: None, models: tuple[str, ...], size: int
) -> None:
    todo = CheckpointsStep().plan(make_context(models=models))
    assert isinstance(todo, Todo)
    assert (todo.bytes, todo.disk) == (size, 2 * size)


def test_without_models_nothing_is_downloaded(make_context: MakeContext, no_git: None) -> None:
    assert CheckpointsStep().plan(make_context(models=())) == AlreadyDone("none requested")


def test_generation_3_also_plans_a_robot_s_meshes(make_context: MakeContext, no_git: None) -> None:
    todo = CheckpointsStep().plan(make_context(models=(), ref="v3.1", robot="g1"))
    assert isinstance(todo, Todo)
    assert (todo.text, todo.bytes) == ("the meshes of robot g1 that the checkout refers to; from Git LFS", None)
    both = CheckpointsStep().plan(make_context(models=("maskmimic",), ref="main"))
    assert both.text.startswith("masked_mimic: about 229 MB; the meshes of robot smpl")
    unknown = CheckpointsStep().plan(make_context(models=("maskmimic",), ref="mine"))
    assert "meshes" not in unknown.text


def test_an_unknown_model_is_refused_before_anything_else(make_context: MakeContext, no_git: None) -> None:
    planned = plan([ToolsStep(), CheckoutStep(), CheckpointsStep()], make_context(models=("maskmimik",)))
    assert planned.error is not None
    assert (planned.error.code, planned.results) == ("PML010", ())


def test_generation_3_gives_a_warning(make_context: MakeContext, no_git: None) -> None:
    planned = plan([CheckoutStep()], make_context(ref="main", ref_given=True))
    assert [finding.code for finding in planned.findings] == ["PML410"]


@pytest.mark.parametrize(
    ("ref", "generation"),
    [
        ("v2.3", Generation.V2),
        ("v2", Generation.V2),
        ("v3.1", Generation.V3),
        ("main", Generation.V3),
        ("v30", None),
        ("mine", None),
    ],
)
def test_the_ref_tells_the_generation(ref: str, generation: Generation | None) -> None:
    assert generation_by_name(ref) == generation


def test_too_little_disk_space_is_an_error_before_the_download(
    make_context: MakeContext, no_git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[InstallStep] = [CheckoutStep(), CheckpointsStep()]
    for free, code in ((700_000_000, "PML402"), (900_000_000, None)):
        monkeypatch.setattr("shutil.disk_usage", Mock(return_value=SimpleNamespace(free=free)))
        error = plan(steps, make_context()).error
        assert (error.code if error else None) == code


def test_free_space_is_that_of_the_nearest_existing_folder(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path / "a" / "b") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    require_room(tmp_path / "a", 0)
    assert refused(lambda: require_room(tmp_path, 10**18)).code == "PML402"


def test_long_paths_on_windows_give_a_warning(
    make_context: MakeContext, no_git: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tools_step, "long_paths_of_windows", lambda: False)
    context = make_context("windows", folder=tmp_path / ("deep" * 40))
    assert [finding.code for finding in ToolsStep().plan(context).notes] == ["PML421"]
    monkeypatch.setattr(tools_step, "long_paths_of_windows", lambda: True)
    assert not plan([ToolsStep()], make_context("windows", folder=tmp_path / ("deep" * 40))).findings


def test_git_is_missing(make_context: MakeContext, tmp_path: Path) -> None:
    error = plan([ToolsStep()], make_context(environment={"PATH": str(tmp_path)})).error
    assert error is not None
    assert (error.code, error.exit_code) == ("PML400", 6)


def test_git_lfs_is_missing(make_context: MakeContext, no_git: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.git.runner.Git.lfs_version", (0,))
    error = plan([ToolsStep()], make_context()).error
    assert error is not None
    assert (error.code, error.exit_code) == ("PML401", 6)


def test_the_commands_for_a_commit_are_valid_git(make_context: MakeContext, no_git: None) -> None:
    commit = "4a" * 20
    commands = plan([CheckoutStep()], make_context(ref=commit, ref_given=True)).results[0].commands
    assert not any("--branch" in command for command in commands), "git clone takes no commit there"
    assert any(command.endswith(f"fetch --depth 1 origin {commit}") for command in commands)


def test_a_mistyped_robot_lists_the_known_ones(
    make_context: MakeContext, no_git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context(robot="nope", models=())
    configs = context.checkout / "protomotions" / "robot_configs"
    configs.mkdir(parents=True)
    for name in ("base", "g1", "smpl"):
        (configs / f"{name}.py").touch()
    error = refused(lambda: robot_assets(context.git(), context))
    assert (error.code, error.hint) == ("PML010", "--robot NAME, one of: g1, smpl")


@pytest.mark.parametrize(
    ("models", "hint"),
    [
        (("maskmimic",), "pmlaunch fetch masked_mimic --from hf"),
        (("motion_tracker",), "--dir ANOTHER_FOLDER"),
        (("motion_tracker", "maskmimic"), "pmlaunch fetch masked_mimic --from hf"),
    ],
)
def test_without_git_the_hint_is_about_the_requested_model(
    make_context: MakeContext, no_git: None, models: tuple[str, ...], hint: str
) -> None:
    context = make_context(models=models)
    program = context.checkout / "protomotions" / "eval_agent.py"
    program.parent.mkdir(parents=True)
    program.touch()
    error = refused(lambda: CheckpointsStep().plan(context))
    assert error.code == "PML417"
    assert hint in (error.hint or "")
    assert "maskmimic" not in (error.hint or "")


def test_a_folder_becomes_a_file_url(tmp_path: Path) -> None:
    folder = tmp_path / "with blank & 100% 步"
    folder.mkdir()
    assert address(str(folder)) == folder.as_uri()
    for url in ("https://github.com/NVlabs/ProtoMotions", "git@github.com:NVlabs/ProtoMotions", "file:///a%20b"):
        assert address(url) == url
    for nothing in (str(tmp_path / "nowhere"), "--upload-pack=touch /tmp/x", "ext::sh -c true"):
        assert refused(partial(address, nothing)).code == "PML404"


def test_the_refspec_of_each_kind_of_ref() -> None:
    assert Ref("refs/tags/v2.3", "a" * 40).refspec == "+refs/tags/v2.3:refs/tags/v2.3"
    assert Ref("refs/heads/main", "a" * 40).refspec == "+refs/heads/main:refs/remotes/origin/main"
    assert Ref(None, "a" * 40).refspec == Ref(None, "a" * 40).kept == "a" * 40


def test_a_file_in_the_checkout_s_place_is_refused(make_context: MakeContext, no_git: None, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    error = refused(lambda: CheckoutStep().plan(make_context(folder=tmp_path / "a file")))
    assert (error.code, "is a file, not a folder" in error.message) == ("PML406", True)


def test_all_and_none_are_case_insensitive() -> None:
    assert model_names([" All", "", "MaskMimic "]) == ("all", "MaskMimic")
    assert model_names(["NONE"]) == ("none",)


@pytest.mark.parametrize("name", ["protomotions", "isaac_utils", "poselib"])
def test_a_changed_line_of_any_package_invalidates_the_cached_imports(
    make_context: MakeContext, checkout: Path, name: str
) -> None:
    context, report = make_context(folder=checkout), PythonReport(ProbeReply("3.11"), Path("log"))
    (checkout / name).mkdir(exist_ok=True)
    before = proof_key(context, report)
    assert proof_key(context, report) == before
    (checkout / name / "new.py").write_text("raise ImportError", encoding="utf-8")
    assert proof_key(context, report) != before
