"""What isaaclab.bat cannot stand is seen before it is started; the rules of Windows, tried on any system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pmlaunch.checks.environment import check_environment
from pmlaunch.model import Severity
from pmlaunch.platforms import PLATFORMS
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.runtimes.runtime import IsaacLabRuntime
from pmlaunch.settings import Settings


@pytest.fixture(autouse=True)
def _on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.platforms.current_name", lambda: "windows")


def lab(root: Path, version: str = "2.1.0", environment: dict[str, str] | None = None) -> IsaacLabRuntime:
    root.mkdir(parents=True, exist_ok=True)
    (root / "isaaclab.bat").touch()
    (root / "VERSION").write_text(version, encoding="utf-8")
    return isaaclab_runtime(Settings(root, environment or {}), str(root), root, PLATFORMS["windows"])


def found(runtime: IsaacLabRuntime) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity.value) for finding in runtime.findings]


@pytest.mark.parametrize(
    ("version", "prefix", "expected"),
    [
        ("2.1.0", r"C:\conda\envs\lab", []),
        ("2.1.0", r"C:\Program Files\conda", [("PML208", "error")]),
        ("3.0.0", r"C:\Program Files\conda", []),
        ("3.0.0", r"C:\conda (x", [("PML209", "error")]),
    ],
)
def test_the_path_of_its_python(tmp_path: Path, version: str, prefix: str, expected: list[tuple[str, str]]) -> None:
    runtime = lab(tmp_path / "lab", version, {"CONDA_PREFIX": prefix})
    assert found(runtime) == expected
    assert [finding.hint for finding in runtime.findings if f'--python "{prefix}' not in (finding.hint or "")] == []


@pytest.mark.parametrize("name", ["R&D", "100%", "wow!", "(x"])
def test_the_name_of_its_folder(tmp_path: Path, name: str) -> None:
    assert found(lab(tmp_path / name, environment={"CONDA_PREFIX": r"C:\conda"})) == [("PML209", "error")]


def test_variables_that_it_cannot_stand(tmp_path: Path) -> None:
    environment = {"CONDA_PREFIX": r"C:\conda", "SKIP": "1", "PATH": r"C:\a;C:\broken (x"}
    runtime = lab(tmp_path / "lab", environment=environment)
    assert found(runtime) == [("PML210", "note"), ("PML210", "note")]
    assert runtime.environment == {"SKIP": None, "PATH": r"C:\a"}


def test_no_python_and_only_a_venv(tmp_path: Path) -> None:
    """2.x ignores VIRTUAL_ENV, 3.x takes it."""
    environment = {"VIRTUAL_ENV": r"C:\venv", "PATH": ""}
    runtime = lab(tmp_path / "lab", environment=environment)
    assert found(runtime) == [("PML211", "error")]
    assert "Isaac Lab 2.x ignores it" in runtime.findings[0].message
    assert found(lab(tmp_path / "lab", "3.0.0", environment)) == []


@pytest.mark.parametrize(("length", "expected"), [(150, []), (151, ["PML212"]), (240, ["PML212"])])
def test_a_runs_folder_whose_files_would_be_too_long(plan, length: int, expected: list[str]) -> None:
    planned = plan(via="python", python="python")
    runs = Path("/r" + "u" * (length - 2))
    longer = replace(planned, plan=replace(planned.plan, platform="windows", foreign=False, runs=runs))
    said = [finding for finding in check_environment(longer) if finding.severity is Severity.ERROR]
    assert [finding.code for finding in said] == expected
