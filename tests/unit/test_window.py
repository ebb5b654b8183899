"""A window and a video of it: preflight reports what is impossible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.checks.window import check_window
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned

Plan = Callable[..., Planned]
SCREEN = {"DISPLAY": ":0", "SESSIONNAME": "Console"}  # of Linux and of Windows


def found(planned: Planned) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in check_window(planned)]


@pytest.fixture(autouse=True)
def _not_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.checks.window.sys.platform", "linux")


@pytest.mark.usefixtures("in_git")
def test_pml119_headless_runs_record_nothing(plan: Plan) -> None:
    planned = plan(headless=True, record=True, motions=("walk",), environment=SCREEN)
    assert found(planned) == [("PML119", Severity.ERROR)]
    assert exit_code_of(preflight(planned)) == 4
    (finding,) = check_window(planned)
    assert (finding.hint or "").startswith("--window,")
    if plan(headless=True, motions=("walk",)).no_display is not None:
        (finding,) = check_window(plan(headless=True, record=True, motions=("walk",)))
        assert ("desktop session" if planned.plan.windows else "xvfb-run") in (finding.hint or "")


@pytest.mark.parametrize(
    "environment", [SCREEN, {"WAYLAND_DISPLAY": "wayland-0", "SESSIONNAME": "RDP-Tcp#0"}, {"LIVESTREAM": "2"}]
)
def test_window_can_open_on_a_display(plan: Plan, environment: dict[str, str]) -> None:
    assert found(plan(headless=False, record=True, motions=("walk",), environment=environment)) == []
    assert found(plan(motions=("walk",), environment=environment)) == []
    assert "LIVESTREAM" in environment or not plan(motions=("walk",), environment=environment).plan.headless


def test_pml133_no_display(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(headless=False, record=True, motions=("walk",), target_os="linux")
    if not planned.plan.foreign:  # on Windows, a plan for Linux is foreign
        (finding,) = check_window(planned)
        assert (finding.code, finding.severity, finding.subject) == ("PML133", Severity.ERROR, "--window")
        assert "--headless" in (finding.hint or "")
        assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in finding.message
        (finding,) = check_window(plan(endless=True, motions=("walk",), target_os="linux"))
        assert (finding.code, finding.severity, finding.subject) == ("PML133", Severity.ERROR, "--endless")
    assert found(plan(headless=None, motions=("walk",))) == [], "headless by itself"
    assert found(plan(headless=False, motions=("walk",), target_os="windows", environment=SCREEN)) == []
    monkeypatch.setattr("pmlaunch.checks.window.sys.platform", "darwin")
    assert found(plan(headless=False, motions=("walk",))) == []


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"SESSIONNAME": "Console"}, None),
        ({"SESSIONNAME": "RDP-Tcp#3"}, None),
        ({}, "SESSIONNAME names no desktop session"),
        ({"SESSIONNAME": "Services"}, "SESSIONNAME names no desktop session"),
        ({"SESSIONNAME": "Console", "SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}, "SSH_CONNECTION is set"),
        ({"SSH_TTY": "windows-pty"}, "SSH_TTY is set"),
    ],
)
@pytest.mark.usefixtures("composed_at_once")
def test_pml133_desktop_sessions_of_windows(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], reason: str | None
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")
    assert plan(motions=("walk",), environment=environment).plan.headless is (reason is not None)
    asked = plan(motions=("walk",), headless=False, environment=environment)
    if reason is None:
        assert found(asked) == []
    else:
        (finding,) = check_window(asked)
        assert (finding.code, finding.severity) == ("PML133", Severity.ERROR)
        assert reason in finding.message
        assert "DISPLAY" not in (finding.hint or "")


def test_the_demo_has_no_window(plan: Plan) -> None:
    assert found(plan("demo", endless=True)) == [("PML133", Severity.ERROR)]
    assert found(plan("demo", headless=False)) == [("PML133", Severity.NOTE)]
    assert found(plan("demo")) == []
    assert found(plan("demo", record=True)) == [("PML119", Severity.ERROR)]


def test_pml119_missing_moviepy_is_a_warning(plan: Plan, tmp_path: Path) -> None:
    home = tmp_path / "a venv (x86)"
    packages = home / "Lib/site-packages"
    (packages / "pip").mkdir(parents=True)
    (home / "pyvenv.cfg").write_text("version = 3.11.2\n", encoding="utf-8")
    python = home / "bin" / "python"
    python.parent.mkdir()
    python.touch(mode=0o755)

    def recording(**options: object) -> list[Finding]:
        given = {
            "headless": False,
            "record": True,
            "motions": ("walk",),
            "environment": SCREEN,
            "simulator": "genesis",
            **options,
        }
        return list(check_window(plan(python=str(python), **given)))

    (finding,) = recording()
    assert (finding.code, finding.severity) == ("PML119", Severity.WARNING)
    assert finding.fix == f'"{python}" -m pip install moviepy'
    assert recording(record=False) == []
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "moviepy-2.2.1.dist-info").mkdir(parents=True)
    (packages / "more.pth").write_text(f"import os\n{elsewhere}\n", encoding="utf-8")
    assert recording() == [], "found where a .pth file points"
    (packages / "more.pth").unlink()
    (home / "pyvenv.cfg").write_text("include-system-site-packages = true\nversion = 3.11.2\n", encoding="utf-8")
    assert recording() == [], "it may be among the system's"
