"""One hostile string through the output of every command: nothing that a terminal, a CI log or a report obeys comes out."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pmlaunch.cli.app import run
from pmlaunch.cli.live.install_display import LiveInstallDisplay, PlainInstallDisplay
from pmlaunch.cli.live.run_display import LiveDisplay, PlainDisplay
from pmlaunch.cli.render.record import draw_record
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Progress
from pmlaunch.installing.step import Todo
from pmlaunch.model import Finding, RunRecord, RunState, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.smoke.case import Case, CaseVerdict, SmokeResult, Suite
from pmlaunch.smoke.junit import junit, markdown
from pmlaunch.support.json import dumps
from pmlaunch.support.text import clean
from soon import soon
from standin import smpl_motion

pytestmark = pytest.mark.hostile

# colours, the title of the window, the clipboard, 8-bit controls, reversed text, markup, half a character
EVIL = (
    "\x1b[31mred\x1b]0;OWNED\x07\x1b[2J\x1b]52;c;ZXZpbA==\x1b\\\x9b5n\u202e\u2066[red]x[/red]\r\n::error::forged\n"
    "##[error]forged ##vso[task.complete] ##teamcity[x]\u2028::set-env name=A::b\ud800\x00</a>|`*_<img src=x>&http://x.yz"
)

NAME = "\x1b[31mred\x07\u202e[red]\n::error::x ##[error]y \udcff"  # of a file on Linux
TYPED = EVIL.replace("\ud800", "\udcff").replace("\x00", "")  # what a command line can hold
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def harmless(text: str, *, coloured: bool = False) -> None:
    """Fail if a terminal or a CI system would obey something in `text`."""
    plain = _COLOUR.sub("", text) if coloured else text
    assert _OBEYED.findall(plain) == []
    assert [line for line in plain.splitlines() if line.lstrip().startswith("::")] == []
    assert re.findall(r"##\w*\[", plain) == []


@pytest.fixture
def world(checkout: Path, tmp_path: Path) -> Path:
    """A checkout in a folder with a hostile name, with a motion and a model of hostile names."""
    if os.name == "nt":
        pytest.skip("Windows has no such names")
    folder = tmp_path / NAME
    folder.mkdir()
    shutil.move(checkout, folder / "protomotions")
    smpl_motion(folder / "protomotions/data/motions" / f"smpl_humanoid_{NAME}.npy")
    models = folder / "protomotions/data/pretrained_models"
    shutil.copytree(models / "motion_tracker", models / NAME)
    return folder


COMMANDS = (
    ("list", "motions"),
    ("list", "models"),
    ("list", "robots"),
    ("list", "simulators"),
    ("list", "constraints"),
    ("list", NAME),
    ("eval", "motion_tracker", "--motion", NAME, "--dry-run", "--headless"),
    ("eval", NAME, "--dry-run", "--headless"),
    ("eval", "motion_tracker", "--motion", "{motion}", "--dry-run", "--headless", f"++note={TYPED!r}"),
    ("eval", TYPED, "--motion", TYPED, "--simulator", TYPED),
    ("runtime", "--python", NAME),
    ("doctor", "--quick"),
    ("doctor", "--quick", "--report"),
    ("smoke", "--model", TYPED, "--junit", "{root}/smoke.xml", "--summary", "{root}/summary.md"),
    ("fetch", TYPED),
    ("install", "{root}/new", "--ref", TYPED, "--dry-run"),
    ("stop", TYPED, "--runs", "{root}"),
    ("explain", TYPED),
    (TYPED,),
    ("eval", f"--{TYPED}"),
)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: f"{words[0]!r:.20} {len(words)}")
def test_every_command(
    world: Path,
    composed_at_once: None,
    in_git: object,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    as_json: bool,
) -> None:
    monkeypatch.chdir(world)
    motion = next((world / "protomotions/data/motions").glob("*red*"))
    typed = [word.format(motion=motion, root=world) if "{" in word else word for word in words]
    code = run([*typed, *(["--json"] if as_json else [])])
    shown = capsys.readouterr()
    assert code != 70, shown.err
    harmless(shown.out)
    harmless(shown.err)
    if as_json:
        json.loads(shown.out, parse_constant=pytest.fail)
    for report in ("smoke.xml", "summary.md"):
        if (world / report).exists():
            harmless((world / report).read_text(encoding="utf-8"))


def hostile_record(folder: Path) -> RunRecord:
    motions = [{"motion": f"{EVIL}{index}", "success": False, "metrics": {EVIL: 1.0}} for index in range(3)]
    evaluation = {
        "common": {"failed": [EVIL], "motions": 3},
        "per_motion": motions,
        "notes": [EVIL],
        "seconds": {"start": 1.0},
    }
    finding = Finding("PML301", Severity.ERROR, EVIL, EVIL, EVIL, EVIL)
    return RunRecord(
        folder, RunState.FAILED, 1, EVIL, 1.0, metrics={EVIL: 1.0}, units={EVIL: EVIL}, evaluation=evaluation,
        exception={"type": EVIL, "message": EVIL}, repairs=(EVIL,), findings=(finding,),
    )  # fmt: skip


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("columns", ["20", "80"])
def test_finished_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str, as_json: bool
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    record = hostile_record(tmp_path / "run")
    error = PmlaunchError("PML301", EVIL, hint=EVIL, subject=EVIL)
    result = CommandResult("eval", 1, record, record.findings, [error], draw=lambda to: draw_record(record, to))
    show(result, as_json=as_json)
    shown = capsys.readouterr()
    harmless(shown.out)
    harmless(shown.err)
    assert not re.search(r"^\s{0,3}forged", shown.out + shown.err, re.MULTILINE), (
        "a forged line looks like pmlaunch's own"
    )


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", newline="\n")
    for module in ("run_display", "install_display"):
        monkeypatch.setattr(f"pmlaunch.cli.live.{module}.sys", SimpleNamespace(stderr=stream))
    return stream


def text_of(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


OUTPUT = EVIL.encode("utf-8", "surrogatepass") + b"\n  ::warning::x\r::error::y\r\n##[group]z\n"


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_log_of_a_run_in_pieces(
    plan: Callable[..., Planned], composed_at_once: None, stderr: io.TextIOWrapper, size: int
) -> None:
    with PlainDisplay(plan(headless=True).plan, stream=True) as display:
        for start in range(0, len(OUTPUT), size):
            display.output(OUTPUT[start : start + size])
        display.event({"event": "process_group", "backend": EVIL, "world_size": EVIL})
        display.stopping(EVIL)
        display.output(b"the end")
    harmless(text_of(stderr))
    assert ": :warning::x" in text_of(stderr)
    assert text_of(stderr).endswith("the end\n")


def test_live_display(
    plan: Callable[..., Planned], composed_at_once: None, stderr: io.TextIOWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmlaunch.cli.live.run_display._REFRESH", 0.0)
    planned = replace(plan(headless=True).plan, model=EVIL)
    with LiveDisplay(planned) as display:
        display.output(OUTPUT)
        display.event({"event": "process_group", "backend": EVIL})
        display.tick()
        display.stopping(EVIL)
    harmless(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text_of(stderr)).replace("\r", ""))


@pytest.mark.parametrize("kind", [PlainInstallDisplay, LiveInstallDisplay])
def test_progress_of_an_installation(kind: type[PlainInstallDisplay], stderr: io.TextIOWrapper) -> None:
    with kind() as display:
        display.begins(SimpleNamespace(title=EVIL), Todo(EVIL))
        display.progress(Progress(EVIL, 0, 1))
        display.progress(Progress(EVIL, 1, 2))
    harmless(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text_of(stderr)).replace("\r", ""))


def test_reports_of_a_smoke_test() -> None:
    result = SmokeResult(EVIL, (Case(Suite.EVALUATION, EVIL, CaseVerdict.FAILED, EVIL * 100, code="PML301"),), 1, 1.0)
    harmless(junit(result))
    failure = ET.fromstring(junit(result).encode()).find("testsuite/testcase/failure")
    assert failure is not None
    assert len(failure.text or "") < 3000
    table = markdown(result)
    harmless(table)
    (row,) = (line for line in table.splitlines() if line.startswith("| failed"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4, "no cell ends early"
    assert not re.search(r"<img|(?<!\\)[`*]|http://", row)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {"x": [float("nan")]}])
def test_json_has_no_nan(value: Any) -> None:
    json.loads(dumps({"value": value}), parse_constant=pytest.fail)


def test_json_keeps_every_character() -> None:
    assert json.loads(dumps([EVIL])) == [EVIL]
    harmless(dumps([EVIL]))


@pytest.mark.parametrize("text", ["走路 ✓ é", "a\tb\nc", "std::string", "a ## [b]", "‍👩‍🔬", "مرحبا שלום"])
def test_ordinary_text_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("text", ["\x90", "\x1b]", "\x1b[", "\x9b", " ", "#", "::\n", "\n", "##a"])
def test_a_flood_is_cleaned_in_time(text: str) -> None:
    with soon():
        clean(text * 100_000, longest=1_000_000)


def test_very_long_text_is_cut() -> None:
    assert len(clean("x" * 1_000_000)) < 11_000


WRITES = (
    r"print|input|Console|.*\bconsole\.Console|typer\.(s?echo|prompt)|(.*\.)?std(out|err)\.\w*write.*"
    r"|traceback\.print\w+"
)


def test_only_one_module_writes_to_the_terminal() -> None:
    """Every other module has to go through it, so nothing can be printed raw."""
    package = Path(__file__).parents[2] / "src/pmlaunch"
    programs: tuple[str, ...] = ("agent/", "demo/", "processes/guardian_program.py", "__main__.py")
    programs += ("cli/render/terminal.py", "sweeping/job_program.py")  # the latter writes JSON into a pipe
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith(programs):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if re.fullmatch(WRITES, called):
                found.append(f"{name}:{node.lineno}: {called}")
    assert found == []


def test_only_one_function_writes_json() -> None:
    package = Path(__file__).parents[2] / "src/pmlaunch"
    allowed = ("agent/", "processes/guardian_program.py", "support/json.py")
    calls = re.compile(r"\bjson\.dumps?\(")
    found = {
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if calls.search(path.read_text("utf-8"))
    }
    # these compare or quote, and write no document
    assert {name for name in found if not name.startswith(allowed)} <= {
        "support/yaml_file.py",
        "installing/workspace_step.py",
        "motions/export_glb.py",  # a part of a binary file, without blanks
    }
