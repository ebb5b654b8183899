"""`pmlaunch doctor` on Windows: the registry, legacy consoles, and a Python probed through a batch file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Lab

from doctor_schema import schema_errors
from standin import make_checkout


def doctor(folder: Path, *words: str, encoding: str = "utf-8", **variables: str) -> tuple[int, str]:
    """Run doctor in `folder`; return exit code and stdout."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "80", **variables}
    done = subprocess.run(
        [sys.executable, "-m", "pmlaunch", "doctor", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout.decode(encoding)


def checks(text: str) -> dict[str, dict[str, Any]]:
    document = json.loads(text)
    assert schema_errors(document) == []
    return {check["name"]: check for group in document["data"]["groups"] for check in group["checks"]}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "动作 (x86)"
    make_checkout(folder / "protomotions")
    return folder


def test_quick_reports_the_system(workspace: Path) -> None:
    code, text = doctor(workspace, "--quick", "--json", "--simulator", "genesis")
    seen = checks(text)
    assert code == 0  # there is a checkpoint, and Genesis needs no GPU
    assert seen["long_paths"]["facts"][0]["name"] == "Windows"
    assert seen["long_paths"]["skipped"] is None
    assert {fact["name"]: fact["value"] for fact in seen["system"]["facts"]}["system"].startswith("Windows ")
    assert [name for name, check in seen.items() if "PML220" in {found["code"] for found in check["findings"]}] == []


@pytest.mark.parametrize("encoding", ["cp1252", "cp936"])
def test_a_legacy_console(workspace: Path, encoding: str) -> None:
    code, text = doctor(workspace, "--quick", "--simulator", "genesis", encoding=encoding)
    assert code == 0
    assert "PML239" in text
    assert "Nothing found that would stop a run for genesis" in text


@pytest.mark.parametrize("name", ["2.1 conda", "2.3 conda", "3.0 conda"])
def test_the_python_behind_a_batch_file_is_probed(lab: Callable[[str], Lab], workspace: Path, name: str) -> None:
    """The batch file always returns 0, so only the probe's reply counts."""
    chosen = lab(name)
    with chosen.entered(workspace):
        _, text = doctor(workspace, "--json", "--isaaclab", str(chosen.folder))
    seen = checks(text)
    assert seen["runtime"]["state"] == "fine"
    facts = {fact["name"]: fact["value"] for fact in seen["packages"]["facts"]}
    assert facts["Python"] == sys.version.split()[0]
    # the stand-in's Python has neither torch nor isaaclab
    assert "PML227" in {found["code"] for found in seen["packages"]["findings"]}
