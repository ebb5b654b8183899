"""Every check of a plan: its code, severity, subject and hint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from unit_help import codes, only

from pmlaunch.checks.preflight import preflight
from pmlaunch.errors import PmlaunchError
from pmlaunch.git import lfs_pointer
from pmlaunch.git.lfs_pointer import NotInLfs, Pointer, pull_command
from pmlaunch.git.queries import CannotTell
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned
from standin import CHECKPOINT, LEGACY_TORCH, TRAINED, pointer_text, smpl_motion

TRACKER = "data/pretrained_models/motion_tracker/smpl"
pytestmark = pytest.mark.usefixtures("in_git")

Plan = Callable[..., Planned]
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@pytest.fixture
def tracker(checkout: Path) -> Path:
    return checkout / TRACKER


def test_valid_plan_has_no_findings(plan: Plan) -> None:
    assert preflight(plan()) == []


def test_pml101_pointer(plan: Plan, checkout: Path) -> None:
    finding = only(plan("masked_mimic"))
    assert (finding.code, finding.severity) == ("PML101", ERROR)
    assert "304 MB" in finding.message
    from_hub = "pmlaunch fetch masked_mimic --from hf"
    assert finding.fix == finding.hint == f'{from_hub} --protomotions "{checkout.resolve()}"', "git cannot bring it"
    (checkout / ".git").mkdir()
    assert only(plan("masked_mimic")).fix == f'pmlaunch fetch masked_mimic --protomotions "{checkout.resolve()}"'


def test_pml102_missing(plan: Plan, tracker: Path) -> None:
    (tracker / "last.ckpt").unlink()
    finding = only(plan())
    assert (finding.code, finding.severity, finding.subject) == ("PML102", ERROR, str(tracker / "last.ckpt"))
    assert finding.fix == "pmlaunch install --dir ANOTHER_FOLDER", "no repository could bring it"


def test_pointer_beside_the_checkout_is_pulled_in_its_own_repository(checkout: Path, tmp_path: Path) -> None:
    path = tmp_path / "data/smpl/last.ckpt"
    (tmp_path / ".git").mkdir()
    assert f'git -C "{tmp_path}" ' in pull_command(path)
    assert 'lfs pull --include="data/smpl/last.ckpt" --exclude=""' in pull_command(path)


def test_pml102_missing_outside_the_checkout_has_no_fix(plan: Plan, tmp_path: Path) -> None:
    finding = preflight(plan(checkpoint="gone.ckpt"))[0]
    assert (finding.code, finding.fix, finding.subject) == ("PML102", None, str(tmp_path / "gone.ckpt"))


def test_pml102_folder_instead_of_the_checkpoint(plan: Plan, tracker: Path) -> None:
    (tracker / "last.ckpt").unlink()
    (tracker / "last.ckpt").mkdir()
    assert only(plan()).code == "PML102"


def test_pml103_wrong_size(plan: Plan, in_git: dict[str, Pointer]) -> None:
    in_git["last.ckpt"] = Pointer("0" * 64, len(CHECKPOINT) + 1)
    finding = only(plan())
    assert (finding.code, finding.severity) == ("PML103", ERROR)
    assert f"{len(CHECKPOINT)} bytes, but git records {len(CHECKPOINT) + 1}" in finding.message
    assert finding.hint == f"delete the file, then: {finding.fix}"


def test_pml104_wrong_sha256_is_found_with_verify(plan: Plan, in_git: dict[str, Pointer]) -> None:
    in_git["last.ckpt"] = Pointer("0" * 64, len(CHECKPOINT))
    assert preflight(plan()) == []
    assert only(plan(verify=True)).code == "PML104"
    in_git["last.ckpt"] = Pointer(hashlib.sha256(CHECKPOINT).hexdigest(), len(CHECKPOINT))
    assert [(it.code, it.severity) for it in preflight(plan(verify=True))] == [("PML161", Severity.NOTE)]


@pytest.mark.parametrize(
    ("answer", "silently"),
    [(NotInLfs("it is not in a git repository"), True), (CannotTell("git is not on PATH"), False)],
)
def test_pml160_checkpoint_that_git_does_not_tell_about(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, answer: NotInLfs | CannotTell, silently: bool
) -> None:
    monkeypatch.setattr(lfs_pointer, "pointer_in_git", lambda _: answer)
    usual = [] if silently else [("PML160", Severity.WARNING)]
    assert [(it.code, it.severity) for it in preflight(plan())] == usual
    finding = only(plan(verify=True))
    assert (finding.code, finding.severity) == ("PML160", ERROR)
    assert answer.reason in finding.message
    assert [it.severity for it in preflight(plan(verify=True, no_check=("PML160",)))] == [Severity.WARNING]


def test_pml160_checkpoint_that_vanishes_while_it_is_read(
    plan: Plan, in_git: dict[str, Pointer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    in_git["last.ckpt"] = Pointer("0" * 64, len(CHECKPOINT))
    monkeypatch.setattr(lfs_pointer, "sha256_of", refuse)
    finding = only(plan(verify=True))
    assert (finding.code, "Permission denied" in finding.message) == ("PML160", True)


def test_pml105_no_config(plan: Plan, tracker: Path) -> None:
    (tracker / "config.yaml").unlink()
    finding = only(plan())
    assert (finding.code, finding.severity) == ("PML105", ERROR)
    assert str(tracker) in (finding.hint or "")


def test_pml106_checkpoint_of_generation_3(refused: Callable[..., PmlaunchError], tracker: Path) -> None:
    (tracker / "config.yaml").unlink()
    (tracker / "resolved_configs_inference.pt").touch()
    error = refused()
    assert (error.code, error.exit_code) == ("PML106", 4)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x: [", "PML107"),
        ("x: ${eval:exit}", "PML108"),
        ("x: ${nothing}", "PML109"),
        ('x: "???"', "PML110"),
        ("x: {_target_: evil.Class}", "PML115"),
    ],
)
def test_config(plan: Plan, tracker: Path, line: str, code: str) -> None:
    (tracker / "config.yaml").write_text(f"{TRAINED}{line}\n", encoding="utf-8")
    assert (code, ERROR) in codes(plan(robot="smpl"))


def test_pml111_robot_of_another_checkpoint(plan: Plan) -> None:
    finding = only(plan(robot="amp"))
    assert (finding.code, finding.severity, finding.hint) == ("PML111", ERROR, "--robot smpl")
    assert "trained for robot smpl, not for amp (3 bodies)" in finding.message


def test_pml111_trained_for_an_unknown_robot(plan: Plan, tracker: Path) -> None:
    text = (tracker / "config.yaml").read_text().replace("Pelvis", "Torso2", 1)
    (tracker / "config.yaml").write_text(text)
    finding = preflight(plan())[0]
    assert (finding.code, finding.hint) == ("PML111", None)
    assert "a robot with 24 bodies that is not in this checkout" in finding.message


def test_pml112_and_pml003_keys(plan: Plan) -> None:
    assert codes(plan("tracker", "++my.key=1")) == [("PML112", WARNING)]
    assert codes(plan("tracker", "num_env=1")) == [("PML003", ERROR)]


def test_pml113_constraint(plan: Plan) -> None:
    findings = preflight(plan(constraints=("pelvis_hands_position",)))
    assert [finding.code for finding in findings] == ["PML113", "PML109"]
    assert findings[0].hint == "pmlaunch list constraints"
    assert preflight(plan(constraints=("vr", "pelvis"))) == []


def test_pml113_constraint_in_a_typed_list(plan: Plan) -> None:
    broken = "masked_mimic/constraints/pelvis_hands_position"
    assert ("PML113", ERROR) in codes(plan("tracker", f"+opt=[wandb,{broken}]"))


def test_pml114_robot_unknown(plan: Plan, tracker: Path) -> None:
    (tracker / "config.yaml").write_text("robot: {}\n")
    finding = next(item for item in preflight(plan(str(tracker))) if item.code == "PML114")
    assert (finding.severity, finding.hint) == (ERROR, "--robot NAME, one of: amp, smpl")


def test_pml116_genesis_without_gains(plan: Plan, tracker: Path) -> None:
    finding = only(plan(simulator="genesis"))
    assert (finding.code, finding.severity, finding.subject) == ("PML116", WARNING, "smpl")
    assert preflight(plan("tracker", "robot.control.control_type=torque", simulator="genesis")) == []
    (tracker / "config.yaml").write_text(TRAINED.replace("built_in_pd", "proportional"))
    assert preflight(plan(simulator="genesis")) == []


def test_pml212_run_folder_too_long_for_windows(plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    fits = "C:\\" + "r" * 147
    options = {"target_os": "windows", "via": "python"}

    def found(runs: str) -> list[Finding]:
        return [item for item in preflight(plan(runs=runs, **options)) if item.code == "PML212"]

    assert found(fits) == []
    (finding,) = found(fits + "r")
    assert (finding.code, finding.severity, finding.subject) == ("PML212", ERROR, fits + "r")
    assert "has 151 characters" in finding.message
    assert (finding.hint or "").endswith("\\pm-runs")
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "linux")
    assert found(fits + "r") == [], "a plan for another system: its folders are not known here"


def test_pml117_folder_that_hydra_resolves(plan: Plan, checkout: Path, tmp_path: Path) -> None:
    checkout.rename(tmp_path / "${x}")
    finding = preflight(plan(protomotions="${x}"))[0]
    assert (finding.code, finding.severity, finding.hint) == ("PML117", ERROR, "rename the folder")


@pytest.mark.parametrize(
    ("name", "content", "code", "severity"),
    [
        ("gone.npy", None, "PML121", ERROR),
        ("bad.npy", b"\x93NUMPY bad", "PML122", ERROR),
        ("pointer.npy", pointer_text(b"x").encode(), "PML127", ERROR),
        ("cut.pt", b"PK", "PML122", ERROR),
        ("library.pt", LEGACY_TORCH, "PML126", NOTE),
    ],
)
def test_motion(plan: Plan, tmp_path: Path, name: str, content: bytes | None, code: str, severity: Severity) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    finding, *others = sorted(preflight(plan(motions=(name,))), key=lambda finding: finding.code)
    assert (finding.code, finding.severity, finding.subject) == (code, severity, str(tmp_path / name))
    assert [other.code for other in others] == ["PML151"] * (name == "library.pt")  # what loading it would run


def test_pml123_motion_contains_code(plan: Plan, tmp_path: Path) -> None:
    path = smpl_motion(tmp_path / "evil.npy")
    path.write_bytes(path.read_bytes().replace(b"numpy.core.multiarray\n_reconstruct", b"os.path\nsystem" + b" " * 0))
    finding = only(plan(motions=("evil.npy",)))
    assert (finding.code, finding.severity) == ("PML123", ERROR)


def test_pml124_motion_of_another_robot(plan: Plan) -> None:
    finding = only(plan(motions=("amp_humanoid_walk",)))
    assert (finding.code, finding.severity) == ("PML124", ERROR)
    assert finding.hint == "pmlaunch list motions --robot smpl"


def test_pml125_no_motion(plan: Plan, tracker: Path) -> None:
    (tracker / "config.yaml").write_text(TRAINED.replace("motion_file: ???", "motion_file: null"))
    assert only(plan(str(tracker))).code == "PML125"


def test_pml201_and_pml202_runtime(plan: Plan, isaaclab: Path) -> None:
    for script in isaaclab.glob("isaaclab.*"):
        script.unlink()
    assert codes(plan()) == [("PML201", ERROR)]
    assert codes(plan(via="python", python="no-such-python")) == [("PML202", ERROR)]


def test_pml203_demo_without_its_packages(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.checks.environment.find_spec", lambda name: None if name == "mujoco" else object())
    finding = next(item for item in preflight(plan("demo")) if item.code == "PML203")
    assert (finding.severity, finding.subject) == (ERROR, "mujoco")
    assert (finding.fix or "").endswith('-m pip install "pmlaunch[demo]"')


def test_pml206_plan_for_another_system_is_a_note(plan: Plan) -> None:
    other = "windows" if plan().plan.platform == "linux" else "linux"
    assert codes(plan(target_os=other)) == [("PML206", NOTE)]


def test_pml207_nccl_on_windows(plan: Plan) -> None:
    finding = preflight(plan(target_os="windows", ddp_backend="nccl"))[0]
    assert (finding.code, finding.severity) == ("PML207", ERROR)
    assert "--ddp-backend auto" in str(finding.fix)
    assert ("PML207", ERROR) in codes(
        plan("tracker", "fabric.strategy.process_group_backend=nccl", target_os="windows")
    )
    assert ("PML207", ERROR) not in codes(plan(target_os="linux", ddp_backend="nccl"))
