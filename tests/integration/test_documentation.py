"""README and docs: every command is executed with the demo, or marked with what it needs and at least understood."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator

from documented import NEEDS, OTHER_LANGUAGES, PAGES, ROOT, SHELLS, blocks, documented, text_outside_blocks
from pmlaunch.cli.app import app, run
from pmlaunch.cli.pasted import translate
from pmlaunch.codes import Exit
from standin import make_checkout


def help_examples() -> list[tuple[str, ...]]:
    """Commands that help texts show, and with them the site's page of commands; two blanks end a command."""
    lines = re.findall(
        r"^(pmlaunch \w.*?)(?: {2,}.*)?$", importlib.import_module("site_pages").commands(), re.MULTILINE
    )
    return [tuple(shlex.split(line.replace("\\", "\\\\"))) for line in lines]


EXECUTED = documented(executable=True)
MARKED = documented(executable=False)
OURS = list(dict.fromkeys([line for line in MARKED if line[0] == "pmlaunch"] + help_examples()))
DRY = [line for line in OURS if line[1] in ("eval", "install")]
FOREIGN = [line for line in MARKED if line[0] != "pmlaunch"]
PROGRAMS = {
    "git",
    "cd",
    "mkdir",
    "source",
    "activate",
    "py",
    "python",
    "python3",
    "python3.12",
    "uv",
    "pipx",
    "pip",
    "dask",
}
SCHEMAS: dict[str, Any] = importlib.import_module("json_schemas").schemas()
has_demo = all(find_spec(name) for name in ("torch", "lightning", "mujoco", "matplotlib"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documented")


@pytest.fixture(scope="module")
def with_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("humanoid")
    make_checkout(folder / "protomotions")
    return folder


def test_commands_are_found() -> None:
    assert len(EXECUTED) > 10
    assert len(DRY) > 20
    assert {line[0] for line in EXECUTED} == {"pmlaunch"}, "mark what needs something else"


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_marked(page: str) -> None:
    assert [block.language for block in blocks(page) if block.language not in SHELLS | OTHER_LANGUAGES] == []
    assert [block.needs for block in blocks(page) if block.needs not in NEEDS | {None}] == []
    outside = text_outside_blocks(page)
    assert re.findall(r"^ {4,}(?:pmlaunch|python3?|pip|git) .*$", outside, re.MULTILINE) == [], "use a fenced block"
    assert "<!-- needs:" not in outside, "a mark belongs right before a block"


@pytest.mark.parametrize("line", EXECUTED, ids=" ".join)
def test_command_runs(line: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "demo" in line and not has_demo:
        pytest.skip("skipped: the demo's packages are not installed")
    monkeypatch.chdir(folder)
    earlier = set(folder.glob("runs/*"))
    assert run(line[1:]) == Exit.DONE
    for left in set(folder.glob("runs/*")) - earlier:
        assert schema_errors(left) == []


def schema_errors(left: Path) -> list[str]:
    """What is wrong with the files of a run folder by the schemas that the docs publish."""
    from pmlaunch.support.json import parse_json, read_json

    documents = [(name, read_json(left / f"{name}.json")) for name in ("spec", "result", "record", "metrics")]
    documents += [("events", parse_json(line)) for line in (left / "events.jsonl").read_bytes().splitlines()]
    return [
        f"{name}: {error.json_path}: {error.message}"
        for name, document in documents
        for error in Draft202012Validator(SCHEMAS[name]).iter_errors(document)
    ]


@pytest.mark.parametrize("line", OURS, ids=" ".join)
def test_command_line_is_valid(line: tuple[str, ...]) -> None:
    group: Any = typer.main.get_command(app)
    name, *rest = translate(line[1:])
    command = group.get_command(typer.Context(group), name)
    assert command is not None
    command.make_context(name, rest)  # raises for an unknown option or a missing argument


@pytest.mark.parametrize("line", DRY, ids=" ".join)
def test_dry_run_finds_no_wrong_usage(
    line: tuple[str, ...], with_checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, simulators and folders may be missing here; options and their values are as they should be."""
    monkeypatch.chdir(with_checkout)
    code = run([*line[1:], *([] if "--dry-run" in line else ["--dry-run"])])
    assert code not in (Exit.USAGE, Exit.INTERNAL), capsys.readouterr().err


@pytest.mark.parametrize("line", FOREIGN, ids=" ".join)
def test_other_program_is_known(line: tuple[str, ...]) -> None:
    assert re.split(r"[\\/]", line[0])[-1] in PROGRAMS
    if line[:2] == ("git", "clone"):
        assert f'Homepage = "{line[2]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [line for line in FOREIGN if line[1:2] and line[1].endswith(".py")], ids=" ".join)
def test_script_has_these_options(line: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / line[1], "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert [word for word in line[2:] if word.startswith("--") and word not in done.stdout] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/zh/") or page.endswith("zh-CN.md")])
def test_chinese_page_has_the_same_commands(page: str) -> None:
    english = page.replace("docs/zh/", "docs/").replace(".zh-CN.md", ".md")
    if page != "docs/zh/index.md":
        assert [block.lines for block in blocks(page)] == [block.lines for block in blocks(english)]


def which(shell: str | list[str]) -> str | None:
    return shutil.which(shell.split()[0] if isinstance(shell, str) else shell[0])


def test_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 90
    assert len(PAGES["README.zh-CN.md"].splitlines()) <= 90


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in the clone", "elsewhere"])
def test_demo_script_suggests_a_command_that_works(
    elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As printed, by the shells of this system; the clone lies in a folder whose name has a blank."""
    clone = tmp_path / "my clone"
    scripts = clone / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    scripts.mkdir(parents=True)
    program = scripts / ("pmlaunch.bat" if os.name == "nt" else "pmlaunch")
    program.write_text("@echo ran %*\n" if os.name == "nt" else '#!/bin/sh\necho "ran $*"\n')
    program.chmod(0o755)
    demo = importlib.import_module("demo")
    monkeypatch.setattr(demo, "ROOT", clone)
    folder = tmp_path if elsewhere else clone
    lines = [line.strip() for line in demo.next_command(scripts / "python", folder).splitlines()[2:]]
    shells: list[str | list[str]] = [["bash", "-ec", "\n".join(lines)]]
    if os.name == "nt":
        shells = [f'cmd /s /c "{" && ".join(lines)}"', ["powershell", "-NoProfile", "-Command", "; ".join(lines)]]
    for shell in filter(which, shells):
        done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == ["ran", "eval", "demo", "--motion", "wave"]
    assert lines[-1].partition(" ")[2] == "eval demo --motion wave"
