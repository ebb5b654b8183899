"""Findings from exceptions, exit codes and logs."""

from __future__ import annotations

import signal

import pytest

from pmlaunch.codes import CODES
from pmlaunch.model import Finding
from pmlaunch.processes.child import _decoded
from pmlaunch.running.diagnosis import diagnose_exception, diagnose_exit, last_words, name_of_exit
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.runtimes.isaacsim import NOT_ISAACS_PYTHON

BATCH = BatchFile("this batch file always returns 0", "--via python --python X")


def finding_for(kind: str, message: str, traceback: str = "") -> Finding:
    return diagnose_exception({"type": kind, "message": message, "traceback": traceback}, ["the last line"])


@pytest.mark.parametrize(
    ("kind", "message", "code"),
    [
        ("RuntimeError", "Distributed package doesn't have NCCL built in", "PML302"),
        ("torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB", "PML303"),
        ("RuntimeError", "CUDA error: out of memory", "PML303"),
        ("RuntimeError", "Failed to allocate 4294967296 bytes on device 'cuda:0'", "PML303"),
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


def test_sign_in_the_traceback() -> None:
    assert finding_for("SystemExit", "1", "...\nRuntimeError: CUDA out of memory\n").code == "PML303"


def test_hint_is_the_codes_cure_or_names_the_missing_package() -> None:
    assert finding_for("RuntimeError", "CUDA out of memory").hint == CODES["PML303"].cure
    assert finding_for("RuntimeError", "Failed to allocate 4294967296 bytes on device 'cpu'").code != "PML303"
    hint = finding_for("ModuleNotFoundError", "No module named 'easydict'").hint
    assert hint == "Install it with that Python: PYTHON -m pip install easydict"
    assert finding_for("ModuleNotFoundError", "without a name").hint == CODES["PML304"].cure


@pytest.mark.parametrize("module", ["isaacsim", "isaaclab.app", "isaaclab_tasks", "omni.kit.app", "carb", "pxr.Usd"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_missing_module_of_isaac_is_never_to_be_installed_with_pip(module: str, wrapped: bool) -> None:
    error = f"No module named '{module}'"
    finding = finding_for("SystemExit", "1", error) if wrapped else finding_for("ModuleNotFoundError", error)
    assert (finding.code, finding.hint) == ("PML304", NOT_ISAACS_PYTHON)
    assert "pip" not in str(finding.hint)


_TORCH = (
    "CUDA out of memory. Tried to allocate {} GiB. GPU 0 has a total capacity of 80.00 GiB of which {} GiB is free."
)


@pytest.mark.parametrize(
    ("message", "had", "fits"),
    [
        ("Failed to allocate 1 bytes on device 'cuda:0'", 4096, 2048),
        ("Failed to allocate 1 bytes on device 'cuda:0'", 100, 32),
        (_TORCH.format("2.00", "1.00"), 4096, 2048),
        (_TORCH.format("800.00", "40.00"), 4096, 256),  # 840 of 80 GiB would be needed
        ("CUDA out of memory", 2, 1),
        ("CUDA out of memory", 1, None),
    ],
)
def test_environments_that_fit_into_the_gpu(message: str, had: int, fits: int | None) -> None:
    hint = diagnose_exception({"type": "RuntimeError", "message": message}, [], num_envs=had).hint or ""
    assert hint.startswith(f"--num-envs {fits} (the run had {had})" if fits else CODES["PML303"].cure)


def test_terrain_without_room_for_the_environments() -> None:
    message = "Not enough space between humanoids, create a bigger terrain or reduce the number of envs."
    finding = diagnose_exception({"type": "AssertionError", "message": message}, [], num_envs=200_000)
    assert (finding.code, finding.hint) == ("PML316", "--num-envs 65536 (the run had 200000)")


def test_unknown_exception_shows_the_last_line_of_the_log() -> None:
    finding = finding_for("builtins.ValueError", "no such robot\nmore")
    assert (finding.message, finding.subject) == ("ValueError: no such robot", "the last line")


def test_empty_exception() -> None:
    assert diagnose_exception({}, []).code == "PML301"


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (None, "no exit code"),
        (0, "exit code 0"),
        (7, "exit code 7"),
        (255, "exit code 255"),
        (-11, "signal SIGSEGV"),
        (-signal.SIGABRT, "signal SIGABRT"),
        (-15, "signal SIGTERM"),
        (-100, "signal 100"),
        (0xC0000005, "0xC0000005 (access violation)"),
        (-1073741819, "0xC0000005 (access violation)"),
        (0xC0000135, "0xC0000135 (a DLL was not found)"),
        (0xC000013A, "0xC000013A (Ctrl+C)"),
        (0xC0000374, "0xC0000374 (heap corruption)"),
        (0xFFFFFFFF, "exit code 0xFFFFFFFF"),
    ],
)
def test_name_of_exit(exit_code: int | None, words: str) -> None:
    assert name_of_exit(exit_code) == words


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ([], "It printed nothing."),
        (["one", "two"], "Last output: two"),
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
def test_launcher_script_fails_before_the_agent(line: str, code: str) -> None:
    finding = diagnose_exit(0, False, ["banner", line])
    if "not recognized" in line:  # cmd.exe puts the verb before the word
        assert finding.code in ("PML331", "PML334")
    else:
        assert finding.code == code
    assert diagnose_exit(0, True, ["banner", line]).code == "PML330"


@pytest.mark.parametrize(
    "line",
    [
        "\\Eclipse\\Sumo\\tools\\ was unexpected at this time.",  # Isaac Lab issue 4407
        "此时不应有 \\NVIDIA。",
        '"\\NVIDIA" kann syntaktisch an dieser Stelle nicht verarbeitet werden.',
        "\\NVIDIA était inattendu.",
        "No se esperaba \\NVIDIA en este momento.",
    ],
)
def test_batch_file_breaks_at_a_parenthesis(line: str) -> None:
    finding = diagnose_exit(0, False, ["banner", line, "one line more"], BATCH)
    assert (finding.code, finding.hint) == ("PML213", "bypass the batch file with --via python --python X")
    assert line in finding.message
    assert diagnose_exit(0, False, [line]).code == "PML213"
    # in the output of the program itself it means nothing
    assert diagnose_exit(0, True, [line], BATCH).code == "PML330"


EULA_PROMPT = 'user_choice = input("Do you accept the EULA? (Yes/No): ")'


@pytest.mark.parametrize(
    ("kind", "message", "traceback"),
    [
        ("SystemExit", "Unable to bootstrap inner kit kernel: EULA not accepted. Set OMNI_KIT_ACCEPT_EULA=YES", ""),
        ("SystemExit", "Unable to bootstrap inner kit kernel: EOF when reading a line", ""),
        ("EOFError", "EOF when reading a line", f"    {EULA_PROMPT}\nEOFError: EOF when reading a line\n"),
    ],
)
def test_eula_not_accepted(kind: str, message: str, traceback: str) -> None:
    exception = {"type": kind, "message": message, "traceback": traceback}
    for python, named in (("/lab/bin/python", '"/lab/bin/python"'), (None, "PYTHON")):
        finding = diagnose_exception(exception, [], python)
        assert finding.code == "PML217"
        assert f'{named} -c "import isaacsim"' in (finding.hint or "")


@pytest.mark.parametrize("reached", [True, False])
def test_eula_prompt_at_the_end_of_the_log(reached: bool) -> None:
    tail = ["Do you accept the EULA? (Yes/No): Traceback (most recent call last):", "EOFError: EOF when reading a line"]
    assert diagnose_exit(1, reached, tail).code == "PML217"
    assert diagnose_exit(1, reached, tail[:1]).code != "PML217", "it was asked and answered, or the run ended otherwise"
    assert diagnose_exit(1, reached, tail[1:]).code != "PML217", "another program's question"


@pytest.mark.parametrize("reached", [True, False])
def test_exit_code_0_of_a_batch_file_is_qualified(reached: bool) -> None:
    words = "exit code 0 (this batch file always returns 0)"
    assert words in diagnose_exit(0, reached, ["x"], BATCH).message
    assert words not in diagnose_exit(1, reached, ["x"], BATCH).message
    for nothing_to_say in (None, BatchFile(None, "")):
        assert "exit code 0" in diagnose_exit(0, reached, ["x"], nothing_to_say).message
        assert "returns 0" not in diagnose_exit(0, reached, ["x"], nothing_to_say).message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Windows fatal exception: access violation", "Windows fatal exception: access violation"),
        ("Windows fatal exception: code 0xc0000409", "code 0xc0000409 (stack buffer overrun)"),
        ("Windows fatal exception: code 0xc06d007e", "Windows fatal exception: code 0xc06d007e"),
        ("[step 3] Fatal Python error: Segmentation fault", "Fatal Python error: Segmentation fault"),
    ],
)
def test_crash_reported_by_the_fault_handler(line: str, said: str) -> None:
    finding = diagnose_exit(
        0, True, ["start", line, "Thread 0x1:", '  File "x.py", line 3', "Extension modules: ..."], BATCH
    )
    assert " The log reports a crash: " in finding.message
    assert said in finding.message
    assert "always returns 0" in finding.message
    assert "Extension modules" not in finding.message


