"""The backend of a run's process group: gloo on Windows, unless the installed torch has no transport for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit_help import Plan, codes

from environments import make_environment
from pmlaunch.model import FLAG, Origin, Severity, Sourced
from pmlaunch.planning.choices import process_group_backend
from pmlaunch.runtimes.compatibility import Found, Part, Versions
from pmlaunch.support.platforms import PLATFORMS

WINDOWS, LINUX = PLATFORMS["windows"], PLATFORMS["linux"]
WITHOUT_GLOO = ("2.8.0", "2.9.0", "2.9.1+cu128", "2.10.0")
WITH_GLOO = ("2.4.1", "2.6.0", "2.7.1+cu126", "2.11.0", "2.13.0+cpu")


def installed(torch: str, system: str = "windows") -> Versions:
    return {Part.SYSTEM: Found(system), Part.TORCH: Found(torch)}


@pytest.mark.parametrize("version", WITHOUT_GLOO)
def test_one_device_without_gloo_gets_a_group_of_one_rank(version: str) -> None:
    chosen = process_group_backend(None, WINDOWS, installed(version), devices=1)
    assert (chosen.value, chosen.source.origin) == ("one_rank", Origin.PLATFORM)
    assert str(chosen.source) == f"platform windows: torch {version} has no gloo transport"
    assert process_group_backend(None, WINDOWS, installed(version), devices=2).value == "gloo", "which a check refuses"
    explicit = Sourced("gloo", FLAG)
    assert process_group_backend(explicit, WINDOWS, installed(version), devices=1) == explicit
    assert process_group_backend(None, LINUX, installed(version, "linux"), devices=1).value is None


@pytest.mark.parametrize("versions", [*map(installed, (*WITH_GLOO, "not-a-version")), {}])
def test_gloo_where_it_works(versions: Versions) -> None:
    for devices in (1, 2):
        assert process_group_backend(Sourced("auto", FLAG), WINDOWS, versions, devices).value == "gloo"


def test_none_is_a_group_of_one_rank() -> None:
    assert process_group_backend(Sourced("none", FLAG), LINUX, {}, devices=1) == Sourced("one_rank", FLAG)


@pytest.fixture
def torch29(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment variables of an active environment with torch 2.9, on Windows."""
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    make_environment(tmp_path / "env", "3.11", {"torch": "2.9.1"})
    return {"VIRTUAL_ENV": str(tmp_path / "env")}


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
    plan: Plan, torch29: dict[str, str], options: dict[str, object], code: str
) -> None:
    planned = plan(environment=torch29, via="python", **options)
    assert (code, Severity.ERROR) in codes(planned)


@pytest.mark.usefixtures("in_git")
def test_torch_of_another_machine_is_not_here(plan: Plan, torch29: dict[str, str]) -> None:
    assert plan(environment=torch29, via="python").plan.ddp_backend == "one_rank"
    assert plan(environment=torch29, via="python", target_os="linux").plan.ddp_backend is None


@pytest.mark.usefixtures("in_git")
@pytest.mark.parametrize("options", [{}, {"ddp_backend": "none"}, {"devices": 2}])
def test_backend_that_works_is_not_mentioned(plan: Plan, options: dict[str, object]) -> None:
    found = {code for code, _ in codes(plan(**options))}
    assert not found & {"PML215", "PML216"}
