"""The --json documents of commands that start programs: the simulator's Python, git, a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from placeholders import without_hardware

from upstream import make_upstream, needs_lfs

Command = Callable[..., dict[str, Any]]
Snapshot = Callable[..., None]
REAL_PATH = os.environ.get("PATH", os.defpath)  # read before the fixtures change it
_SMOKE = "PMLAUNCH_DDP_BACKEND=none smoke --model tracker --motion walk --simulator genesis --device cpu"
SMOKES = {
    "passes": f"{_SMOKE} --min-success 1 --max-gt-err 0.5 --max gr_err_degrees=1",
    "misses": f"{_SMOKE} --max-gt-err 0.1 --min nothing=1",
    "takes-too-long": f"{_SMOKE} --timeout 0.05 --max-gt-err 1",
    "without-isaaclab": "smoke --model tracker --device cpu --isaaclab nowhere --min-success 1",
    "without-checkout": "smoke --model tracker --device cpu --isaaclab nowhere --protomotions nowhere",
    "typo": "smoke --model trackr --min-success 1",
}
# cases of doctor whose text depends on the machine
_MACHINE = ("GPU: GPU", "disk: free space", "disk: cache", "this machine: system", "this machine: other runs")


@pytest.mark.parametrize(("name", "line"), SMOKES.items(), ids=SMOKES)
def test_smoke(pmlaunch: Command, snapshot: Snapshot, python: Path, tmp_path: Path, name: str, line: str) -> None:
    document = pmlaunch(line, "--python", python, "--runs", tmp_path / "runs")
    for case in document["data"]["cases"]:
        if case["name"] in _MACHINE:
            case["text"] = "<machine>"
    snapshot(f"smoke/{name}", document)


def test_doctor(pmlaunch: Command, snapshot: Snapshot, python: Path) -> None:
    line = "PMLAUNCH_DDP_BACKEND=none doctor --simulator genesis --device cpu"
    snapshot("doctor/2.x-in-full", without_hardware(pmlaunch(line, "--python", python)), like="doctor/2.x")


def test_install_with_packages(
    pmlaunch: Command, snapshot: Snapshot, world: Path, python: Path, tmp_path: Path
) -> None:
    without_git = shutil.ignore_patterns(".git")
    there = shutil.copytree(world / "work" / "protomotions", tmp_path / "there", ignore=without_git)
    line = "install --dry-run --as clone --simulator genesis --models none"
    for name, folder in {"packages-later": tmp_path / "new", "packages-now": there}.items():
        snapshot(f"install/{name}", pmlaunch(line, "--python", python, "--dir", folder), like="install/2.x")


@needs_lfs
def test_install_and_fetch(
    pmlaunch: Command, snapshot: Snapshot, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs the real git and Git LFS on a local repository, one command after the other."""
    monkeypatch.setenv("PATH", REAL_PATH)
    upstream = make_upstream(tmp_path / "upstream", size=10_000, versions=1)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    install = f"install --source {upstream.root} --simulator genesis --no-packages --as clone"
    lines = {
        "install": install,
        "install-again": install,
        "install-3": f"{install} --ref main --models none --dir three",
        "install-elsewhere": f"{install} --ref v2.3 --models none --dir other --dry-run",
        "fetch": "fetch tracker maskmimic",
        "fetch-unknown": "fetch trackr",
        "remove": "fetch all --remove",
    }
    for name, line in lines.items():
        snapshot(f"installed/{name}", pmlaunch(line))
    snapshot("installed/workspace-file", (tmp_path / "work" / "pmlaunch.yaml").read_text(encoding="utf-8"))
