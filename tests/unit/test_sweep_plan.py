"""The plan of a sweep: cells that cannot run, shared starts, time and disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.demo.motion_library import load_motions
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.model import CHECKPOINT, Finding, LaunchPlan
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.timings import Timings
from pmlaunch.settings import Settings
from pmlaunch.sweeping import bad_cells
from pmlaunch.sweeping import plan as planning
from pmlaunch.sweeping.journal import Journal
from pmlaunch.sweeping.matrix import read_matrix
from pmlaunch.sweeping.model import CellResult, Evaluation
from pmlaunch.sweeping.plan import Expected, Left, PlannedSweep, SweepSettings, plan_sweep

Sweep = Callable[..., PlannedSweep]


@pytest.fixture
def sweep(typed_in: Path) -> Sweep:
    """Plan a sweep of the demo unless another model is named; `how` are SweepSettings."""

    def plan_it(how: dict[str, Any] | None = None, **values: Any) -> PlannedSweep:
        given = {"model": "demo", "motion": ["walk"], **values}
        matrix = read_matrix(given, "test.yaml")
        return plan_sweep(matrix, Settings(typed_in), SweepSettings(Path("sweeps/test"), **(how or {})))

    return plan_it


def codes(planned: PlannedSweep) -> list[tuple[str, ...]]:
    """The codes of what is wrong with each part, and its motions."""
    return [(*(finding.code for finding in bad.findings), *bad.motions) for bad in planned.bad]


def test_cells_that_differ_in_motion_or_seed_share_a_start(sweep: Sweep) -> None:
    planned = sweep(motion=["walk", "wave"], seed="0-2")
    (job,) = planned.plan.jobs
    assert planned.plan.cells == 6
    assert [it.labels for it in job.evaluations] == [{"model": "demo", "seed": str(seed)} for seed in range(3)]
    first = job.evaluations[0]
    assert len(first.motions) == 2
    assert (first.request.seed, first.request.runs) == (0, str(Path("sweeps/test/runs")))
    assert (planned.bad, planned.exit_code) == ((), 0)


def test_isolated_cells_are_evaluations_with_starts_of_their_own(sweep: Sweep, typed_in: Path) -> None:
    shared = sweep(motion=["walk", "wave"], seed="0-2")
    planned = sweep({"isolate": True}, motion=["walk", "wave"], seed="0-2")
    assert [len(job.evaluations) for job in planned.plan.jobs] == [1] * 6
    assert (planned.plan.cells, planned.left) == (6, Left(6, 6, 6))
    assert [(it.request.motions, it.motions, it.labels["seed"]) for it in planned.plan.evaluations] == [
        ((word,), (f"smpl_humanoid_{word}",), str(seed)) for word in ("walk", "wave") for seed in range(3)
    ]
    assert planned.expected.bytes > shared.expected.bytes


def test_isolated_files_of_a_folder_and_libraries(sweep: Sweep, typed_in: Path) -> None:
    folder, demo = typed_in / "mine", demo_checkout().root / "data/motions"
    folder.mkdir()
    (typed_in / "both.yaml").write_text(
        f"motions: [{{file: {demo}/smpl_humanoid_walk.npy}}, {{file: {demo}/smpl_humanoid_squat.npy}}]\n"
    )
    for name in ("walk", "wave"):
        (folder / f"{name}.npy").write_bytes((demo / f"smpl_humanoid_{name}.npy").read_bytes())
    found = sweep({"isolate": True}, motion=["mine/*.npy", "both.yaml"])
    assert [(*it.request.motions, len(it.motions)) for it in found.plan.evaluations] == [
        (str(folder / "walk.npy"), 1),
        (str(folder / "wave.npy"), 1),
        ("both.yaml", 2),
    ]


def test_isolated_cells_that_have_ended_are_not_checked_again(
    sweep: Sweep, typed_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"isolate": True}
    first = sweep(how, motion=["walk", "wave"]).plan.evaluations[0]
    folder = typed_in / "sweeps/test"
    folder.mkdir(parents=True)
    with Journal(folder) as journal:
        journal.append([CellResult(first.id, first.motions[0], "run", "done", True, {}, {})])
    checked: list[tuple[str, ...]] = []

    def preflight(planned: Planned) -> Sequence[Finding]:
        checked.append(planned.request.motions)
        return []

    monkeypatch.setattr(bad_cells, "preflight", preflight)
    assert sweep(how, motion=["walk", "wave"]).left == Left(1, 1, 1)
    assert checked == [("wave",)]


@pytest.mark.parametrize("skip_bad", [False, True])
def test_bad_cells_are_the_same_isolated_or_not(sweep: Sweep, typed_in: Path, skip_bad: bool) -> None:
    (typed_in / "broken.npy").write_bytes(b"nothing")
    found = []
    for isolate in (False, True):
        how = {"isolate": isolate, "skip_bad": skip_bad}
        planned = sweep(how, motion=["walk", "broken.npy", "missing.npy"])
        named = {motion for bad in planned.bad for motion in bad.motions}
        found.append((named, planned.missing, planned.exit_code, {it.code for it in planned.findings}))
    assert found[0] == found[1]
    assert found[0][2] == (0 if skip_bad else 4)


def test_one_motion_is_the_same_evaluation_isolated_or_not(sweep: Sweep) -> None:
    ids = [{it.id for it in sweep(how, seed="0-1").plan.evaluations} for how in ({}, {"isolate": True})]
    assert ids[0] == ids[1]


def test_starts_of_their_own_and_for_each_slot(sweep: Sweep) -> None:
    assert len(sweep({"isolate": True}, seed="0-4").plan.jobs) == 5
    planned = sweep({"slots": 2}, seed="0-4")
    assert [len(job.evaluations) for job in planned.plan.jobs] == [2, 3]
    assert len({job.id for job in planned.plan.jobs}) == 2


def test_a_video_needs_a_start_of_its_own(sweep: Sweep, checkout: Path, isaaclab: Path) -> None:
    assert len(sweep(model="tracker", seed="0-2", record=True, headless=False, no_check=["PML133"]).plan.jobs) == 3


def test_other_conditions_are_other_starts(sweep: Sweep, checkout: Path, isaaclab: Path) -> None:
    planned = sweep(model="tracker", constraint=["vr", "pelvis"], seed="0-1")
    assert [[it.labels["constraint"] for it in job.evaluations] for job in planned.plan.jobs] == [
        ["vr"] * 2,
        ["pelvis"] * 2,
    ]


def test_every_cell_that_cannot_run_is_named_at_once(sweep: Sweep, checkout: Path, isaaclab: Path) -> None:
    planned = sweep(model=["tracker", "maskmimic", "nobody"], motion=["walk", "wlak", "none.npy"], seed="0-1")
    assert codes(planned) == [
        ("PML010", "wlak"),
        ("PML121", "none"),
        ("PML010", "wlak"),
        ("PML101", "PML121"),
        ("PML010",),
    ]
    assert planned.exit_code == 4
    assert planned.missing == (checkout.parent / "none.npy",)


def test_the_rest_runs_without_them(sweep: Sweep, checkout: Path, isaaclab: Path) -> None:
    planned = sweep(
        {"skip_bad": True}, model=["tracker", "maskmimic"], motion=["walk", "wlak", "none.npy", "amp_humanoid_walk"]
    )
    (evaluation,) = planned.plan.evaluations
    assert evaluation.motions == ("smpl_humanoid_walk",)
    assert codes(planned)[0] == ("PML010", "wlak")
    assert planned.exit_code == 0


def test_excluded_motions_are_not_planned(sweep: Sweep) -> None:
    planned = sweep(motion=["walk", "wave"], seed="0-1", exclude=[{"motion": "*wave*", "seed": 1}])
    assert [(it.labels["seed"], len(it.motions)) for it in planned.plan.evaluations] == [("0", 2), ("1", 1)]


@pytest.fixture
def halves(typed_in: Path) -> Path:
    """A library: the two halves of one motion, and another motion."""
    demo, library = demo_checkout().root / "data/motions", typed_in / "halves.yaml"
    timings = [{"timings": {"start": 0.0, "end": 1.0}}, {"timings": {"start": 1.0, "end": 2.0}}]
    entries = [
        {"file": str(demo / "smpl_humanoid_walk.npy"), "sub_motions": timings},
        {"file": str(demo / "smpl_humanoid_wave.npy")},
    ]
    library.write_text(json.dumps({"motions": entries}), encoding="utf-8")
    return library


@pytest.mark.parametrize("isolate", [False, True])
def test_excluded_parts_of_a_library(sweep: Sweep, halves: Path, isolate: bool) -> None:
    planned = sweep({"isolate": isolate}, motion=[halves.name, "squat"], exclude=[{"motion": ["*/*walk", "*wave"]}])
    requests = [it.request for it in planned.plan.evaluations]
    assert [it.motions for it in requests] == ([(halves.name,), ("squat",)] if isolate else [(halves.name, "squat")])
    settings = Settings(halves.parent)
    played = [motion for it in requests for motion in make_plan(it, settings).plan.motions]
    assert played[0].start == 1.0
    assert played[0].seconds == pytest.approx(1.0, abs=0.1)
    assert [it.path.stem[14:] for it in played] == ["walk", "squat"]


def test_what_is_excluded_changes_no_name(sweep: Sweep, halves: Path, tmp_path: Path) -> None:
    planned = sweep(motion=halves.name, seed="0-1", exclude=[{"motion": "*/*walk", "seed": 1}])
    for evaluation in planned.plan.evaluations:
        plan = make_plan(evaluation.request, Settings(halves.parent)).plan
        library = tmp_path / "written.yaml"
        library.write_text(plan.measuring.library or halves.read_text(encoding="utf-8"), encoding="utf-8")
        played = load_motions(library)
        assert evaluation.motions[-2:] == ("motions/smpl_humanoid_walk (2)", "smpl_humanoid_wave")
        if evaluation.labels["seed"] == "1":
            assert tuple(motion.name for motion in played) == evaluation.motions
            assert plan.motions[0].start == 1.0


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize(
    ("motion", "exclude", "left"),
    [
        # in its library alone, one's walk is called walk
        (["one.yaml", "two/walk.npy"], "one/walk", ["one/squat.npy 0.0", "two/walk.npy 0.0"]),
        (["one.yaml", "two/walk.npy"], "two/walk", ["one/walk.npy 0.0", "one/squat.npy 0.0"]),
        (["part.yaml", "one/walk.npy"], "one/walk (2)", ["one/walk.npy 1.0"]),
        (["one/walk.npy", "one/squat.npy"], "squat", ["one/walk.npy 0.0"]),
        (["one/Walk.npy", "one/walk.npy"], "Walk", ["one/walk.npy 0.0"]),
        (["one/walk[1].npy", "one/walk1.npy"], "walk[1]", ["one/walk1.npy 0.0"]),
    ],
)
def test_what_is_excluded_is_not_measured(
    sweep: Sweep, typed_in: Path, motion: list[str], exclude: str, left: list[str], isolate: bool
) -> None:
    demo = demo_checkout().root / "data/motions"
    for name in ("one/walk", "one/Walk", "one/squat", "two/walk", "one/walk[1]", "one/walk1"):
        (typed_in / name).parent.mkdir(exist_ok=True)
        (typed_in / f"{name}.npy").write_bytes((demo / "smpl_humanoid_walk.npy").read_bytes())
    whole: dict[str, Any] = {"file": "one/walk.npy"}
    part = {**whole, "sub_motions": [{"timings": {"start": 1.0, "end": 2.0}}]}
    libraries = {"one.yaml": [whole, {"file": "one/squat.npy"}], "part.yaml": [part]}
    for name, entries in libraries.items():
        (typed_in / name).write_text(json.dumps({"motions": entries}), encoding="utf-8")
    if os.name == "nt" and "Walk" in exclude:
        pytest.skip("skipped: Windows has one file of that name")
    planned = sweep({"isolate": isolate}, motion=motion, exclude=[{"motion": exclude}])
    found = [m for it in planned.plan.evaluations for m in make_plan(it.request, Settings(typed_in)).plan.motions]
    assert [f"{m.path.relative_to(typed_in).as_posix()} {m.start}" for m in found] == left
    alone = sweep({"isolate": True}, motion=left[0].split()[0]).plan.evaluations[0]
    if isolate and len(left) == 1 and left[0].endswith(" 0.0"):
        assert planned.plan.evaluations[0].id == alone.id, "it is measured already"


def test_excluded_motions_of_a_library_that_the_checkpoint_names(
    sweep: Sweep, halves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def own(request: EvalRequest, settings: Settings) -> Planned:
        if request.motions:
            return make_plan(request, settings)
        planned = make_plan(replace(request, motions=(halves.name,)), settings)
        found = replace(planned.inputs.motion_list, file=halves)
        return replace(planned, inputs=replace(planned.inputs, motion_list=found, motion_source=CHECKPOINT))

    monkeypatch.setattr(bad_cells, "make_plan", own)
    planned = sweep(motion=None, exclude=[{"motion": "*walk*"}])
    (evaluation,) = planned.plan.evaluations
    assert evaluation.motions == ("smpl_humanoid_wave",)


def test_two_parts_of_a_motion_are_two_cells(sweep: Sweep, halves: Path) -> None:
    text = json.loads(halves.read_text(encoding="utf-8"))
    sets = {}
    for number, part in enumerate(text["motions"][0]["sub_motions"]):
        path = halves.with_name(f"half{number}.yaml")
        path.write_text(json.dumps({"motions": [{**text["motions"][0], "sub_motions": [part]}]}), encoding="utf-8")
        sets[f"half{number}"] = [path.name]
    assert sweep(motion=sets).plan.cells == 2
    with pytest.raises(PmlaunchError, match="twice"):
        sweep(motion={**sets, "again": ["half0.yaml"]})


def test_a_model_without_a_motion_is_named(sweep: Sweep, config: Path, isaaclab: Path) -> None:
    assert codes(sweep(model=str(config.with_name("last.ckpt")), motion=None)) == [("PML110",)]


def test_nothing_is_left(sweep: Sweep) -> None:
    with pytest.raises(PmlaunchError) as caught:
        sweep(exclude=[{"model": "demo"}])
    assert (caught.value.code, caught.value.exit_code) == ("PML375", 2)


@pytest.mark.parametrize(
    "include",
    [
        {"motion": ["wave", "squat"], "seed": [1, 2]},
        {"model": "embedded", "motion": "wave"},  # the same model by another name
    ],
)
def test_a_cell_that_is_there_twice(sweep: Sweep, include: dict[str, Any]) -> None:
    with pytest.raises(PmlaunchError) as caught:
        sweep(motion=["walk", "wave"], seed="0-1", include=[include])
    assert (caught.value.code, caught.value.exit_code) == ("PML376", 2)
    assert "motion=" in caught.value.message


def test_cells_that_differ_in_the_seed_are_planned_once(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    planned_for, real = [], make_plan

    def counted(request: Any, settings: Settings) -> Planned:
        planned_for.append(request)
        return real(request, settings)

    monkeypatch.setattr(bad_cells, "make_plan", counted)
    planned = sweep(seed="0-4999")
    assert len(planned_for) == 1
    assert len({it.id for it in planned.plan.evaluations}) == 5000
    assert all(it.motions is planned.plan.evaluations[0].motions for it in planned.plan.evaluations)


def test_expected_time_and_disk(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def earlier(plan: LaunchPlan) -> Timings:
        return Timings({"first_step": 10.0, "last_step": 20.0, "total": 21.0}, rate=float(plan.max_steps or 1) / 4)

    assert sweep(seed="0-2").expected.unknown == 1
    monkeypatch.setattr(planning, "earlier_timings", earlier)
    shared, isolated = sweep(seed="0-2").expected, sweep({"isolate": True}, seed="0-2").expected
    assert (shared.seconds, isolated.seconds) == (10 + 3 * 4 + 1, 3 * (10 + 4 + 1))
    assert shared.unknown == 0
    assert 3 * 500_000 < shared.bytes < 5_000_000
    monkeypatch.setattr(planning, "free_bytes", lambda _: 1000)
    assert [finding.code for finding in sweep().findings] == ["PML382"]


def test_expected_time_of_several_whole_motions(sweep: Sweep, halves: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = Timings({"first_step": 0.0, "last_step": 1.0, "total": 1.0}, rate=30.0)  # as fast as the policy decides
    monkeypatch.setattr(planning, "earlier_timings", lambda _: at_once)
    settings = Settings(halves.parent)
    played = make_plan(EvalRequest("demo", motions=("walk", "wave")), settings).plan.motions
    lengths = [motion.seconds or 0.0 for motion in played]
    assert sweep(motion=["walk", "wave"]).expected.seconds == pytest.approx(sum(lengths), abs=0.1)
    assert sweep(motion=["walk", "wave"], num_envs=2).expected.seconds == pytest.approx(max(lengths), abs=0.1)


def ended(evaluation: Evaluation, state: str = "done", attempt: int = 1) -> Iterator[CellResult]:
    """The lines of an evaluation that ended so."""
    code = None if state == "done" else "PML330"
    return (CellResult(evaluation.id, it, "run", state, None, {}, {}, code, attempt) for it in evaluation.motions)


def test_of_a_continued_sweep_the_rest_counts(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def earlier(plan: LaunchPlan) -> Timings:
        return Timings({"first_step": 10.0, "last_step": 20.0, "total": 21.0}, rate=float(plan.max_steps or 1) / 4)

    monkeypatch.setattr(planning, "earlier_timings", earlier)

    def planned(**how: Any) -> PlannedSweep:
        return sweep({"slots": 2, **how}, motion=["walk", "wave"], seed="0-3", max_steps=100)

    new = planned()
    assert new.left == Left(8, 4, 2)
    first, second, third, fourth = new.plan.evaluations
    new.plan.folder.mkdir(parents=True)
    with Journal(new.plan.folder) as journal:
        journal.append([*ended(first), *ended(second, "abnormal"), *list(ended(third))[:1]])
        once = planned()
        assert once.plan == new.plan
        assert (once.left, once.before.done) == (Left(6, 3, 2), 2)
        assert (once.expected.bytes, once.expected.seconds) == (new.expected.bytes * 3 // 4, new.expected.seconds - 8)
        journal.append(ended(second, "abnormal", 2))
        assert planned().left == Left(4, 2, 1), "set aside"
        assert planned(retries=2).left == Left(6, 3, 2)
        journal.append([*list(ended(third))[1:], *ended(fourth, "failed")])
    monkeypatch.setattr(planning, "free_bytes", lambda _: 0)
    monkeypatch.setattr(bad_cells, "preflight", lambda _: pytest.fail("nothing will start"))
    over = planned()
    assert (over.left, over.expected, over.findings, over.untrusted) == (Left(), Expected(), (), ())
    assert over.before.findings


def test_a_warning_of_many_evaluations_is_told_once(sweep: Sweep) -> None:
    (finding,) = sweep(max_steps="1-8").findings
    assert finding.code == "PML311"
    assert finding.message.endswith("(and 7 more like this)")


def test_all_checkpoints_of_a_training(sweep: Sweep, checkout: Path, isaaclab: Path) -> None:
    folder = checkout / "data/pretrained_models/motion_tracker/smpl"
    for name in ("epoch_100", "epoch_20", "env_walk"):
        (folder / f"{name}.ckpt").write_bytes((folder / "last.ckpt").read_bytes())
    for model in ("tracker", str(folder)):
        planned = sweep(model=[model], checkpoint="all")
        assert [it.labels["checkpoint"] for it in planned.plan.evaluations] == ["epoch_20", "epoch_100", "last"]
        assert len(planned.plan.jobs) == 1, "checkpoints of one training share a start"
    assert len(sweep(model="tracker", checkpoint=f"{folder}/epoch_*.ckpt").plan.evaluations) == 2
    with pytest.raises(PmlaunchError) as caught:
        sweep(model="tracker", checkpoint=f"{folder}/none_*.ckpt")
    assert (caught.value.code, caught.value.exit_code) == ("PML381", 3)


def test_every_motion_of_a_packed_library_is_a_cell(sweep: Sweep, checkout3: Path) -> None:
    motion = checkout3 / "data/motion_for_trackers/g1_all.pt"
    planned = sweep(model="g1_mlp", protomotions=str(checkout3), simulator="mujoco", motion=str(motion))
    (evaluation,) = planned.plan.evaluations
    assert planned.plan.cells == len(evaluation.motions) > 1
    assert evaluation.motions[:2] == ("g1_all 0", "g1_all 1")
