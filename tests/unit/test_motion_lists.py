"""Collect names, patterns, folders and libraries into one list of motions and one library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit_help import Plan, Refused, present

from pmlaunch.checks.preflight import preflight
from pmlaunch.git.lfs_pointer import Pointer
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import spec_document
from standin import make_motion, smpl_motion

pytestmark = pytest.mark.usefixtures("composed_at_once")


def names(planned: Planned) -> list[str]:
    return [motion.name for motion in planned.plan.motions]


def listed(planned: Planned) -> list[dict[str, Any]]:
    motions: list[dict[str, Any]] = yaml.safe_load(present(planned.plan.measuring.library))["motions"]
    return motions


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Create a folder with c.npy at 30 frames/s, b.npy at 100 and deeper/a.npy at 29.97."""
    folder = tmp_path / "clips [old] 动作"
    smpl_motion(folder / "c.npy", frames=31, fps=30)
    smpl_motion(folder / "b.npy", frames=201, fps=100)
    smpl_motion(folder / "deeper" / "a.npy", frames=11, fps=29.97)
    return folder


def test_single_motion_needs_no_library(plan: Plan, clips: Path) -> None:
    planned = plan(motions=(f"{clips.name}/c.npy", f"{clips.name}/c.npy"))
    assert planned.plan.measuring.library is None
    assert f"++motion_file='{clips / 'c.npy'}'" in planned.plan.overrides


def test_several_motions_keep_their_order_without_duplicates(plan: Plan, clips: Path, checkout: Path) -> None:
    planned = plan(motions=("walk", f"{clips.name}/c.npy", str(clips / "b.npy"), "walk"))
    assert names(planned) == ["smpl_humanoid_walk", "c", "b"]
    assert [(entry["file"], entry["fps"], entry["idx"]) for entry in listed(planned)] == [
        (str(checkout / "data/motions/smpl_humanoid_walk.npy"), 30, 0),
        (str(clips / "c.npy"), 30, 1),
        (str(clips / "b.npy"), 100, 2),
    ]
    assert [entry["sub_motions"] for entry in listed(planned)] == [
        [{"weight": 1.0, "idx": index, "timings": {"start": 0.0, "end": -1}}] for index in range(3)
    ]
    assert present(planned.plan.measuring.library).isascii(), "upstream opens it in the encoding of the Windows locale"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("clips [old] 动作/*.npy", ["b", "c"]),
        ("clips [old] 动作/**/*.npy", ["b", "c", "a"]),
        ("clips [old] 动作", ["b", "c", "a"]),
        ("clips [old] 动作/", ["b", "c", "a"]),
        ("clips*/[bc].npy", ["b", "c"]),
        ("data/motions/smpl*.npy", ["smpl_humanoid_walk"]),
    ],
)
def test_patterns_and_folders(plan: Plan, clips: Path, typed: str, found: list[str]) -> None:
    assert names(plan(motions=(typed,))) == found
    assert clips.is_dir()


def test_bare_name_is_a_motion_before_it_is_a_folder(plan: Plan, clips: Path, checkout: Path) -> None:
    smpl_motion(clips.parent / "walk" / "mine.npy")
    (clips.parent / "squat").mkdir()
    assert names(plan(motions=("walk",))) == ["smpl_humanoid_walk"]
    assert names(plan("demo", motions=("squat",))) == ["smpl_humanoid_squat"], "an empty folder does not shadow a name"
    assert names(plan(motions=("walk/",))) == names(plan(motions=("./walk",))) == ["mine"]
    assert checkout.is_dir()


@pytest.mark.parametrize("typed", ["", " "])
def test_pml001_empty_name(refused: Refused, clips: Path, typed: str) -> None:
    assert refused(motions=(typed,)).code == "PML001"
    assert clips.is_dir()


@pytest.mark.parametrize("typed", ["nothing/*.npy", "clips [old] 动作/*.txt", "empty"])
def test_pml010_pattern_or_folder_without_a_motion(refused: Refused, clips: Path, typed: str) -> None:
    (clips.parent / "empty").mkdir()
    error = refused(motions=(typed,))
    assert (error.code, error.subject) == ("PML010", typed)


