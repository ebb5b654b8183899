"""The step that writes pmlaunch.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from install_help import MakeContext, make_context, refused

from pmlaunch.git.progress import Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.context import make_context as context_of
from pmlaunch.installing.step import Todo
from pmlaunch.installing.workspace_step import WorkspaceStep, add_keys
from pmlaunch.settings import Settings

__all__ = ["make_context"]  # a fixture


def write(context: InstallContext) -> str:
    """Carry the step out and return its text."""
    return WorkspaceStep().do(context, Reporter(lambda _: None)).text


def test_the_file_is_written_once(make_context: MakeContext, tmp_path: Path) -> None:
    context = make_context(simulator="genesis", isaaclab="my labs/IsaacLab", python="C:\\Isaac Sim\\python.exe")
    assert isinstance(WorkspaceStep().plan(context), Todo)
    assert "protomotions" in write(context)
    assert not isinstance(WorkspaceStep().plan(context), Todo)
    assert yaml.safe_load((tmp_path / "pmlaunch.yaml").read_text(encoding="utf-8")) == {
        "protomotions": "protomotions",
        "simulator": "genesis",
        "isaaclab": "my labs/IsaacLab",
        "python": "C:\\Isaac Sim\\python.exe",
    }
    assert Settings(tmp_path).get("isaaclab").value == str(tmp_path / "my labs" / "IsaacLab")  # type: ignore[union-attr]


def test_an_isaac_lab_that_was_found_is_written(make_context: MakeContext, tmp_path: Path, isaaclab: Path) -> None:
    """A terminal without ISAACLAB_PATH must find the same Isaac Lab."""
    settings = Settings(tmp_path, {"PATH": "", "ISAACLAB_PATH": str(isaaclab)})
    context = context_of(make_context().request, settings)
    write(context)
    assert Settings(tmp_path).get("isaaclab").value == str(isaaclab)  # type: ignore[union-attr]
    assert context.findings == ()


@pytest.mark.parametrize(
    ("name", "isaaclab", "expected"),
    [("genesis", None, {"python"}), ("isaaclab", "nowhere", set()), ("genesis", "", set())],
)
def test_an_active_environment_is_learned_but_not_pmlaunch_s_own_python(
    make_context: MakeContext, tmp_path: Path, name: str, isaaclab: str | None, expected: set[str]
) -> None:
    for place in ("Scripts/python.exe", "bin/python"):
        (tmp_path / "venv" / place).parent.mkdir(parents=True)
        (tmp_path / "venv" / place).touch(0o755)
    active = {"VIRTUAL_ENV": str(tmp_path / "venv")} if isaaclab is None else {}
    request = make_context(simulator=name, isaaclab=isaaclab).request
    learned = context_of(request, Settings(tmp_path, {"PATH": "", **active})).learned
    assert {key for key in ("isaaclab", "python") if getattr(learned, key)} == expected


def test_a_checkout_elsewhere_is_written_as_an_absolute_path(make_context: MakeContext, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / "elsewhere 步"
    write(make_context(folder=elsewhere))
    assert Settings(tmp_path).get("protomotions").value == str(elsewhere)  # type: ignore[union-attr]


def test_existing_keys_stay(make_context: MakeContext, tmp_path: Path) -> None:
    text = "# mine\nprotomotions: ./protomotions/   # here\nsimulator: mujoco"
    (tmp_path / "pmlaunch.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "pmlaunch.yaml").chmod(0o640)
    mode = (tmp_path / "pmlaunch.yaml").stat().st_mode  # Windows keeps the owner's right to write, and no more
    context = make_context(python="envs/py")
    planned = WorkspaceStep().plan(context)
    write(context)
    assert (tmp_path / "pmlaunch.yaml").read_text(encoding="utf-8") == (
        f"{text}\n# written by pmlaunch install\npython: envs/py\n"
    )
    assert [(finding.code, finding.subject) for finding in planned.notes] == [("PML414", "simulator")]
    assert (tmp_path / "pmlaunch.yaml").stat().st_mode == mode


@pytest.mark.parametrize("text", ["{num_envs: 4}", "num_envs: 4\n...\n", "--- {num_envs: 4}\n"])
def test_a_file_that_cannot_be_appended_to_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pmlaunch.yaml"
    path.write_text(text, encoding="utf-8")
    error = refused(lambda: add_keys(path, {"simulator": "genesis"}))
    assert error.code == "PML415"
    assert error.hint == "add by hand: simulator: genesis"
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("value", ["yes", "1.5", "null", "a: b", "#a", "- a", "步 &a", "C:\\x\\", 'a"b', "~", ""])
def test_values_are_quoted_if_yaml_would_read_them_as_another_type(value: str, tmp_path: Path) -> None:
    path = tmp_path / "pmlaunch.yaml"
    add_keys(path, {"python": value, "headless": True})
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {"python": value, "headless": True}
