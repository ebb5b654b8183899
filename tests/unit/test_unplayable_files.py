"""Files that upstream would crash on or play wrongly: each is found before the start, with its cure."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from unit_help import Plan, Refused, codes, present

from pmlaunch.catalog.motions import motions, read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import robots
from pmlaunch.checks.checkpoint import check_checkpoint, check_whole
from pmlaunch.checks.motions import check_motions
from pmlaunch.checks.preflight import preflight
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.generations.v3.checkout import InferenceCheckout
from pmlaunch.model import Finding, Generation, MotionInfo, Severity
from pmlaunch.runtimes.compatibility import Found, Part
from pmlaunch.support.file_kind import files_below
from standin import LEGACY_TORCH, SMPL, make_motion, pointer_text, smpl_motion
from standin3 import G1, Named, Tensor, make_clip, make_library, save_like_torch

pytestmark = pytest.mark.usefixtures("in_git", "composed_at_once")
PARENTS = [-1, *range(len(SMPL) - 1)]
WEB_PAGE = b"<!DOCTYPE html>\n<html><body>Sign in to GitHub</body></html>\n"
V2, V3 = Generation.V2, Generation.V3


def info(path: Path, checkout: HydraCheckout | InferenceCheckout, generation: Generation = V2) -> MotionInfo:
    return read_info(path, robots(checkout, presets("robot")), GENERATIONS[generation].conversions)


def problem(path: Path, checkout: HydraCheckout | InferenceCheckout, generation: Generation = V2) -> Finding:
    return present(info(path, checkout, generation).problem)


def changed(path: Path, **changes: Any) -> Path:
    """The motion at `path` with other values; a value of None leaves the key out."""
    content = {**np.load(smpl_motion(path), allow_pickle=True).item(), **changes}
    holder = np.empty((), dtype=object)
    holder[()] = {key: value for key, value in content.items() if value is not None}
    np.save(path, holder, allow_pickle=True)
    return path


# --- bodies


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        ([SMPL[0], SMPL[2], SMPL[1], *SMPL[3:]], f"another order (number 1 is {SMPL[2]}, not {SMPL[1]})"),
        (SMPL[:-1], f"misses {SMPL[-1]}"),
        ([*SMPL, "Tail"], "adds Tail"),
        ([*SMPL[:-1], "Tail"], f"misses {SMPL[-1]} and adds Tail"),
        ([*SMPL, SMPL[1]], "contains a body twice"),
    ],
)
def test_pml155_bodies_that_do_not_match_the_robot(
    opened: HydraCheckout, tmp_path: Path, bodies: list[str], said: str
) -> None:
    parents = [-1, *range(len(bodies) - 1)]
    found = info(make_motion(tmp_path / "w.npy", bodies, parents, frames=3, fps=30), opened)
    finding = present(found.problem)
    assert (finding.code, finding.severity, found.robot) == ("PML155", Severity.ERROR, "smpl")
    assert said in finding.message
    assert "pmlaunch list motions --robot smpl" in present(finding.hint)


def test_pml155_order_of_the_smpl_model(opened: HydraCheckout, tmp_path: Path) -> None:
    """What trackers of people in videos write, which differs from the order of ProtoMotions' SMPL."""
    order = [0, 1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12, 14, 19, 13, 15, 20, 16, 21, 17, 22, 18, 23]
    bodies = [SMPL[index] for index in order]
    path = make_motion(tmp_path / "video.npy", bodies, [-1, *range(len(bodies) - 1)], frames=3, fps=30)
    assert "another order" in problem(path, opened).message


def test_pml155_stops_the_run(plan: Plan, tmp_path: Path) -> None:
    make_motion(tmp_path / "w.npy", SMPL[::-1], PARENTS, frames=3, fps=30)
    assert codes(plan(motions=("w.npy",))) == [("PML155", Severity.ERROR)]


def test_other_number_of_bodies_in_a_motion_without_names(opened3: InferenceCheckout, tmp_path: Path) -> None:
    found = info(make_clip(tmp_path / "w.motion", len(G1) - 1, frames=5, fps=30), opened3, V3)
    assert (found.robot, found.problem) == (None, None), "PML124 reports a motion that is not the robot's"


# --- no frames