def test_library_in_upstreams_format(plan: Plan, clips: Path, tmp_path: Path) -> None:
    library = clips / "library.yaml"
    pieces = [
        {"idx": 1, "timings": {"start": 0.5, "end": 1.5}, "weight": 2.0, "labels": ["b"]},
        {"idx": 2, "weight": 1},
    ]
    entries = [
        {"file": "b.npy", "idx": 1, "sub_motions": pieces},
        {"file": "c.npy", "idx": 0, "weight": 1},
    ]
    library.write_text(yaml.safe_dump({"motions": entries}), encoding="utf-8")
    alone = plan(motions=(str(library),))
    assert alone.plan.measuring.library is None, "upstream reads the file itself"
    assert f"++motion_file='{library}'" in alone.plan.overrides
    assert [(motion.name, motion.frames, motion.seconds) for motion in alone.plan.motions] == [
        ("c", 31, 1.0),
        (f"{clips.name}/b", 100, 0.99),
        (f"{clips.name}/b (2)", 201, 2.0),
    ]
    joined = listed(plan(motions=(str(library), "walk")))
    assert [Path(entry["file"]).stem for entry in joined] == ["c", "b", "b", "smpl_humanoid_walk"]
    assert joined[1]["sub_motions"] == [
        {"weight": 2.0, "labels": ["b"], "idx": 1, "timings": {"start": 0.5, "end": 1.5}}
    ]
    library.rename(library.with_suffix(".yml"))
    assert len(listed(plan(motions=(str(library.with_suffix(".yml")),)))) == 3, (
        "upstream would pass a .yml file to torch.load"
    )


@pytest.fixture
def parts(clips: Path) -> Path:
    """A library: the first and the last second of b.npy, and c.npy."""
    halves = [{"timings": {"start": 0.0, "end": 1.0}}, {"timings": {"start": 1.0, "end": -1}}]
    library = clips / "parts.yaml"
    library.write_text(
        yaml.safe_dump({"motions": [{"file": "b.npy", "sub_motions": halves}, {"file": "c.npy"}]}), encoding="utf-8"
    )
    return library


@pytest.mark.parametrize(
    ("exclude", "left", "starts"),
    [
        ("*/b (2)", ["clips [old] 动作/b", "c"], [0.0, 0.0]),
        ("C", ["clips [old] 动作/b", "clips [old] 动作/b (2)"], [0.0, 1.0]),
        ("* [[]old] */b", ["clips [old] 动作/b (2)", "c"], [1.0, 0.0]),
    ],
)
def test_excluded_motions(plan: Plan, parts: Path, exclude: str, left: list[str], starts: list[float]) -> None:
    for motions in ((str(parts),), (str(parts), "walk")):
        planned = plan(motions=motions, exclude=(exclude,))
        more = len(motions) - 1
        assert names(planned) == [*left, *["smpl_humanoid_walk"] * more]
        found = [part["timings"]["start"] for entry in listed(planned) for part in entry["sub_motions"]]
        assert found == [*starts, *[0.0] * more]


def test_one_motion_that_is_not_excluded_is_played_itself(plan: Plan, parts: Path) -> None:
    planned = plan(motions=(str(parts),), exclude=("*/b*",))
    assert f"++motion_file='{parts.with_name('c.npy')}'" in planned.plan.overrides


def test_one_motion_that_is_not_excluded_keeps_the_rate_of_its_library(plan: Plan, clips: Path) -> None:
    library = clips / "rates.yaml"
    library.write_text(yaml.safe_dump({"motions": [{"file": "c.npy", "fps": 60}, {"file": "b.npy"}]}), encoding="utf-8")
    (entry,) = listed(plan(motions=(str(library),), exclude=("b",)))
    assert (Path(entry["file"]).name, entry["fps"]) == ("c.npy", 60)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({"motions": ("walk",), "exclude": ("smpl_humanoid_wlak",)}, "PML010", "Did you mean smpl_humanoid_walk?"),
        ({"motions": ("walk",), "exclude": ("*",)}, "PML001", "leaves out every motion"),
        ({"motions": ("walk", "parts.yaml"), "exclude": ("*b*", "*c", "*walk")}, "PML001", "leaves out every motion"),
    ],
)
def test_what_cannot_be_excluded(refused: Refused, parts: Path, given: dict[str, Any], code: str, said: str) -> None:
    if "parts.yaml" in given.get("motions", ()):
        given = {**given, "motions": ("walk", str(parts))}
    error = refused(**given)
    assert (error.code, said in error.message) == (code, True)


