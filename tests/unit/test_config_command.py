"""`pmlaunch config`: values with their sources, and changes that leave the rest of a file as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.cli.commands.config import _editor
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import SETTINGS
from pmlaunch.settings import Settings

Json = Callable[..., dict[str, Any]]
TEXT = '# mine\nnum_envs: 4   # four\nvia: "a # b"  # either\r\ndevice:\n'


def error_of(document: dict[str, Any]) -> tuple[str, str]:
    (error,) = document["errors"]
    return error["code"], error["message"]


def test_show_names_value_source_and_file(as_json: Json, typed_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (typed_in / "pmlaunch.yaml").write_text("num_envs: 4\ndevice: cpu\n", encoding="utf-8")
    monkeypatch.setenv("PMLAUNCH_DEVICE", "gpu")
    rows = {row["name"]: row for row in as_json("config", "show")["data"]["settings"]}
    assert list(rows) == list(SETTINGS)
    told = {name: (rows[name]["value"], rows[name]["source"], rows[name]["file"]) for name in rows}
    assert told["num_envs"] == (4, "workspace pmlaunch.yaml", str(typed_in / "pmlaunch.yaml"))
    assert told["device"] == ("gpu", "environment PMLAUNCH_DEVICE", None)
    assert told["timeout"] == (None, "default", None)
    assert rows["timeout"]["default"] == "no limit"
    assert all(row["default"] for row in rows.values())
    assert as_json("config", "path")["data"]["workspace"] == str(typed_in / "pmlaunch.yaml")


def test_what_is_not_set_shows_what_counts(typed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["silence"])
    assert row.split() == ["silence", "1800", "default"]


def test_set_changes_one_line(as_json: Json, typed_in: Path) -> None:
    file = typed_in / "pmlaunch.yaml"
    file.write_bytes(TEXT.encode())
    for key, value in (("num-envs", "8"), ("via", "python"), ("device", "cpu"), ("timeout", "1.5")):
        assert as_json("config", "set", "--workspace", key, value)["ok"]
    expected = "# mine\nnum_envs: 8   # four\nvia: python  # either\r\ndevice: cpu\ntimeout: 1.5\r\n"
    assert file.read_bytes().decode() == expected


def test_set_writes_the_users_own_file_and_absolute_paths(as_json: Json, typed_in: Path) -> None:
    document = as_json("config", "set", "runs", "elsewhere")
    assert document["data"]["value"] == str(typed_in / "elsewhere")
    assert Path(document["data"]["file"]) == Settings.here().user_file
    assert as_json("config", "show")["data"]["settings"][9]["source"] == "user file config.yaml"


@pytest.mark.parametrize(
    ("key", "value", "code", "told"),
    [
        ("nmu_envs", "3", "PML010", "Did you mean num_envs?"),
        ("num_envs", "abc", "PML015", "'abc'"),
        ("device", "gpux", "PML001", "gpu or cpu"),
    ],
)
def test_set_refuses_what_is_no_setting(
    as_json: Json, typed_in: Path, key: str, value: str, code: str, told: str
) -> None:
    found, message = error_of(as_json("config", "set", "--workspace", key, value))
    assert (found, told in message) == (code, True)
    assert not (typed_in / "pmlaunch.yaml").exists()


@pytest.mark.parametrize("text", ["{num_envs: 4}\n", "num_envs: |-\n  4\n", "num_envs: [1,\n 2]\n"])
def test_a_value_in_another_form_is_left_as_it_is(as_json: Json, typed_in: Path, text: str) -> None:
    file = typed_in / "pmlaunch.yaml"
    file.write_text(text, encoding="utf-8")
    assert error_of(as_json("config", "set", "--workspace", "num_envs", "8"))[0] == "PML415"
    assert file.read_text(encoding="utf-8") == text


def test_a_trusted_file_stays_trusted_when_its_user_changes_it(
    as_json: Json, typed_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PMLAUNCH_TRUST_WORKSPACE")
    assert as_json("config", "set", "--workspace", "python", "./py")["ok"]
    assert as_json("config", "set", "--workspace", "python", "./other")["ok"]
    assert Settings.here().untrusted_workspace() == ()
    with (typed_in / "pmlaunch.yaml").open("a", encoding="utf-8") as file:
        file.write("# by somebody else\n")
    assert as_json("config", "set", "--workspace", "python", "./py")["ok"]
    assert Settings.here().untrusted_workspace() != ()


def test_the_editor_is_started_without_a_shell(tmp_path: Path) -> None:
    program = tmp_path / "my editor"
    program.touch(mode=0o755)
    assert _editor({"EDITOR": str(program)}) == [str(program)]
    assert _editor({"VISUAL": f'"{program}" -w', "EDITOR": "other"}) == [str(program), "-w"]
    for environment in ({"EDITOR": "no-such-editor"}, {"EDITOR": "./editor", "PATH": "."}):
        with pytest.raises(PmlaunchError) as caught:
            _editor(environment)
        assert caught.value.code == "PML001"
