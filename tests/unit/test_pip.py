"""What pip's last words mean, what it changed, and which Python it is given: without starting any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packaging_site import make_site
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python import pip as pip_room
from pmlaunch.installing.python import target_python as looking
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.outstanding import outstanding_in, pip_runs
from pmlaunch.installing.python.package_changes import refuse_changed_torch, told
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.python.pip import pip
from pmlaunch.installing.python.target_python import Look, typed_python, usable_runtime
from pmlaunch.installing.step import Progress, Site
from pmlaunch.model import DEFAULT, FLAG, UNKNOWN, Finding, Severity
from pmlaunch.running.run_module import ModuleResult
from pmlaunch.runtimes.interface import IsaacLabRuntime, PythonRuntime
from wheelhouse import make_installable


@pytest.fixture
def site(tmp_path: Path) -> Site:
    runtime = PythonRuntime("/sim/bin/python", FLAG)
    return make_site(tmp_path / "protomotions", tmp_path / "logs", runtime, {})


def ended(*tail: str, code: int | None = 1, **options: Any) -> ModuleResult:
    return ModuleResult(code, None, tail, Path("logs/pip/output.log"), 1.0, **options)


def run(
    site: Site, monkeypatch: pytest.MonkeyPatch, inside: ModuleResult, chunks: tuple[bytes, ...] = ()
) -> list[Progress]:
    heard: list[Progress] = []

    def fake(_: Any, listener: Any) -> ModuleResult:
        for chunk in chunks:
            listener(chunk)
        return inside

    monkeypatch.setattr(pip_room, "run_module", fake)
    pip(site, ["install", "x"], name="pip", what="x", report=heard.append)
    return heard


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("ERROR: No matching distribution found for x", "PML434"),
        (
            "WARNING: Retrying ... NewConnectionError: getaddrinfo failed\nERROR: No matching distribution found",
            "PML435",
        ),
        ("ERROR: ResolutionImpossible: for help visit", "PML436"),
        ("error: externally-managed-environment\n× This environment is externally managed", "PML445"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "PML446"),
        ("ERROR: [WinError 5] Access is denied: 'C:\\\\py\\\\torch_cpu.dll'", "PML447"),
    ],
)
def test_pips_last_words(site: Site, monkeypatch: pytest.MonkeyPatch, words: str, code: str) -> None:
    with pytest.raises(PmlaunchError) as caught:
        run(site, monkeypatch, ended("Collecting x", *words.splitlines()))
    assert caught.value.code == code
    assert caught.value.exit_code == 6
    assert "output.log" in caught.value.message
    assert caught.value.hint


def test_a_pip_that_is_not_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ModuleResult(1, {"type": "ImportError", "message": "No module named pip"}, (), Path("log"), 0.1)
    with pytest.raises(PmlaunchError) as caught:
        run(site, monkeypatch, missing)
    assert (caught.value.code, caught.value.hint) == ("PML433", "/sim/bin/python -m ensurepip --upgrade")


def test_a_pip_without_a_verdict(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    crash = Finding("PML330", Severity.ERROR, "The program ended with signal SIGKILL, without a verdict.")
    with pytest.raises(PmlaunchError, match="SIGKILL") as caught:
        run(site, monkeypatch, ended(code=None, finding=crash))
    assert caught.value.code == "PML441"


def test_lines_and_bytes_are_heard_in_whatever_pieces_they_come(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = (
        "Collecting \u6b65".encode()[:-1],
        "\u6b65\r\nDownload".encode()[2:],
        b"ing x.whl (2 kB)\nProgress 1 of 20\nProg",
    )
    heard = run(site, monkeypatch, ended(code=0), (*pieces, b"ress 20 of 20\n\n"))
    assert heard == [
        Progress("Collecting \u6b65"),
        Progress("Downloading x.whl (2 kB)"),
        Progress("Downloading x.whl (2 kB)", 1, 20),
        Progress("Downloading x.whl (2 kB)", 20, 20),
    ]


def test_no_python_is_told_before_anything_else(site: Site) -> None:
    site.runtime = None
    with pytest.raises(PmlaunchError) as caught:
        PackagesStep().todo(site)
    assert caught.value.code == "PML430"


def test_a_python_that_cannot_be_started_says_why(site: Site) -> None:
    missing = Finding("PML201", Severity.ERROR, "Isaac Lab not found. Looked for x.", hint="--isaaclab DIR")
    site.runtime = IsaacLabRuntime("isaaclab.sh", None, UNKNOWN, True, findings=(missing,))
    with pytest.raises(PmlaunchError, match="Isaac Lab not found") as caught:
        usable_runtime(site)
    assert caught.value.code == "PML430"
    assert "--python EXE" in str(caught.value.hint)


def test_pmlaunchs_own_python_is_left_alone(site: Site) -> None:
    site.runtime = PythonRuntime("/usr/bin/python", DEFAULT)
    with pytest.raises(PmlaunchError) as caught:
        PackagesStep().todo(site)
    assert caught.value.code == "PML449"


def look(python: str = "3.11.7", **packages: Any) -> Look:
    entries = {
        name.replace("_", "-"): {"version": entry} if isinstance(entry, str) else entry
        for name, entry in packages.items()
    }
    return Look({"python": python, "platform": "linux", "packages": entries}, ended(code=0))


def test_pip_that_did_nothing_is_not_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    make_installable(site.checkout)
    monkeypatch.setattr(
        "pmlaunch.installing.python.packages_step.look_inside", lambda *_, **__: look(torch="2.5", pip="24")
    )
    with pytest.raises(PmlaunchError, match=r"protomotions, isaac_utils, poselib, genesis-world==0\.3\.3") as caught:
        PackagesStep().prove(site)
    assert caught.value.code == "PML437"


def test_a_torch_that_was_replaced_is_an_error_with_the_way_back(site: Site) -> None:
    before = {"torch": "2.7.0+cu128", "torchvision": "0.22.0+cu128", "numpy": "1.26.4"}
    refuse_changed_torch(site, before, {**before, "numpy": "1.26.5"})
    with pytest.raises(PmlaunchError, match=r"torch 2\.7\.0\+cu128 -> 2\.9\.0") as caught:
        refuse_changed_torch(site, before, {**before, "torch": "2.9.0"})
    assert caught.value.code == "PML439"
    assert caught.value.hint == (
        "/sim/bin/python -m pip install --force-reinstall --no-deps torch==2.7.0+cu128 torchvision==0.22.0+cu128 "
        "--index-url https://download.pytorch.org/whl/cu128"
    )


def test_what_pip_changed_is_told_in_a_sentence(site: Site) -> None:
    before = {"a": "2.0", "b": "1.0", "gone": "1"}
    assert told(site, before, {"a": "1.9", "b": "1.1", "new": "1"}) == (
        "pip: 1 new; changed: a 2.0 -> 1.9, b 1.0 -> 1.1; removed: gone"
    )
    assert [finding.subject for finding in site.findings] == ["a"]
    assert told(site, before, before) == ""


def runs(site: Site, seen: Look) -> dict[str, tuple[str, ...]]:
    return {run.name: run.words for run in pip_runs(outstanding_in(site, seen), seen)}


def test_the_pythons_own_setuptools_builds_where_it_can(site: Site) -> None:
    make_installable(site.checkout)
    common = {"torch": "2.5", "pip": "23.2"}
    assert "--no-build-isolation" in runs(site, look(setuptools="80.9", **common))["packages"]
    assert "--no-build-isolation" in runs(site, look(setuptools="65.5", wheel="0.40", **common))["packages"]
    for packages in ({}, {"setuptools": "65.5"}, {"setuptools": "59.0", "wheel": "0.40"}):
        assert "--no-build-isolation" not in runs(site, look(**packages, **common))["packages"]


def test_bytes_are_asked_of_a_pip_that_tells_them(site: Site) -> None:
    make_installable(site.checkout)
    assert "raw" in runs(site, look(torch="2.5", pip="24.1"))["requirements"]
    assert "raw" not in runs(site, look(torch="2.5", pip="24.0"))["requirements"]


def test_what_was_broken_off_below_a_requirement_is_found_and_a_strangers_is_not(site: Site) -> None:
    make_installable(site.checkout, "hydra-core\n")
    half = {"version": "2.0", "complete": False}
    seen = look(
        torch="2.5",
        pip="24",
        hydra_core={
            "version": "1.3.2",
            "requires": ["omegaconf (<2.4,>=2.2)", "Antlr4.Python3~=4.9; python_version>'3'"],
        },
        omegaconf={"version": "2.3", "requires": ["hydra-core", "absent"]},
        antlr4_python3=half,
        stranger=half,
    )
    assert outstanding_in(site, seen).half == ("antlr4-python3==2.0",)


def test_a_command_for_windows_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmlaunch.support.platforms import PLATFORMS

    site = make_site(tmp_path, tmp_path, PythonRuntime(r"C:\R&D (x86)\python.exe", FLAG), {})
    site.platform = PLATFORMS["windows"]
    assert typed_python(site, "-m", "pip", "install", "moviepy<2") == (
        r"& 'C:\R&D (x86)\python.exe' -m pip install 'moviepy<2'"
    )


def test_where_there_is_no_checkout_yet_the_plan_says_what_it_can(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pmlaunch.installing.python.packages_step.look_inside", lambda *_, **__: look(torch="2.5", pip="24")
    )
    packages, imports = PackagesStep().todo(site), ImportsStep().todo(site)
    assert packages is not None
    assert str(site.checkout) in packages.commands[0]
    assert imports is not None
    assert imports.text == "import protomotions, hydra, lightning, torch, genesis"


def test_torch_is_asked_for_before_anything_is_downloaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.installing.python.packages_step.look_inside", lambda *_, **__: look(pip="24"))
    with pytest.raises(PmlaunchError) as caught:
        PackagesStep().todo(site)
    assert caught.value.code == "PML432"


def test_a_probe_that_takes_too_long_is_no_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "run_module", lambda *_, **__: ended(code=None, timed_out=True))
    with pytest.raises(PmlaunchError, match="no answer after") as caught:
        looking.look_inside(site, "--packages")
    assert caught.value.code == "PML441"