def test_exclude_is_about_motions_of_the_command_line(refused: Refused) -> None:
    error = refused("tracker", "motion_file=parts.yaml", exclude=("walk",))
    assert (error.code, "an override names the motion" in error.message) == ("PML001", True)


@pytest.mark.parametrize("value", [".nan", ".inf", "0", "-30", "1" + "0" * 400])
def test_pml120_invalid_fps(refused: Refused, clips: Path, tmp_path: Path, value: str) -> None:
    (tmp_path / "n.yaml").write_text(f"motions: [{{file: '{clips / 'c.npy'}', fps: {value}}}]", encoding="utf-8")
    for motions in (("n.yaml",), ("n.yaml", "walk")):
        error = refused(motions=motions)
        assert error.code == "PML120"
        assert "fps" in error.message
        assert "c.npy" in error.message


@pytest.mark.parametrize("timings", ["{start: .nan}", "{end: .inf}", "{start: -.inf}"])
def test_pml120_invalid_time(refused: Refused, clips: Path, tmp_path: Path, timings: str) -> None:
    entry = f"{{file: '{clips / 'c.npy'}', idx: .nan, sub_motions: [{{idx: .nan, timings: {timings}}}]}}"
    (tmp_path / "n.yaml").write_text(f"motions: [{entry}]", encoding="utf-8")
    assert refused(motions=("n.yaml",)).code == "PML120"


def test_clip_at_two_rates_counts_as_two_motions(plan: Plan, clips: Path, tmp_path: Path) -> None:
    file = str(clips / "c.npy")
    entries = [{"file": file}, {"file": file, "fps": 60}, {"file": file, "fps": 30}]
    (tmp_path / "e.yaml").write_text(yaml.safe_dump({"motions": entries}), encoding="utf-8")
    assert [entry["fps"] for entry in listed(plan(motions=("e.yaml", "walk")))] == [30, 60, 30], (
        "c, c at 60/s, walk: in this order"
    )


def test_duplicates_in_a_library_read_by_upstream_are_kept(plan: Plan, clips: Path, tmp_path: Path) -> None:
    entries = [{"file": str(clips / "c.npy"), "weight": 1.0}] * 2
    (tmp_path / "d.yaml").write_text(json.dumps({"motions": entries}), encoding="utf-8")
    planned = plan(motions=("d.yaml",))
    assert len(planned.plan.motions) == 2, "upstream plays both"
    assert f"++motion_file='{tmp_path / 'd.yaml'}'" in planned.plan.overrides
    assert len(listed(plan(motions=("d.yaml", "walk")))) == 2, "a generated library has each motion once"


def test_pml121_many_missing_motions_are_one_finding(plan: Plan, in_git: dict[str, Pointer], tmp_path: Path) -> None:
    entries = [{"file": f"AMASS/{index % 3}/{index}.npy"} for index in range(138)]
    (tmp_path / "amass.yaml").write_text(yaml.safe_dump({"motions": entries}), encoding="utf-8")
    found = [item for item in preflight(plan(motions=("amass.yaml",))) if item.severity is Severity.ERROR]
    assert [(item.code, item.subject) for item in found] == [("PML121", str(tmp_path / "AMASS"))]
    assert "138 of 138 motions" in found[0].message
    assert f"The folder {tmp_path / 'AMASS'} does not exist" in found[0].message
    assert not in_git


@pytest.mark.parametrize("text", ["[]", "motions: []", "motions: [{fps: 3}]", "motions: 3", "motions: [", "a: &a [*a]"])
def test_pml120_file_that_is_not_a_library(refused: Refused, tmp_path: Path, text: str) -> None:
    (tmp_path / "library.yaml").write_text(text)
    assert refused(motions=("library.yaml",)).code == "PML120"


