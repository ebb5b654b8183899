"""The table of versions that work together, and the environments it is read for: folders with metadata."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from install_help import MakeContext, make_context
from unit_help import present

from environments import WINDOWS, make_editable, make_environment
from pmlaunch.agent.pmlaunch_agent.contract import MUTABLE_DATACLASS_DEFAULTS, ONE_RANK
from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.cli.app import run
from pmlaunch.codes import CODES, Exit
from pmlaunch.doctor.checks.compatibility import look
from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.installing.python import packages_step
from pmlaunch.installing.python.target_python import PythonReport
from pmlaunch.installing.step import AlreadyDone, Todo
from pmlaunch.model import Origin, RuntimeKind, Severity
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.probe_reply import InstalledPackage, ProbeReply
from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
from pmlaunch.runtimes.compatibility import ABSENT, MAIN, TABLE, V2, V31, Found, Part, Row, Verdict, judge
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.isaaclab import python_of_isaaclab
from pmlaunch.runtimes.python_files import made_by as made_by_files
from pmlaunch.runtimes.python_files import pip_install
from pmlaunch.runtimes.versions import combination
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import platform_named

__all__ = ["make_context"]  # a fixture
Json = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[2]
SCRIPT = "isaaclab.bat" if WINDOWS else "isaaclab.sh"
FOR_LAB3 = "from isaaclab_physx.physics import PhysxCfg\n"
FOR_LAB2 = "from isaaclab.sim import SimulationContext, PhysxCfg\n"
REPLY = ProbeReply("3.11.9", {"pip": InstalledPackage(version="25.0")})
SIM51, SIM62 = {"isaacsim": "5.1.0.0"}, {"isaacsim": "6.2.0.0"}


def versions(**parts: str) -> dict[Part, Found]:
    return {Part[name.upper()]: Found(version) for name, version in parts.items()}


def backend(checkout: Path, text: str) -> Path:
    """Give a checkout the backend for Isaac Lab by which its line is told."""
    path = checkout / "protomotions" / "simulator" / "isaaclab" / "simulator.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return checkout


def chosen(folder: Path, wanted: RuntimeKind = RuntimeKind.ISAACLAB, **options: Any) -> Runtime:
    environment = options.pop("environment", {})
    settings = Settings(folder, environment)
    return choose_runtime(RuntimeRequest(settings, platform_named(None), beside=folder, wanted=wanted, **options))


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        ("2.3", ["2.3", "2.3.2.post1", "2.3.0-rc1"], ["2.2.9", "2.4", "3"]),
        ("2.2..2.3", ["2.2.0", "2.3.9"], ["2.1.9", "2.4"]),
        ("3..", ["3.0.0-beta.2", "3", "12.0.0"], ["2.9.9"]),
        ("..2", ["1.4", "2.3.2", "2"], ["3.0", ABSENT]),
        ("not 3.11", ["3.10", "3.12", "3.1"], ["3.11", "3.11.9", ABSENT]),
        ("2.x, 3.0/3.1", [V2, V31], [MAIN]),
        ("2.8..2.10", ["2.8.0+cu128", "2.9.1", "2.10.0"], ["2.7.1", "2.11.0", "2.1"]),
        (ABSENT, [ABSENT], ["6.2.0.0"]),
    ],
)
def test_conditions(wanted: str, fitting: list[str], others: list[str]) -> None:
    row = Row(Verdict.FAILS, {Part.TORCH: wanted}, "", "")
    assert [version for version in [*fitting, *others] if row.matches(versions(torch=version))] == fitting
    assert not row.matches({}), "an unknown version fulfils no condition"


def test_every_row_has_its_source_and_its_text() -> None:
    assert [row for row in TABLE if not (row.source and row.text and row.where)] == []
    assert [row for row in TABLE if bool(row.instead) is not (row.verdict is Verdict.FAILS)] == []
    assert [row for row in TABLE if bool(row.repair) is not (row.verdict is Verdict.REPAIRED)] == []


WORKING = {"protomotions": V2, "simulator": "genesis", "genesis": "0.3.3", "torch": "2.7.0", "system": "linux"}


def test_verdicts() -> None:
    assert judge(versions(**WORKING, python="3.10")).verdict is Verdict.WORKS
    repaired = judge(versions(**WORKING, python="3.11"))
    assert repaired.verdict is Verdict.REPAIRED
    assert [row.repair for row in repaired.rows if row.repair] == [MUTABLE_DATACLASS_DEFAULTS]
    assert judge(versions(**WORKING)).verdict is Verdict.UNKNOWN, "the Python is not known"
    assert judge(versions(**{**WORKING, "genesis": "0.4"}, python="3.11")).verdict is Verdict.UNKNOWN
    assert judge({}).verdict is Verdict.UNKNOWN
    group = [row.repair for row in judge(versions(system="windows", torch="2.9.1")).rows]
    assert group == [ONE_RANK]


@dataclass(frozen=True)
class Bad:
    """A combination that will not work: what is installed, and what a person is told."""

    line: str
    python: str
    packages: Mapping[str, str]
    said: tuple[str, ...]
    hint: str
    simulator: str = "isaaclab"


KNOWN_BAD = [
    Bad(
        V2,
        "3.12",
        {"isaaclab": "3.0.0", **SIM62},
        ("isaaclab.sim.PhysxCfg", "Isaac Lab 3.0.0"),
        '"isaaclab[isaacsim,all]==2.3.0"',
    ),
    Bad(
        V31,
        "3.12",
        {"isaaclab": "3.0.0", **SIM62},
        ("isaaclab.sim.PhysxCfg", "Isaac Lab 3.0.0"),
        "--via python --python EXE",
    ),
    Bad(
        MAIN,
        "3.11",
        {"isaaclab": "2.3.2.post1", **SIM51},
        ("imports isaaclab_physx", "Isaac Lab 2.3.2.post1"),
        "install --ref v3.1",
    ),
    Bad(
        MAIN,
        "3.12",
        {"isaaclab": "3.0.0"},
        ("Isaac Lab 3.0.0", "with no Isaac Sim will not work"),
        '"isaaclab[isaacsim]==3.0.0"',
    ),
    Bad(
        MAIN,
        "3.12",
        {"isaaclab": "3.0.0", **SIM51},
        ("Isaac Sim 5.1.0.0", "Python 3.12", "5.1 and older"),
        "of Python 3.11",
    ),
    Bad(V31, "3.12", {"isaaclab": "2.3.0", **SIM51}, ("Isaac Sim 5.1.0.0", "built for Python 3.11"), "of Python 3.11"),
    Bad(
        V2,
        "3.11",
        {"isaaclab": "2.3.0", **SIM51, "numpy": "2.1.0"},
        ("numpy 2.1.0", "for numpy 1"),
        '-m pip install "numpy<2"',
    ),
    Bad(MAIN, "3.12", {"newton": "1.6.1"}, ("Newton 1.6.1", "SolverNotifyFlags"), '"newton[sim]==1.0.0"', "newton"),
    Bad(
        V31, "3.12", {"newton": "1.0.0"}, ("Newton 1.0.0", "populate_contacts"), "pmlaunch install --ref main", "newton"
    ),
]


@pytest.mark.parametrize("bad", KNOWN_BAD, ids=lambda bad: "-".join((bad.line, *bad.packages)).replace("/", "-"))
def test_known_bad_combination_is_refused(
    bad: Bad, checkout: Path, checkout3: Path, tmp_path: Path, in_git: object
) -> None:
    root = backend(checkout if bad.line == V2 else checkout3, FOR_LAB3 if bad.line == MAIN else FOR_LAB2)
    make_environment(tmp_path / "env", bad.python, bad.packages)
    model, motions = ("tracker", ()) if bad.line == V2 else ("g1_mlp", ("walk",))
    request = EvalRequest(model, motions=motions, protomotions=str(root), simulator=bad.simulator, headless=True)
    planned = make_plan(request, Settings(tmp_path, {"VIRTUAL_ENV": str(tmp_path / "env")}))
    found = [item for item in preflight(planned) if item.code == "PML246"]
    assert {item.severity for item in found} == {Severity.ERROR}
    assert exit_code_of(found) == Exit.CHECK == CODES["PML246"].exit_code
    told = " ".join(item.message for item in found)
    assert [text for text in (*bad.said, str(tmp_path / "env")) if text not in told] == []
    assert bad.hint in present(found[0].hint)


@pytest.mark.parametrize(
    ("line", "python", "packages", "verdict"),
    [
        (MAIN, "3.12", {"isaaclab": "3.0.0", **SIM62}, Verdict.UNKNOWN),
        (MAIN, "3.12", {"isaaclab": "12.0.0", "isaacsim": "6.0.0.1", "torch": "2.11.0"}, Verdict.WORKS),
        (V31, "3.11", {"isaaclab": "2.3.0", **SIM51, "torch": "2.7.0+cu128"}, Verdict.WORKS),
        (V2, "3.10", {"isaaclab": "2.1.0", "isaacsim": "4.5.0.0", "torch": "2.5.1"}, Verdict.WORKS),
        (V2, "3.11", {"isaaclab": "2.3.0", **SIM51, "torch": "2.7.0"}, Verdict.UNKNOWN),
    ],
)
def test_other_combinations_are_not_refused(
    checkout: Path,
    checkout3: Path,
    tmp_path: Path,
    line: str,
    python: str,
    packages: Mapping[str, str],
    verdict: Verdict,
) -> None:
    root = backend(checkout if line == V2 else checkout3, FOR_LAB3 if line == MAIN else FOR_LAB2)
    make_environment(tmp_path / "env", python, packages)
    runtime = chosen(tmp_path, environment={"VIRTUAL_ENV": str(tmp_path / "env")})
    judgement = judge({**combination(root, "isaaclab", runtime), Part.SYSTEM: Found("linux")})
    assert judgement.verdict is verdict
    assert judgement.versions[Part.PROTOMOTIONS] == Found(line, str(root))


def test_isaac_gym_is_for_linux() -> None:
    assert judge(versions(simulator="isaacgym", system="windows")).verdict is Verdict.FAILS
    assert judge(versions(simulator="isaacgym", python="3.11")).verdict is Verdict.FAILS
    assert judge(versions(protomotions=V2, simulator="isaacgym", python="3.8", system="linux")).verdict is Verdict.WORKS


def test_line_that_the_checkout_does_not_tell(checkout: Path, checkout3: Path, tmp_path: Path) -> None:
    runtime = chosen(tmp_path, RuntimeKind.PYTHON)
    for root in (checkout3, backend(checkout, FOR_LAB3), tmp_path, None):  # a port of 2.x to Isaac Lab 3 is not 2.x
        assert Part.PROTOMOTIONS not in combination(root, "isaaclab", runtime)


# ---------------------------------------------------------------------------------------------- environments


@pytest.mark.parametrize("made_by", ["venv", "uv", "conda"])
@pytest.mark.parametrize("via", ["auto", "python"])
def test_isaac_lab_without_a_script_runs_in_its_environment(tmp_path: Path, made_by: str, via: str) -> None:
    python = make_environment(tmp_path / "env", "3.12", {"isaaclab": "3.0.0", **SIM62}, made_by=made_by)
    variable = "CONDA_PREFIX" if made_by == "conda" else "VIRTUAL_ENV"
    runtime = chosen(tmp_path, via=via, environment={variable: str(tmp_path / "env")})
    assert (runtime.facts.kind, runtime.facts.path, runtime.findings) == (RuntimeKind.PYTHON, str(python), ())
    assert runtime.command() == (str(python), "-m", "pmlaunch_agent")
    found = {part: found.version for part, found in runtime.versions.items()}
    assert found[Part.ISAACLAB] == "3.0.0"
    assert (found[Part.ISAACSIM], found[Part.PYTHON]) == ("6.2.0.0", "3.12")
    assert made_by_files(python) == made_by
    pip = f'uv pip install --python "{python}"' if made_by == "uv" else f'"{python}" -m pip install'
    assert pip_install(runtime.facts.python) == pip


def test_command_isaaclab_on_path(tmp_path: Path) -> None:
    """The entry point of the wheel. A command of the same name without Isaac Lab beside it is something else."""
    other = make_environment(tmp_path / "other", "3.12", {}, commands=("isaaclab",))
    python = make_environment(tmp_path / "env", "3.12", {"isaaclab": "3.0.0"}, made_by="uv", commands=("isaaclab",))
    path = os.pathsep.join(("bin", str(other.parent), str(python.parent)))
    runtime = chosen(tmp_path, environment={"PATH": path})
    assert runtime.facts.path == str(python)
    assert runtime.facts.source.origin is Origin.PATH
    assert runtime.versions[Part.ISAACSIM].version == ABSENT


def test_script_comes_before_an_environment(tmp_path: Path, isaaclab: Path) -> None:
    make_environment(tmp_path / "env", "3.10", {"isaaclab": "2.1.0"})
    runtime = chosen(tmp_path, environment={"VIRTUAL_ENV": str(tmp_path / "env")})
    assert runtime.facts.path == str(isaaclab / SCRIPT)


@pytest.mark.parametrize("options", [{"isaaclab": "nowhere"}, {"via": "isaaclab"}])
def test_isaac_lab_that_was_asked_for_is_not_replaced(tmp_path: Path, options: dict[str, Any]) -> None:
    make_environment(tmp_path / "env", "3.12", {"isaaclab": "3.0.0"})
    runtime = chosen(tmp_path, environment={"VIRTUAL_ENV": str(tmp_path / "env")}, **options)
    assert [found.code for found in runtime.findings] == ["PML201"]


def test_named_python_with_isaac_lab(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env", "3.12", {"isaaclab": "3.0.0"})
    runtime = chosen(tmp_path, python=str(python))
    assert (runtime.facts.kind, runtime.facts.path) == (RuntimeKind.PYTHON, str(python))


def test_sources_of_isaac_lab(tmp_path: Path, isaaclab: Path) -> None:
    """An editable installation of 2.x has its extension's version; the checkout's VERSION tells the release."""
    python = make_environment(tmp_path / "env", "3.11", {})
    make_editable(python, "isaaclab", "0.47.2", isaaclab / "source" / "isaaclab")
    (isaaclab / "VERSION").write_text("2.3.0\n", encoding="utf-8")
    (isaaclab / "_isaac_sim" / "VERSION").write_text("5.1.0-rc.19+release.26219\n", encoding="utf-8")
    runtime = chosen(tmp_path, RuntimeKind.PYTHON, python=str(python))
    assert runtime.versions[Part.ISAACLAB] == Found("2.3.0", str(isaaclab))
    assert runtime.versions[Part.ISAACSIM] == Found("5.1.0-rc.19+release.26219", str(isaaclab / "_isaac_sim"))


@pytest.mark.parametrize("variable", ["ISAAC_PATH", "PYTHONPATH"])
def test_isaac_sim_elsewhere_is_not_absent(tmp_path: Path, variable: str) -> None:
    python = make_environment(tmp_path / "env", "3.11", {"isaaclab": "2.3.0"})
    (tmp_path / "sim").mkdir()
    runtime = chosen(tmp_path, python=str(python), environment={variable: str(tmp_path / "sim")})
    assert Part.ISAACSIM not in runtime.versions, "it is there, but does not tell its version"


@pytest.mark.parametrize("name", ["env_isaaclab", ".venv"])
def test_environment_in_isaac_lab_3(tmp_path: Path, isaaclab: Path, name: str) -> None:
    python = make_environment(isaaclab / name, "3.12", {})
    assert present(python_of_isaaclab(isaaclab, 3, {"PATH": ""}, WINDOWS)).path == str(python)
    assert present(python_of_isaaclab(isaaclab, 2, {"PATH": ""}, WINDOWS)).by.origin is Origin.ISAAC_SIM


# -------------------------------------------------------------------------------------- commands and documents


@pytest.fixture
def lab3(checkout3: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Isaac Lab 3.0 and Isaac Sim 6.2 in the active environment, beside a checkout of ProtoMotions main."""
    make_environment(tmp_path / "env", "3.12", {"isaaclab": "3.0.0", **SIM62}, made_by="uv")
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("PMLAUNCH_PROTOMOTIONS", str(backend(checkout3, FOR_LAB3)))
    return checkout3


