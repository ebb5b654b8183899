"""Run pip in the simulator's Python, through the agent, which reports pip's own exit code even behind a batch file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import OnProgress, Progress, Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.python.outstanding import PipRun
from pmlaunch.installing.python.target_python import no_answer, python_named, typed_python, usable_runtime
from pmlaunch.running.run_module import Inside, run_inside

QUIET = ("--no-input", "--disable-pip-version-check")
_LONGEST = 160  # characters shown of a line
_AGAIN = "the same command again goes on from there"

# (pattern in pip's output, code, meaning, hint); the first match decides
_SIGNS: Sequence[tuple[str, str, str, str]] = (
    (
        r"externally-managed-environment",
        "PML445",
        "this Python belongs to the operating system, which lets pip change nothing in it.",
        "make an environment of its own (python3 -m venv DIR), then: pmlaunch install --python DIR/bin/python",
    ),
    (r"No space left on device|not enough space on the disk", "PML446", "the disk is full.", f"free some space; {_AGAIN}"),
    (
        r"ResolutionImpossible|conflicting dependencies",
        "PML436",
        "what the checkout asks for and what is installed contradict each other.",
        "read which in the log; a fresh environment has no such conflict: pmlaunch install --python EXE",
    ),
    (
        r"Failed to establish a new connection|NewConnectionError|NameResolutionError|Temporary failure in name resolution"
        r"|getaddrinfo failed|Network is unreachable|ConnectTimeoutError|ProxyError|Max retries exceeded"
        r"|Connection (refused|reset|aborted)|Read timed out|SSLError",
        "PML435",
        "the package index does not answer.",
        f"check the network (a proxy: HTTPS_PROXY, another index: PIP_INDEX_URL); {_AGAIN}",
    ),
    (
        r"Permission denied|Access is denied|\[WinError 5\]|\[Errno 13\]|\[Errno 30\]",
        "PML447",
        "a file of this Python may not be written, or a program that runs holds it.",
        f"close what uses this Python, or check who owns it; {_AGAIN}",
    ),
)  # fmt: skip


class ConflictingRequirementsError(PmlaunchError):
    """pip found no set of versions that satisfies every requirement and constraint (PML436)."""


class NoMatchingVersionError(PmlaunchError):
    """pip found no version of `package` (normalised name) that satisfies the requirements (PML434)."""

    def __init__(self, message: str, package: str, *, hint: str):
        super().__init__("PML434", message, hint=hint)
        self.package = package


def pip(context: InstallContext, run: PipRun, constraints: Path, report: Reporter) -> None:
    """Run pip under `constraints`; its output goes to `context.logs`/pip-NAME/output.log, and line by line to `report`.

    Raises PML434 to PML436, PML445 to PML447 if pip fails, PML441 if it reports no result at all.
    """
    inside = run_inside(
        usable_runtime(context),
        context.platform,
        "pip",
        [*run.words, "-c", str(constraints), *QUIET],
        folder=context.logs / f"pip-{run.name}",
        environment=context.environment,
        cwd=context.checkout if run.in_checkout else None,
        listener=_line_listener(report.progress),
    )
    report.log(inside.log)
    if not inside.ok:
        raise _failure(context, inside, run.what)


def _line_listener(report: OnProgress) -> Callable[[bytes], None]:
    """A listener that reports complete lines, and downloaded bytes if pip prints them."""
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


def _failure(context: InstallContext, inside: Inside, what: str) -> PmlaunchError:
    """The error for a failed pip, according to the signs in its output."""
    exception = inside.exception or {}
    if re.search(r"No module named '?pip\b", str(exception.get("message", ""))):
        return pip_is_missing(context)
    if inside.exit_code is None:
        return no_answer(context, inside, f"install {what}")
    last, output = _last_error(inside), "\n".join(inside.tail)
    for pattern, code, meaning, hint in _SIGNS:
        if re.search(pattern, output):
            kind = ConflictingRequirementsError if code == "PML436" else PmlaunchError
            return kind(code, f"pip could not install {what}: {meaning} ({last}) pip's output: {inside.log}", hint=hint)
    message = f"pip could not install {what}: {last} pip's output: {inside.log}"
    hint = f"read the log; when it is mended, {_AGAIN}"
    unmatched = re.search(r"No matching distribution found for ([\w.-]+)", last)
    if unmatched:
        return NoMatchingVersionError(message, canonicalize_name(unmatched[1]), hint=hint)
    return PmlaunchError("PML434", message, hint=hint)


def pip_is_missing(context: InstallContext) -> PmlaunchError:
    """PML433, with the command that installs pip."""
    command = typed_python(context, "-m", "ensurepip", "--upgrade")
    message = f"The Python to install into has no pip: {python_named(context)}"
    return PmlaunchError("PML433", message, hint=command, subject=python_named(context))


def _last_error(inside: Inside) -> str:
    """The last line that says what went wrong: pip's ERROR, else an exception, else the last line of output."""
    errors = [line for line in inside.tail if re.match(r"\s*(ERROR|error|fatal):", line)]
    if errors:
        return errors[-1].strip()[:300]
    if inside.exception:
        return f"{inside.exception.get('type')}: {inside.exception.get('message')}"[:300]
    return inside.tail[-1].strip()[:300] if inside.tail else f"exit code {inside.exit_code}"
