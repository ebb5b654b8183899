"""pip in the simulator's Python, through the agent: its own exit code is seen, whatever a batch file makes of it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.target_python import no_answer, python_named, typed_python
from pmlaunch.installing.step import Progress, Report, Site
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.support.signs import Sign, find_sign

QUIET = ("--no-input", "--disable-pip-version-check")
_LONGEST = 160  # characters of a line that is shown
_AGAIN = "the same command again goes on from there"

_CONFLICT = Sign(
    r"ResolutionImpossible|conflicting dependencies",
    "PML436",
    "what the checkout asks for and what is installed contradict each other.",
    "read which in the log; a fresh environment has no such conflict: pmlaunch install --python EXE",
)
_SIGNS = (
    Sign(
        r"externally-managed-environment",
        "PML445",
        "this Python belongs to the operating system, which lets pip change nothing in it.",
        "make an environment of its own (python3 -m venv DIR), then: pmlaunch install --python DIR/bin/python",
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
        "a file of this Python may not be written, or a program that runs holds it.",
        f"close what uses this Python, or check who owns it; {_AGAIN}",
    ),
)  # fmt: skip
# at the beginning of the exception, when pip could not even start
_NO_PIP = Sign(r"No module named '?pip\b", "PML433")


class PipConflictError(PmlaunchError):
    """pip found no set of versions that satisfies all requirements and constraints."""


class NoMatchingDistributionError(PmlaunchError):
    """pip found no version of `distribution` that satisfies the constraints."""

    def __init__(self, code: str, message: str, *, hint: str | None, distribution: str) -> None:
        super().__init__(code, message, hint=hint)
        self.distribution = distribution


def pip(site: Site, arguments: Sequence[str], *, name: str, what: str, report: Report, cwd: Path | None = None) -> None:
    """Run `pip arguments...`; its output goes to `site.logs`/`name`/output.log, and line by line to `report`.

    Args:
        what: what is being installed, for the sentence of an error.
        cwd: what relative paths among the arguments start from.

    Raises:
        PipConflictError: PML436.
        NoMatchingDistributionError: a distribution has no version that may be installed.
        PmlaunchError: PML434, PML435, PML445 to PML447 when pip fails otherwise; PML441 when it says nothing at all.
    """
    if site.runtime is None:
        raise PmlaunchError("PML430", "There is no Python to install into.", hint="pmlaunch install --python EXE")
    folder = site.logs / name
    run = ModuleRun(site.runtime, site.platform, "pip", [*arguments, *QUIET], folder, site.environment, cwd=cwd)
    ended = run_module(run, _lines_to(report))
    site.log = ended.log
    if not ended.ok:
        raise _failure(site, ended, what)


def _lines_to(report: Report) -> Callable[[bytes], None]:
    """A listener that reports whole lines, and the bytes of a download where pip tells them."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, shown = "", ""

    def hear(chunk: bytes) -> None:
        nonlocal rest, shown
        *lines, rest = re.split(r"[\r\n]+", rest + decoder.decode(chunk))
        for line in lines:
            counted = re.fullmatch(r"\s*Progress (\d+) of (\d+)\s*", line)  # pip's --progress-bar raw
            if counted:
                report(Progress(shown, int(counted[1]), int(counted[2]) or None))
            elif line.strip():
                shown = line.strip()[:_LONGEST]
                report(Progress(shown))

    return hear


def _failure(site: Site, ended: ModuleResult, what: str) -> PmlaunchError:
    """Return the error for a pip that failed; the signs in its output decide what it means."""
    if _NO_PIP.found_in(str((ended.exception or {}).get("message", ""))):
        return pip_is_missing(site)
    if ended.exit_code is None:
        return no_answer(site, ended, f"install {what}")
    last = _last(ended)
    code, message = "PML434", f"pip could not install {what}: {last} pip's output: {ended.log}"
    hint: str | None = f"read the log; when it is mended, {_AGAIN}"
    sign = find_sign(_SIGNS, "\n".join(ended.tail))
    if sign is not None:
        code, hint = sign.code, sign.hint
        message = f"pip could not install {what}: {sign.meaning} ({last}) pip's output: {ended.log}"
    unmatched = re.search(r"No matching distribution found for ([\w.-]+)", last)
    if sign is _CONFLICT:
        return PipConflictError(code, message, hint=hint)
    if unmatched:
        return NoMatchingDistributionError(code, message, hint=hint, distribution=unmatched[1])
    return PmlaunchError(code, message, hint=hint)


def pip_is_missing(site: Site) -> PmlaunchError:
    """PML433, with the command that brings pip."""
    command = typed_python(site, "-m", "ensurepip", "--upgrade")
    message = f"The Python to install into has no pip: {python_named(site)}"
    return PmlaunchError("PML433", message, hint=command, subject=python_named(site))


def _last(ended: ModuleResult) -> str:
    """Return the line that says what went wrong: pip's own ERROR, else the exception, else the last line."""
    errors = [line for line in ended.tail if re.match(r"\s*(ERROR|error|fatal):", line)]
    if errors:
        return errors[-1].strip()[:300]
    if ended.exception:
        return f"{ended.exception.get('type')}: {ended.exception.get('message')}"[:300]
    return ended.tail[-1].strip()[:300] if ended.tail else f"exit code {ended.exit_code}"
