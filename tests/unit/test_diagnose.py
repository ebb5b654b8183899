"""From what a run left behind to what a person can do."""

from __future__ import annotations

import pytest

from pmlaunch.codes import CODES
from pmlaunch.model import Finding
from pmlaunch.running.diagnose import diagnose_exception, diagnose_exit, name_of_exit


def finding_for(kind: str, message: str, traceback: str = "") -> Finding:
    return diagnose_exception({"type": kind, "message": message, "traceback": traceback}, ["the last line"])


@pytest.mark.parametrize(
    ("kind", "message", "code"),
    [
        ("RuntimeError", "Distributed package doesn't have NCCL built in", "PML302"),
        ("torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB", "PML303"),
        ("RuntimeError", "CUDA error: out of memory", "PML303"),
        ("ModuleNotFoundError", "No module named 'isaaclab.app'", "PML304"),
        ("lightning.MisconfigurationException", "No supported gpu backend found!", "PML305"),
        ("RuntimeError", "Found no NVIDIA driver on your system.", "PML305"),
        ("RuntimeError", "Error(s) in loading state_dict for Net:\n\tsize mismatch for a.weight", "PML306"),
        ("_pickle.UnpicklingError", "invalid load key, 'v'.", "PML307"),
        ("RuntimeError", "PytorchStreamReader failed reading zip archive", "PML307"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'data/x.usd'", "PML308"),
        ("ValueError", "mutable default <class 'PlaneConfig'> for field plane is not allowed", "PML309"),
        ("GenesisException", "Please set control gains kp,kv", "PML310"),
        ("ValueError", "anything else", "PML301"),
        ("KeyError", "", "PML301"),
    ],
)
def test_exception_is_recognised(kind: str, message: str, code: str) -> None:
    finding = finding_for(kind, message)
    assert finding.code == code
    assert finding.severity.value == "error"
    assert finding.message.startswith(kind)
    assert "\n" not in finding.message


def test_sign_may_stand_in_the_traceback() -> None:
    assert finding_for("SystemExit", "1", "...\nRuntimeError: CUDA out of memory\n").code == "PML303"


def test_cure_is_the_registrys_with_the_package_that_is_missing() -> None:
    assert finding_for("RuntimeError", "CUDA out of memory").hint == CODES["PML303"].cure
    hint = finding_for("ModuleNotFoundError", "No module named 'isaaclab.app'").hint
    assert hint == "Install it with that Python: PYTHON -m pip install isaaclab"


def test_unknown_exception_shows_the_last_line_of_the_log() -> None:
    finding = finding_for("builtins.ValueError", "no such robot\nmore")
    assert (finding.message, finding.subject) == ("ValueError: no such robot", "the last line")


def test_exception_without_anything_is_still_a_finding() -> None:
    assert diagnose_exception({}, []).code == "PML301"


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (None, "no exit code"),
        (0, "exit code 0"),
        (7, "exit code 7"),
        (255, "exit code 255"),
        (-11, "signal SIGSEGV"),
        (-6, "signal SIGABRT"),
        (-15, "signal SIGTERM"),
        (-100, "signal 100"),
        (0xC0000005, "0xC0000005 (access violation)"),
        (-1073741819, "0xC0000005 (access violation)"),
        (0xC0000135, "0xC0000135 (a DLL was not found)"),
        (0xC000013A, "0xC000013A (Ctrl+C)"),
        (0xC0000374, "0xC0000374 (heap corruption)"),
    ],
)
def test_name_of_an_exit(exit_code: int | None, words: str) -> None:
    assert name_of_exit(exit_code) == words


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ([], "It said nothing."),
        (["one", "two"], "Its last words: two"),
        (["Fatal Python error: Segmentation fault", "  File x", "  File y"], "Fatal Python error: Segmentation fault"),
        (["Windows fatal exception: access violation", "Thread 1"], "Windows fatal exception: access violation"),
    ],
)
@pytest.mark.parametrize(("reached", "code"), [(True, "PML330"), (False, "PML331")])
def test_end_without_a_verdict(tail: list[str], said: str, reached: bool, code: str) -> None:
    finding = diagnose_exit(-11, reached, tail)
    assert finding.code == code
    assert "signal SIGSEGV" in finding.message
    assert said in finding.message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/usr/bin/python: No module named pmlaunch_agent", "PML333"),
        ("python.exe: Error while finding module specification: No module named 'pmlaunch_agent'", "PML333"),
        ("[Error] Unable to find any Python executable at path: C:\\IsaacLab\\_isaac_sim", "PML334"),
        ("'python.exe' is not recognized as an internal or external command", "PML331"),
    ],
)
def test_launcher_script_that_never_reached_the_agent(line: str, code: str) -> None:
    finding = diagnose_exit(0, False, ["banner", line])
    if "not recognized" in line:  # cmd.exe puts the verb before the word
        assert finding.code in ("PML331", "PML334")
    else:
        assert finding.code == code
    assert diagnose_exit(0, True, ["banner", line]).code == "PML330"


def test_endless_last_words_are_cut() -> None:
    assert len(diagnose_exit(1, True, ["x" * 10_000]).message) < 500


def test_the_first_cause_is_what_a_person_reads() -> None:
    wrapped = {
        "type": "hydra.errors.InstantiationException",
        "message": "Error locating target 'pmlaunch.demo.env.DemoEnv'",
        "traceback": "",
        "cause": {"type": "ModuleNotFoundError", "message": "No module named 'mujoco'"},
    }
    finding = diagnose_exception(wrapped, [])
    assert finding.code == "PML304"
    assert finding.message.startswith("ModuleNotFoundError: No module named 'mujoco'")
    assert "pip install mujoco" in str(finding.hint)
