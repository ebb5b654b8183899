"""The checks of torch, the process group and the embedded evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from doctor_help import Found, answered, found, look

from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target

TORCH: Mapping[str, Any] = {
    "version": "2.7.0", "file": "/venv/torch", "cuda_build": "12.8", "cuda_available": True, "devices": ["RTX 5090"],
    "nccl": True, "gloo": True, "libuv": True, "warnings": [],
}  # fmt: skip
ON_THE_CPU = {**TORCH, "version": "2.7.0+cpu", "cuda_build": None, "cuda_available": False, "nccl": False}


@pytest.mark.parametrize(
    ("simulator", "gpu", "torch", "expected"),
    [
        ("isaaclab", True, TORCH, []),
        ("isaaclab", True, ON_THE_CPU, [("PML230", "error"), ("PML232", "error")]),
        ("genesis", True, ON_THE_CPU, [("PML230", "warning"), ("PML232", "error")]),
        ("genesis", False, ON_THE_CPU, []),
        ("genesis", False, {**ON_THE_CPU, "gloo": False}, [("PML232", "error")]),
        ("genesis", False, {"error": "OSError: WinError 126"}, [("PML241", "error")]),
    ],
)
def test_torch(
    target: DoctorTarget,
    monkeypatch: pytest.MonkeyPatch,
    simulator: str,
    gpu: bool,
    torch: Mapping[str, Any],
    expected: Found,
) -> None:
    monkeypatch.setattr("pmlaunch.doctor.checks.torch.has_nvidia", lambda _: gpu)
    chosen = resolve_target(TargetRequest(simulator, quick=True), target.settings).simulator
    asked_about = replace(target, simulator=chosen, backend="nccl" if gpu else "gloo")
    assert found(look("torch", answered(asked_about, torch=torch))) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"backend": "gloo", "ok": True, "seconds": 0.02}, []),
        ({"backend": "nccl", "ok": False, "error": "RuntimeError: no NCCL built in\n..."}, [("PML231", "error")]),
        (None, []),
    ],
)
def test_process_group(target: DoctorTarget, told: Mapping[str, Any] | None, expected: Found) -> None:
    seen = look("process_group", answered(replace(target, backend="gloo"), process_group=told))
    assert found(seen) == expected
    assert (seen.skipped is not None) == (told is None)


def test_group_of_one_rank_is_not_tried(target: DoctorTarget) -> None:
    assert look("process_group", replace(target, backend="one_rank")).skipped is not None


@pytest.mark.parametrize(("simulator", "severity"), [("mujoco", "error"), ("genesis", "note")])
def test_packages_of_the_embedded_evaluation(
    target: DoctorTarget, monkeypatch: pytest.MonkeyPatch, simulator: str, severity: str
) -> None:
    monkeypatch.setattr("pmlaunch.checks.environment.find_spec", lambda name: None if name == "mujoco" else object())
    assert found(look("embedded", replace(target, embedded=simulator == "mujoco"))) == [("PML203", severity)]
