"""The checks of disk, cache, console, memory, display and other runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from doctor_help import Found, found, look

import pmlaunch
from pmlaunch.doctor.checks import cache, console, disk, runs, system
from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target
from pmlaunch.model import Severity
from pmlaunch.settings import Settings
from pmlaunch.support.cache import KINDS
from pmlaunch.support.platforms import PLATFORMS


@pytest.mark.parametrize(
    ("free", "expected"), [(10**7, [("PML236", "error")]), (10**9, [("PML236", "warning")]), (10**10, [])]
)
def test_free_space(target: DoctorTarget, monkeypatch: pytest.MonkeyPatch, free: int, expected: Found) -> None:
    """A disk is reported once, however many of the folders are on it."""
    monkeypatch.setattr(disk, "cache_root", lambda: target.settings.folder)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert found(look("disk", target)) == expected


def test_cache_leftovers_are_removed(target: DoctorTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "cache"
    (root / "configs").mkdir(parents=True)
    good, half = f"{'a' * 64}.json", f"{'b' * 64}.json"
    (root / "configs" / good).write_text("{}", encoding="utf-8")
    (root / "configs" / half).write_text('{"a', encoding="utf-8")
    (root / "configs" / f".{half}.x_1.tmp").write_text("", encoding="utf-8")
    monkeypatch.setattr(cache, "cache_root", lambda: root)
    # a file that is being written is not a leftover
    assert [path.name for path in cache.leftovers(root)] == [half]
    monkeypatch.setattr(cache, "_OLD", -1.0)
    assert found(look("cache", target)) == [("PML243", "note")]
    assert "removed 2 unusable files" in (cache.fix(target) or "")
    assert found(look("cache", target)) == []
    assert [path.name for path in (root / "configs").iterdir()] == [good]


def test_foreign_files_in_the_cache_folder_are_kept(
    target: DoctorTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PMLAUNCH_CACHE may name a folder that also holds the user's own files."""
    names = ["configs/notes.json", "configs/.draft.tmp", "configs/.notes.json.1.tmp", f"mine/{'a' * 64}.json"]
    for name in names:
        (tmp_path / "mixed" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mixed" / name).write_text("no JSON", encoding="utf-8")
    monkeypatch.setattr(cache, "cache_root", lambda: tmp_path / "mixed")
    monkeypatch.setattr(cache, "_OLD", -1.0)
    assert found(look("cache", target)) == []
    assert cache.fix(target) is None
    assert all((tmp_path / "mixed" / name).is_file() for name in names)


def test_every_kind_of_cache_entry_is_listed(tmp_path: Path) -> None:
    """A kind missing from KINDS would never be cleaned up."""
    source = Path(pmlaunch.__file__).parent
    used = {
        kind for path in source.rglob("*.py") for kind in re.findall(r'JsonCache\("(\w+)"\)', path.read_text("utf-8"))
    }
    assert used == set(KINDS)


@pytest.mark.parametrize(("gib", "expected"), [(1, [("PML238", "warning")]), (16, [])])
def test_memory(target: DoctorTarget, monkeypatch: pytest.MonkeyPatch, gib: int, expected: Found) -> None:
    memory = SimpleNamespace(available=gib * 2**30, total=32 * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    seen = look("system", target)
    assert found(seen) == expected
    assert dict(seen.facts)["system"] == system.system_name() != ""


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", []), ("UTF8", []), ("cp936", [("PML239", "note")])])
def test_console_encoding(
    windows: DoctorTarget, monkeypatch: pytest.MonkeyPatch, encoding: str, expected: Found
) -> None:
    monkeypatch.setattr(console, "sys", SimpleNamespace(stdout=SimpleNamespace(encoding=encoding)))
    assert found(look("console", windows)) == expected


@pytest.mark.parametrize(
    ("environment", "system", "expected"),
    [
        ({}, "linux", ["PML242"]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", []),
        ({"LIVESTREAM": "2"}, "linux", []),
        ({}, "darwin", []),
    ],
)
def test_display(
    target: DoctorTarget,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    system: str,
    expected: list[str],
) -> None:
    monkeypatch.setattr("pmlaunch.checks.window.sys.platform", system)
    settings = replace(target.settings, environment=environment)
    seen = look("console", replace(target, platform=PLATFORMS["linux"], settings=settings))
    assert [one.code for one in seen.findings if one.code == "PML242"] == expected


@pytest.mark.parametrize(("environment", "expected"), [({}, ["PML242"]), ({"SESSIONNAME": "Console"}, [])])
def test_display_of_windows(
    windows: DoctorTarget, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: list[str]
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    seen = look("console", replace(windows, settings=replace(windows.settings, environment=environment)))
    assert [one.code for one in seen.findings if one.code == "PML242"] == expected


def test_runs_in_progress(target: DoctorTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, elsewhere = tmp_path / "runs" / "one", tmp_path / "other" / "two"
    monkeypatch.setattr(runs, "running_runs", lambda _: [SimpleNamespace(path=here)])
    monkeypatch.setattr(runs, "_elsewhere", lambda: [elsewhere, here])
    seen = look("runs", target)
    assert (found(seen), seen.facts) == ([("PML244", "note")], (("going on", "2"),))
    monkeypatch.setattr(runs, "running_runs", lambda _: [])
    monkeypatch.setattr(runs, "_elsewhere", list)
    assert found(look("runs", target)) == []


def test_missing_runtime_is_reported_by_its_own_check(tmp_path: Path) -> None:
    target = resolve_target(TargetRequest("isaaclab", quick=True), Settings(tmp_path, {}))
    assert found(look("runtime", target)) == [("PML201", Severity.ERROR.value)]
    seen = look("packages", replace(target, quick=False, probe=None))
    assert (seen.findings, seen.skipped) == ((), "the Python that a run would use is unknown")
