"""install's packages through the batch file of Isaac Lab 2.x, which returns 0 whatever pip does."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from lab import Lab, make_lab

from packaging_site import carry_out, make_site
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.step import Site
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import platform_named
from wheelhouse import BACKEND, TORCH, make_installable, make_wheel, make_wheelhouse, put_into, without_network

BEHIND = ("2.2 conda", "2.2 python.bat")


def home_of(lab: Lab) -> Path:
    """The folder of the Python that the batch file finds."""
    conda = lab.environment.get("CONDA_PREFIX")
    return Path(conda) if conda else lab.folder / "_isaac_sim" / "kit" / "python"


@pytest.fixture(params=BEHIND)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """An Isaac Lab with a torch, beside a checkout whose folder has signs that a batch file acts on."""
    lab = make_lab(request.param, tmp_path / "lab")
    # site.py takes the folder above the program's for the prefix, as in a virtual environment
    packages = home_of(lab).parent / "Lib" / "site-packages"
    put_into(packages, "torch", "2.7.0+cu128", {"torch.py": TORCH.replace("cuda = None", 'cuda = "12.8"')})
    put_into(packages, "setuptools", "80.9.0", {path: textwrap.dedent(text) for path, text in BACKEND.items()})
    checkout = make_installable(tmp_path / "R&D (x86) 100%! a=b")
    wheels = make_wheelhouse(tmp_path / "wheels")
    environment = {**lab.surroundings(), **without_network(wheels)}
    platform = platform_named(None)
    runtime = isaaclab_runtime(Settings(tmp_path, environment), str(lab.folder), checkout, platform)
    return make_site(checkout, tmp_path / "logs", runtime, environment, simulator="isaaclab")


def test_a_failing_pip_is_seen_and_a_succeeding_one_proven(site: Site, tmp_path: Path) -> None:
    todo = PackagesStep().todo(site)
    assert todo is not None
    assert todo.text.startswith("install ")
    assert "'moviepy<2'" in todo.commands[1]

    next((tmp_path / "wheels").glob("lightning*")).unlink()
    with pytest.raises(PmlaunchError) as refused:
        carry_out(PackagesStep(), site)
    assert refused.value.code == "PML434"
    assert "lightning==2.5.0.post0" in refused.value.message

    make_wheel(tmp_path / "wheels", "lightning", "2.5.0.post0", requires=["torch>=2.1"])
    proven = carry_out(PackagesStep(), site)
    assert proven is not None
    assert "in editable form; torch 2.7.0+cu128; pip: " in proven
    imported = carry_out(ImportsStep(), site)
    assert imported is not None
    assert "protomotions, isaac_utils, poselib import" in imported
    assert "CUDA 12.8" in imported
    assert PackagesStep().todo(site) is None
    assert ImportsStep().todo(site) is None


def test_a_python_without_pip_is_told_before_anything_is_done(site: Site) -> None:
    for settings in site.logs.parent.joinpath("lab").rglob("pyvenv.cfg"):
        settings.write_text(settings.read_text("utf-8").replace("= true", "= false"), "utf-8")  # pip is the base's
    with pytest.raises(PmlaunchError) as refused:
        PackagesStep().todo(site)
    assert refused.value.code == "PML433"
    assert refused.value.hint is not None
    assert refused.value.hint.endswith(" -m ensurepip --upgrade")
