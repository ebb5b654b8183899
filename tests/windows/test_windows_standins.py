"""The stand-in batch files change arguments and exit codes exactly as Isaac Lab's own were measured to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluation import Seen, by_hand
from lab import LABS, Lab
from table import MISSING_SCRIPT, code_of

GetLab = Callable[[str], Lab]

# argument: the releases in which it arrives intact (2.1 stands for 2.2, too), with "q" if every word is quoted
ARGUMENTS = {
    "+a=b": "2.1q 2.3 2.3q 3.0 3.0q",
    "a,b": "2.1q 2.3 2.3q 3.0 3.0q",
    "a;b": "2.1q 2.3 2.3q 3.0 3.0q",
    "x=[1,2]": "2.1q 2.3 2.3q 3.0 3.0q",
    r"C:\my motions\x": "2.1 2.1q 2.3 2.3q 3.0 3.0q",
    "glob*": "2.3 2.3q 3.0 3.0q",
    "what?": "2.3 2.3q 3.0 3.0q",
    "bang!": "",
    "a!PATH!b": "",
    "%PATH%": "",
    "a&b": "2.1q 3.0q",
    "a|b": "2.1q 3.0q",
    "a<b": "2.1q 3.0q",
    "a^b": "2.1q 2.3q 3.0q",
    r"C:\Program Files (x86)\x": "2.1 2.1q 3.0 3.0q",
    "(x)": "2.1q 3.0 3.0q",
}

# how the program ends: its exit code without a batch file
_SWALLOWS = ("2.1 conda", "2.2 conda", "2.2 python.bat", "2.3 conda", "2.3 python.bat")
_KEEPS = ("python.exe", "2.1 python.bat")
ENDINGS = {
    "0": 0,
    "exit 7": 7,
    "exit -1": 0xFFFFFFFF,
    "access violation": 0xC0000005,
}
_MORE_ENDINGS = {"exception": 1, "missing module": 1, "exit 130": 130, "stack buffer overrun": 0xC0000409}


def returned(name: str, code: int) -> int:
    """Return what the batch file of runtime `name` returns for the program's exit code."""
    negative = code > 0x7FFFFFFF
    if name in _SWALLOWS:
        return 0
    if name in _KEEPS:
        return code
    if name == "3.0 python.bat":
        return 0xFFFFFFFF if negative else code
    return 0 if negative else min(code, 1)


@pytest.mark.parametrize("quoted", [False, True], ids=["list", "quoted"])
@pytest.mark.parametrize("release", ["2.1", "2.3", "3.0"])
def test_arguments_through_a_batch_file(lab: GetLab, program: Path, tmp_path: Path, release: str, quoted: bool) -> None:
    runtime, script = lab(f"{release} conda"), str(program / "protomotions/eval_agent.py")

    def arrived(*arguments: str) -> list[str] | None:
        seen = Seen.of(by_hand(runtime, script, *arguments, folder=tmp_path, quote_all=quoted)[1])
        return list(seen.argv) if seen else None

    column = release + "q" * quoted
    intact = [argument for argument, columns in ARGUMENTS.items() if column in columns.split()]
    assert arrived(*intact) == intact  # harmless ones do not change each other: one start for all of them
    damaged = [argument for argument in ARGUMENTS if argument not in intact]
    assert [argument for argument in damaged if arrived(argument) == [argument]] == []


def test_a_python_started_directly_gets_every_argument(lab: GetLab, program: Path, tmp_path: Path) -> None:
    words = [*ARGUMENTS, 'say "hi"', "back\\slash\\", "", "中文", "\\\\"]
    _, output = by_hand(lab("python.exe"), str(program / "protomotions/eval_agent.py"), *words, folder=tmp_path)
    seen = Seen.of(output)
    assert seen is not None
    assert list(seen.argv) == words


@pytest.mark.parametrize("name", ["python.exe", *LABS])
@pytest.mark.parametrize(
    "codes", [{**ENDINGS, MISSING_SCRIPT: 2}, pytest.param(_MORE_ENDINGS, marks=pytest.mark.slow)], ids=["some", "more"]
)
def test_exit_codes_through_a_batch_file(
    lab: GetLab, program: Path, tmp_path: Path, name: str, codes: dict[str, int]
) -> None:
    actual = {ending: code_of(lab(name), tmp_path, program, ending) for ending in codes}
    assert actual == {ending: returned(name, code) for ending, code in codes.items()}


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("2.1 conda", {"SKIP": "1"}),
        ("2.2 conda", {"SKIP": "1"}),
        ("2.1 conda", {"CONDA_PREFIX": r"C:\Program Files\conda"}),
        ("2.3 conda", {"CONDA_PREFIX": r"C:\Program Files\conda"}),
        ("2.1 conda", {"CONDA_PREFIX": ""}),
        ("2.3 conda", {"CONDA_PREFIX": ""}),
        ("2.1 conda", {"CONDA_PREFIX": "", "VIRTUAL_ENV": "..."}),
        ("2.3 conda", {"CONDA_PREFIX": "", "VIRTUAL_ENV": "..."}),
        ("2.1 conda", {"PYTHONPATH": r"C:\a)b"}),
        ("2.2 conda", {"PYTHONPATH": r"C:\a)b"}),
        ("2.3 conda", {"PYTHONPATH": r"C:\a)b"}),
    ],
)
def test_environments_that_prevent_the_start_but_return_0(
    lab: GetLab, program: Path, tmp_path: Path, name: str, variables: dict[str, Any]
) -> None:
    if variables.get("VIRTUAL_ENV"):
        variables = {**variables, **lab("3.0 venv").environment}
    code, output = by_hand(lab(name), str(program / "protomotions/eval_agent.py"), folder=tmp_path, **variables)
    assert (code, Seen.of(output)) == (0, None), output


@pytest.mark.parametrize("name", ["2.1 conda", "2.3 conda", "3.0 conda"])
def test_harmless_environments(lab: GetLab, program: Path, tmp_path: Path, name: str) -> None:
    hostile = r"C:\R&D;C:\caret^;C:\it's;C:\[x];C:\my files;C:\中文"
    code, output = by_hand(lab(name), str(program / "protomotions/eval_agent.py"), folder=tmp_path, PYTHONPATH=hostile)
    assert (code, Seen.of(output) is None) == (0, False), output


def test_isaac_lab_3_0_replaces_train_py_by_its_own(lab: GetLab, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('mine')", encoding="utf-8")
    assert "mine" not in by_hand(lab("3.0 conda"), "train.py", folder=tmp_path)[1]
    assert "mine" in by_hand(lab("2.3 conda"), "train.py", folder=tmp_path)[1]
