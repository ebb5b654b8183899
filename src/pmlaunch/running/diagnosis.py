"""From what a run left behind to what a person can do: the exception, its likely cause, the next step."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from pmlaunch.codes import CODES
from pmlaunch.model import Finding, Severity
from pmlaunch.runtimes.batch_rules import BatchFile

# (code, what its exception or the end of its log looks like). The first that fits wins.
_SIGNS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (code, re.compile(pattern, re.IGNORECASE))
    for code, pattern in (
        ("PML302", r"doesn't have NCCL|NCCL.* not (available|built)"),
        ("PML303", r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory"),
        (
            "PML305",
            r"No supported gpu backend found|no CUDA-capable device|Found no NVIDIA driver|CUDA.*not available",
        ),
        ("PML307", r"invalid load key|Weights only load failed|PytorchStreamReader failed|not a zip archive"),
        ("PML310", r"Please set control gains"),
        ("PML306", r"size mismatch for|Error\(s\) in loading state_dict"),
        ("PML309", r"mutable default .* is not allowed"),
        ("PML304", r"ModuleNotFoundError|No module named"),
        ("PML308", r"FileNotFoundError|No such file or directory"),
    )
)

_NO_PYTHON = re.compile(r"unable to find any python|python.*(not found|not recognized|cannot find)", re.IGNORECASE)
# cmd.exe, of a block that ended too early: "\\Eclipse\\tools was unexpected at this time." in the languages of Windows
_BROKEN_BLOCK = re.compile(
    r"was unexpected at this time|此时不应有|の使い方が誤っています|Непредвиденное появление"
    r"|kann syntaktisch an dieser Stelle nicht verarbeitet werden|tait inattendu|No se esperaba .* en este momento",
    re.IGNORECASE,
)
# Python's fault handler, of a crash in native code; the code where Windows has no name for it
_CRASH = re.compile(r"(Windows fatal exception|Fatal Python error): (?:code (0x[0-9a-f]+))?.*", re.IGNORECASE)
_LONGEST_WORDS = 160  # characters of the program's output in a finding: the log has the rest

# NTSTATUS values that end a process, as Windows reports them; see [MS-ERREF] 2.3.1
_WINDOWS_ENDS: Mapping[int, str] = {
    0xC0000005: "access violation",
    0xC0000409: "stack buffer overrun",
    0xC00000FD: "stack overflow",
    0xC000001D: "illegal instruction",
    0xC0000135: "a DLL was not found",
    0xC000013A: "Ctrl+C",
    0xC0000374: "heap corruption",
}


def diagnose_exception(exception: Mapping[str, Any], tail: Sequence[str]) -> Finding:
    """The finding for a run that ended with `exception`; `tail` is the end of its log."""
    # what went wrong first says more than what was raised because of it (Hydra: "Error locating target")
    told = exception.get("cause") or exception
    kind, message = str(told.get("type", "")), str(told.get("message", "")).strip()
    first_line = message.splitlines()[0] if message else ""
    said = f"{kind.removeprefix('builtins.')}: {first_line}" if first_line else kind.removeprefix("builtins.")
    text = f"{kind}: {message}\n{exception.get('traceback', '')}"
    for code, pattern in _SIGNS:
        if pattern.search(text):
            return Finding(code, Severity.ERROR, f"{said}  ({CODES[code].cause})", _cure(code, message))
    return Finding("PML301", Severity.ERROR, said, None, None, last_words(tail))


def diagnose_exit(
    exit_code: int | None, reached_agent: bool, tail: Sequence[str], batch: BatchFile | None = None
) -> Finding:
    """The finding for a run without a verdict: a native crash, or a program that never reached the agent.

    `batch` is the batch file between launcher and program, None when there was none.
    """
    how = told_exit(exit_code, batch)
    crash = _crash(tail)
    last = f" Its last words: {last_words(tail)}" if tail else " It said nothing."
    last = f" The log names a crash: {crash}" if crash else last
    said = "\n".join(tail)
    broken = [line for line in tail if _BROKEN_BLOCK.search(line)]
    if not reached_agent and broken:
        message = f"isaaclab.bat broke off before it started Python: {last_words(broken)}"
        message += "  (cmd.exe ends a block at a parenthesis in PATH, CONDA_PREFIX or the folder's name)"
        way_around = batch.way_around if batch else "--via python --python EXE"
        return Finding("PML213", Severity.ERROR, message, f"{way_around} goes around the batch file")
    if not reached_agent and re.search(r"No module named '?pmlaunch_agent", said):
        message = "Python started, but without the agent: PYTHONPATH was lost on the way."
        return Finding("PML333", Severity.ERROR, message, _cure("PML333", ""))
    if not reached_agent and _NO_PYTHON.search(said):
        return Finding("PML334", Severity.ERROR, f"The launcher script found no Python.{last}", _cure("PML334", ""))
    if not reached_agent:
        message = f"The program ended with {how} before the agent could start.{last}"
        return Finding("PML331", Severity.ERROR, message, "--via python --python EXE goes around a launcher script")
    message = f"The program ended with {how}, without a verdict.{last}"
    return Finding("PML330", Severity.ERROR, message, None)


def told_exit(exit_code: int | None, batch: BatchFile | None) -> str:
    """`name_of_exit`, with what it is worth when it comes out of a batch file."""
    how = name_of_exit(exit_code)
    return f"{how} ({batch.about_zero})" if exit_code == 0 and batch and batch.about_zero else how


def name_of_exit(exit_code: int | None) -> str:
    """An exit code in words: "exit code 7", "signal SIGSEGV", "0xC0000005 (access violation)"."""
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


def _cure(code: str, message: str) -> str:
    """The registry's cure, with the package's name where the message gives it."""
    missing = re.search(r"No module named '([\w.]+)'", message)
    if code == "PML304" and missing:
        return CODES[code].cure.replace("PACKAGE", missing[1].split(".")[0])
    return CODES[code].cure


def _crash(tail: Sequence[str]) -> str | None:
    """What Python's fault handler said of the end, with the name of the code where Windows has one."""
    # it writes a page about each thread after this line; an earlier one may be of a crash that was survived
    found = [match for line in tail if (match := _CRASH.search(line))]
    if not found:
        return None
    name = _WINDOWS_ENDS.get(int(found[-1][2], 16)) if found[-1][2] else None
    return _cut(found[-1][0]) + (f" ({name})" if name else "")


def last_words(tail: Sequence[str]) -> str | None:
    """The last line of the output, or the one that names a crash, short enough to be read; None when there is none."""
    return _crash(tail) or _cut(tail[-1]) if tail else None


def _cut(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 3] + "..."
