"""Completion: which names are offered, how each shell gets them, and which file `pmlaunch completion` changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.cli.completion import names
from pmlaunch.cli.shells import SCRIPTS, Line, answer, read_line

Json = Callable[..., dict[str, Any]]
Answer = Callable[..., list[str]]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], typed_in: Path) -> Answer:
    """What a shell is answered when Tab is pressed at the end of a line."""

    def press(line: str, shell: str = "fish") -> list[str]:
        monkeypatch.setenv("_PMLAUNCH_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("_PMLAUNCH_LINE", line)
        monkeypatch.setenv("_PMLAUNCH_BREAKS", " \t\n\"'@><=;|&(:")
        assert answer() == 0
        captured = capfdbinary.readouterr()
        assert captured.err == b""
        return captured.out.decode().splitlines()

    return press


def test_every_kind_of_value_is_completed(answered: Answer, checkout: Path) -> None:
    (checkout.parent / "runs" / "one").mkdir(parents=True)
    (checkout.parent / "runs" / "one" / "record.json").touch()
    (checkout.parent / "runs" / "no-run").mkdir()
    first = {
        "pmlaunch ev": "eval",
        "pmlaunch eval de": "demo",
        "pmlaunch eval x --motion wa": "walk",
        "pmlaunch eval x -m wa": "walk",
        "pmlaunch eval x --robot sm": "smpl",
        "pmlaunch eval x --simulator isaacl": "isaaclab",
        "pmlaunch eval x --device g": "gpu",
        "pmlaunch eval x --device=g": "--device=gpu",
        "pmlaunch stop ": "one",
        "pmlaunch explain PML10": "PML101",
        "pmlaunch list mot": "motions",
        "pmlaunch config set num": "num_envs",
        "pmlaunch completion un": "uninstall",
    }
    assert {line: answered(line)[0].split("\t")[0] for line in first} == first
    assert len(answered("pmlaunch stop ")) == 1


def test_constraints_are_completed(answered: Answer, checkout: Path) -> None:
    folder = checkout / "protomotions" / "config" / "opt" / "masked_mimic" / "constraints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qq.yaml").write_text("a: 1\n", encoding="utf-8")
    assert answered("pmlaunch eval x --constraint q") == ["qq"]


def test_paths_and_broken_workspaces_are_left_to_the_shell(answered: Answer, checkout: Path, typed_in: Path) -> None:
    for typed in ("./", "C:\\\\mo", "~/x", "data/"):
        assert answered(f"pmlaunch eval x --motion {typed}") == []
    (typed_in / "pmlaunch.yaml").write_text("no_such_key: 1\n", encoding="utf-8")
    assert answered("pmlaunch eval x --motion w") == []
    assert answered("pmlaunch nonsense x") == []


def test_names_that_a_terminal_would_obey_are_left_out(checkout: Path, typed_in: Path) -> None:
    commands = () if os.name == "nt" else ("qa \x1b]0;title\x07", "qc\nqd")  # no names on Windows
    for name in (*commands, "qb \u202e", "qe"):
        (checkout / "data" / "motions" / f"{name}.npy").touch()
    assert [name for name, _ in names("motions", {}, "q")] == ["qe"]


def test_names_are_remembered_until_a_folder_changes(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout.parent)
    assert [name for name, _ in names("motions", {}, "q")] == []
    with monkeypatch.context() as patch:
        patch.setattr("pmlaunch.cli.completion._read", lambda *_: pytest.fail("read again"))
        assert names("motions", {}, "wa")
    motions = checkout / "data" / "motions"
    (motions / "qa.npy").touch()
    os.utime(motions, (1, 1))
    assert [name for name, _ in names("motions", {}, "q")] == ["qa"]


@pytest.mark.parametrize(
    ("typed", "escape", "expected"),
    [
        ("pm a b", "\\", Line(("pm", "a"), "b", "b")),
        ("pm a ", "\\", Line(("pm", "a"))),
        ("pm a\\ b", "\\", Line(("pm",), "a b", "a\\ b")),
        ("pm 'a \\", "\\", Line(("pm",), "a \\", "'a \\", "'")),
        ('pm --x="a \\"b', "\\", Line(("pm",), '--x=a "b', '--x="a \\"b', '"', "--x=")),
        ("pm C:\\my 'it''s' \"`$x", "`", Line(("pm", "C:\\my", "it's"), "$x", '"`$x', '"')),
    ],
)
def test_a_line_is_taken_apart_as_the_shell_does(typed: str, escape: str, expected: Line) -> None:
    assert read_line(typed, escape) == expected


@pytest.mark.parametrize("name", ["it's", "a b", "$(x)", "`x`", "行 走", "it\u2019s"])
def test_powershell_gets_ascii_and_texts_in_single_quotes(answered: Answer, checkout: Path, name: str) -> None:
    (checkout / "data" / "motions" / f"q{name}.npy").touch()
    (line,) = answered("& pmlaunch eval x --motion q", "powershell")
    item = json.loads(line)
    doubled = f"q{name}".replace("'", "''").replace("\u2019", "\u2019\u2019")
    assert line.isascii()
    assert (item["text"], item["name"]) == (f"'{doubled}'", f"q{name}")
    assert item["help"]


def test_bash_gets_what_follows_its_last_word_break(answered: Answer) -> None:
    assert answered("pmlaunch eval x --device=g", "bash") == ["gpu"]
    assert answered("pmlaunch eval x --device 'g", "bash") == ["gpu"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
def test_install_adds_lines_and_uninstall_removes_exactly_them(
    as_json: Json, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str
) -> None:
    for variable in ("HOME", "USERPROFILE", "ZDOTDIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr("platformdirs.user_documents_path", lambda: tmp_path)
    where = ("--shell", shell, "--yes")
    file = Path(as_json("completion", "show", "--shell", shell)["data"]["file"])
    file.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"alias a=b # \xe9\r\nnot ended", b"\xff\xfe" + "# PowerShell\r\n".encode("utf-16-le")):
        file.write_bytes(content)
        assert as_json("completion", "install", *where)["data"]["changed"]
        installed = file.read_bytes()
        assert installed.startswith(content)
        assert not as_json("completion", "install", *where)["data"]["changed"]
        assert as_json("completion", "uninstall", *where)["data"]["changed"]
        assert file.read_bytes().rstrip() == content.rstrip()
    assert set(SCRIPTS) == {"bash", "zsh", "fish", "powershell"}
    assert all(script.isascii() for script in SCRIPTS.values())


def test_install_asks_before_it_changes_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(["completion", "install", "--shell", "bash"]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "PML001" in shown
    assert "pmlaunch completion install --yes" in shown
    assert not (tmp_path / ".bashrc").exists()