def test_last_of_several_crashes_counts() -> None:
    tail = ["Windows fatal exception: code 0x8001010d", "survived", "Windows fatal exception: access violation", "x"]
    assert "access violation" in diagnose_exit(0, True, tail).message
    assert "0x8001010d" not in diagnose_exit(0, True, tail).message


@pytest.mark.parametrize(("length", "shown"), [(160, "x" * 160), (161, "x" * 157 + "..."), (10_000, "x" * 157 + "...")])
def test_long_last_line_is_shortened(length: int, shown: str) -> None:
    line = "x" * length
    assert last_words(["one", f"  {line}  "]) == shown
    for reached in (True, False):
        message = diagnose_exit(1, reached, [line]).message
        assert shown in message
        assert "x" * 161 not in message
    assert finding_for("ValueError", "no").subject == "the last line"
    assert diagnose_exception({"type": "ValueError"}, [line]).subject == shown
    assert len(diagnose_exit(0, False, [line + " was unexpected at this time"], BATCH).message) < 400


def test_no_output() -> None:
    assert last_words([]) is None


def test_output_is_decoded_despite_invalid_bytes() -> None:
    assert _decoded("走路".encode()) == "走路"
    assert _decoded(b"\xff!").endswith("!")


def test_original_exception_is_reported() -> None:
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
