"""Isaac Sim's EULA is detected before the start, from files, and never accepted on the user's behalf."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from unit_help import Plan

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.doctor.checks import packages
from pmlaunch.doctor.target import TargetRequest, resolve_target
from pmlaunch.model import FLAG, ChosenPython, Severity
from pmlaunch.runtimes.interface import python_runtime
from pmlaunch.runtimes.isaacsim import awaits_eula
from pmlaunch.settings import Settings

KIT_APP = 'eula_accepted_path = os.path.join(package_path, "EULA_ACCEPTED")\n'


@pytest.fixture(autouse=True)
def _nothing_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNI_KIT_ACCEPT_EULA", raising=False)


@pytest.fixture
def python(tmp_path: Path) -> ChosenPython:
    """A Python with an Isaac Sim from pip that nobody has started yet."""
    write(tmp_path, "isaacsim/__init__.py", "")
    write(tmp_path, "isaacsim/kit/kit_app.py", KIT_APP)
    executable = tmp_path / "env" / "python.exe"
    executable.touch(mode=0o755)
    return ChosenPython(str(executable), FLAG, "3.11")


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / "env" / "Lib" / "site-packages" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_never_accepted(python: ChosenPython) -> None:
    assert awaits_eula(python, {})


@pytest.mark.parametrize(
    ("value", "asks"), [("YES", False), ("y", False), ("1", False), ("no", True), ("true", True), ("", True)]
)
def test_environment_accepts(python: ChosenPython, value: str, asks: bool) -> None:
    assert awaits_eula(python, {"OMNI_KIT_ACCEPT_EULA": value}) == asks


@pytest.mark.parametrize(("answer", "asks"), [("yes", False), ("Y\nmore", False), ("no", True), ("", True)])
def test_earlier_answer(python: ChosenPython, tmp_path: Path, answer: str, asks: bool) -> None:
    write(tmp_path, "isaacsim/kit/EULA_ACCEPTED", answer)
    assert awaits_eula(python, {}) == asks


def test_kernel_in_a_package_of_its_own(python: ChosenPython, tmp_path: Path) -> None:
    write(tmp_path, "isaacsim/kit/kit_app.py", KIT_APP).unlink()
    assert not awaits_eula(python, {}), "nothing tells"
    write(tmp_path, "omni/kit_app.py", KIT_APP)
    assert awaits_eula(python, {})
    write(tmp_path, "omni/EULA_ACCEPTED", "yes")
    assert not awaits_eula(python, {})


def test_files_that_do_not_tell(python: ChosenPython, tmp_path: Path) -> None:
    write(tmp_path, "isaacsim/kit/kit_app.py", "class KitApp: ...")
    assert not awaits_eula(python, {}), "this kernel asks nothing"
    write(tmp_path, "isaacsim/kit/kit_app.py", KIT_APP)
    write(tmp_path, "isaacsim/__init__.py", "").unlink()
    assert not awaits_eula(python, {}), "no Isaac Sim from pip"
    assert not awaits_eula(ChosenPython("/nowhere/python", FLAG, None), {})


@pytest.mark.usefixtures("in_git")
def test_pml217_before_the_start(plan: Plan, python: ChosenPython, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(**options: object) -> list[str]:
        planned = plan(via="python", python=python.path, headless=True, motions=("walk",), **options)
        return [finding.code for finding in preflight(planned)]

    planned = plan(via="python", python=python.path, headless=True, motions=("walk",), simulator="isaaclab")
    (finding,) = preflight(planned)
    assert (finding.code, finding.severity, finding.subject) == ("PML217", Severity.ERROR, python.path)
    assert f'"{python.path}" -c "import isaacsim"' in (finding.hint or "")
    assert exit_code_of([finding]) == 5
    assert "PML217" not in found(simulator="genesis"), "which does not start Isaac Sim"
    monkeypatch.setenv("OMNI_KIT_ACCEPT_EULA", "yes")
    assert "PML217" not in found(simulator="isaaclab")


def test_pml217_by_doctor(python: ChosenPython, tmp_path: Path) -> None:
    for simulator, expected in (("isaaclab", ["PML217"]), ("genesis", [])):
        target = resolve_target(TargetRequest(simulator, via="python", quick=True), Settings(tmp_path, {}))
        write(tmp_path, "numpy-1.26.0.dist-info/METADATA", "Name: numpy\nVersion: 1.26.0\n")
        seen = packages.look(replace(target, runtime=python_runtime(python.path, FLAG, "3.11")))
        assert [finding.code for finding in seen.findings if finding.code == "PML217"] == expected
