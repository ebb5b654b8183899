"""The stand-in batch files do to arguments and exit codes what Isaac Lab's own were measured to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from evaluation import Seen, by_hand
from lab import LABS, Lab

GetLab = Callable[[str], Lab]

# argument: where it arrives intact. The release (2.1 stands for 2.2, too), with "q" when every word is quoted.
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

# How the program ends: what each batch file returns for it.
_SWALLOWS = ("2.1 conda", "2.2 conda", "2.2 python.bat", "2.3 conda", "2.3 python.bat")
_KEEPS = ("python.exe", "2.1 python.bat")
ENDINGS = {
    "0": 0,
    "exit 7": 7,
    "exception": 1,
    "missing module": 1,
    "exit 130": 130,
    "exit -1": 0xFFFFFFFF,
    "access violation": 0xC0000005,
    "stack buffer overrun": 0xC0000409,
}


def returned(name: str, code: int) -> int:
    """What the batch file of runtime `name` makes of the program's exit code."""
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
def test_what_a_batch_file_does_to_arguments(
    lab: GetLab, program: Path, tmp_path: Path, release: str, quoted: bool
) -> None:
    runtime, script = lab(f"{release} conda"), str(program / "protomotions/eval_agent.py")
    intact = {}
    for argument in ARGUMENTS:
        _, output = by_hand(runtime, script, argument, folder=tmp_path, quote_all=quoted)
        seen = Seen.of(output)
        intact[argument] = seen is not None and list(seen.argv) == [argument]
    column = release + "q" * quoted
    assert intact == {argument: column in columns.split() for argument, columns in ARGUMENTS.items()}


def test_a_python_that_is_called_directly_gets_every_argument(lab: GetLab, program: Path, tmp_path: Path) -> None:
    words = [*ARGUMENTS, 'say "hi"', "back\\slash\\", "", "中文", "\\\\"]
    _, output = by_hand(lab("python.exe"), str(program / "protomotions/eval_agent.py"), *words, folder=tmp_path)
    seen = Seen.of(output)
    assert seen is not None
    assert list(seen.argv) == words


@pytest.mark.parametrize("name", ["python.exe", *LABS])
def test_what_a_batch_file_makes_of_an_exit_code(lab: GetLab, program: Path, tmp_path: Path, name: str) -> None:
    script = str(program / "protomotions/eval_agent.py")
    codes = {ending: by_hand(lab(name), script, folder=tmp_path, STANDIN_ENDING=ending)[0] for ending in ENDINGS}
    codes["missing script"] = by_hand(lab(name), "no_such_script.py", folder=tmp_path)[0]
    expected = {ending: returned(name, code) for ending, code in {**ENDINGS, "missing script": 2}.items()}
    assert codes == expected


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
def test_environments_in_which_nothing_runs_and_the_code_is_0(
    lab: GetLab, program: Path, tmp_path: Path, name: str, variables: dict[str, str]
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


def test_a_bare_train_py_is_isaac_labs_own_in_3_0(lab: GetLab, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('mine')", encoding="utf-8")
    assert "mine" not in by_hand(lab("3.0 conda"), "train.py", folder=tmp_path)[1]
    assert "mine" in by_hand(lab("2.3 conda"), "train.py", folder=tmp_path)[1]