@pytest.mark.parametrize("timings", [(0.5, 0.5), (0.6, 0.2), (5.0, -1), (5.0, 9.0), (0.99, -1)])
def test_pml156_piece_without_frames(plan: Plan, tmp_path: Path, timings: tuple[float, float]) -> None:
    smpl_motion(tmp_path / "w.npy", frames=31, fps=30)
    piece = {"idx": 0, "weight": 1, "timings": dict(zip(("start", "end"), timings, strict=True))}
    (tmp_path / "l.yaml").write_text(json.dumps({"motions": [{"file": "w.npy", "sub_motions": [piece]}]}))
    for typed in (("l.yaml",), ("l.yaml", "walk")):
        assert codes(plan(motions=typed)) == [("PML156", Severity.ERROR)]


def test_pml156_counts_the_frames_that_upstream_keeps(plan: Plan, tmp_path: Path) -> None:
    smpl_motion(tmp_path / "w.npy", frames=201, fps=100)  # of which every third is kept, and played at 30/s
    for end, found in ((0.05, [("PML156", Severity.ERROR)]), (0.1, [])):
        piece = {"idx": 0, "weight": 1, "timings": {"start": 0, "end": end}}
        (tmp_path / "l.yaml").write_text(json.dumps({"motions": [{"file": "w.npy", "sub_motions": [piece]}]}))
        assert codes(plan(motions=("l.yaml",))) == found


def test_pml156_motion_of_one_frame(opened: HydraCheckout, opened3: InferenceCheckout, tmp_path: Path) -> None:
    assert problem(smpl_motion(tmp_path / "w.npy", frames=1), opened).code == "PML156"
    assert problem(make_clip(tmp_path / "w.motion", len(G1), frames=1, fps=30), opened3, V3).code == "PML156"
    packed = make_library(tmp_path / "p.pt", len(G1), {"a": 1.0, "b": 0.0}, fps=30)
    assert problem(packed, opened3, V3).code == "PML156"


# --- libraries that upstream's reader rejects


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "w.npy"},
        {"file": "w.npy", "weight": None},
        {"file": "w.npy", "weight": 1, "idx": "first"},
        {"file": "w.npy", "weight": 1, "idx": None},
        {"file": "w.npy", "sub_motions": [{"weight": 1}]},
        {"file": "w.npy", "sub_motions": [{"idx": 7, "weight": 1}]},
        {"file": "w.npy", "sub_motions": [{"idx": 0}]},
        {"file": "w.npy", "sub_motions": None, "weight": 1},
        {"file": "w.npy", "weight": 1, "timings": {"start": 0}},
        {"file": "w.npy", "weight": 1, "timings": {"end": 1}},
        {"file": "w.npy", "weight": 1, "timings": None},
        {"file": "w.npy", "weight": 1, "labels": None},
        {"file": "w.npy", "weight": 1, "ref_respawn_offset": None},
        {"file": "w.npy", "weight": 1, "comment": "走"},
    ],
)
def test_single_library_is_completed_as_several_are(plan: Plan, tmp_path: Path, entry: dict[str, Any]) -> None:
    smpl_motion(tmp_path / "w.npy")
    smpl_motion(tmp_path / "v.npy")
    path, last = tmp_path / "l.yaml", {"file": "v.npy", "weight": 1}
    path.write_text(yaml.safe_dump({"motions": [entry, last]}, allow_unicode=True), encoding="utf-8")
    (first, second) = yaml.safe_load(present(plan(motions=("l.yaml",)).plan.measuring.library))["motions"]
    assert sorted(Path(item["file"]).name for item in (first, second)) == ["v.npy", "w.npy"]
    for index, item in enumerate((first, second)):
        (piece,) = item["sub_motions"]
        assert (item["idx"], piece["idx"], piece["weight"]) == (index, index, 1.0)
        assert set(piece["timings"]) == {"start", "end"}
    own = plan("tracker", "motion_file=l.yaml")  # which upstream reads as it is
    (finding,) = check_motions(own)
    assert (finding.code, finding.hint) == ("PML120", f'--motion "{path}" adds the missing fields')


@pytest.mark.parametrize(
    "entry",
    [
        {"weight": 1},
        {"weight": 0, "idx": 3, "timings": {"start": 0, "end": -1}, "labels": ["a"], "ref_respawn_offset": 0.5},
        {"sub_motions": [{"idx": 0, "weight": 1}, {"idx": 1, "weight": 2, "timings": {"start": 0, "end": 0.5}}]},
    ],
)
def test_library_that_upstream_reads_is_passed_as_it_is(plan: Plan, tmp_path: Path, entry: dict[str, Any]) -> None:
    smpl_motion(tmp_path / "w.npy")
    (tmp_path / "l.yaml").write_text(json.dumps({"motions": [{"file": "w.npy", **entry}]}))
    planned = plan(motions=("l.yaml",))
    assert planned.plan.measuring.library is None
    assert f"++motion_file='{tmp_path / 'l.yaml'}'" in planned.plan.overrides
    assert list(check_motions(plan("tracker", "motion_file=l.yaml"))) == []


