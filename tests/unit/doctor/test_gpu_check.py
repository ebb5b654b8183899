"""The check of the GPU."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from doctor_help import Found, found, look

from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target
from pmlaunch.support import nvidia


class Nvml(ModuleType):
    """nvidia-ml-py with one GPU; `broken` is what nvmlInit raises."""

    class NVMLError(Exception):
        pass

    def __init__(self, count: int = 1, broken: str | None = None):
        super().__init__("pynvml")
        self.count, self.broken = count, broken

    def nvmlInit(self) -> None:
        if self.broken:
            raise self.NVMLError(self.broken)

    def nvmlShutdown(self) -> None:
        pass

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"580.95.05"

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetMemoryInfo(self, _: int) -> Any:
        return SimpleNamespace(total=80 * 2**30, free=79 * 2**30)

    def nvmlDeviceGetName(self, _: int) -> str:
        return "NVIDIA H100"


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without an NVIDIA driver; the folder its driver's files would be in."""
    monkeypatch.setattr(nvidia, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(nvidia, "_program", lambda _: None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    return tmp_path / "proc"


def test_gpu_by_management_library(target: DoctorTarget, no_driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    seen = look("gpu", target)
    assert seen.findings == ()
    assert seen.facts == (("GPU 0", "NVIDIA H100, 79.0 of 80.0 GiB free"), ("driver", "580.95.05"))


@pytest.mark.parametrize("library", [None, Nvml(broken="Driver Not Loaded")])
def test_gpu_by_driver_files(
    target: DoctorTarget, no_driver: Path, monkeypatch: pytest.MonkeyPatch, library: ModuleType | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library)
    information = no_driver / "gpus" / "0000:01:00.0" / "information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA RTX A6000\nIRQ: 1\n", encoding="utf-8")
    version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu\n"
    (no_driver / "version").write_text(version, encoding="utf-8")
    seen = look("gpu", target)
    assert seen.facts == (("GPU 0", "NVIDIA RTX A6000"), ("driver", "570.86.15"))
    assert found(seen) == [("PML235", "note")]
    assert seen.findings[0].hint == f'"{sys.executable}" -m pip install "pmlaunch[gpu]"'


@pytest.mark.parametrize(
    ("simulator", "device", "expected"),
    [
        ("isaaclab", None, [("PML234", "error")]),
        ("genesis", None, [("PML234", "note")]),
        ("mujoco", None, [("PML234", "note")]),
        ("isaaclab", "cpu", [("PML234", "note")]),
    ],
)
def test_no_gpu(target: DoctorTarget, no_driver: Path, simulator: str, device: str | None, expected: Found) -> None:
    chosen = resolve_target(TargetRequest(simulator, device=device, quick=True), target.settings)
    assert found(look("gpu", chosen)) == expected


def test_driver_finds_no_gpu(target: DoctorTarget, no_driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(count=0))
    seen = look("gpu", target)
    assert found(seen) == [("PML234", "note")]
    assert "finds no GPU" in seen.findings[0].message
