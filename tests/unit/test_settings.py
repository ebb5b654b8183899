"""Settings in layers: each value comes from the strongest layer that has it, and says from which."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from unit_help import told

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Origin, Source
from pmlaunch.settings import Settings


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the command is typed: two folders below the workspace."""
    folder = tmp_path / "workspace" / "sub"
    folder.mkdir(parents=True)
    return folder


def settings_of(
    place: Path, workspace: str | None = None, user: str | None = None, environment: dict[str, str] | None = None
) -> Settings:
    user_folder = place.parents[1] / "user"
    user_folder.mkdir(exist_ok=True)
    if workspace is not None:
        (place.parent / "pmlaunch.yaml").write_text(workspace, encoding="utf-8")
    if user is not None:
        (user_folder / "config.yaml").write_text(user, encoding="utf-8")
    return Settings(place, environment or {}, user_folder)


def refusal(settings: Settings, key: str = "num_envs") -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        settings.get(key)
    assert (caught.value.code, caught.value.exit_code) == ("PML015", 2)
    return caught.value


def test_flag_wins_over_environment_over_workspace_over_user(place: Path) -> None:
    files = ("num_envs: 3", "num_envs: 2\nvia: python\n")
    everything = settings_of(place, *files, {"PMLAUNCH_NUM_ENVS": "4"})
    assert told(everything.get("num_envs", 5)) == (5, "flag")
    assert told(everything.get("num_envs")) == (4, "environment PMLAUNCH_NUM_ENVS")
    assert told(settings_of(place).get("num_envs")) == (3, "workspace pmlaunch.yaml")
    assert told(settings_of(place).get("via")) == ("python", "user file config.yaml")
    (place.parent / "pmlaunch.yaml").unlink()
    assert told(settings_of(place).get("num_envs")) == (2, "user file config.yaml")
    assert settings_of(place).get("timeout") is None


def test_nearest_workspace_file_counts(place: Path) -> None:
    settings = settings_of(place, "via: python")
    (place / "pmlaunch.yaml").write_text("via: isaaclab", encoding="utf-8")
    assert told(settings.get("via")) == ("isaaclab", "workspace pmlaunch.yaml")


@pytest.mark.parametrize("content", ["", "# nothing\n", "num_envs:\n", "num_envs: null\n"])
def test_empty_file_and_empty_value_set_nothing(place: Path, content: str) -> None:
    assert settings_of(place, content, environment={"PMLAUNCH_NUM_ENVS": ""}).get("num_envs") is None


@pytest.mark.parametrize("key", ["protomotions", "isaaclab", "runs"])
def test_folder_is_relative_to_where_it_was_written(place: Path, key: str) -> None:
    settings = settings_of(place, f"{key}: ../there")
    assert settings.get(key).value == str(place.parent / "../there")
    assert settings.get(key, "mine").value == str(place / "mine")
    absolute = str(place / "elsewhere")
    assert settings.get(key, absolute).value == absolute


def test_folder_of_the_environment_is_relative_to_the_current_one(place: Path) -> None:
    assert settings_of(place, environment={"PMLAUNCH_RUNS": "out"}).get("runs").value == str(place / "out")


def test_python_by_name_is_looked_for_and_by_path_is_relative(place: Path) -> None:
    settings = settings_of(place)
    assert settings.get("python", "python3.11").value == "python3.11"
    assert settings.get("python", os.path.join("env", "python")).value == str(place / "env" / "python")


def test_home_is_expanded(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert settings_of(place).get("runs", "~/runs").value == str(tmp_path / "runs")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("headless", "Yes", True),
        ("headless", "0", False),
        ("headless", "OFF", False),
        ("num_envs", " 4 ", 4),
        ("timeout", "90", 90.0),
        ("silence", "1e3", 1000.0),
        ("device", "cpu", "cpu"),
    ],
)
def test_variable_is_read_as_the_type_of_its_key(place: Path, key: str, text: str, value: Any) -> None:
    found = settings_of(place, environment={f"PMLAUNCH_{key.upper()}": text}).get(key).value
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("key", "yaml"),
    [
        ("num_envs", "many"),
        ("num_envs", "true"),
        ("num_envs", "[1]"),
        ("headless", "maybe"),
        ("headless", "2"),
        ("timeout", "soon"),
        ("via", "[python]"),
        ("via", "{a: 1}"),
    ],
)
def test_wrong_type_names_key_and_file(place: Path, key: str, yaml: str) -> None:
    message = refusal(settings_of(place, f"{key}: {yaml}"), key).message
    assert message.startswith(f"{key} in workspace pmlaunch.yaml cannot be ")


def test_wrong_variable_is_named(place: Path) -> None:
    assert "PMLAUNCH_NUM_ENVS" in refusal(settings_of(place, environment={"PMLAUNCH_NUM_ENVS": "x"})).message


def test_unknown_key_is_answered_with_the_nearest(place: Path) -> None:
    error = refusal(settings_of(place, "isaclab: C:/IsaacLab"))
    assert error.message.endswith("has an unknown key 'isaclab'. Did you mean isaaclab?")
    assert error.subject == str(place.parent / "pmlaunch.yaml")


def test_unknown_key_far_from_all_is_answered_with_all(place: Path) -> None:
    assert "Known keys: protomotions, isaaclab, python" in refusal(settings_of(place, "1: 2")).message


def test_broken_yaml_is_named_with_line_and_column(place: Path) -> None:
    assert "(line 3, column 4)" in refusal(settings_of(place, "via: python\nnum_envs: [1\n- x: 2")).message


def test_preset_folders_are_those_that_exist_the_workspace_last(place: Path) -> None:
    settings = settings_of(place, "")
    assert settings.preset_folders == ()
    folders = [place.parents[1] / "user" / "configs", place.parent / "configs"]
    for folder in folders:
        folder.mkdir()
    assert settings_of(place).preset_folders == (
        (Source(Origin.USER_FILE), folders[0]),
        (Source(Origin.WORKSPACE), folders[1]),
    )


def test_here_reads_the_process(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("PMLAUNCH_SEED_OF_TEST", "1")
    settings = Settings.here()
    assert settings.folder == Path.cwd()
    assert settings.environment["PMLAUNCH_SEED_OF_TEST"] == "1"
    assert settings.user_folder is not None
