"""Environments that break a batch file: worked around, or refused before the start with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation import RefusedError, evaluate, seen_by
from lab import Lab

GetLab = Callable[[str], Lab]
CONDA = ("2.1 conda", "2.2 conda", "2.3 conda", "3.0 conda")


def changed(lab: Lab, **variables: str | None) -> Lab:
    """Return `lab` with changed variables; None removes one."""
    environment = {**lab.environment, **variables}
    return replace(lab, environment={name: value for name, value in environment.items() if value is not None})


@pytest.mark.parametrize("name", CONDA)
def test_variables_that_break_a_batch_file_are_kept_from_it(
    lab: GetLab, program: Path, tmp_path: Path, name: str
) -> None:
    path = f"{os.environ['PATH']};C:\\broken (x;C:\\broken) y"
    surroundings = changed(lab(name), SKIP="1", PATH=path, PYTHONPATH=r"C:\mine)!%OS%;C:\also mine")
    record = evaluate(surroundings, tmp_path, program)
    assert record.state.value == "done"
    assert seen_by(record) is not None
    notes = " ".join(finding.message for finding in record.findings if finding.code == "PML210")
    assert "SKIP" in notes
    assert "broken (x" in notes


@pytest.mark.parametrize("name", ["2.1 conda", "2.3 conda"])
def test_a_space_in_conda_prefix_is_refused(lab: GetLab, program: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        evaluate(changed(lab(name), CONDA_PREFIX=r"C:\Program Files\conda"), tmp_path, program)
    assert refused.value.codes == ["PML208"]


@pytest.mark.parametrize("name", ["2.1 conda", "2.3 conda", "3.0 conda"])
def test_a_missing_python_is_refused(lab: GetLab, program: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        evaluate(changed(lab(name), CONDA_PREFIX=None), tmp_path, program)
    assert refused.value.codes == ["PML211"]


def test_2_3_ignores_virtual_env(lab: GetLab, program: Path, tmp_path: Path) -> None:
    active = changed(lab("2.3 conda"), CONDA_PREFIX=None, **lab("3.0 venv").environment)
    with pytest.raises(RefusedError, match="VIRTUAL_ENV"):
        evaluate(active, tmp_path, program)


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ("[ERROR] nothing will run today", "PML331", 8),
        # from Isaac Lab issue 4407: a message of Microsoft's cmd.exe that Wine's lacks
        (r"\Eclipse\Sumo\tools\ was unexpected at this time.", "PML213", 5),
    ],
)
def test_a_batch_file_that_prints_an_error_and_returns_0(
    lab: GetLab, program: Path, tmp_path: Path, words: str, code: str, exit_code: int
) -> None:
    folder = tmp_path / "isaaclab"
    folder.mkdir()
    (folder / "VERSION").write_text("2.3.0\n", encoding="utf-8")
    (folder / "isaaclab.bat").write_bytes(f"@echo off\r\necho {words}\r\nexit /b 0\r\n".encode())
    broken = replace(lab("2.3 conda"), options={"via": "isaaclab", "isaaclab": str(folder)})
    record = evaluate(broken, tmp_path, program)
    assert (record.state.value, record.exit_code) == ("abnormal", exit_code)
    said = [finding for finding in record.findings if finding.code == code]
    assert words in said[0].message
    assert "--via python --python" in str(said[0].hint)


def test_an_ordinary_windows_path_stays_unchanged(lab: GetLab, program: Path, tmp_path: Path) -> None:
    path = f"C:\\Program Files (x86)\\NVIDIA Corporation;{os.environ['PATH']}"
    record = evaluate(changed(lab("2.3 conda"), PATH=path), tmp_path, program)
    assert record.state.value == "done"
    assert "PML210" not in [finding.code for finding in record.findings]
