"""Packages and imports in a real virtual environment, with a real pip and no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import packaging_site
from packaging_site import carry_out, make_site
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.python.target_python import look_inside
from pmlaunch.installing.step import Progress, Site
from pmlaunch.model import FLAG, IsaacLabVersion
from pmlaunch.runtimes.interface import IsaacLabRuntime, PythonRuntime
from started import survivors, wait_for
from wheelhouse import (
    TORCH,
    make_environment,
    make_installable,
    make_wheel,
    make_wheelhouse,
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


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment to copy: making one takes seconds."""
    folder = tmp_path_factory.mktemp("template") / "env"
    make_environment(folder)
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return make_wheelhouse(tmp_path / "wheels")


@pytest.fixture
def env(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "env (x86) \u6b65", symlinks=True))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_installable(tmp_path / "R&D (x86) 100% \u6b65 [3]")


@pytest.fixture
def site(checkout: Path, env: Path, wheels: Path, tmp_path: Path) -> Site:
    runtime = PythonRuntime(str(python_of(env)), FLAG)
    return make_site(checkout, tmp_path / "logs", runtime, without_network(wheels))


@pytest.fixture
def stocked(site: Site, env: Path) -> Site:
    """The site when all requirements are there already, and only the checkout's packages are not."""
    put_requirements_into(site_of(env))
    return site


def versions(site: Site) -> dict[str, str]:
    return look_inside(site, "--packages", name="test").versions


def refused(step: PackagesStep | ImportsStep, site: Site) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        carry_out(step, site)
    return caught.value


def test_from_nothing_to_proven_and_again(site: Site, checkout: Path) -> None:
    before, heard = versions(site), list[Progress]()
    proven = carry_out(PackagesStep(), site, heard)
    assert proven is not None
    assert proven.startswith(
        f"protomotions, isaac_utils, poselib from {checkout}, in editable form; torch 2.5.0+cpu; pip: "
    )
    after = versions(site)
    assert {name: after[name] for name in before} == before, "what was there has changed"
    assert (after["genesis-world"], after["moviepy"], after["lightning"]) == ("0.3.3", "1.0.3", "2.5.0.post0")
    assert {"pydantic", "smpl-sim", "sentry-sdk"}.isdisjoint(after)
    assert any(progress.text.startswith("Successfully installed") for progress in heard)

    imported = carry_out(ImportsStep(), site)
    assert imported is not None
    assert "hydra, lightning, torch, protomotions, isaac_utils, poselib, genesis import" in imported

    logs = sorted(site.logs.glob("pip-*/output.log"))
    times = [path.stat().st_mtime_ns for path in logs]
    packages, imports = PackagesStep(), ImportsStep()
    assert packages.todo(site) is None
    assert imports.todo(site) is None
    assert site.said["imports"] == imported
    assert [path.stat().st_mtime_ns for path in logs] == times


def test_what_is_to_be_done_is_told_with_its_reasons_and_changes_nothing(site: Site, env: Path) -> None:
    before = sorted(site_of(env).iterdir())
    todo = PackagesStep().todo(site)
    assert todo is not None
    assert todo.text.startswith("install 5 requirements and protomotions, isaac_utils, poselib")
    assert "moviepy<2" in todo.commands[1]
    assert {finding.code for finding in todo.findings} == {"PML443"}
    assert any("pydantic==1.10.9 -> left out: " in finding.message for finding in todo.findings)
    assert sorted(site_of(env).iterdir()) == before


def test_the_repair_of_a_run_is_used_and_said(stocked: Site, checkout: Path) -> None:
    (checkout / "protomotions/agents/ppo/agent.py").write_text(MUTABLE, encoding="utf-8")
    carry_out(PackagesStep(), stocked)
    said = carry_out(ImportsStep(), stocked)
    assert said is not None
    assert ("with pmlaunch's repair for SimulatorConfig" in said) == (sys.version_info >= (3, 11))


def test_a_proof_is_forgotten_when_the_checkout_changes(stocked: Site, checkout: Path) -> None:
    carry_out(PackagesStep(), stocked)
    carry_out(ImportsStep(), stocked)
    (checkout / "protomotions/envs/base_env/env.py").write_text("import no_such_module", encoding="utf-8")
    error = refused(ImportsStep(), stocked)
    assert error.code == "PML438"
    assert "import protomotions.envs.base_env.env: ModuleNotFoundError" in error.message
    assert error.hint is not None
    assert error.hint.endswith("-m pip install no_such_module")


@pytest.mark.skipif(os.name == "nt", reason="a shell script; tests/windows has the batch file")
def test_a_pip_that_fails_is_seen_although_the_script_returns_0(
    site: Site, env: Path, wheels: Path, tmp_path: Path
) -> None:
    script = tmp_path / "isaaclab.sh"
    script.write_text(f'#!/bin/sh\nshift\n"{python_of(env)}" "$@"\nexit 0\n', encoding="utf-8")
    script.chmod(0o755)
    site.runtime = IsaacLabRuntime(str(script), IsaacLabVersion("2.2.0", 2, 2), FLAG, posix=True)
    next(wheels.glob("hydra_core*")).unlink()
    error = refused(PackagesStep(), site)
    assert error.code == "PML434"
    assert "No matching distribution found for hydra-core==1.3.2" in error.message
    assert site.log is not None
    assert str(site.log) in error.message
    assert "hydra-core" in site.log.read_text(encoding="utf-8")

    make_wheel(wheels, "hydra-core", "1.3.2", {"hydra/__init__.py": ""})
    assert carry_out(PackagesStep(), site)
    assert carry_out(ImportsStep(), site)