@pytest.mark.hostile
@pytest.mark.parametrize(
    "more",
    [
        {"weight": -1},
        {"weight": "heavy"},
        {"weight": True},
        {"ref_respawn_offset": "late"},
        {"timings": [0, 1]},
        {"timings": {"start": -0.5, "end": 1}},
        {"timings": {"start": 0, "end": -2}},
        {"timings": {"start": "soon", "end": 1}},
        {"sub_motions": []},
        {"sub_motions": "all"},
        {"sub_motions": [1]},
    ],
)
def test_pml120_values_that_no_reader_can_use(refused: Refused, tmp_path: Path, more: dict[str, Any]) -> None:
    smpl_motion(tmp_path / "w.npy")
    (tmp_path / "l.yaml").write_text(json.dumps({"motions": [{"file": "w.npy", **more}]}))
    for typed in (("l.yaml",), ("l.yaml", "walk")):
        error = refused(motions=typed)
        assert (error.code, error.subject) == ("PML120", str(tmp_path / "l.yaml"))


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["w\\0.npy", "\\uD800.npy", "[w.npy]", "3"])
def test_pml120_names_that_no_file_has(refused: Refused, tmp_path: Path, name: str) -> None:
    text = name if name in ("[w.npy]", "3") else f'"{name}"'
    (tmp_path / "l.yaml").write_text(f"motions: [{{file: {text}, weight: 1}}]", encoding="utf-8")
    assert refused(motions=("l.yaml",)).code == "PML120"


def test_stated_rate_that_upstream_ignores_does_not_count(plan: Plan, tmp_path: Path) -> None:
    smpl_motion(tmp_path / "w.npy", frames=31, fps=30)
    for stated, shown in ((20, 30.0), (60, 60.0)):
        (tmp_path / "l.yaml").write_text(json.dumps({"motions": [{"file": "w.npy", "weight": 1, "fps": stated}]}))
        assert plan(motions=("l.yaml",)).plan.motions[0].fps == shown


def test_pml127_library_that_is_a_pointer(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "l.yaml").write_text(pointer_text(b"x", 1_800_000))
    error = refused(motions=("l.yaml",))
    assert error.code == "PML127"
    assert "ANOTHER_FOLDER" in present(error.hint), "no repository here could bring it"


# --- what upstream reads of each motion


@pytest.mark.hostile
@pytest.mark.parametrize("fps", [0, -30, 1e-300, 10**400, float("nan"), float("inf"), "30", True])
def test_pml122_impossible_rates(opened: HydraCheckout, tmp_path: Path, fps: Any) -> None:
    found = info(changed(tmp_path / "w.npy", fps=fps), opened)
    assert fps is True or present(found.problem).code == "PML122"


@pytest.mark.hostile
def test_only_the_start_of_what_is_no_motion_is_read(
    opened: HydraCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "sparse.npy").open("wb") as file:
        file.truncate(1 << 20)
    known = robots(opened, presets("robot"))
    monkeypatch.setattr(Path, "read_bytes", None)
    assert present(read_info(tmp_path / "sparse.npy", known).problem).code == "PML122"


@pytest.mark.parametrize("key", ["global_velocity", "global_angular_velocity", "__name__"])
def test_pml122_poselib_motion_without_what_upstream_reads(opened: HydraCheckout, tmp_path: Path, key: str) -> None:
    finding = problem(changed(tmp_path / "w.npy", **{key: None}), opened)
    assert finding.code == "PML122"
    assert key in finding.message


def test_pml122_state_without_motion(opened: HydraCheckout, tmp_path: Path) -> None:
    assert "SkeletonState" in problem(changed(tmp_path / "w.npy", __name__="SkeletonState"), opened).message


@pytest.mark.parametrize("missing", ["rigid_body_vel", "rigid_body_ang_vel", "dof_vel", "dof_pos", "rigid_body_rot"])
def test_pml122_motion_of_3_without_velocities(opened3: InferenceCheckout, tmp_path: Path, missing: str) -> None:
    names = ("pos", "rot", "vel", "ang_vel")
    fields = {f"rigid_body_{name}": Tensor((9, len(G1), 4 if name == "rot" else 3)) for name in names}
    fields |= {"dof_pos": Tensor((9, 29)), "dof_vel": Tensor((9, 29))}
    for path, held in (
        (tmp_path / "gone.motion", {key: value for key, value in fields.items() if key != missing}),
        (tmp_path / "short.motion", {**fields, missing: Tensor((8, 29))}),
    ):
        save_like_torch(path, {"fps": 30, **held})
        finding = problem(path, opened3, V3)
        assert finding.code == "PML122"
        assert missing in finding.message


