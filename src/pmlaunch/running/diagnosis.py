"""Turn an exception, or the end of a log, into a finding with its likely cause and the next step."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping, Sequence

from pmlaunch.codes import CODES
from pmlaunch.model import Finding, Severity
from pmlaunch.running.gpu_memory import fitting_envs
from pmlaunch.running.known_failures import LOST_PARTNER, NO_MEMORY, NO_MODULE, NO_SPACE, NOT_FINITE, Raised, explain
from pmlaunch.running.probe_reply import missing_module
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.runtimes.missing_modules import cure_for
from pmlaunch.support.json import as_mapping
from pmlaunch.support.signs import Sign, find_sign

# Python's words between an exception and the one that was raised while it was handled, or because of it
_HANDLED = "\nDuring handling of the above exception, another exception occurred:\n"
_CAUSED = "\nThe above exception was the direct cause of the following exception:\n"
_EXCEPTION_LINE = re.compile(r"^(?!Traceback )(?:([A-Za-z_][\w.]*): )?(\S.*)$", re.MULTILINE)
_REPR = re.compile(r"""^([A-Za-z_]\w*)\((['"])(.*)\2\)$""", re.MULTILINE)  # Hydra quotes what it wraps
_PATCH_BUFFER = re.compile(
    r"PhysX error: .*(?:patch buffer overflow|maxRigidPatchCount).*?(?:at least (\d{1,9})|$)", re.IGNORECASE
)
_PATCH_COUNT = "simulator.sim.physx.gpu_max_rigid_patch_count"  # of ProtoMotions 3
_EULA_ASKED = Sign(
    r"EULA not accepted|kit kernel: EOF when reading a line|accept the EULA\?[\s\S]*EOF when reading a line", "PML217"
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
_LONGEST_MESSAGE, _LONGEST_TRACEBACK = 4_000, 20_000  # characters that are searched: a program may write anything
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

    `tail` is the end of its log, `python` its Python, and `num_envs` its number of environments. Only the exception
    that ended the run decides, and the one that it was raised from; the log adds to what is known then.
    """
    candidates = list(_deciding(exception))
    found = explain(candidates)
    if found is None:
        return Finding("PML301", Severity.ERROR, _said(candidates[0]), subject=last_words(tail))
    failure, raised = found
    code, cure = failure.code, None
    if failure is NOT_FINITE and (needed := _patches_needed(tail)) is not None:
        code, cure = "PML343", f"use a smaller --num-envs (the run had {num_envs})"
        cure += f"; or with ProtoMotions 3: {_PATCH_COUNT}={needed}" if needed else ""
    if failure is NO_MODULE and (missing := missing_module(raised.message)):
        cure = cure_for(missing, f'"{python}"' if python else "PYTHON", traceback=raised.traceback)
    if failure in (NO_MEMORY, NO_SPACE) and (fitting := fitting_envs(num_envs, raised.message)):
        others = "; or close other programs that use the GPU" if failure is NO_MEMORY else ""
        cure = f"--num-envs {fitting} (the run had {num_envs}){others}"
    return _error(code, f"{_said(raised)}  ({CODES[code].cause})", cure or CODES[code].cure_in(python))


def lost_its_partner(exception: Mapping[str, object]) -> bool:
    """Whether a rank ended because another one did, whose exception then decides."""
    return any(map(LOST_PARTNER.explains, _deciding(exception)))


def _deciding(exception: Mapping[str, object]) -> Iterator[Raised]:
    """The exception that ended the run: first the one that it was raised from, then itself, then its traceback's end.

    Never one that was handled: Python shows these in the same traceback.
    """
    cause = as_mapping(exception.get("cause"))
    *earlier, own = str(exception.get("traceback", "")).rpartition(_HANDLED)[2].split(_CAUSED)
    own = own[-_LONGEST_TRACEBACK:]
    outer = _raised(exception, own)
    if cause:
        yield _raised(cause, earlier[0][-_LONGEST_TRACEBACK:] if earlier else "")
    yield from (Raised(kind, text.replace("\\n", "\n"), own) for kind, _, text in _REPR.findall(outer.message))
    yield outer
    for match in _EXCEPTION_LINE.finditer(own):  # of a program that exits with a number, or of a worker of it
        if match[1] or not outer.kind:
            yield Raised(match[1] or "", match[2][:_LONGEST_MESSAGE], own)


def _raised(exception: Mapping[str, object], traceback: str) -> Raised:
    kind = str(exception.get("type", "")).removeprefix("builtins.")
    return Raised(kind, str(exception.get("message", ""))[:_LONGEST_MESSAGE].strip(), traceback)


def _said(raised: Raised) -> str:
    """The exception in one line; a line that ends with a colon takes the next one with it."""
    lines = [line.strip() for line in raised.message.splitlines() if line.strip()]
    words = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    return ": ".join(filter(None, (raised.type, words)))


def _patches_needed(tail: Sequence[str]) -> int | None:
    """The size that PhysX asked for its patch buffer, as a power of two; 0 if it named none, None if it did not ask."""
    asked = [int(match[1] or 0) for line in tail if (match := _PATCH_BUFFER.search(line[:_LONGEST_MESSAGE]))]
    return None if not asked else 1 << (max(asked) - 1).bit_length() if max(asked) else 0


def diagnose_exit(
    exit_code: int | None, reached: bool, tail: Sequence[str], batch: BatchFile | None = None, python: str | None = None
) -> Finding:
    """Return the finding for a run without a verdict: a native crash, or a program that never reached the agent.

    `reached` is whether the agent was; `batch` the batch file that started the program, `python` its Python, if known.
    """
    how, last = describe_exit(exit_code, batch), _quoted(tail)
    if _EULA_ASKED.found_in("\n".join(tail)):
        return _error(_EULA_ASKED.code, CODES[_EULA_ASKED.code].cause, CODES[_EULA_ASKED.code].cure_in(python))
    if reached:
        return _error("PML330", f"The program ended with {how} and left no verdict.{last}")
    sign = find_sign(_FALSE_STARTS, "\n".join(tail))
    if sign is _BROKEN_BLOCK:
        broken = [line for line in tail if sign.found_in(line)]
        message = f"isaaclab.bat failed before it started Python: {last_words(broken)}"
        message += "  (cmd.exe ends a block at a parenthesis in PATH, CONDA_PREFIX or the folder's name)"
        way_around = batch.way_around if batch else "--via python --python EXE"
        return _error(sign.code, message, f"bypass the batch file with {way_around}")
    if sign is _AGENT_NOT_FOUND:
        message = "Python started without the agent, because PYTHONPATH was changed on the way."
        return _error(sign.code, message, CODES[sign.code].cure)
    if sign is _NO_PYTHON:
        return _error(sign.code, f"The launcher script found no Python.{last}", CODES[sign.code].cure)
    message = f"The program ended with {how} before the agent could start.{last}"
    return _error("PML331", message, "bypass the launcher script with --via python --python EXE")


def _error(code: str, message: str, hint: str | None = None) -> Finding:
    return Finding(code, Severity.ERROR, message, hint)


def _quoted(tail: Sequence[str]) -> str:
    """Return a sentence with the crash or the last line of the output."""
    crash = _crash(tail)
    if crash:
        return f" The log reports a crash: {crash}"
    return f" Last output: {last_words(tail)}" if tail else " It printed nothing."


def describe_exit(exit_code: int | None, batch: BatchFile | None) -> str:
    """Like `name_of_exit`, with a remark if exit code 0 from `batch` says nothing."""
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
