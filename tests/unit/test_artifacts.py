"""The picture and the findings after a run with --save-motion or --record, and the keys of a window."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pmlaunch.cli.live.run_display import PlainDisplay
from pmlaunch.model import LaunchPlan, RunState
from pmlaunch.motions.recorded_motion import SavedMotion, padded, read_saved, write_saved
from pmlaunch.planning.plan import Planned
from pmlaunch.running.agent_reports import AgentResult
from pmlaunch.running.artifacts import artifact_findings
from pmlaunch.running.run_folder import RunFolder

pytestmark = pytest.mark.usefixtures("composed_at_once")
BODIES = ("pelvis", "left_hip", "right_hip", "Head")


@pytest.fixture
def plan_of(plan: Callable[..., Planned]) -> LaunchPlan:
    return plan(headless=True, motions=("walk",)).plan


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "run 走路").mkdir()
    return RunFolder(tmp_path / "run 走路")


def saved(parents: tuple[int, ...] = (-1, 0, 0, 0), reference: bool = True) -> SavedMotion:
    draw = np.random.default_rng(0)
    columns = [list(draw.normal(size=(count, 4, 3))) for count in (9, 5)]
    turned = [[np.tile([0.0, 0.0, 0.0, 1.0], (4, 1))] * len(column) for column in columns]
    return SavedMotion(
        padded(columns), padded(turned), padded(columns) if reference else None, 30.0, BODIES, np.array(parents),
        ("walk", "走路"), np.array([9, 5]),
    )  # fmt: skip


def codes(
    plan: LaunchPlan, folder: RunFolder, state: RunState = RunState.DONE, **left_out: str
) -> list[tuple[str, str]]:
    result = AgentResult(left_out=left_out)
    return [(item.code, item.message) for item in artifact_findings(plan, folder, result, state)]


def test_saved_motion_round_trip(folder: RunFolder) -> None:
    write_saved(folder.file("motion.npz"), saved())
    found = read_saved(folder.file("motion.npz"))
    assert (found.body_names, found.motions, found.fps) == (BODIES, ("walk", "走路"), 30.0)
    np.testing.assert_array_equal(found.positions, saved().positions)
    assert np.isnan(found.positions[5:, 1]).all()
    assert [path.name for path in folder.path.iterdir()] == ["motion.npz"], "without a temporary file"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_not_a_saved_motion(folder: RunFolder, content: bytes) -> None:
    folder.file("motion.npz").write_bytes(content)
    with pytest.raises((ValueError, OSError)):
        read_saved(folder.file("motion.npz"))


def test_pickled_array_is_not_loaded(folder: RunFolder) -> None:
    with folder.file("motion.npz").open("wb") as file:
        np.savez(file, positions=np.array([{"a": print}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_saved(folder.file("motion.npz"))


@pytest.mark.parametrize("parents", [(-1, 0, 0, 0), (-1, -1, -1, -1)])
def test_picture_is_drawn(plan_of: LaunchPlan, folder: RunFolder, parents: tuple[int, ...]) -> None:
    pytest.importorskip("matplotlib", reason="skipped: the picture needs matplotlib: pip install pmlaunch[demo]")
    write_saved(folder.file("motion.npz"), saved(parents))
    assert codes(replace(plan_of, save_motion=True, asks_for_motion=True), folder) == []
    assert folder.file("poses.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [4, 5])
def test_picture_with_the_first_motions_says_so(folder: RunFolder, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    poses = pytest.importorskip(
        "pmlaunch.motions.pose_strip", reason="skipped: the picture needs matplotlib", exc_type=ImportError
    )
    from matplotlib.figure import Figure

    drawn: list[Figure] = []

    def figure(**given: Any) -> Figure:
        drawn.append(Figure(**given))
        return drawn[-1]

    monkeypatch.setattr(poses, "Figure", figure)

    (row,) = poses.rows_of(saved())[:1]
    poses.draw_poses(folder.file("poses.png"), [row] * count)
    assert drawn[0].get_suptitle() == ("the first 4 of 5 motions" if count == 5 else "")


def test_failed_picture_leaves_no_temporary_file(folder: RunFolder) -> None:
    poses = pytest.importorskip(
        "pmlaunch.motions.pose_strip", reason="skipped: the picture needs matplotlib", exc_type=ImportError
    )
    folder.file("poses.png").mkdir()
    with pytest.raises(OSError, match="poses"):
        poses.draw_poses(folder.file("poses.png"), poses.rows_of(saved()))
    assert [path.name for path in folder.path.iterdir()] == ["poses.png"]


def test_missing_picture_is_a_note(plan_of: LaunchPlan, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = replace(plan_of, save_motion=True, asks_for_motion=True)
    write_saved(folder.file("motion.npz"), saved())
    with monkeypatch.context() as patched:
        patched.setitem(__import__("sys").modules, "pmlaunch.motions.pose_strip", None)
        ((code, message),) = codes(kept, folder)
    assert code == "PML312"
    assert "is not installed in pmlaunch's Python" in message
    write_saved(folder.file("motion.npz"), saved(reference=False))
    pytest.importorskip("matplotlib", reason="skipped: the picture needs matplotlib: pip install pmlaunch[demo]")
    assert codes(kept, folder) == [("PML312", "poses.png was not drawn: the run recorded no reference.")]


def test_motion_of_a_run_that_was_cut_off_is_reported_as_incomplete(plan_of: LaunchPlan, folder: RunFolder) -> None:
    write_saved(folder.file("motion.npz"), saved())
    folder.file("poses.png").touch()
    why = "the run ended before these were played to their end: sit"
    found = codes(replace(plan_of, save_motion=True, asks_for_motion=True), folder, RunState.INTERRUPTED, motion=why)
    assert found == [("PML313", f"motion.npz lacks motions: {why}")]


def test_missing_artifacts_are_reported_with_the_agents_reason(plan_of: LaunchPlan, folder: RunFolder) -> None:
    wanted = replace(plan_of, save_motion=True, asks_for_motion=True, record=True)
    why = "nothing was recorded: moviepy is not installed for python"
    assert codes(wanted, folder, RunState.DONE, video=why) == [
        ("PML313", "The run left no motion.npz."),
        ("PML314", f"The run left no video: {why}"),
    ]
    assert codes(wanted, folder, RunState.FAILED, video=why) == []
    folder.file("recording-2025-01-02.mp4").touch()
    folder.file("motion.npz").write_bytes(b"nothing")
    assert [code for code, _ in codes(wanted, folder)] == ["PML312"]


def test_keys_of_the_window_are_shown_once(
    plan: Callable[..., Planned], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("pmlaunch.cli.live.run_display.sys", SimpleNamespace(stderr=stream))
    window = plan(headless=False, motions=("walk",)).plan
    PlainDisplay(window, stream=False).started(RunFolder(tmp_path), 1)
    assert stream.getvalue().count("L record") == 1
    assert "R reset" in stream.getvalue()
    for quiet in (plan(headless=True, motions=("walk",)), plan(headless=False, simulator="genesis", motions=("walk",))):
        assert PlainDisplay(quiet.plan, stream=False).keys() == ""
