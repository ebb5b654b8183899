"""`pmlaunch runtime`: what would start the simulator, found without starting it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.support.platforms import current_name

Json = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.usefixtures("typed_in")
SCRIPT = "isaaclab.bat" if current_name() == "windows" else "isaaclab.sh"
PYTHON = "python.bat" if current_name() == "windows" else "python.sh"


@pytest.fixture(autouse=True)
def _no_active_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONDA_PREFIX", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)


def test_isaac_lab(as_json: Json, isaaclab: Path) -> None:
    document = as_json("runtime")
    data = document["data"]
    assert (document["findings"], document["errors"]) == ([], [])
    assert (data["kind"], data["path"], data["version"]) == ("isaaclab", str(isaaclab / SCRIPT), "2.1.0")
    assert data["source"] == f"found in {isaaclab.parent}"
    assert data["python"]["by"] == "_isaac_sim"
    assert data["python"]["path"] == str(isaaclab / "_isaac_sim" / PYTHON)
    assert data["command"] == [str(isaaclab / SCRIPT), "-p", "-m", "pmlaunch_agent"]


def test_isaac_lab_as_text(capsys: pytest.CaptureFixture[str], isaaclab: Path) -> None:
    assert run(["runtime"]) == 0
    captured = capsys.readouterr()
    facts = {line[:15].strip(): line[15:].strip() for line in captured.out.splitlines()}
    assert facts["started by"] == "Isaac Lab"
    assert facts["version"] == "2.1.0"
    assert facts["command"] == f"{isaaclab / SCRIPT} -p -m pmlaunch_agent"
    assert captured.err == ""


def test_no_isaac_lab(as_json: Json, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    document = as_json("runtime", "--isaaclab", "nowhere")
    assert (document["exit_code"], [item["code"] for item in document["findings"]]) == (5, ["PML201"])
    assert str(tmp_path / "nowhere" / SCRIPT) in document["findings"][0]["message"]
    assert run(["runtime"]) == 5
    assert "error PML201 Isaac Lab not found. Searched " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--simulator", "genesis"], ["--via", "python"]])
def test_plain_interpreter(as_json: Json, arguments: list[str]) -> None:
    data = as_json("runtime", *arguments)["data"]
    assert (data["kind"], data["path"], data["source"]) == ("python", sys.executable, "pmlaunch's own")
    assert data["command"] == [sys.executable, "-m", "pmlaunch_agent"]


def test_mujoco_of_generation_3_runs_in_the_active_environment(
    as_json: Json, checkout3: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `pmlaunch eval`. Only the embedded evaluation prefers pmlaunch's own interpreter."""
    python = tmp_path / "venv" / ("Scripts/python.exe" if current_name() == "windows" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    document = as_json("runtime", "--simulator", "mujoco", "--protomotions", str(checkout3))
    assert document["data"]["path"] == str(python)


def test_missing_interpreter(as_json: Json) -> None:
    document = as_json("runtime", "--via", "python", "--python", "no/such/python")
    assert (document["exit_code"], [item["code"] for item in document["findings"]]) == (5, ["PML202"])


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--via", "docker"], "PML001"), (["--simulator", "isaacgum"], "PML010")]
)
def test_invalid_options(as_json: Json, arguments: list[str], code: str) -> None:
    assert [error["code"] for error in as_json("runtime", *arguments)["errors"]] == [code]


def test_batch_file_that_would_break(
    as_json: Json, capsys: pytest.CaptureFixture[str], isaaclab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    monkeypatch.setenv("CONDA_PREFIX", "/Program Files/conda")
    monkeypatch.setenv("SKIP", "1")
    document = as_json("runtime")
    assert (document["exit_code"], [item["code"] for item in document["findings"]]) == (5, ["PML208", "PML210"])
    assert document["data"]["environment"] == {"SKIP": None}
    assert document["data"]["command"][0].endswith("isaaclab.bat")
    assert run(["runtime"]) == 5
    assert "SKIP is        removed" in capsys.readouterr().out
