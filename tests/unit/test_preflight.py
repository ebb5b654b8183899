"""Preflight as a whole: the order of findings, waiving them, and the exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit_help import codes, only

from pmlaunch.checks.preflight import exit_code_of
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.support.json import to_json
from pmlaunch.support.text import megabytes
from standin import LEGACY_TORCH

TRACKER = "data/pretrained_models/motion_tracker/smpl"
pytestmark = pytest.mark.usefixtures("in_git")

Plan = Callable[..., Planned]
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def test_errors_come_first(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "library.pt").write_bytes(LEGACY_TORCH)
    planned = plan("masked_mimic", "++my.key=1", "num_env=1", motions=("library.pt",))
    assert [severity for _, severity in codes(planned)] == [ERROR, ERROR, WARNING, WARNING, NOTE]


@pytest.mark.parametrize("waived", ["PML101", "pml101"])
def test_no_check_turns_an_error_into_a_warning(plan: Plan, waived: str) -> None:
    finding = only(plan("masked_mimic", no_check=(waived,)))
    assert (finding.code, finding.severity) == ("PML101", WARNING)
    assert exit_code_of([finding]) == 0


def test_no_check_leaves_other_codes_alone(plan: Plan) -> None:
    assert only(plan("masked_mimic", no_check=("PML102",))).severity is ERROR


@pytest.mark.parametrize(
    ("found", "exit_code"),
    [
        ([], 0),
        ([("PML101", WARNING), ("PML206", NOTE)], 0),
        ([("PML101", ERROR)], 4),
        ([("PML201", ERROR)], 5),
        ([("PML201", ERROR), ("PML101", ERROR)], 4),
        ([("PML003", ERROR)], 2),
        ([("PML003", ERROR), ("PML201", ERROR)], 2),
        ([("PML003", ERROR), ("PML121", ERROR)], 4),
        ([("PML201", ERROR), ("PML101", WARNING)], 5),
    ],
)
def test_exit_code(found: list[tuple[str, Severity]], exit_code: int) -> None:
    assert exit_code_of([Finding(code, severity, "") for code, severity in found]) == exit_code


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (134, "134 bytes"), (1500, "2 kB"), (303_850_268, "304 MB"), (5_300_000_000, "5.3 GB")],
)
def test_size_for_people(size: int, text: str) -> None:
    assert megabytes(size) == text


def test_finding_as_json(plan: Plan) -> None:
    document: dict[str, Any] = to_json(only(plan("masked_mimic")))
    assert set(document) == {"code", "severity", "message", "hint", "fix", "subject"}
    assert document["severity"] == "error"
