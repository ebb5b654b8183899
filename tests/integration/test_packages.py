"""Packages and imports in a real virtual environment, with a real pip and no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import packaging_site
from packaging_site import Runner, make_context
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.context import Learned
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.python.target_python import inspect_python
from pmlaunch.installing.step import AlreadyDone, Todo
from pmlaunch.model import FLAG, IsaacLabVersion, RuntimeFacts, RuntimeKind
from pmlaunch.running.probe_reply import TorchBuild
from pmlaunch.runtimes.interface import Runtime, python_runtime
from started import survivors, wait_for
from wheelhouse import (
    copy_environment,
    make_environment,
    make_installable,
    make_wheel,
    make_wheelhouse,
    put_checkout_into,
    put_into,
    put_requirements_into,
    python_of,
    site_of,
    without_network,
)

# Refused by Python 3.11 and later, as 2.3 is.
MUTABLE = """
import dataclasses

@dataclasses.dataclass
class PlaneConfig:
    friction: float = 1.0

@dataclasses.dataclass
class SimulatorConfig:
    plane: PlaneConfig = PlaneConfig()
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment to copy, since making one takes seconds."""
    folder = tmp_path_factory.mktemp("template") / "env"
    make_environment(folder)
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return make_wheelhouse(tmp_path / "wheels")


@pytest.fixture
def env(template: Path, tmp_path: Path) -> Path:
    return copy_environment(template, tmp_path / "env (x86) \u6b65")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_installable(tmp_path / "R&D (x86) 100% \u6b65 [3]")


@pytest.fixture
def runner(checkout: Path, env: Path, wheels: Path, tmp_path: Path) -> Runner:
    runtime = python_runtime(str(python_of(env)), FLAG)
    return Runner(make_context(checkout, tmp_path / "logs", runtime, without_network(wheels)))


@pytest.fixture
def stocked(runner: Runner, env: Path) -> Runner:
    """A Python that has all requirements, and only lacks the checkout's own packages."""
    put_requirements_into(site_of(env))
    return runner


@pytest.fixture
def installed(stocked: Runner, env: Path, checkout: Path) -> Runner:
    """A Python in which the checkout is installed completely."""
    put_checkout_into(site_of(env), checkout)
    return stocked


def versions(runner: Runner) -> dict[str, str]:
    return inspect_python(runner.context, "--packages", name="test").versions


def refused(step: PackagesStep | ImportsStep, runner: Runner) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        runner.run(step)
    return caught.value


def planned(step: PackagesStep | ImportsStep, runner: Runner) -> Todo:
    todo = step.plan(runner.context)
    assert isinstance(todo, Todo)
    return todo


def test_packages_and_imports_from_scratch_and_again(runner: Runner, checkout: Path) -> None:
    before = versions(runner)
    text = runner.run(PackagesStep())
    assert text is not None
    assert text.startswith(
        f"protomotions, isaac_utils, poselib from {checkout}, in editable form; torch 2.5.0+cpu; pip: "
    )
    torch = runner.context.learned.torch_before
    assert torch is not None
    assert (torch.version, torch.cuda_build) == ("2.5.0+cpu", None)
    after = versions(runner)
    assert {name: after[name] for name in before} == before, "something installed before has changed"
    assert (after["genesis-world"], after["moviepy"], after["lightning"]) == ("0.3.3", "1.0.3", "2.5.0.post0")
    assert {"pydantic", "smpl-sim", "sentry-sdk"}.isdisjoint(after)
    assert any(progress.text.startswith("Successfully installed") for progress in runner.heard)

    imported = runner.run(ImportsStep())
    assert imported is not None
    assert "hydra, lightning, torch, protomotions, isaac_utils, poselib, genesis import" in imported

    logs = sorted(runner.context.logs.glob("pip-*/output.log"))
    times = [path.stat().st_mtime_ns for path in logs]
    assert isinstance(PackagesStep().plan(runner.context), AlreadyDone)
    assert ImportsStep().plan(runner.context) == AlreadyDone(imported)
    assert [path.stat().st_mtime_ns for path in logs] == times


