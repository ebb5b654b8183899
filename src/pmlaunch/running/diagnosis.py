"""Turn an exception, or the end of a log, into a finding with its likely cause and the next step."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping, Sequence

from pmlaunch.codes import CODES
from pmlaunch.model import Finding, Severity
from pmlaunch.running.gpu_memory import fitting_envs
from pmlaunch.running.probe_reply import missing_module
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.runtimes.isaacsim import NOT_ISAACS_PYTHON, comes_with_isaac
from pmlaunch.support.json import as_mapping
from pmlaunch.support.signs import Sign, find_sign

_NO_MODULE = Sign(r"ModuleNotFoundError|No module named", "PML304")
# Isaac Sim from pip asks at its import, where a run has no terminal to answer on
_EULA = Sign(
    r"EULA not accepted|kit kernel: EOF when reading a line|accept the EULA\?[\s\S]*EOF when reading a line", "PML217"
)
_NO_MEMORY = Sign(
    r"CUDA out of memory|OutOfMemoryError|CUDA error(:| 2:) out of memory|Failed to allocate \d+ bytes on device 'cuda",
    "PML303",
)
# ProtoMotions 3 on its terrain, which has room for a number of humanoids
_NO_SPACE = Sign(r"Not enough space between humanoids", "PML316")
# in an exception or its traceback
_FAILURES = (
    _EULA,
    Sign(r"doesn't have NCCL|NCCL.* not (available|built)", "PML302"),
    _NO_MEMORY,
    _NO_SPACE,
    Sign(r"No supported gpu backend found|no CUDA-capable device|Found no NVIDIA driver|CUDA.*not available", "PML305"),
    Sign(r"invalid load key|Weights only load failed|PytorchStreamReader failed|not a zip archive", "PML307"),
    Sign(r"Please set control gains", "PML310"),
    Sign(r"size mismatch for|Error\(s\) in loading state_dict", "PML306"),
    Sign(r"mutable default .* is not allowed", "PML309"),
    _NO_MODULE,
    Sign(r"FileNotFoundError|No such file or directory", "PML308"),
)
# cmd.exe on a block that ended too early: "\\Eclipse\\tools was unexpected at this time." in the languages of Windows
_BROKEN_BLOCK = Sign(
    r"was unexpected at this time|此时不应有|の使い方が誤っています|Непредвиденное появление"
    r"|kann syntaktisch an dieser Stelle nicht verarbeitet werden|tait inattendu|No se esperaba .* en este momento",
    "PML213",
)
_AGENT_NOT_FOUND = Sign(r"No module named '?pmlaunch_agent", "PML333")
_NO_PYTHON = Sign(r"unable to find any python|python.*(not found|not recognized|cannot find)", "PML334")
# in the output of a program that ended before the agent started
_FALSE_STARTS = (_BROKEN_BLOCK, _AGENT_NOT_FOUND, _NO_PYTHON)

# Python's fault handler on a crash in native code; group 2 is the code where Windows has no name for it
_CRASH = re.compile(r"(Windows fatal exception|Fatal Python error): (?:code (0x[0-9a-f]+))?.*", re.IGNORECASE)
_LONGEST_WORDS = 160  # characters of output quoted in a finding; the log has the rest

# NTSTATUS values that Windows reports as the exit code of a crashed process; see [MS-ERREF] 2.3.1
_WINDOWS_ENDS: Mapping[int, str] = {
    0xC0000005: "access violation",
    0xC0000409: "stack buffer overrun",
    0xC00000FD: "stack overflow",
    0xC000001D: "illegal instruction",
    0xC0000135: "a DLL was not found",
    0xC000013A: "Ctrl+C",
    0xC0000374: "heap corruption",
}


def diagnose_exception(
    exception: Mapping[str, object], tail: Sequence[str], python: str | None = None, num_envs: int = 1
) -> Finding:
    """Return the finding for a run that ended with `exception`.

    `tail` is the end of its log, `python` its Python, and `num_envs` its number of environments.
    """
    # the first exception says more than the one raised because of it (Hydra: "Error locating target")
    first = as_mapping(exception.get("cause")) or exception
    kind, message = str(first.get("type", "")), str(first.get("message", "")).strip()
    first_line = message.splitlines()[0] if message else ""
    said = f"{kind.removeprefix('builtins.')}: {first_line}" if first_line else kind.removeprefix("builtins.")
    sign = find_sign(_FAILURES, f"{kind}: {message}\n{exception.get('traceback', '')}")
    if sign is None:
        return Finding("PML301", Severity.ERROR, said, subject=last_words(tail))
    cure = CODES[sign.code].cure_in(python)
    missing = missing_module(f"{message}\n{exception.get('traceback', '')}") if sign is _NO_MODULE else None
    if missing and comes_with_isaac(missing):
        cure = NOT_ISAACS_PYTHON
    elif missing:
        cure = f"Install it with that Python: PYTHON -m pip install {missing.split('.')[0]}"
    if sign in (_NO_MEMORY, _NO_SPACE) and (fitting := fitting_envs(num_envs, message)):
        others = "; or close other programs that use the GPU" if sign is _NO_MEMORY else ""
        cure = f"--num-envs {fitting} (the run had {num_envs}){others}"
    return _error(sign.code, f"{said}  ({CODES[sign.code].cause})", cure)


def diagnose_exit(
    exit_code: int | None, reached: bool, tail: Sequence[str], batch: BatchFile | None = None, python: str | None = None
) -> Finding:
    """Return the finding for a run without a verdict: a native crash, or a program that never reached the agent.

    `reached` is whether the agent was; `batch` the batch file that started the program, `python` its Python, if known.
    """
    how, last = describe_exit(exit_code, batch), _quoted(tail)
    if _EULA.found_in("\n".join(tail)):
        return _error(_EULA.code, CODES[_EULA.code].cause, CODES[_EULA.code].cure_in(python))
    if reached:
        return _error("PML330", f"The program ended with {how}, without a verdict.{last}")
    sign = find_sign(_FALSE_STARTS, "\n".join(tail))
    if sign is _BROKEN_BLOCK:
        broken = [line for line in tail if sign.found_in(line)]
        message = f"isaaclab.bat broke off before it started Python: {last_words(broken)}"
        message += "  (cmd.exe ends a block at a parenthesis in PATH, CONDA_PREFIX or the folder's name)"
        way_around = batch.way_around if batch else "--via python --python EXE"
        return _error(sign.code, message, f"{way_around} goes around the batch file")
    if sign is _AGENT_NOT_FOUND:
        message = "Python started, but without the agent: PYTHONPATH was lost on the way."
        return _error(sign.code, message, CODES[sign.code].cure)
    if sign is _NO_PYTHON:
        return _error(sign.code, f"The launcher script found no Python.{last}", CODES[sign.code].cure)
    message = f"The program ended with {how} before the agent could start.{last}"
    return _error("PML331", message, "--via python --python EXE goes around a launcher script")


def _error(code: str, message: str, hint: str | None = None) -> Finding:
    return Finding(code, Severity.ERROR, message, hint)


def _quoted(tail: Sequence[str]) -> str:
    """Return what the output says of the end, as a sentence."""
    crash = _crash(tail)
    if crash:
        return f" The log names a crash: {crash}"
    return f" Its last words: {last_words(tail)}" if tail else " It said nothing."


def describe_exit(exit_code: int | None, batch: BatchFile | None) -> str:
    """Like `name_of_exit`, and what an exit code 0 from `batch` is worth."""
    how = name_of_exit(exit_code)
    return f"{how} ({batch.about_zero})" if exit_code == 0 and batch and batch.about_zero else how


def name_of_exit(exit_code: int | None) -> str:
    """Describe an exit code: "exit code 7", "signal SIGSEGV", "0xC0000005 (access violation)"."""
    if exit_code is None:
        return "no exit code"
    unsigned = exit_code & 0xFFFFFFFF
    if unsigned in _WINDOWS_ENDS:
        return f"0x{unsigned:08X} ({_WINDOWS_ENDS[unsigned]})"
    if exit_code < 0:
        try:
            return f"signal {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"signal {-exit_code}"
    return f"exit code 0x{unsigned:08X}" if exit_code > 0x7FFFFFFF else f"exit code {exit_code}"


def _crash(tail: Sequence[str]) -> str | None:
    """Return the fault handler's line about the crash, with the meaning of its code if known."""
    # a page about each thread follows this line; an earlier line may be from a crash that was survived
    found = [match for line in tail if (match := _CRASH.search(line))]
    if not found:
        return None
    name = _WINDOWS_ENDS.get(int(found[-1][2], 16)) if found[-1][2] else None
    return _cut(found[-1][0]) + (f" ({name})" if name else "")


def last_words(tail: Sequence[str]) -> str | None:
    """Return the last line of the output, or the one that names a crash, shortened; None if there is no output."""
    return _crash(tail) or _cut(tail[-1]) if tail else None


def _cut(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 3] + "..."