def test_a_requirement_that_wants_another_torch_is_refused_not_obeyed(site: Site, wheels: Path) -> None:
    make_wheel(wheels, "lightning", "2.5.0.post0", requires=["torch>=9"])
    error = refused(PackagesStep(), site)
    assert error.code == "PML436"
    assert versions(site)["torch"] == "2.5.0+cpu"
    assert "lightning" not in versions(site)


def test_an_older_requirement_is_preferred_to_lowering_what_is_there(site: Site, env: Path, wheels: Path) -> None:
    put_into(site_of(env), "fsspec", "2026.9")
    make_wheel(wheels, "fsspec", "2025.12")
    make_wheel(wheels, "omegaconf", "2.3.1", requires=["fsspec<2026"])
    make_wheel(wheels, "omegaconf", "2.3.0")
    carry_out(PackagesStep(), site)
    assert (versions(site)["fsspec"], versions(site)["omegaconf"]) == ("2026.9", "2.3.0")
    assert site.findings == []


@pytest.mark.parametrize("asked", ["fsspec<2026", "fsspec[http]<2026"])
def test_a_version_that_must_be_lowered_is_told_with_the_way_back(
    site: Site, env: Path, wheels: Path, asked: str
) -> None:
    put_into(site_of(env), "fsspec", "2026.9")
    make_wheel(wheels, "fsspec", "2025.12")
    make_wheel(wheels, "lightning", "2.5.0.post0", requires=[asked])
    proven = carry_out(PackagesStep(), site)
    assert proven is not None
    assert "changed: fsspec 2026.9 -> 2025.12" in proven
    assert [finding.code for finding in site.findings] == ["PML448"]
    assert site.findings[0].hint is not None
    assert site.findings[0].hint.endswith("-m pip install fsspec==2026.9")


def test_what_was_broken_off_is_installed_again(stocked: Site, env: Path) -> None:
    carry_out(PackagesStep(), stocked)
    home = site_of(env)
    (home / "tqdm.py").unlink()  # and no INSTALLER, which pip writes last
    todo = PackagesStep().todo(stocked)
    assert todo is not None
    assert "again, since it was broken off: tqdm==4.66" in todo.text
    carry_out(PackagesStep(), stocked)
    assert (home / "tqdm.py").is_file()
    assert PackagesStep().todo(stocked) is None


def test_killed_in_the_middle_it_goes_on(
    stocked: Site, checkout: Path, env: Path, wheels: Path, tmp_path: Path
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
    done = versions(stocked)
    assert "hydra-core" in done
    assert "poselib" not in done
    todo = PackagesStep().todo(stocked)
    assert todo is not None
    assert len(todo.commands) == 1, "only what is missing is asked for"
    assert carry_out(PackagesStep(), stocked)
    assert carry_out(ImportsStep(), stocked)


def test_another_checkout_is_warned_of_and_replaced(stocked: Site, checkout: Path, tmp_path: Path) -> None:
    carry_out(PackagesStep(), stocked)
    other = make_installable(tmp_path / "other")
    elsewhere = make_site(other, tmp_path / "logs2", stocked.runtime, dict(stocked.environment))
    todo = PackagesStep().todo(elsewhere)
    assert todo is not None
    warned = [finding for finding in todo.findings if finding.code == "PML444"]
    assert [finding.subject for finding in warned] == [
        str(checkout), str(checkout / "isaac_utils"), str(checkout / "poselib"),
    ]  # fmt: skip
    assert carry_out(PackagesStep(), elsewhere)
    assert PackagesStep().todo(stocked) is not None


def test_without_torch_nothing_begins(site: Site, env: Path) -> None:
    shutil.rmtree(site_of(env) / "torch-2.5.0+cpu.dist-info")
    error = refused(PackagesStep(), site)
    assert error.code == "PML432"
    assert error.hint is not None
    assert "-m pip install" in error.hint
    assert not list(site.logs.glob("pip-*"))


def test_without_pip_nothing_begins(site: Site, env: Path) -> None:
    for entry in site_of(env).glob("pip*"):
        shutil.rmtree(entry)
    error = refused(PackagesStep(), site)
    assert error.code == "PML433"
    assert error.hint is not None
    assert error.hint.endswith("-m ensurepip --upgrade")


def test_a_simulator_that_the_checkout_does_not_know(site: Site, checkout: Path) -> None:
    (checkout / "requirements_genesis.txt").unlink()
    error = refused(PackagesStep(), site)
    assert error.code == "PML431"
    assert "it knows isaaclab" in error.message


def test_torch_without_the_cuda_that_it_had_is_an_error(stocked: Site, env: Path) -> None:
    with_cuda = TORCH.replace("cuda = None", 'cuda = "12.8"')
    (site_of(env) / "torch.py").write_text(with_cuda, encoding="utf-8")
    carry_out(PackagesStep(), stocked)
    (site_of(env) / "torch.py").write_text(TORCH, encoding="utf-8")
    error = refused(ImportsStep(), stocked)
    assert error.code == "PML440"
    assert "its CUDA build" in error.message


def test_a_python_that_ends_without_a_word_is_named(site: Site, env: Path) -> None:
    (site_of(env) / "sitecustomize.py").write_text("import os; os._exit(3)", encoding="utf-8")
    error = refused(PackagesStep(), site)
    assert error.code == "PML441"
    assert "exit code 3" in error.message