def test_the_plan_gives_reasons_and_changes_nothing(runner: Runner, env: Path) -> None:
    before = sorted(site_of(env).iterdir())
    todo = planned(PackagesStep(), runner)
    assert todo.text.startswith("install 5 requirements and protomotions, isaac_utils, poselib")
    assert "moviepy<2" in todo.commands[1]
    assert {finding.code for finding in todo.findings} == {"PML443"}
    assert any("pydantic==1.10.9 -> left out: " in finding.message for finding in todo.findings)
    assert sorted(site_of(env).iterdir()) == before


def test_imports_use_the_repair_of_a_run_and_report_it(installed: Runner, checkout: Path) -> None:
    (checkout / "protomotions/agents/ppo/agent.py").write_text(MUTABLE, encoding="utf-8")
    text = installed.run(ImportsStep())
    assert text is not None
    assert ("with pmlaunch's repair for SimulatorConfig" in text) == (sys.version_info >= (3, 11))


def test_a_changed_checkout_is_imported_again(installed: Runner, checkout: Path) -> None:
    installed.run(ImportsStep())
    (checkout / "protomotions/envs/base_env/env.py").write_text("import no_such_module", encoding="utf-8")
    error = refused(ImportsStep(), installed)
    assert error.code == "PML438"
    assert "import protomotions.envs.base_env.env: ModuleNotFoundError" in error.message
    assert error.hint is not None
    assert error.hint.startswith("no_such_module is not among the requirements of ProtoMotions")
    assert "pip install" not in error.hint, "a package of that name would be somebody else's"


@pytest.mark.skipif(os.name == "nt", reason="a shell script; tests/windows has the batch file")
def test_a_failing_pip_is_noticed_although_the_script_returns_0(
    runner: Runner, env: Path, wheels: Path, tmp_path: Path
) -> None:
    script = tmp_path / "isaaclab.sh"
    script.write_text(f'#!/bin/sh\nshift\n"{python_of(env)}" "$@"\nexit 0\n', encoding="utf-8")
    script.chmod(0o755)
    facts = RuntimeFacts(RuntimeKind.ISAACLAB, str(script), IsaacLabVersion.parse("2.2.0"), FLAG, None)
    runner.context = replace(runner.context, runtime=Runtime(facts))
    next(wheels.glob("hydra_core*")).unlink()
    error = refused(PackagesStep(), runner)
    assert error.code == "PML434"
    assert "No matching distribution found for hydra-core==1.3.2" in error.message
    log = runner.report.last_log
    assert log is not None
    assert str(log) in error.message
    assert "hydra-core" in log.read_text(encoding="utf-8")

    make_wheel(wheels, "hydra-core", "1.3.2", {"hydra/__init__.py": ""})
    assert runner.run(PackagesStep())
    assert runner.run(ImportsStep())


def test_a_requirement_of_another_torch_is_refused(runner: Runner, wheels: Path) -> None:
    make_wheel(wheels, "lightning", "2.5.0.post0", requires=["torch>=9"])
    error = refused(PackagesStep(), runner)
    assert error.code == "PML436"
    after = versions(runner)
    assert after["torch"] == "2.5.0+cpu"
    assert "lightning" not in after


