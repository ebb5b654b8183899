"""Plans for Windows and Linux, made on either system."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit_help import Plan

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import FLAG, Severity
from pmlaunch.planning.launch import agent_environment, agent_folder, import_path
from pmlaunch.runtimes.interface import python_runtime
from pmlaunch.support.platforms import PLATFORMS, current_name, platform_named

pytestmark = pytest.mark.usefixtures("composed_at_once")

OTHER = "linux" if os.name == "nt" else "windows"


@pytest.mark.parametrize("name", ["Windows", "LINUX", "windows"])
def test_platform_by_name(name: str) -> None:
    assert platform_named(name) is PLATFORMS[name.casefold()]


def test_default_platform_is_this_machine() -> None:
    assert platform_named(None).name == current_name()
    assert not platform_named(None).foreign
    assert PLATFORMS[OTHER].foreign


def test_unknown_platform_is_refused() -> None:
    with pytest.raises(PmlaunchError, match="windows or linux"):
        platform_named("darwin")


def test_windows_uses_gloo_without_libuv(plan: Plan) -> None:
    planned = plan(target_os="windows")
    assert planned.plan.ddp_backend == "gloo"
    assert "++fabric.strategy.process_group_backend='gloo'" in planned.plan.overrides
    assert (planned.plan.env["USE_LIBUV"], planned.plan.env["PYTHONUTF8"]) == ("0", "1")


def test_linux_leaves_backend_to_lightning(plan: Plan) -> None:
    planned = plan(target_os="linux")
    assert planned.plan.ddp_backend is None
    assert not any("process_group_backend" in text for text in planned.plan.overrides)
    assert "USE_LIBUV" not in planned.plan.env
    assert planned.plan.env["PYTHONUTF8"] == "1"


@pytest.mark.parametrize("target", ["windows", "linux"])
def test_backend_override_wins_and_is_written_once(plan: Plan, target: str) -> None:
    key = "fabric.strategy.process_group_backend"
    planned = plan("tracker", f"{key}=nccl", target_os=target, ddp_backend="nccl")
    assert planned.plan.ddp_backend == "nccl"
    assert [text for text in planned.plan.overrides if key in text] == [f"++{key}=nccl"]


@pytest.mark.parametrize("target", ["windows", "linux"])
@pytest.mark.parametrize(("flag", "backend"), [("none", "one_rank"), ("gloo", "gloo"), ("nccl", "nccl")])
def test_requested_backend_is_the_same_on_every_platform(plan: Plan, target: str, flag: str, backend: str) -> None:
    assert plan(target_os=target, ddp_backend=flag).plan.ddp_backend == backend


def test_command_line_is_constant(plan: Plan, isaaclab: Path) -> None:
    script = isaaclab / ("isaaclab.bat" if os.name == "nt" else "isaaclab.sh")
    assert plan("tracker", "name='a b'").plan.command == (str(script), "-p", "-m", "pmlaunch_agent")
    planned = plan(simulator="genesis").plan
    assert planned.command[1:] == ("-m", "pmlaunch_agent")
    assert planned.env["GS_BETA_PURE"] == "1", "Genesis keeps what it translated"


def test_python_path_is_the_agent_and_then_the_users(plan: Plan, tmp_path: Path) -> None:
    mine = os.pathsep.join([str(tmp_path), "", "relative"])
    planned = plan(environment={"PYTHONPATH": mine}).plan
    agent, *users = str(planned.env["PYTHONPATH"]).split(os.pathsep)
    assert "pmlaunch_agent" in os.listdir(agent)
    assert users == [str(tmp_path), str(Path("relative").absolute())]
    assert planned.import_path == ()
    assert plan(target_os=OTHER, environment={"PYTHONPATH": mine}).plan.env["PYTHONPATH"] == agent


BATCH, PYTHON = r"C:\IsaacLab\isaaclab.bat", r"C:\isaac\kit\python\python.exe"


@pytest.mark.parametrize("name", ["site (x86)", "R&D", "100%", "bang!", "a=b", "a,b", "a^b", 'say "hi"'])
@pytest.mark.parametrize("started", [BATCH, r"D:\sim\Python.BAT", PYTHON])
def test_entries_that_a_batch_file_could_misread_travel_in_the_spec(tmp_path: Path, name: str, started: str) -> None:
    harmless, hostile, own = (str(tmp_path / one) for one in ("my modules 中文", name, "sim & site"))
    typed = {"PYTHONPATH": os.pathsep.join([hostile, harmless])}
    runtime = replace(python_runtime(started, FLAG), import_path=(own,))
    platform = platform_named(None)
    agent, *kept = str(agent_environment(platform, runtime, typed)["PYTHONPATH"]).split(os.pathsep)
    assert agent == str(agent_folder(platform, typed))
    direct = started == PYTHON
    assert kept == ([hostile, harmless, own] if direct else [harmless])
    assert import_path(platform, runtime, typed) == (() if direct else (hostile, own))


def test_plan_for_another_system_uses_its_path_style_and_notes_unverified_files(plan: Plan) -> None:
    planned = plan(target_os=OTHER)
    separator = "\\" if OTHER == "windows" else "/"
    inside = separator.join(("data", "pretrained_models", "motion_tracker", "smpl", "last.ckpt"))
    assert f"++checkpoint='{inside}'" in planned.plan.overrides
    assert f"++motion_file='{separator.join(('data', 'motions', 'smpl_humanoid_walk.npy'))}'" in planned.plan.overrides
    assert (planned.plan.platform, planned.plan.foreign) == (OTHER, True)
    assert [(finding.code, finding.severity) for finding in planned.runtime.findings] == [("PML206", Severity.NOTE)]


@pytest.mark.parametrize(
    ("target", "folder", "script"),
    [
        ("windows", "C:\\IsaacLab", "C:\\IsaacLab\\isaaclab.bat"),
        ("windows", "C:\\IsaacLab\\", "C:\\IsaacLab\\isaaclab.bat"),
        ("linux", "/opt/IsaacLab/", "/opt/IsaacLab/isaaclab.sh"),
    ],
)
def test_isaaclab_path_of_another_system_is_kept_as_typed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, target: str, folder: str, script: str
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "not " + target)
    assert plan(target_os=target, isaaclab=folder).plan.command[0] == script


@pytest.mark.parametrize(
    ("target", "python"), [("windows", "C:\\Python\\python.exe"), ("linux", "/usr/bin/python3"), ("linux", "python3")]
)
def test_python_of_another_system_is_not_searched_for(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, target: str, python: str
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "not " + target)
    planned = plan(target_os=target, via="python", python=python)
    assert planned.plan.command == (python, "-m", "pmlaunch_agent")
    assert planned.runtime.findings == ()


def test_missing_isaaclab_is_an_error(plan: Plan, isaaclab: Path) -> None:
    for script in isaaclab.glob("isaaclab.*"):
        script.unlink()
    (finding,) = plan().runtime.findings
    assert (finding.code, finding.severity) == ("PML201", Severity.ERROR)
    assert str(isaaclab) in finding.message


@pytest.mark.parametrize(
    ("options", "environment", "origin"),
    [
        ({"isaaclab": "lab"}, {"PMLAUNCH_ISAACLAB": "gone", "ISAACLAB_PATH": "gone"}, "flag"),
        ({}, {"PMLAUNCH_ISAACLAB": "lab", "ISAACLAB_PATH": "gone"}, "environment PMLAUNCH_ISAACLAB"),
        ({}, {"ISAACLAB_PATH": "lab"}, "environment ISAACLAB_PATH"),
    ],
)
def test_isaaclab_is_found_by_flag_or_environment(
    plan: Plan, isaaclab: Path, tmp_path: Path, options: dict[str, Any], environment: dict[str, Any], origin: str
) -> None:
    isaaclab.rename(tmp_path / "lab")
    environment = {name: str(tmp_path / value) for name, value in environment.items()}
    planned = plan(environment=environment, **options)
    assert str(planned.plan.runtime.source) == origin
    assert str(planned.plan.runtime.version) == "2.1.0"
    assert planned.plan.command[0].startswith(str(tmp_path / "lab"))


def test_missing_python_is_an_error(plan: Plan) -> None:
    (finding,) = plan(simulator="genesis", python="no-such-python").runtime.findings
    assert (finding.code, finding.severity, finding.subject) == ("PML202", Severity.ERROR, "no-such-python")


def test_bash_command_has_the_same_arguments(plan: Plan) -> None:
    planned = plan("tracker", "name='a b'", target_os="linux")
    words = shlex.split(planned.plan.plain_command["bash"])
    assert words[:3] == ["cd", str(planned.plan.cwd), "&&"]
    assert words[-len(planned.plan.overrides) - 1 :] == ["protomotions/eval_agent.py", *planned.plan.overrides]


@pytest.mark.parametrize("here", ["windows", "linux"])
def test_powershell_command_bypasses_the_batch_file(
    plan: Plan, isaaclab: Path, monkeypatch: pytest.MonkeyPatch, here: str
) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: here)
    planned = plan(target_os="windows").plan
    line = planned.plain_command["powershell"]
    python = isaaclab / "_isaac_sim" / "python.bat" if here == "windows" else "python"  # elsewhere it is not known
    folders = ";".join(map(str, planned.python_path))
    assert f"$env:USE_LIBUV = '0'; $env:PYTHONPATH = '{folders}'; & '{python}' 'protomotions\\eval_agent.py' " in line
    assert "'protomotions\\eval_agent.py' '+robot=smpl' '+simulator=isaaclab'" in line
    assert "isaaclab.bat" not in line