@pytest.mark.parametrize(("suffix", "library"), [(".npy", False), (".npy", True), (".motion", True), (".pt", False)])
def test_pml122_file_under_the_suffix_of_another_kind(
    opened3: InferenceCheckout, tmp_path: Path, suffix: str, library: bool
) -> None:
    made = tmp_path / "made"
    if library:
        make_library(made, len(G1), {"a": 1.0}, fps=30)
    else:
        make_clip(made, len(G1), frames=5, fps=30)
    assert info(made, opened3, V3).problem is None
    assert problem(made.rename(tmp_path / f"w{suffix}"), opened3, V3).code == "PML122"


# --- files of other kinds


@pytest.mark.hostile
@pytest.mark.parametrize("suffix", [".npy", ".motion", ".pt"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (WEB_PAGE, "web page"), (b"404: Not Found\n", "a text file"), (b'{"error": 1}', "a text file")],
)
def test_pml122_download_that_failed(
    opened: HydraCheckout, tmp_path: Path, suffix: str, content: bytes, said: str
) -> None:
    path = tmp_path / f"walk{suffix}"
    path.write_bytes(content)
    finding = problem(path, opened)
    assert (finding.code, finding.severity) == ("PML122", Severity.ERROR)
    assert said in finding.message


@pytest.mark.hostile
@pytest.mark.parametrize("suffix", [".motion", ".pt"])
def test_pml122_every_truncation(opened3: InferenceCheckout, tmp_path: Path, suffix: str) -> None:
    make = {".motion": make_clip(tmp_path / "w.motion", len(G1), frames=5, fps=30)}
    whole = make.get(suffix) or make_library(tmp_path / "w.pt", len(G1), {"a": 1.0}, fps=30)
    content = whole.read_bytes()
    assert info(whole, opened3, V3).problem is None
    for length in range(0, len(content), 97):
        whole.write_bytes(content[:length])
        assert problem(whole, opened3, V3).code == "PML122", length


@pytest.mark.hostile
@pytest.mark.skipif(os.name == "nt", reason="skipped: Windows has no such files in folders")
@pytest.mark.parametrize("suffix", [".npy", ".motion", ".pt", ".npz", ".pkl", ".yaml", ".yml"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "socket"])
def test_pml122_no_ordinary_file_is_opened(plan: Plan, tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"walk{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        (path / "inner").mkdir(parents=True)
        smpl_motion(path / "inner" / "mine.npy")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(path))
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    found = codes(plan(motions=(str(path),)))
    assert found == ([] if kind == "folder" else [("PML122", Severity.ERROR)])


