"""A run succeeds only with evidence: figures of its own, for every motion, that are possible and agree."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.generations.values import LENGTH_OF_THE_MOTION
from pmlaunch.model import CHECKPOINT, Generation, LaunchPlan, Sourced
from pmlaunch.planning.plan import Planned
from pmlaunch.running.agent_reports import AgentResult
from pmlaunch.running.measurement import _fixes_the_motion, fewest_steps, missing_evidence
from pmlaunch.running.run_folder import RunFolder

NAN, INF = float("nan"), float("inf")
MOTIONS = [
    {"motion": "walk", "success": True, "metrics": {"eval/gt_err": 0.1}},
    {"motion": "fall", "success": False, "metrics": {"eval/gt_err": 0.9}},
]
DOCUMENT: dict[str, Any] = {
    "metrics": {"eval/gt_err": 0.5, "eval/tracking_success_rate": 0.5, "info/reward": -3.0},
    "common": {"success_rate": 0.5, "mean_position_error_m": 0.5, "motions": 2, "failed": ["fall"]},
    "per_motion": MOTIONS,
    "steps": 60,
}
RESULT = AgentResult("finished", steps=60)


@pytest.fixture
def planned(plan: Callable[..., Planned], composed_at_once: None) -> LaunchPlan:
    """A measured run of two motions, which takes 60 steps."""
    base = plan(headless=True).plan
    clip = base.motions[0]
    motions = tuple(replace(clip, name=name) for name in ("walk", "fall"))
    length = {**base.provenance, "max_steps": Sourced(60, LENGTH_OF_THE_MOTION)}
    return replace(base, motions=motions, generation=Generation.DEMO, metrics=True, max_steps=60, provenance=length)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    found = RunFolder(tmp_path / "20260101-120000-tracker-walk")
    found.path.mkdir()
    found.write("spec.json", {})
    found.write("result.json", {})
    return found


def reason(plan: LaunchPlan, folder: RunFolder, document: object, result: AgentResult = RESULT) -> str | None:
    folder.file("metrics.json").write_text(json.dumps(document), encoding="utf-8")
    finding = missing_evidence(plan, folder, result)
    return finding.code if finding else None


def common(**changes: Any) -> dict[str, Any]:
    return DOCUMENT | {"common": DOCUMENT["common"] | changes}


def motion(**changes: Any) -> dict[str, Any]:
    return DOCUMENT | {"per_motion": [MOTIONS[0], MOTIONS[1] | changes]}


def metrics(**changes: Any) -> dict[str, Any]:
    return DOCUMENT | {"metrics": DOCUMENT["metrics"] | {f"eval/{name}": value for name, value in changes.items()}}


def test_complete_evidence(planned: LaunchPlan, folder: RunFolder) -> None:
    assert reason(planned, folder, DOCUMENT) is None
    assert reason(planned, folder, DOCUMENT | {"run": folder.path.name}, replace(RESULT, run=folder.path.name)) is None


@pytest.mark.parametrize(
    "document",
    [
        common(success_rate=None),  # nothing could fail
        common(mean_position_error_m=None),
        common(success_rate=0.5000001),
        DOCUMENT | {"per_motion": []},  # a version that keeps no figures of single motions
        {key: value for key, value in DOCUMENT.items() if key != "steps"},
        metrics(new_figure=-1.0),
    ],
)
def test_what_honest_programs_leave_out(planned: LaunchPlan, folder: RunFolder, document: dict[str, Any]) -> None:
    assert reason(planned, folder, document) is None


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "PML325"),
        ({}, "PML325"),
        ([1, 2], "PML325"),
        (DOCUMENT | {"metrics": {}}, "PML325"),
        (DOCUMENT | {"metrics": [0.5]}, "PML325"),
        (DOCUMENT | {"per_motion": MOTIONS[:1]}, "PML325"),
        (DOCUMENT | {"per_motion": [MOTIONS[0], MOTIONS[0]]}, "PML325"),
        (DOCUMENT | {"per_motion": [], "common": {}}, "PML325"),
        (DOCUMENT | {"per_motion": {"walk": 1}, "common": [1]}, "PML325"),
        (common(motions=0), "PML325"),
        (common(motions=1), "PML325"),
        (motion(metrics={}), "PML325"),
        (motion(metrics=[0.5]), "PML325"),
        (motion(metrics={"eval/gt_err": None}), "PML325"),
        (motion(metrics={"eval/gt_err": NAN}), "PML326"),
        (motion(metrics={"eval/gt_err": 10**400}), "PML326"),
        (motion(metrics={"eval/gt_err": -0.1}), "PML326"),
        (metrics(gt_err=NAN), "PML326"),
        (metrics(gt_err=INF), "PML326"),
        (metrics(gt_err=10**400), "PML326"),
        (metrics(gt_err="0.5"), "PML326"),
        (metrics(gt_err=True), "PML326"),
        (metrics(gt_err_max=-1e-9), "PML326"),
        (metrics(**{"gt_error/mean": -1}), "PML326"),
        (metrics(**{"gt_error/failure_rate": 2}), "PML326"),
        (metrics(tracking_success_rate=1.1), "PML326"),
        (common(success_rate=NAN), "PML326"),
        (common(success_rate=200.0), "PML326"),
        (common(success_rate=-0.5), "PML326"),
        (common(success_rate="0.5"), "PML326"),
        (common(mean_position_error_m=True), "PML326"),
        (common(mean_position_error_m=-5), "PML326"),
        (DOCUMENT | {"steps": 0}, "PML327"),
        (DOCUMENT | {"steps": "many"}, "PML327"),
        (DOCUMENT | {"run": "20250101-120000-tracker-walk"}, "PML328"),
        (DOCUMENT | {"run": 7}, "PML328"),
        (common(success_rate=1.0), "PML329"),
        (common(success_rate=0.0), "PML329"),
        (common(failed=[]), "PML329"),
        (common(failed=["walk"]), "PML329"),
        (common(failed="fall"), "PML329"),
        (motion(success=True), "PML329"),
        (motion(success="no"), "PML329"),
        (DOCUMENT | {"per_motion": [], "common": DOCUMENT["common"] | {"success_rate": 1.0}}, "PML329"),
    ],
)
def test_no_success_without_evidence(planned: LaunchPlan, folder: RunFolder, document: object, code: str) -> None:
    assert reason(planned, folder, document) == code


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("steps", "code"),
    [(None, "PML327"), (0, "PML327"), (2, "PML327"), (29, "PML327"), (30, None), (1200, None), (1201, "PML327")],
)
def test_steps_fit_the_plan(planned: LaunchPlan, folder: RunFolder, steps: int | None, code: str | None) -> None:
    assert reason(planned, folder, DOCUMENT, AgentResult("finished", steps=steps)) == code


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["metrics.json", "result.json"])
def test_files_of_an_earlier_run_are_no_evidence(planned: LaunchPlan, folder: RunFolder, name: str) -> None:
    assert reason(planned, folder, DOCUMENT) is None
    earlier = time.time() - 3600
    os.utime(folder.file(name), (earlier, earlier))
    finding = missing_evidence(planned, folder, RESULT)
    assert finding is not None
    assert finding.code == "PML328"


def test_a_clock_that_was_set_back_makes_no_file_foreign(planned: LaunchPlan, folder: RunFolder) -> None:
    own = folder.path.name
    assert reason(planned, folder, DOCUMENT | {"run": own}) is None
    earlier = time.time() - 3600
    for name in ("metrics.json", "result.json"):
        os.utime(folder.file(name), (earlier, earlier))
    assert missing_evidence(planned, folder, replace(RESULT, run=own)) is None


@pytest.mark.hostile
@pytest.mark.parametrize("measured", [True, False])
def test_result_of_another_run_is_no_evidence(planned: LaunchPlan, folder: RunFolder, measured: bool) -> None:
    other = replace(RESULT, run="another run")
    assert reason(replace(planned, metrics=measured), folder, DOCUMENT, other) == "PML328"


def test_unmeasured_run_needs_no_figures(planned: LaunchPlan, folder: RunFolder) -> None:
    assert missing_evidence(replace(planned, metrics=False), folder, AgentResult("finished")) is None


def test_several_processes_share_the_steps(planned: LaunchPlan) -> None:
    shared = {**planned.provenance, "ngpu": Sourced(2, CHECKPOINT)}
    assert (fewest_steps(planned), fewest_steps(replace(planned, provenance=shared))) == (30, 1)


def test_a_limit_in_the_config_of_2_is_not_the_length_of_its_measurement(planned: LaunchPlan) -> None:
    limited = {**planned.provenance, "max_steps": Sourced(10_000, CHECKPOINT)}
    two = replace(planned, generation=Generation.V2, provenance=limited, max_steps=10_000)
    assert fewest_steps(two) == 1


def test_real_run(planned: LaunchPlan, folder: RunFolder) -> None:
    """What a real evaluation of ProtoMotions 3 on Newton left, of a version without the run's name in its files."""
    document = {
        "schema": 1,
        "generation": "3",
        "metrics": {"eval/success_rate": 0.0, "eval/num_evaluated": 1, "eval/gt_error/failure_rate": 1.0,
                    "eval/gt_error/mean": 2.5203914642333984, "eval/normalized_jerk_mean": 896.7061767578125},
        "common": {"success_rate": 0.0, "mean_position_error_m": 2.52, "mean_rotation_error_deg": 91.1, "motions": 1,
                   "failed": ["pmlaunch_smpl_walk"]},
        "per_motion": [{"motion": "pmlaunch_smpl_walk", "success": False, "metrics": {"eval/gt_error/mean": 2.52}}],
        "steps": 150,
    }  # fmt: skip
    walk = replace(planned.motions[0], name="pmlaunch_smpl_walk")
    one = replace(planned, motions=(walk,), generation=Generation.V3, max_steps=150)
    assert reason(one, folder, document, AgentResult("finished", steps=150)) is None


@pytest.mark.parametrize(
    ("override", "fixes"),
    [
        ("++env.config.motion_manager.fixed_motion_id=3", True),
        ("++env.config.motion_manager.fixed_motion_id=null", False),
        ("++motion_file=fixed_motion_id.npy", False),
    ],
)
def test_only_a_motion_that_is_fixed_excuses_the_others(override: str, fixes: bool) -> None:
    assert _fixes_the_motion(override) is fixes
