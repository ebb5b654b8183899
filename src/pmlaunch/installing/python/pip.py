"""Run pip in the simulator's Python, through the agent, which reports pip's own exit code even behind a batch file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import OnProgress, Progress, Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.python.outstanding import PipRun
from pmlaunch.installing.python.target_python import no_answer, python_named, typed_python, usable_runtime
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.support.signs import Sign, find_sign

_LONGEST = 160  # characters shown of a line
_AGAIN = "repeat the command to resume"

_CONFLICT = Sign(
    r"ResolutionImpossible|conflicting dependencies",
    "PML436",
    "the checkout's requirements conflict with the installed packages.",
    "read the log for the conflict, or use a fresh environment: pmlaunch install --python EXE",
)
_SIGNS = (
    Sign(
        r"externally-managed-environment",
        "PML445",
        "this Python belongs to the operating system, which does not allow pip to change it.",
        "create an environment (python3 -m venv DIR), then: pmlaunch install --python DIR/bin/python",
    ),
    Sign(r"No space left on device|not enough space on the disk", "PML446", "the disk is full.", f"free some space; {_AGAIN}"),
    _CONFLICT,
    Sign(
        r"Failed to establish a new connection|NewConnectionError|NameResolutionError|Temporary failure in name resolution"
        r"|getaddrinfo failed|Network is unreachable|ConnectTimeoutError|ProxyError|Max retries exceeded"
        r"|Connection (refused|reset|aborted)|Read timed out|SSLError",
        "PML435",
        "the package index does not answer.",
        f"check the network (a proxy: HTTPS_PROXY, another index: PIP_INDEX_URL); {_AGAIN}",
    ),
    Sign(
        r"Permission denied|Access is denied|\[WinError 5\]|\[Errno 13\]|\[Errno 30\]",
        "PML447",
        "a file of this Python is in use, or you have no permission to write it.",
        f"close programs that use this Python, or check its owner; {_AGAIN}",
    ),
)  # fmt: skip
# at the beginning of the exception, when pip could not even start
_NO_PIP = Sign(r"No module named '?pip\b", "PML433")


class UnsolvableError(PmlaunchError):
    """pip found no set of versions that satisfies all requirements and constraints.

    `distribution` is the one that has no such version, if pip named one.
    """

    def __init__(self, code: str, message: str, *, hint: str | None, distribution: str | None) -> None:
        super().__init__(code, message, hint=hint)
        self.distribution = distribution


def pip(context: InstallContext, run: PipRun, constraints: Path, report: Reporter) -> None:
    """Run pip under `constraints`; its output goes to `context.logs`/pip-NAME/output.log, and line by line to `report`.

    Raises:
        UnsolvableError: PML436 for a conflict; PML434 if a distribution has no version that may be installed.
        PmlaunchError: PML434, PML435, PML445 to PML447 if pip fails otherwise; PML441 if it reports no result at all.
    """
    module = ModuleRun(
        usable_runtime(context),
        context.platform,
        "pip",
        [*run.words, "-c", str(constraints), "--no-input", "--disable-pip-version-check"],
        context.logs / f"pip-{run.name}",
        context.environment,
        cwd=context.checkout if run.in_checkout else None,
    )
    ended = run_module(module, _line_listener(report.progress))
    report.last_log = ended.log
    if not ended.ok:
        raise _failure(context, ended, run.what)


def _line_listener(report: OnProgress) -> Callable[[bytes], None]:
    """A listener that reports complete lines, and downloaded bytes if pip prints them."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, shown = "", ""

    def hear(chunk: bytes) -> None:
        nonlocal rest, shown
        *lines, rest = re.split(r"[\r\n]+", rest + decoder.decode(chunk))
        for line in lines:
            counted = re.fullmatch(r"\s*Progress (\d{1,15}) of (\d{1,15})\s*", line)  # pip's --progress-bar raw
            if counted:
                report(Progress(shown, int(counted[1]), int(counted[2]) or None))
            elif line.strip():
                shown = line.strip()[:_LONGEST]
                report(Progress(shown))

    return hear


def _failure(context: InstallContext, ended: ModuleResult, what: str) -> PmlaunchError:
    """The error for a failed pip, determined from its output."""
    if _NO_PIP.found_in(str((ended.exception or {}).get("message", ""))):
        return pip_is_missing(context)
    if ended.exit_code is None:
        return no_answer(context, ended, f"install {what}")
    last = _last_error(ended)
    code, message = "PML434", f"pip could not install {what}: {last} pip's output: {ended.log}"
    hint: str | None = f"read the log and correct the cause; {_AGAIN}"
    sign = find_sign(_SIGNS, "\n".join(ended.tail))
    if sign is not None:
        code, hint = sign.code, sign.hint
        message = f"pip could not install {what}: {sign.meaning} ({last}) pip's output: {ended.log}"
    if sign is _CONFLICT:
        return UnsolvableError(code, message, hint=hint, distribution=None)
    unmatched = re.search(r"No matching distribution found for ([\w.-]+)", last)
    if unmatched:
        return UnsolvableError(code, message, hint=hint, distribution=unmatched[1])
    return PmlaunchError(code, message, hint=hint)


def pip_is_missing(context: InstallContext) -> PmlaunchError:
    """PML433, with the command that installs pip."""
    command = typed_python(context, "-m", "ensurepip", "--upgrade")
    message = f"{python_named(context)} has no pip."
    return PmlaunchError("PML433", message, hint=command, subject=python_named(context))


def _last_error(ended: ModuleResult) -> str:
    """The line with the reason: pip's own ERROR, else the exception, else the last line."""
    errors = [line for line in ended.tail if re.match(r"\s*(ERROR|error|fatal):", line)]
    if errors:
        return errors[-1].strip()[:300]
    if ended.exception:
        return f"{ended.exception.get('type')}: {ended.exception.get('message')}"[:300]
    return ended.tail[-1].strip()[:300] if ended.tail else f"exit code {ended.exit_code}"
