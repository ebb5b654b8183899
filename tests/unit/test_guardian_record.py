"""The guardian makes the record of a killed launcher true, and leaves every other one alone."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.running import guardian


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder; the launcher's end of the pipe is closed, and it named no process."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    return tmp_path


def after(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    guardian.main(str(folder))
    return dict(json.loads((folder / "record.json").read_text(encoding="utf-8")))


def test_a_launcher_that_was_killed(folder: Path) -> None:
    earlier = {"code": "PML210", "severity": "note"}
    record = after(folder, {"state": "running", "steps": 5, "findings": [earlier]})
    assert (record["state"], record["exit_code"], record["steps"]) == ("abnormal", 8, 5)
    assert [finding["code"] for finding in record["findings"]] == ["PML210", "PML332"]
    assert [path.name for path in folder.iterdir()] == ["record.json"]


@pytest.mark.parametrize("state", ["done", "failed", "interrupted", "ended"])
def test_a_launcher_that_came_to_its_end(folder: Path, state: str) -> None:
    assert after(folder, {"state": state}) == {"state": state}


def test_a_record_that_is_none(folder: Path) -> None:
    (folder / "record.json").write_text("{", encoding="utf-8")
    guardian.main(str(folder))
    assert (folder / "record.json").read_text(encoding="utf-8") == "{"