def test_an_older_requirement_is_preferred_to_lowering_an_installed_version(
    stocked: Runner, env: Path, wheels: Path
) -> None:
    for path in site_of(env).glob("omegaconf*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(next(site_of(env).glob("hydra_core*")))
    put_into(site_of(env), "fsspec", "2026.9")
    make_wheel(wheels, "fsspec", "2025.12")
    make_wheel(wheels, "omegaconf", "2.3.1", requires=["fsspec<2026"])
    make_wheel(wheels, "omegaconf", "2.3.0")
    stocked.run(PackagesStep())
    after = versions(stocked)
    assert (after["fsspec"], after["omegaconf"]) == ("2026.9", "2.3.0")
    assert stocked.report.findings == []


@pytest.mark.parametrize("requirement", ["fsspec<2026", "fsspec[http]<2026"])
def test_a_version_that_must_be_lowered_is_reported_with_the_command_to_undo_it(
    stocked: Runner, env: Path, wheels: Path, requirement: str
) -> None:
    shutil.rmtree(next(site_of(env).glob("lightning-*")))
    put_into(site_of(env), "fsspec", "2026.9")
    make_wheel(wheels, "fsspec", "2025.12")
    make_wheel(wheels, "lightning", "2.5.0.post0", requires=[requirement])
    text = stocked.run(PackagesStep())
    assert text is not None
    assert "changed: fsspec 2026.9 -> 2025.12" in text
    (finding,) = stocked.report.findings
    assert finding.code == "PML448"
    assert finding.hint is not None
    assert finding.hint.endswith("-m pip install fsspec==2026.9")


def test_an_interrupted_install_of_a_package_is_repeated(installed: Runner, env: Path) -> None:
    home = site_of(env)
    (home / "tqdm.py").unlink()  # and no INSTALLER, which pip writes last
    assert "tqdm==4.66 (interrupted earlier)" in planned(PackagesStep(), installed).text
    installed.run(PackagesStep())
    assert (home / "tqdm.py").is_file()
    assert isinstance(PackagesStep().plan(installed.context), AlreadyDone)


def test_an_install_killed_in_the_middle_can_be_completed(
    runner: Runner, checkout: Path, env: Path, wheels: Path, tmp_path: Path
) -> None:
    (checkout / "poselib" / "stuck").touch()  # its build then waits for ever
    words = [packaging_site.__file__, checkout, tmp_path / "logs", python_of(env)]
    variables = {**os.environ, **without_network(wheels), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, *map(str, words)], env=variables)
    wait_for((checkout / "poselib" / "working").is_file, "the build")
    process.kill()
    process.wait()
    wait_for(lambda: not survivors(tmp_path), "the end of what it had started")
    (checkout / "poselib" / "stuck").unlink()
    after = versions(runner)
    assert "hydra-core" in after
    assert "poselib" not in after
    assert len(planned(PackagesStep(), runner).commands) == 1, "only what is missing is installed"
    assert runner.run(PackagesStep())
    assert runner.run(ImportsStep())


def test_packages_of_another_checkout_are_replaced_with_a_warning(
    installed: Runner, checkout: Path, tmp_path: Path
) -> None:
    other = make_installable(tmp_path / "other")
    context = make_context(other, tmp_path / "logs2", installed.context.runtime, dict(installed.context.environment))
    elsewhere = Runner(context)
    warned = [finding for finding in planned(PackagesStep(), elsewhere).findings if finding.code == "PML444"]
    assert [finding.subject for finding in warned] == [
        str(checkout), str(checkout / "isaac_utils"), str(checkout / "poselib"),
    ]  # fmt: skip
    assert elsewhere.run(PackagesStep())
    assert planned(PackagesStep(), installed)


def test_without_torch_nothing_is_installed(runner: Runner, env: Path) -> None:
    shutil.rmtree(site_of(env) / "torch-2.5.0+cpu.dist-info")
    error = refused(PackagesStep(), runner)
    assert error.code == "PML432"
    assert error.hint is not None
    assert "-m pip install" in error.hint
    assert not list(runner.context.logs.glob("pip-*"))


def test_without_pip_nothing_is_installed(runner: Runner, env: Path) -> None:
    for entry in site_of(env).glob("pip*"):
        shutil.rmtree(entry)
    error = refused(PackagesStep(), runner)
    assert error.code == "PML433"
    assert error.hint is not None
    assert error.hint.endswith("-m ensurepip --upgrade")


def test_a_simulator_unknown_to_the_checkout(runner: Runner, checkout: Path) -> None:
    (checkout / "requirements_genesis.txt").unlink()
    error = refused(PackagesStep(), runner)
    assert error.code == "PML431"
    assert "requirements for isaaclab" in error.message


def test_a_torch_that_lost_its_cuda_is_an_error(installed: Runner) -> None:
    before = TorchBuild(version="2.5.0+cu124", cuda_build="12.4")
    installed.context = installed.context.knowing(Learned(torch_before=before))
    error = refused(ImportsStep(), installed)
    assert error.code == "PML440"
    assert "its CUDA build: 2.5.0+cu124 before, 2.5.0+cpu now" in error.message


def test_a_python_that_exits_silently_is_named(runner: Runner, env: Path) -> None:
    (site_of(env) / "exit.pth").write_text("import os; os._exit(3)\n", encoding="utf-8")
    error = refused(PackagesStep(), runner)
    assert error.code == "PML441"
    assert "exit code 3" in error.message