def test_runtime_shows_what_a_run_would_use(
    as_json: Json, lab3: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = as_json("runtime")
    data = document["data"]
    assert (data["kind"], data["together"]) == ("python", "unknown")
    assert data["versions"]["isaaclab"]["version"] == "3.0.0"
    assert data["versions"]["protomotions"] == {"version": MAIN, "where": str(lab3)}
    assert [(found["code"], found["severity"]) for found in document["findings"]] == [("PML247", "note")]
    assert run(["runtime"]) == 0
    shown = capsys.readouterr().out
    assert f"Isaac Sim      6.2.0.0 ({tmp_path / 'env'}" in shown
    assert "environment    uv" in shown
    assert "together       unknown" in shown


def test_runtime_refuses_what_cannot_work(as_json: Json, lab3: Path) -> None:
    backend(lab3, FOR_LAB2)
    document = as_json("runtime")
    assert (document["exit_code"], [found["code"] for found in document["findings"]]) == (Exit.CHECK, ["PML246"])


def test_doctor_notes_the_unknown_and_refuses_the_impossible(as_json: Json, lab3: Path) -> None:
    def seen() -> tuple[str, list[str]]:
        document = as_json("doctor", "--quick")
        (check,) = (c for group in document["data"]["groups"] for c in group["checks"] if c["name"] == "compatibility")
        return check["state"], [found["code"] for found in check["findings"]]

    assert seen() == ("note", ["PML247"])
    backend(lab3, FOR_LAB2)
    assert seen() == ("error", ["PML246"])


def test_doctor_notes_a_repair(opened: HydraCheckout, tmp_path: Path) -> None:
    target: DoctorTarget = resolve_target(TargetRequest("genesis", quick=True), Settings(tmp_path, {"PATH": ""}))
    runtime = replace(target.runtime, versions=versions(python="3.11"))
    codes = [found.code for found in look(replace(target, checkout=opened, runtime=runtime)).findings]
    assert codes == ["PML233", "PML247"]
    assert look(replace(target, checkout=None)).skipped
    assert look(replace(target, checkout=None, embedded=True)).findings == ()


def test_page_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    page = importlib.import_module("make_compatibility_doc").compatibility_document()
    assert (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8") == page
    assert [row.text for row in TABLE if row.text not in page] == []
    assert [row.source for row in TABLE if row.source not in page] == []


def test_install_warns(
    make_context: MakeContext, checkout3: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever pip does, these versions fail together; but the packages can be installed."""
    python = make_environment(tmp_path / "env", "3.11", {"isaaclab": "2.3.0", **SIM51})
    monkeypatch.setattr(packages_step, "planned_python", lambda *_, **__: PythonReport(REPLY, tmp_path))
    monkeypatch.setattr(packages_step, "outstanding_in", lambda *_: None)
    context = make_context(folder=backend(checkout3, FOR_LAB3), simulator="isaaclab")
    step = packages_step.PackagesStep()
    planned = step.plan(replace(context, runtime=chosen(tmp_path, RuntimeKind.PYTHON, python=str(python))))
    assert isinstance(planned, AlreadyDone)
    assert [(found.code, found.severity) for found in planned.notes] == [("PML246", Severity.WARNING)]


def test_a_dry_installation_tells_from_files_what_is_missing(
    make_context: MakeContext, checkout: Path, tmp_path: Path
) -> None:
    (checkout / "requirements_genesis.txt").write_text("torch\nlightning==2.5\neasydict\n", encoding="utf-8")
    python = make_environment(
        tmp_path / "env", "3.11", {"torch": "2.7.0", "pip": "25.0", "easydict": "1.13"}, made_by="uv"
    )
    for folder in (tmp_path / "env").rglob("*.dist-info"):
        (folder / "INSTALLER").touch()
    context = make_context(platform_named(None).name, folder=checkout, simulator="genesis")
    runtime = chosen(tmp_path, RuntimeKind.PYTHON, python=str(python))
    planned = packages_step.PackagesStep().plan(replace(context, runtime=runtime, dry=True))
    assert isinstance(planned, Todo)
    assert [word for command in planned.commands for word in command.split() if "lightning" in word]
    assert not any("easydict" in command for command in planned.commands)


def test_a_dry_installation_does_not_guess_what_isaac_sims_script_adds(
    make_context: MakeContext, checkout: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "env", "3.11", {"pip": "25.0"}, made_by="uv")
    context = make_context(platform_named(None).name, folder=checkout, simulator="genesis")
    runtime = chosen(tmp_path, RuntimeKind.PYTHON, python=str(python))
    planned = packages_step.PackagesStep().plan(replace(context, runtime=runtime, dry=True))
    assert isinstance(planned, Todo)
    assert "its files do not show" in planned.text
