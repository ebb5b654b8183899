"""The backend of a run's process group: gloo on Windows, unless the installed torch has no transport for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from unit_help import Plan, codes

from pmlaunch.model import FLAG, ChosenPython, Origin, Severity, Sourced
from pmlaunch.planning.choices import process_group_backend
from pmlaunch.runtimes.torch_build import has_gloo_transport, torch_version
from pmlaunch.support.platforms import PLATFORMS

WINDOWS, LINUX = PLATFORMS["windows"], PLATFORMS["linux"]
WITHOUT_GLOO = ("2.8.0", "2.9.0", "2.9.1+cu128", "2.10.0")
WITH_GLOO = ("2.4.1", "2.6.0", "2.7.1+cu126", "2.11.0", "2.13.0+cpu")
PACKAGES = Path("Lib/site-packages") if sys.platform == "win32" else Path("lib/python3.11/site-packages")


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChosenPython:
    """An environment without torch, on Windows."""
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    (tmp_path / "env" / PACKAGES).mkdir(parents=True)
    executable = "python.exe" if sys.platform == "win32" else "bin/python"
    return ChosenPython(str(tmp_path / "env" / executable), FLAG, "3.11")


def install(version: str, tmp_path: Path) -> None:
    """Add the metadata of torch to the environment."""
    (tmp_path / "env" / PACKAGES / f"torch-{version}.dist-info").mkdir()


@pytest.mark.parametrize("version", [*WITHOUT_GLOO, *WITH_GLOO])
def test_version_is_read_from_metadata(
    python: ChosenPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    assert torch_version(python) is None
    install(version, tmp_path)
    assert str(torch_version(python)) == version
    assert has_gloo_transport(WINDOWS, torch_version(python)) is (version in WITH_GLOO)
    assert has_gloo_transport(LINUX, torch_version(python))
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "linux")
    assert has_gloo_transport(WINDOWS, torch_version(python)), "the torch of another machine is not here"


def test_unreadable_metadata_is_an_unknown_version(python: ChosenPython, tmp_path: Path) -> None:
    install("not-a-version", tmp_path)
    assert torch_version(python) is None
    assert torch_version(None) is None
    assert has_gloo_transport(WINDOWS, None)


@pytest.mark.parametrize("version", WITHOUT_GLOO)
def test_one_device_without_gloo_gets_a_group_of_one_rank(python: ChosenPython, tmp_path: Path, version: str) -> None:
    install(version, tmp_path)
    chosen = process_group_backend(None, WINDOWS, python, devices=1)
    assert (chosen.value, chosen.source.origin) == ("one_rank", Origin.PLATFORM)
    assert str(chosen.source) == f"platform windows: torch {version} has no gloo transport"
    assert process_group_backend(None, WINDOWS, python, devices=2).value == "gloo", "which a check refuses"
    assert process_group_backend(Sourced("gloo", FLAG), WINDOWS, python, devices=1) == Sourced("gloo", FLAG)
    assert process_group_backend(None, LINUX, python, devices=1).value is None


@pytest.mark.parametrize("version", WITH_GLOO)
def test_gloo_where_it_works(python: ChosenPython, tmp_path: Path, version: str) -> None:
    install(version, tmp_path)
    for devices in (1, 2):
        assert process_group_backend(Sourced("auto", FLAG), WINDOWS, python, devices).value == "gloo"


def test_none_is_a_group_of_one_rank(python: ChosenPython) -> None:
    assert process_group_backend(Sourced("none", FLAG), LINUX, python, devices=1) == Sourced("one_rank", FLAG)


@pytest.mark.usefixtures("in_git")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ddp_backend": "gloo"}, "PML215"),
        ({"devices": 2}, "PML215"),
        ({"devices": 2, "ddp_backend": "none"}, "PML216"),
    ],
)
def test_backend_that_cannot_work_is_refused(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], code: str
) -> None:
    monkeypatch.setattr("pmlaunch.checks.environment.has_gloo_transport", lambda *_: False)
    planned = plan(**{"ddp_backend": "gloo", **options})
    assert (code, Severity.ERROR) in codes(planned)


@pytest.mark.usefixtures("in_git")
@pytest.mark.parametrize("options", [{}, {"ddp_backend": "none"}, {"devices": 2}])
def test_backend_that_works_is_not_mentioned(plan: Plan, options: dict[str, object]) -> None:
    found = {code for code, _ in codes(plan(**options))}
    assert not found & {"PML215", "PML216"}
