"""The agent is where PYTHONPATH points, at a path that no batch file can break."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.planning import launch
from pmlaunch.planning.launch import AGENT_FOLDER, agent_folder
from pmlaunch.running.inputs import provide_agent
from pmlaunch.support.platforms import PLATFORMS


def content(folder: Path) -> dict[str, bytes]:
    """The agent's modules in a folder, and whatever else a copy should not have."""
    found = (folder / "pmlaunch_agent").rglob("*")
    files = [path for path in found if path.is_file() and (folder != AGENT_FOLDER or path.suffix == ".py")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_own_folder_needs_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.copyfile", None)
    provide_agent({"PYTHONPATH": str(AGENT_FOLDER)})


def test_copy_has_every_module_and_no_bytecode(tmp_path: Path) -> None:
    provide_agent({"PYTHONPATH": str(tmp_path / "pmlaunch" / "agent")})
    assert content(tmp_path / "pmlaunch" / "agent") == content(AGENT_FOLDER)
    assert {"pmlaunch_agent/__main__.py", "pmlaunch_agent/report/journal.py"} <= set(content(AGENT_FOLDER))


def test_only_changed_modules_are_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provide_agent({"PYTHONPATH": str(tmp_path)})
    (tmp_path / "pmlaunch_agent" / "report" / "journal.py").write_text("changed", encoding="utf-8")
    (tmp_path / "pmlaunch_agent" / "__main__.py").unlink()
    copied: list[str] = []
    real = shutil.copyfile

    def copy(source: Path, target: Path) -> None:
        copied.append(target.name)
        real(source, target)

    monkeypatch.setattr(shutil, "copyfile", copy)
    provide_agent({"PYTHONPATH": str(tmp_path)})
    assert sorted(copied) == ["__main__.py", "journal.py"]
    assert content(tmp_path) == content(AGENT_FOLDER)


def test_copy_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(PmlaunchError, match="No space left on device") as caught:
        provide_agent({"PYTHONPATH": str(tmp_path)})
    assert (caught.value.code, caught.value.subject) == ("PML204", str(tmp_path))


@pytest.mark.parametrize("name", ["R&D", "pm (x86)", "100%", "bang!"])
def test_path_that_a_batch_file_expands_is_avoided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    monkeypatch.setattr(launch, "AGENT_FOLDER", Path(f"/opt/{name}/agent"))
    windows = PLATFORMS["windows"]
    found = agent_folder(windows, {"LOCALAPPDATA": f"/home/{name}", "PROGRAMDATA": "/data", "PUBLIC": "/public"})
    assert found.parts[:3] == (*Path("/data").parts, "pmlaunch")
    # if no path is harmless it is the first one, and the run reports what happens
    assert agent_folder(windows, {"LOCALAPPDATA": f"/home/{name}"}).parent == Path(f"/home/{name}/pmlaunch")
    assert agent_folder(windows, {}) == Path(f"/opt/{name}/agent")
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "linux")
    assert agent_folder(PLATFORMS["linux"], {}) == Path(f"/opt/{name}/agent")