def test_library_given_by_override(plan: Plan, clips: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"motions: [{{file: '{clips.name}/c.npy'}}]", encoding="utf-8")
    planned = plan("tracker", "motion_file=mine.yaml")
    assert (names(planned), planned.plan.measuring.library) == (["c"], None)
    (tmp_path / "mine.yaml").write_text("motions: []")
    planned = plan("tracker", "motion_file=mine.yaml")
    assert [present(motion.problem).code for motion in planned.plan.motions] == ["PML120"]


def test_pml001_packed_library_cannot_be_joined(plan: Plan, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "packed.pt").write_bytes(b"PK")
    assert names(plan(motions=("packed.pt",))) == ["packed"]
    assert refused(motions=("packed.pt", "walk")).code == "PML001"


def test_motions_with_the_same_name_get_their_folders_name(plan: Plan, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        smpl_motion(tmp_path / folder / "walk.npy")
    assert names(plan(motions=("one/walk.npy", "two/walk.npy"))) == ["one/walk", "two/walk"]


def finding_for(plan: Plan, motions: tuple[str, ...], **options: str) -> Finding:
    planned = plan(motions=motions, headless=True, **options)
    return next(finding for finding in preflight(planned) if finding.code == "PML118")


def test_pml118_motions_of_two_robots(plan: Plan, in_git: dict[str, Pointer], checkout: Path, tmp_path: Path) -> None:
    box = make_motion(tmp_path / "my box.npy", ["base", "left", "right"], [-1, 0, 0], frames=11, fps=10)
    planned = plan("tracker", "seed=3", motions=("walk", "amp_humanoid_walk", str(box)), headless=True, timeout=60.0,
                   robot="smpl", python=str(tmp_path / "my python"))  # fmt: skip
    (finding,) = [finding for finding in preflight(planned) if finding.severity is Severity.ERROR]
    assert finding.code == "PML118"
    assert "(smpl: smpl_humanoid_walk; amp: amp_humanoid_walk, my box)" in finding.message
    options = f'--headless --python "{tmp_path / "my python"}" --timeout 60 seed=3'
    same = f"--robot smpl {options}"
    assert present(finding.hint).split("\n        ") == [
        f"pmlaunch eval tracker --motion smpl_humanoid_walk {same}",
        "no model for robot amp here: pmlaunch list models",
    ]
    other = finding_for(plan, ("smpl_humanoid_walk", str(box)), robot="amp")
    assert f'--motion "{box}" --robot amp --headless' in present(other.hint).split("\n        ")[0]
    assert present(other.hint).split("\n        ")[1].endswith("--motion smpl_humanoid_walk --headless"), (
        "without --robot amp"
    )
    assert checkout.is_dir()
    assert not in_git


def test_unreadable_motion_is_reported_among_many(plan: Plan, in_git: dict[str, Pointer], clips: Path) -> None:
    (clips / "b.npy").write_bytes(b"\x93NUMPY bad")
    (finding,) = [item for item in preflight(plan(motions=(clips.name,))) if item.severity is Severity.ERROR]
    assert (finding.code, finding.subject) == ("PML122", str(clips / "b.npy"))
    assert not in_git


def test_library_is_written_to_the_run_folder(plan: Plan, clips: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "simulator's runs" / "genesis")
    planned = plan(motions=(clips.name,), headless=True)
    assert "++motion_file='motions.yaml'" in planned.plan.overrides
    (argument,) = [text for text in spec_document(planned.plan, folder)["argv"] if text.startswith("++motion_file=")]
    assert "motions.yaml" in argument
    assert "simulator" not in argument, "eval_agent.py scans its arguments for this word"


def test_demo_plays_each_motion_once(plan: Plan) -> None:
    planned = plan("demo", motions=("walk", "squat"))
    assert planned.plan.max_steps is None
    assert planned.plan.overrides.count("++agent.config.max_eval_steps=150") == 0
    assert plan("demo", motions=("walk",)).plan.max_steps == 150