@pytest.mark.hostile
def test_folder_that_vanishes_while_it_is_searched(opened: HydraCheckout, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = opened.root / "data/motions"
    for name in ("a", "b"):
        smpl_motion(folder / name / f"{name}.npy")
    found = files_below(folder, ".npy")
    next(found)
    shutil.rmtree(folder)
    assert not {"a.npy", "b.npy"} <= {path.name for path in found}
    assert motions(opened, []) == []

    def gone(*_: object) -> Iterator[tuple[str, list[str], list[str]]]:
        yield str(folder), [], ["late.npy"]

    monkeypatch.setattr("os.walk", gone)
    assert [present(found.problem).code for found in motions(opened, [])] == ["PML121"]


# --- motions of other projects


def amass(path: Path) -> Path:
    with path.open("wb") as file:  # savez would add .npz to another name
        np.savez(file, poses=np.zeros((5, 156)), trans=np.zeros((5, 3)), betas=np.zeros(16), mocap_framerate=120.0)
    return path


def phc(path: Path) -> Path:
    path.write_bytes(pickle.dumps({"0-ACCAD_walk": {"pose_aa": [0.0], "root_trans_offset": [0.0], "fps": 30}}))
    return path


def humanml3d(path: Path) -> Path:
    np.save(path, np.zeros((5, 263) if path.stem == "features" else (5, 22, 3), dtype="f4"))
    return path


@pytest.mark.parametrize(
    ("make", "name", "project"),
    [
        (amass, "walk_poses.npz", "AMASS"),
        (amass, "walk.npy", "AMASS"),  # numpy's loader gives an NpzFile, which upstream cannot use
        (phc, "walk.pkl", "PHC"),
        (humanml3d, "features.npy", "HumanML3D"),
        (humanml3d, "joints.npy", "HumanML3D"),
    ],
)
def test_pml157_names_the_conversion_of_each_generation(
    opened: HydraCheckout, opened3: InferenceCheckout, tmp_path: Path, make: Any, name: str, project: str
) -> None:
    path = make(tmp_path / name)
    for checkout, generation, script in (
        (opened, V2, "data/scripts/convert_amass_to_isaac.py"),
        (opened3, V3, "data/scripts/convert_amass_to_proto.py"),
    ):
        finding = problem(path, checkout, generation)
        assert (finding.code, finding.severity) == ("PML157", Severity.ERROR)
        assert project in finding.message
        assert script in present(finding.hint)


def test_pml157_raw_data_by_name_and_by_folder(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "amass").mkdir()
    amass(tmp_path / "amass" / "walk_poses.npz")
    amass(tmp_path / "here.npz")
    for typed in ("amass", "here.npz", "amass/walk_poses.npz"):
        assert codes(plan(motions=(typed,))) == [("PML157", Severity.ERROR)], typed


def test_archive_of_other_arrays_is_no_raw_data(opened: HydraCheckout, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    assert problem(tmp_path / "other.npz", opened).code == "PML122"


# --- checkpoints


def zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("last/data.pkl", pickle.dumps({"model": {}}, protocol=2))
        archive.writestr("last/data/0", bytes(4000))
    return memory.getvalue()


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (WEB_PAGE, "web page"),
        (b"Entry not found", "a text file"),
        (zipped()[:2000], "truncated"),
        (zipped()[:-1], "truncated"),
        (b"\x00" * 500, "it was not saved by torch"),
    ],
)
def test_pml103_checkpoint_that_git_does_not_know(plan: Plan, checkout: Path, content: bytes, said: str) -> None:
    path = checkout / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    path.write_bytes(content)
    (finding,) = preflight(plan())
    assert (finding.code, finding.severity, finding.subject) == ("PML103", Severity.ERROR, str(path))
    assert said in finding.message


@pytest.mark.parametrize("content", [zipped(), LEGACY_TORCH])
def test_whole_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    assert list(check_whole(tmp_path / "last.ckpt")) == []


# --- torch's default since 2.6


@pytest.mark.parametrize(
    ("version", "variable", "expected"),
    [
        ("2.5.1", None, ["PML126"]),
        ("2.6.0", None, ["PML159", "PML126"]),
        ("2.13.0+cpu", None, ["PML159", "PML126"]),
        ("2.13.0+cpu", "1", ["PML126"]),
        ("2.13.0+cpu", "0", ["PML159", "PML126"]),
        (None, None, ["PML126"]),
    ],
)
def test_pml159_packed_library_of_objects(
    plan: Plan, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None,
    variable: str | None, expected: list[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", raising=False)
    if variable:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", variable)
    (checkout / "protomotions/utils").mkdir(parents=True, exist_ok=True)
    (checkout / "protomotions/utils/motion_lib.py").write_text("class LoadedMotions: ...")
    save_like_torch(tmp_path / "packed.pt", Named("protomotions.utils.motion_lib", "LoadedMotions"))
    planned = plan(motions=("packed.pt",))
    if version:
        planned.runtime.versions[Part.TORCH] = Found(version)  # type: ignore[index]
    assert [finding.code for finding in preflight(planned)] == expected


# --- the expert of MaskedMimic


@pytest.mark.parametrize("there", [(), ("last.ckpt",), ("config.yaml",)])
def test_pml158_expert_that_is_not_there(plan: Plan, checkout: Path, there: tuple[str, ...]) -> None:
    planned = plan()
    planned = replace(planned, report=replace(planned.report, expert_model="results/expert"))
    expert = checkout / "results/expert"
    expert.mkdir(parents=True)
    for name in there:
        (expert / name).touch()
    (finding,) = check_checkpoint(planned)
    assert (finding.code, finding.severity, finding.subject) == ("PML158", Severity.ERROR, str(expert))
    assert present(finding.hint).endswith("agent.config.expert_model_path=null")


@pytest.mark.parametrize("checkpoint", ["last.ckpt", "score_based.ckpt"])
def test_expert_that_is_there(plan: Plan, tmp_path: Path, checkpoint: str) -> None:
    planned = plan()
    planned = replace(planned, report=replace(planned.report, expert_model=str(tmp_path)))
    for name in ("config.yaml", checkpoint):
        (tmp_path / name).touch()
    assert list(check_checkpoint(planned)) == []
