"""Packages installed through the batch file of Isaac Lab 2.x, which returns 0 whatever pip does."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from lab import Lab, make_lab

from packaging_site import Runner, make_context
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.step import AlreadyDone, Todo
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import platform_named
from wheelhouse import BACKEND, TORCH, make_installable, make_wheel, make_wheelhouse, put_into, without_network

BEHIND = ("2.2 conda", pytest.param("2.2 python.bat", marks=pytest.mark.slow))


def home_of(lab: Lab) -> Path:
    """The folder of the Python that the batch file starts."""
    conda = lab.environment.get("CONDA_PREFIX")
    return Path(conda) if conda else lab.folder / "_isaac_sim" / "kit" / "python"


@pytest.fixture(params=BEHIND)
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    """An Isaac Lab with a torch, beside a checkout whose path has characters that are special in batch files."""
    lab = make_lab(request.param, tmp_path / "lab")
    # site.py takes the folder above the program's as the prefix, as in a virtual environment
    packages = home_of(lab).parent / "Lib" / "site-packages"
    put_into(packages, "torch", "2.7.0+cu128", {"torch.py": TORCH.replace("cuda = None", 'cuda = "12.8"')})
    put_into(packages, "setuptools", "80.9.0", {path: textwrap.dedent(text) for path, text in BACKEND.items()})
    checkout = make_installable(tmp_path / "R&D (x86) 100%! a=b")
    wheels = make_wheelhouse(tmp_path / "wheels")
    environment = {**lab.surroundings(), **without_network(wheels)}
    platform = platform_named(None)
    runtime = isaaclab_runtime(Settings(tmp_path, environment), str(lab.folder), checkout, platform)
    return Runner(make_context(checkout, tmp_path / "logs", runtime, environment, simulator="isaaclab"))


@pytest.mark.timeout(900)  # five runs of pip under Wine
def test_a_failing_pip_is_noticed_and_a_successful_one_verified(runner: Runner, tmp_path: Path) -> None:
    todo = PackagesStep().plan(runner.context)
    assert isinstance(todo, Todo)
    assert todo.text.startswith("install ")
    assert "'moviepy<2'" in todo.commands[1]

    next((tmp_path / "wheels").glob("lightning*")).unlink()
    with pytest.raises(PmlaunchError) as refused:
        runner.run(PackagesStep())
    assert refused.value.code == "PML434"
    assert "lightning==2.5.0.post0" in refused.value.message

    make_wheel(tmp_path / "wheels", "lightning", "2.5.0.post0", requires=["torch>=2.1"])
    text = runner.run(PackagesStep())
    assert text is not None
    assert "in editable form; torch 2.7.0+cu128; pip: " in text
    imported = runner.run(ImportsStep())
    assert imported is not None
    assert "protomotions, isaac_utils, poselib import" in imported
    assert "CUDA 12.8" in imported
    assert isinstance(PackagesStep().plan(runner.context), AlreadyDone)
    assert isinstance(ImportsStep().plan(runner.context), AlreadyDone)


def test_a_python_without_pip_is_refused_before_anything_is_done(runner: Runner) -> None:
    for settings in runner.context.logs.parent.joinpath("lab").rglob("pyvenv.cfg"):
        settings.write_text(settings.read_text("utf-8").replace("= true", "= false"), "utf-8")  # pip is the base's
    with pytest.raises(PmlaunchError) as refused:
        PackagesStep().plan(runner.context)
    assert refused.value.code == "PML433"
    assert refused.value.hint is not None
    assert refused.value.hint.endswith(" -m ensurepip --upgrade")
