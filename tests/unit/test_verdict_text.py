"""The sentence that says how a run went comes first, in the same words everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.render.record import draw_brief, draw_record
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.model import Finding, RunRecord, RunState, Severity
from pmlaunch.running.verdict_text import Grade, grade, verdict_text, worst_first

DONE, FAILED = RunState.DONE, RunState.FAILED


def entry(name: str, success: bool | None, error: float | None) -> dict[str, Any]:
    return {"motion": name, "success": success, "metrics": {} if error is None else {"eval/gt_err": error}}


def evaluation(*motions: Mapping[str, Any], rate: float | None = None, **more: Any) -> dict[str, Any]:
    failed = [motion["motion"] for motion in motions if motion["success"] is False]
    common = {"motions": len(motions), "failed": failed, "success_rate": rate}
    errors = {"mean_position_error_m": 0.01291, "mean_rotation_error_deg": 2.301}
    return {"common": {**common, **errors}, "per_motion": list(motions), **more}


WALK = entry("walk", True, 0.013)
KICK, FALL = entry("kick", False, 0.4), entry("fall", False, 2.5)


@pytest.mark.parametrize(
    ("state", "measured", "sentence", "quality"),
    [
        (DONE, evaluation(WALK, rate=1.0), "Tracked 1 of 1 motions. Mean error 1.3 cm, 2.3 degrees.", Grade.GOOD),
        (DONE, evaluation(KICK, FALL, rate=0.0), "Lost 2 of 2 motions. Mean error 1.3 cm, 2.3 degrees.", Grade.BAD),
        (DONE, evaluation(WALK, KICK, rate=0.5), "Lost 1 of 2 motions. Mean error 1.3 cm, 2.3 degrees.", Grade.POOR),
        (DONE, {"common": {"motions": 4, "success_rate": 0.75}}, "Lost 1 of 4 motions.", Grade.POOR),
        (DONE, {"common": {"motions": 4}}, "Measured 4 motions.", Grade.GOOD),
        (DONE, {"common": {"motions": 4}, "comparable": False}, "Measured 4 motions.", Grade.POOR),
        (DONE, {"common": {"mean_position_error_m": 2.518}}, "Mean error 2.52 m.", Grade.GOOD),
        (DONE, {}, "Done. Nothing was measured.", Grade.GOOD),
        (DONE, {"common": {"motions": -2.0, "success_rate": 1e308}}, "Done. Nothing was measured.", Grade.GOOD),
        (FAILED, {}, "The run failed.", Grade.BAD),
        (FAILED, {"common": {"motions": "many", "failed": 3}, "per_motion": "x"}, "The run failed.", Grade.BAD),
    ],
)
def test_verdict(state: RunState, measured: Mapping[str, Any], sentence: str, quality: Grade) -> None:
    assert verdict_text(state, measured) == sentence
    assert grade(state, measured) is quality


def test_skipped_motions_are_counted() -> None:
    measured = evaluation(WALK, rate=1.0)
    assert verdict_text(DONE, measured, skipped=1).startswith("Tracked 1 of 1 motions; 1 not evaluated. Mean error")
    assert grade(DONE, measured, skipped=1) is Grade.POOR
    lost = verdict_text(DONE, evaluation(KICK, rate=0.0), skipped=2)
    assert lost.startswith("Lost 1 of 1 motions; 2 not evaluated.")


def test_every_state_has_a_sentence() -> None:
    assert len({verdict_text(state, {}) for state in RunState}) == len(RunState)
    assert verdict_text(FAILED, {}, "out of memory.") == "The run failed: out of memory."


def test_worst_motions_come_first() -> None:
    nothing = entry("unknown", None, None)
    assert worst_first([nothing, WALK, KICK, FALL]) == [FALL, KICK, WALK, nothing]


def drawn(capsys: pytest.CaptureFixture[str], record: RunRecord, *, brief: bool = False) -> list[str]:
    draw = partial(draw_brief if brief else draw_record, record)
    show(CommandResult("eval", findings=record.findings, draw=draw), as_json=False)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def record_of(measured: Mapping[str, Any], **more: Any) -> RunRecord:
    seconds = {"start": 40.0, "evaluation": 9.0}
    return RunRecord(
        Path("runs/走路"), DONE, 0, "", 50.0, steps=300, evaluation={**measured, "seconds": seconds}, **more
    )


def test_losses_are_said_before_any_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = drawn(capsys, record_of(evaluation(WALK, KICK, FALL)))
    assert lines[:3] == [
        "! Lost 2 of 3 motions. Mean error 1.3 cm, 2.3 degrees.",
        "done in 50.0 s (start 40.0 s, evaluation 9.0 s), 300 steps",
        "lost, worst first: fall (2.50 m), kick (40.0 cm)",
    ]
    assert [line.split()[0] for line in lines[6:9]] == ["fall", "kick", "walk"]
    assert not any("✓" in line for line in lines[:3])


def test_each_note_appears_once(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding("PML315", Severity.WARNING, "It blew up.")
    measured = evaluation(WALK, notes=["a remark", "It blew up.", "a remark"])
    lines = drawn(capsys, record_of(measured, findings=(finding,)))
    assert [line for line in lines if "note" in line] == ["note: a remark"]


def test_brief_result_is_the_verdict_and_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, record_of(evaluation(KICK), metrics={"eval/gt_err": 0.4}), brief=True) == [
        "✗ Lost 1 of 1 motions. Mean error 1.3 cm, 2.3 degrees.",
        f"run      {Path('runs/走路')}",
    ]
