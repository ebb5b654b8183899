"""Settings in layers: the layer of highest precedence wins, and each value names its source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Origin, Source
from pmlaunch.settings import Settings


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder in which the command is typed, two folders below the workspace."""
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


def sourced(settings: Settings, key: str, flag: object = None) -> tuple[object, str]:
    """The value of a setting and the label of its source."""
    found = settings.get(key, flag)
    assert found is not None
    return found.value, str(found.source)


def refusal(settings: Settings, key: str = "num_envs") -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        settings.get(key)
    assert (caught.value.code, caught.value.exit_code) == ("PML015", 2)
    return caught.value


def test_flag_wins_over_environment_over_workspace_over_user(place: Path) -> None:
    files = ("num_envs: 3", "num_envs: 2\nvia: python\n")
    everything = settings_of(place, *files, {"PMLAUNCH_NUM_ENVS": "4"})
    assert sourced(everything, "num_envs", 5) == (5, "flag")
    assert sourced(everything, "num_envs") == (4, "environment PMLAUNCH_NUM_ENVS")
    assert sourced(settings_of(place), "num_envs") == (3, "workspace pmlaunch.yaml")
    assert sourced(settings_of(place), "via") == ("python", "user file config.yaml")
    (place.parent / "pmlaunch.yaml").unlink()
    assert sourced(settings_of(place), "num_envs") == (2, "user file config.yaml")
    assert settings_of(place).get("timeout") is None


def test_nearest_workspace_file_wins(place: Path) -> None:
    settings = settings_of(place, "via: python")
    (place / "pmlaunch.yaml").write_text("via: isaaclab", encoding="utf-8")
    assert sourced(settings, "via") == ("isaaclab", "workspace pmlaunch.yaml")


@pytest.mark.parametrize("content", ["", "# nothing\n", "num_envs:\n", "num_envs: null\n"])
def test_empty_file_and_empty_value_set_nothing(place: Path, content: str) -> None:
    assert settings_of(place, content, environment={"PMLAUNCH_NUM_ENVS": ""}).get("num_envs") is None


@pytest.mark.parametrize("key", ["protomotions", "isaaclab", "runs"])
def test_folder_is_relative_to_the_file_that_names_it(place: Path, key: str) -> None:
    settings = settings_of(place, f"{key}: ../there")
    assert sourced(settings, key)[0] == str(place.parent / "../there")
    assert sourced(settings, key, "mine")[0] == str(place / "mine")
    absolute = str(place / "elsewhere")
    assert sourced(settings, key, absolute)[0] == absolute


def test_folder_from_the_environment_is_relative_to_the_current_folder(place: Path) -> None:
    assert sourced(settings_of(place, environment={"PMLAUNCH_RUNS": "out"}), "runs")[0] == str(place / "out")


def test_python_is_resolved_if_it_is_a_path_but_not_if_it_is_a_name(place: Path) -> None:
    settings = settings_of(place)
    assert sourced(settings, "python", "python3.11")[0] == "python3.11"
    assert sourced(settings, "python", os.path.join("env", "python"))[0] == str(place / "env" / "python")


def test_home_is_expanded(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert sourced(settings_of(place), "runs", "~/runs")[0] == str(tmp_path / "runs")


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
def test_variable_is_converted_to_the_type_of_its_key(place: Path, key: str, text: str, value: Any) -> None:
    found, _ = sourced(settings_of(place, environment={f"PMLAUNCH_{key.upper()}": text}), key)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("key", "yaml"),
    [
        ("num_envs", "many"),
        ("num_envs", 4.9),
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


def test_invalid_variable_is_named(place: Path) -> None:
    assert "PMLAUNCH_NUM_ENVS" in refusal(settings_of(place, environment={"PMLAUNCH_NUM_ENVS": "x"})).message


def test_unknown_key_suggests_the_closest_one(place: Path) -> None:
    error = refusal(settings_of(place, "isaclab: C:/IsaacLab"))
    assert error.message.endswith("has an unknown key 'isaclab'. Did you mean isaaclab?")
    assert error.subject == str(place.parent / "pmlaunch.yaml")


def test_unknown_key_without_a_close_one_lists_all_keys(place: Path) -> None:
    assert "Known keys: ddp_backend, device, headless, isaaclab" in refusal(settings_of(place, "1: 2")).message


def test_invalid_yaml_is_reported_with_line_and_column(place: Path) -> None:
    assert "(line 3, column 4)" in refusal(settings_of(place, "via: python\nnum_envs: [1\n- x: 2")).message


def test_preset_folders_exist_and_end_with_the_workspace(place: Path) -> None:
    settings = settings_of(place, "")
    assert settings.preset_folders == ()
    folders = [place.parents[1] / "user" / "configs", place.parent / "configs"]
    for folder in folders:
        folder.mkdir()
    assert settings_of(place).preset_folders == (
        (Source(Origin.USER_FILE), folders[0]),
        (Source(Origin.WORKSPACE), folders[1]),
    )


def test_settings_here_come_from_the_process(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("PMLAUNCH_SEED_OF_TEST", "1")
    settings = Settings.here()
    assert settings.folder == Path.cwd()
    assert settings.environment["PMLAUNCH_SEED_OF_TEST"] == "1"
    assert settings.user_folder is not None
