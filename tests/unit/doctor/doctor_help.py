"""Helpers of doctor's unit tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.probe import ProbeAnswer, PythonProbe
from pmlaunch.doctor.registry import MACHINE_CHECKS
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.running.probe_reply import ProbeReply
from pmlaunch.support.json import from_json

Found = list[tuple[str, str]]
GitSays = Callable[[Mapping[str, tuple[int, str]]], None]
WHOLE: Mapping[str, str] = {
    "torch": "2.7.0", "lightning": "2.5.6", "hydra-core": "1.3.2", "omegaconf": "2.3.0", "numpy": "1.26.0",
    "scipy": "1.15.0", "trimesh": "4.5.1", "easydict": "1.13", "rich": "13.7.1", "isaaclab": "0.40.0",
    "genesis-world": "0.3.3", "moviepy": "1.0.3", "pydantic": "2.9.2", "mujoco": "3.2.0",
}  # fmt: skip
IMPORTS = ("lightning", "hydra", "protomotions", "isaac_utils", "poselib")


def look(name: str, target: DoctorTarget) -> Observation:
    return MACHINE_CHECKS[name].look(target)


def found(seen: Observation) -> Found:
    return [(one.code, one.severity.value) for one in seen.findings]


def with_programs(target: DoctorTarget, tmp_path: Path, *names: str) -> DoctorTarget:
    """The target with programs of these names on its PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in names:
        path = folder / (f"{name}.exe" if sys.platform == "win32" else name)
        path.touch(0o755)
    return replace(target, settings=replace(target.settings, environment={"PATH": str(folder)}))


def answered(target: DoctorTarget, **reply: Any) -> DoctorTarget:
    """The target whose Python replied this: packages by version, and imports that succeed unless given otherwise."""
    versions = reply.pop("packages", WHOLE)
    imports = {name: {"ok": True, "file": None, "error": None} for name in IMPORTS} | reply.pop("imports", {})
    entries = {name: {"version": version, "editable": None, "complete": True} for name, version in versions.items()}
    entries |= reply.pop("entries", {})
    document = {"python": "3.10.14", "packages": entries, "imports": imports, **reply}
    return asked(target, ProbeAnswer(from_json(ProbeReply, document)))


def asked(target: DoctorTarget, answer: ProbeAnswer) -> DoctorTarget:
    probe = PythonProbe(lambda: answer)
    probe.ask()
    return replace(target, probe=probe)


def without(*names: str) -> dict[str, str]:
    return {name: version for name, version in WHOLE.items() if name not in names}
