"""Requirements of a checkout, and what is done with each line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.outstanding import requirements_text
from pmlaunch.installing.python.requirements import (
    Requirements,
    TargetEnvironment,
    constraints_for,
    lowered,
    requirements_for,
)
from pmlaunch.model import Generation

TORCH = {"torch": "2.7.0+cu128"}


def ask(
    text: str,
    installed: dict[str, str] | None = None,
    generation: Generation = Generation.V2,
    python: str = "3.11.7",
    sys_platform: str = "linux",
    extras: Sequence[str] = (),
) -> Requirements:
    target = TargetEnvironment(TORCH if installed is None else installed, python, sys_platform)
    return requirements_for(text, generation, target, extras)


def reasons(asked: Requirements) -> dict[str, str | None]:
    return {change.was: change.now for change in asked.changes}


def test_missing_requirements_are_kept_unchanged() -> None:
    asked = ask("rich\n\n# a remark\nlightning==2.5.0.post0  # pinned\ntyper>=0.6.1 \\\n  \nhydra-core==1.3.2\n")
    assert asked.first == ("rich", "lightning==2.5.0.post0", "typer>=0.6.1", "hydra-core==1.3.2")
    assert asked.changes == ()


def test_satisfied_requirements_are_left_out() -> None:
    asked = ask("rich\ntyper>=0.6.1\nHydra_Core==1.3.2\n", {"rich": "15.0", "typer": "0.5", "hydra-core": "1.3.2"})
    assert asked.first == ("typer>=0.6.1",)
    assert asked.names == ("rich", "typer", "hydra-core")


def test_torch_is_never_installed() -> None:
    asked = ask("torch>=2.5.0\ntorchvision\n")
    assert (asked.first, asked.changes, asked.torch) == ((), (), None)


def test_a_missing_torch_is_reported() -> None:
    assert ask("torch>=2.5.0\ntorchvision\n", {}).torch == "torch>=2.5.0"


def test_another_torch_than_required_stays_and_is_reported() -> None:
    assert reasons(ask("torch==2.5.0\n")) == {"torch==2.5.0": None}


@pytest.mark.parametrize("line", ["setuptools==69.5.1", "pydantic==1.10.9", "sentry-sdk==1.9.10"])
def test_pins_that_would_break_isaac_lab_are_left_out(line: str) -> None:
    there = {**TORCH, "setuptools": "80.9.0", "pydantic": "2.9.2", "sentry-sdk": "2.4"}
    asked = ask(line, there)
    assert (asked.first, reasons(asked)) == ((), {line: None})


def test_a_missing_setuptools_is_installed_without_its_pin() -> None:
    assert ask("setuptools==69.5.1\n").first == ("setuptools>=64",)


def test_each_generation_gets_the_moviepy_it_imports() -> None:
    assert ask("moviepy\n").then == ("moviepy<2",)
    assert ask("moviepy\n", {"moviepy": "2.2.1"}).then == ("moviepy<2",)
    assert ask("moviepy\n", {"moviepy": "1.0.3"}) == Requirements(names=("moviepy",))
    assert ask("moviepy\n", generation=Generation.V3).first == ("moviepy>=2",)


def test_genesis_is_pinned_to_a_tested_version_unless_installed() -> None:
    assert ask("genesis-world\n").first == ("genesis-world==0.3.3",)
    assert ask("genesis-world\n", {"genesis-world": "0.2.1"}).first == ()
    assert ask("genesis-world\n", generation=Generation.V3).first == ("genesis-world",)


def test_a_pin_does_not_replace_a_newer_version() -> None:
    asked = ask("rtree==1.2.0\nlightning==2.5.0.post0\n", {"rtree": "1.4.1", "lightning": "2.4.0"})
    assert asked.first == ("lightning==2.5.0.post0",)
    assert reasons(asked) == {"rtree==1.2.0": None}


GIT = "smpl_sim @ git+https://github.com/ZhengyiLuo/SMPLSim.git@master"


@pytest.mark.parametrize("line", [GIT, GIT.partition(" @ ")[2], "git+https://example.org/x/smpl_sim#egg=smpl_sim"])
def test_requirements_from_git_are_left_out(line: str) -> None:
    asked = ask(line)
    assert (asked.first, asked.then) == ((), ())
    assert "installed from git" in asked.changes[0].reason


@pytest.mark.parametrize("name", ["smpl_sim", "SMPL-Sim"])
def test_with_adds_what_would_be_left_out(name: str) -> None:
    asked = ask(f"{GIT}\nopen3d>=0.19.0\npydantic==1.10.9\n", extras=[name, "pydantic"])
    assert asked.then == (GIT,)
    assert asked.first == ("pydantic==1.10.9",)
    assert reasons(asked) == {"open3d>=0.19.0": None}


def test_an_installed_package_from_git_is_not_fetched_again() -> None:
    asked = ask(GIT, {**TORCH, "smpl-sim": "0.0.1"}, extras=["smpl_sim"])
    assert asked == Requirements(names=("smpl-sim",))


def test_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(PmlaunchError) as caught:
        ask(GIT, extras=["smpl_simm"])
    assert caught.value.code == "PML442"
    assert "smpl-sim" in caught.value.message


@pytest.mark.parametrize(
    "line", ["--index-url https://evil.example/simple", "-r other.txt", "--find-links /tmp", "-e ."]
)
def test_options_of_pip_are_ignored(line: str) -> None:
    asked = ask(line)
    assert (asked.first, asked.then, reasons(asked)) == ((), (), {line: None})


def test_options_after_a_requirement_are_ignored() -> None:
    assert ask("rich==13.0 --hash=sha256:00 --global-option=x\n").first == ("rich==13.0",)


def test_markers_are_evaluated_for_the_simulator_s_python() -> None:
    text = 'tomli; python_version < "3.11"\nrich; python_version >= "3.11"\nwinshell; sys_platform == "win32"\n'
    assert ask(text).first == ('rich; python_version >= "3.11"',)
    assert ask(text, python="3.10.15", sys_platform="win32").first[0].startswith("tomli")


def test_constraints_pin_torch_and_numpy_and_lower_nothing() -> None:
    there = {
        **TORCH,
        "numpy": "1.26.4",
        "fsspec": "2026.9.0",
        "torch-thing": "1.0+cu12",
        "odd": "not-a-version",
        "moviepy": "2",
    }
    lines = constraints_for(there, exempt=["moviepy"]).splitlines()
    assert lines == ["fsspec>=2026.9.0", "numpy==1.26.4", "torch==2.7.0+cu128", "torch-thing>=1.0"]
    assert constraints_for(there, floors=False).splitlines() == ["numpy==1.26.4", "torch==2.7.0+cu128"]


def test_lowered_versions() -> None:
    before = {"a": "1.10", "b": "1.0", "c": "2", "d": "odd"}
    assert lowered(before, {"a": "1.9", "b": "1.1", "d": "1"}) == ["a"]


def test_included_files_count(tmp_path: Path) -> None:
    (tmp_path / "more files").mkdir()
    texts = {
        "requirements_genesis.txt": "rich\n-r more files/base.txt  # shared\ntyper\n",
        "more files/base.txt": "--requirement=deep.txt\neasydict\n-c limits.txt\n",
        "more files/deep.txt": "trimesh\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    asked = ask(requirements_text(tmp_path, "genesis"))
    assert asked.first == ("rich", "trimesh", "easydict", "typer")
    assert list(reasons(asked)) == ["-c limits.txt"]


@pytest.mark.parametrize("name", ["../outside.txt", "gone.txt", "requirements_genesis.txt", "https://host/list.txt"])
def test_an_include_outside_the_checkout_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.txt").write_text("rich\n", encoding="utf-8")
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "requirements_genesis.txt").write_text(f"-r {name}\n", encoding="utf-8")
    with pytest.raises(PmlaunchError, match="-r") as caught:
        requirements_text(tmp_path / "checkout", "genesis")
    assert caught.value.code == "PML431"
