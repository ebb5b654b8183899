"""The check of the packages in the simulator's Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from doctor_help import WHOLE, Found, answered, found, look, without

from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.model import FLAG
from pmlaunch.runtimes.interface import python_runtime
from pmlaunch.runtimes.isaacsim import NOT_ISAACS_PYTHON


def test_all_packages_present(target: DoctorTarget) -> None:
    seen = look("packages", answered(target))
    assert found(seen) == []
    assert {("Python", "3.10.14"), ("torch", "2.7.0"), ("genesis-world", "0.3.3")} <= set(seen.facts)


def test_missing_packages_are_one_finding(target: DoctorTarget) -> None:
    seen = look("packages", answered(target, packages=without("lightning", "easydict")))
    # lightning imports: it comes from a folder without metadata, as in Isaac Sim's archives
    assert found(seen) == [("PML227", "error")]
    assert seen.findings[0].subject == "easydict"
    assert f'"{Path("/venv/bin/python")}" -m pip install easydict' in (seen.findings[0].hint or "")


def test_simulator_package_is_required(target: DoctorTarget) -> None:
    assert found(look("packages", answered(target, packages=without("genesis-world")))) == [("PML227", "error")]


def test_missing_isaac_lab_is_another_python_and_never_to_be_installed_with_pip(target: DoctorTarget) -> None:
    chosen = resolve_target(TargetRequest("isaaclab", quick=True), target.settings).simulator
    (missing,) = look("packages", answered(replace(target, simulator=chosen), packages=without("isaaclab"))).findings
    broken = {"ok": False, "error": "ModuleNotFoundError: No module named 'pxr'"}
    (failing,) = look("packages", answered(target, imports={"torch": broken})).findings
    assert (missing.code, missing.hint) == ("PML227", NOT_ISAACS_PYTHON)
    assert (failing.code, failing.hint) == ("PML241", NOT_ISAACS_PYTHON)


@pytest.mark.parametrize(
    ("simulator", "package", "version", "expected"),
    [
        ("genesis", "moviepy", "2.1.1", [("PML229", "warning")]),
        ("genesis", "moviepy", "1.0.3", []),
        ("isaaclab", "pydantic", "1.10.9", [("PML240", "warning")]),
        ("genesis", "pydantic", "1.10.9", []),
    ],
)
def test_incompatible_versions(
    tmp_path: Path, target: DoctorTarget, simulator: str, package: str, version: str, expected: Found
) -> None:
    chosen = resolve_target(TargetRequest(simulator, quick=True), target.settings).simulator
    changed = {**WHOLE, package: version}
    assert found(look("packages", answered(replace(target, simulator=chosen), packages=changed))) == expected


def test_failing_import(target: DoctorTarget) -> None:
    broken = {"ok": False, "error": "ModuleNotFoundError: No module named 'pkg_resources'"}
    seen = look("packages", answered(target, imports={"lightning": broken}))
    assert found(seen) == [("PML241", "error")]
    assert 'pip install "setuptools<81"' in (seen.findings[0].hint or "")


def test_protomotions_is_not_found(target: DoctorTarget, opened: HydraCheckout) -> None:
    nowhere = {"ok": False, "error": "ModuleNotFoundError: No module named 'protomotions'"}
    seen = look("packages", answered(target, imports={"protomotions": nowhere}))
    assert (found(seen), seen.findings[0].subject) == ([("PML227", "error")], "protomotions")
    assert seen.findings[0].hint == "pmlaunch install --simulator genesis"
    seen = look("packages", answered(replace(target, checkout=opened), packages=without("rich")))
    assert (seen.findings[0].hint or "").startswith(f'pmlaunch install --dir "{opened.root}" --simulator genesis, or ')


def test_protomotions_from_another_checkout(target: DoctorTarget, opened: HydraCheckout, tmp_path: Path) -> None:
    other = tmp_path / "older" / "protomotions" / "__init__.py"
    here = opened.root / "poselib" / "poselib" / "__init__.py"
    imports = {name: {"ok": True, "file": str(path)} for name, path in (("protomotions", other), ("poselib", here))}
    seen = look("packages", answered(replace(target, checkout=opened), imports=imports))
    assert found(seen) == [("PML228", "warning")]
    assert seen.findings[0].subject == str(other)


def test_half_installed_package(target: DoctorTarget) -> None:
    entries = {"scipy": {"version": "1.15.0", "complete": False}}
    seen = look("packages", answered(target, entries=entries))
    assert found(seen) == [("PML245", "warning")]
    assert "scipy" in seen.findings[0].message


def test_quick_reads_metadata_files(target: DoctorTarget, tmp_path: Path) -> None:
    home = tmp_path / "venv" / "lib" / "python3.10" / "site-packages"
    for name, version in without("lightning").items():
        (home / f"{name.replace('-', '_')}-{version}.dist-info").mkdir(parents=True)
        (home / f"{name.replace('-', '_')}-{version}.dist-info" / "INSTALLER").touch()
    other = tmp_path / "other"
    other.mkdir()
    (home / "torch-2.7.0.dist-info").rename(other / "torch-2.7.0.dist-info")
    text = f"# a comment\nimport sys; sys.exit(3)\n{other}\n{tmp_path / 'gone'}\n"
    (home / "other.pth").write_text(text, encoding="utf-8")
    runtime = python_runtime(str(tmp_path / "venv" / "bin" / "python"), FLAG, "3.10")
    seen = look("packages", replace(target, quick=True, runtime=runtime))
    assert found(seen) == [("PML227", "warning")]
    assert seen.findings[0].subject == "lightning"
    assert ("torch", "2.7.0") in seen.facts
