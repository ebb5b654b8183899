"""pip's output, its changes and the Python it runs in, without starting any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from install_help import refused

from packaging_site import make_context
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Progress, Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.python import packages_step, target_python
from pmlaunch.installing.python import pip as pip_module
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.outstanding import PipRun, outstanding_in, pip_runs
from pmlaunch.installing.python.packages_step import (
    PackagesStep,
    describe_changes,
    lowered_findings,
    refuse_changed_torch,
    refuse_incomplete,
)
from pmlaunch.installing.python.pip import UnsolvableError, pip
from pmlaunch.installing.python.target_python import (
    PythonReport,
    inspect_python,
    typed_python,
    usable_runtime,
)
from pmlaunch.installing.step import Todo
from pmlaunch.model import DEFAULT, FLAG, UNKNOWN, Finding, RuntimeFacts, RuntimeKind, Severity
from pmlaunch.running.probe_reply import ProbeReply
from pmlaunch.running.run_module import ModuleResult
from pmlaunch.runtimes.interface import Runtime, python_runtime
from pmlaunch.support.json import from_json
from pmlaunch.support.platforms import PLATFORMS
from wheelhouse import make_installable


@pytest.fixture
def context(tmp_path: Path) -> InstallContext:
    runtime = python_runtime("/sim/bin/python", FLAG)
    return make_context(tmp_path / "protomotions", tmp_path / "logs", runtime, {})


def ended(*tail: str, code: int | None = 1, **options: Any) -> ModuleResult:
    return ModuleResult(code, None, tail, Path("logs/pip/output.log"), 1.0, **options)


def run_pip(
    context: InstallContext, monkeypatch: pytest.MonkeyPatch, result: ModuleResult, chunks: tuple[bytes, ...] = ()
) -> list[Progress]:
    """Run a pip that writes `chunks` and ends with `result`; returns the reported progress."""
    heard: list[Progress] = []

    def fake(_: Any, listener: Any) -> ModuleResult:
        for chunk in chunks:
            listener(chunk)
        return result

    monkeypatch.setattr(pip_module, "run_module", fake)
    pip(context, PipRun("pip", "x", ("install", "x")), Path("constraints"), Reporter(heard.append))
    return heard


@pytest.mark.parametrize(
    ("output", "code", "kind"),
    [
        ("ERROR: No matching distribution found for x", "PML434", UnsolvableError),
        (
            "WARNING: Retrying ... NewConnectionError: getaddrinfo failed\nERROR: No matching distribution found",
            "PML435",
            PmlaunchError,
        ),
        ("ERROR: ResolutionImpossible: for help visit", "PML436", UnsolvableError),
        (
            "error: externally-managed-environment\n× This environment is externally managed",
            "PML445",
            PmlaunchError,
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "PML446",
            PmlaunchError,
        ),
        ("ERROR: [WinError 5] Access is denied: 'C:\\\\py\\\\torch_cpu.dll'", "PML447", PmlaunchError),
    ],
)
def test_a_failure_is_recognised_by_pip_s_output(
    context: InstallContext, monkeypatch: pytest.MonkeyPatch, output: str, code: str, kind: type[PmlaunchError]
) -> None:
    error = refused(lambda: run_pip(context, monkeypatch, ended("Collecting x", *output.splitlines())))
    assert type(error) is kind
    assert (error.code, error.exit_code) == (code, 6)
    assert "output.log" in error.message
    assert error.hint
    if isinstance(error, UnsolvableError):
        assert error.distribution == ("x" if code == "PML434" else None)


@pytest.mark.parametrize(("system", "python"), [("linux", "/sim/bin/python"), ("windows", "& '/sim/bin/python'")])
def test_a_python_without_pip(
    context: InstallContext, monkeypatch: pytest.MonkeyPatch, system: str, python: str
) -> None:
    context = replace(context, platform=PLATFORMS[system])
    missing = ModuleResult(1, {"type": "ImportError", "message": "No module named pip"}, (), Path("log"), 0.1)
    error = refused(lambda: run_pip(context, monkeypatch, missing))
    assert (error.code, error.hint) == ("PML433", f"{python} -m ensurepip --upgrade")


def test_a_pip_that_crashes(context: InstallContext, monkeypatch: pytest.MonkeyPatch) -> None:
    crash = Finding("PML330", Severity.ERROR, "The program ended with signal SIGKILL, without a verdict.")
    error = refused(lambda: run_pip(context, monkeypatch, ended(code=None, finding=crash)))
    assert error.code == "PML441"
    assert "SIGKILL" in error.message


def test_progress_is_parsed_from_output_in_arbitrary_chunks(
    context: InstallContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = (
        "Collecting \u6b65".encode()[:-1],
        "\u6b65\r\nDownload".encode()[2:],
        b"ing x.whl (2 kB)\nProgress 1 of 20\nProg",
        b"ress 20 of 20\n\n",
    )
    assert run_pip(context, monkeypatch, ended(code=0), chunks) == [
        Progress("Collecting \u6b65"),
        Progress("Downloading x.whl (2 kB)"),
        Progress("Downloading x.whl (2 kB)", 1, 20),
        Progress("Downloading x.whl (2 kB)", 20, 20),
    ]


def test_without_a_python_nothing_is_planned(context: InstallContext) -> None:
    assert refused(lambda: PackagesStep().plan(replace(context, runtime=None))).code == "PML430"


def test_a_python_that_cannot_be_started_says_why(context: InstallContext) -> None:
    missing = Finding("PML201", Severity.ERROR, "Isaac Lab not found. Searched x.", hint="--isaaclab DIR")
    runtime = Runtime(RuntimeFacts(RuntimeKind.ISAACLAB, "isaaclab.sh", None, UNKNOWN, None), (missing,))
    error = refused(lambda: usable_runtime(replace(context, runtime=runtime)))
    assert error.code == "PML430"
    assert "Isaac Lab not found" in error.message
    assert "--python EXE" in str(error.hint)


def test_nothing_is_installed_into_pmlaunch_s_own_python(context: InstallContext) -> None:
    own = replace(context, runtime=python_runtime("/usr/bin/python", DEFAULT))
    assert refused(lambda: PackagesStep().plan(own)).code == "PML449"


def report(python: str = "3.11.7", **packages: Any) -> PythonReport:
    """What a Python with these packages says: name=version or name={...}."""
    entries = {
        name.replace("_", "-"): {"version": entry} if isinstance(entry, str) else entry
        for name, entry in packages.items()
    }
    reply = from_json(ProbeReply, {"python": python, "platform": "linux", "packages": entries})
    return PythonReport(reply, Path("log"))


def test_a_pip_that_installed_nothing_is_noticed(context: InstallContext) -> None:
    make_installable(context.checkout)
    error = refused(lambda: refuse_incomplete(context, report(torch="2.5", pip="24")))
    assert error.code == "PML437"
    assert "protomotions, isaac_utils, poselib, genesis-world==0.3.3" in error.message


@pytest.mark.parametrize(
    ("system", "python", "quote"), [("linux", "/sim/bin/python", ""), ("windows", "& '/sim/bin/python'", "'")]
)
def test_a_replaced_torch_is_an_error_with_the_command_to_undo_it(
    context: InstallContext, system: str, python: str, quote: str
) -> None:
    context = replace(context, platform=PLATFORMS[system])
    before = {"torch": "2.7.0+cu128", "torchvision": "0.22.0+cu128", "numpy": "1.26.4"}
    refuse_changed_torch(context, before, {**before, "numpy": "1.26.5"})
    error = refused(lambda: refuse_changed_torch(context, before, {**before, "torch": "2.9.0"}))
    assert error.code == "PML439"
    assert "torch 2.7.0+cu128 -> 2.9.0" in error.message
    torch, torchvision, index = (
        f"{quote}{word}{quote}"
        for word in ("torch==2.7.0+cu128", "torchvision==0.22.0+cu128", "https://download.pytorch.org/whl/cu128")
    )
    assert error.hint == (
        f"{python} -m pip install --force-reinstall --no-deps {torch} {torchvision} --index-url {index}"
    )


def test_changes_are_described_and_lowered_versions_reported(context: InstallContext) -> None:
    before, after = {"a": "2.0", "b": "1.0", "gone": "1"}, {"a": "1.9", "b": "1.1", "new": "1"}
    assert describe_changes(before, after) == "pip: 1 new; changed: a 2.0 -> 1.9, b 1.0 -> 1.1; removed: gone"
    assert describe_changes(before, before) == ""
    (finding,) = lowered_findings(context, before, after)
    assert (finding.code, finding.subject) == ("PML448", "a")


def runs(context: InstallContext, installed: PythonReport) -> dict[str, tuple[str, ...]]:
    return {run.name: run.words for run in pip_runs(outstanding_in(context, installed), installed)}


def test_builds_are_not_isolated_if_the_python_s_own_setuptools_can_build(context: InstallContext) -> None:
    make_installable(context.checkout)
    common = {"torch": "2.5", "pip": "23.2"}
    for packages in ({"setuptools": "80.9"}, {"setuptools": "65.5", "wheel": "0.40"}):
        assert "--no-build-isolation" in runs(context, report(**packages, **common))["packages"]
    for packages in ({}, {"setuptools": "65.5"}, {"setuptools": "59.0", "wheel": "0.40"}):
        assert "--no-build-isolation" not in runs(context, report(**packages, **common))["packages"]


def test_raw_progress_is_requested_of_a_pip_that_has_it(context: InstallContext) -> None:
    make_installable(context.checkout)
    assert "raw" in runs(context, report(torch="2.5", pip="24.1"))["requirements"]
    assert "raw" not in runs(context, report(torch="2.5", pip="24.0"))["requirements"]


def test_interrupted_installs_are_found_among_everything_required_but_not_elsewhere(context: InstallContext) -> None:
    make_installable(context.checkout, "hydra-core\n")
    interrupted = {"version": "2.0", "complete": False}
    installed = report(
        torch="2.5",
        pip="24",
        hydra_core={
            "version": "1.3.2",
            "requires": ["omegaconf (<2.4,>=2.2)", "Antlr4.Python3~=4.9; python_version>'3'"],
        },
        omegaconf={"version": "2.3", "requires": ["hydra-core", "absent"]},
        antlr4_python3=interrupted,
        stranger=interrupted,
    )
    assert outstanding_in(context, installed).interrupted == ("antlr4-python3==2.0",)


def test_a_command_for_windows_can_be_pasted_into_powershell(tmp_path: Path) -> None:
    context = make_context(tmp_path, tmp_path, python_runtime(r"C:\R&D (x86)\python.exe", FLAG), {})
    assert typed_python(replace(context, platform=PLATFORMS["windows"]), "-m", "pip", "install", "moviepy<2") == (
        r"& 'C:\R&D (x86)\python.exe' -m pip install 'moviepy<2'"
    )


def test_without_a_checkout_the_plan_is_an_outline(context: InstallContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages_step, "planned_python", lambda *_, **__: report(torch="2.5", pip="24"))
    packages, imports = PackagesStep().plan(context), ImportsStep().plan(context)
    assert isinstance(packages, Todo)
    assert str(context.checkout) in packages.commands[0]
    assert imports.text == "import protomotions, hydra, lightning, torch, genesis"


def test_a_missing_torch_is_an_error_before_anything_is_downloaded(
    context: InstallContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages_step, "planned_python", lambda *_, **__: report(pip="24"))
    assert refused(lambda: PackagesStep().plan(context)).code == "PML432"


def test_a_probe_that_takes_too_long_is_an_error_with_its_log(
    context: InstallContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_python, "run_module", lambda *_, **__: ended(code=None, timed_out=True))
    error = refused(lambda: inspect_python(context, "--packages"))
    assert error.code == "PML441"
    assert "no answer after" in error.message
    assert isinstance(error, target_python.NoAnswerError)
    assert error.log == Path("logs/pip/output.log")
