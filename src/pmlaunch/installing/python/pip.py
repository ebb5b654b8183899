"""pip in the simulator's Python, through the agent: its own exit code is seen, whatever a batch file makes of it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.target_python import no_answer, python_named, typed_python
from pmlaunch.installing.step import Progress, Report, Site
from pmlaunch.running.run_module import Inside, run_inside

QUIET = ("--no-input", "--disable-pip-version-check")
_LONGEST = 160  # characters of a line that is shown
_AGAIN = "the same command again goes on from there"

# (what pip writes, code, what it means, what to type); the first that matches is believed
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


def pip(site: Site, arguments: Sequence[str], *, name: str, what: str, report: Report, cwd: Path | None = None) -> None:
    """Run `pip arguments...`; its output goes to `site.logs`/`name`/output.log, and line by line to `report`.

    Args:
        what: what is being installed, for the sentence of an error.
        cwd: what relative paths among the arguments start from.

    Raises:
        PmlaunchError: PML434 to PML436, PML445 to PML447 when pip fails; PML441 when it says nothing at all.
    """
    if site.runtime is None:
        raise PmlaunchError("PML430", "There is no Python to install into.", hint="pmlaunch install --python EXE")
    folder = site.logs / name
    inside = run_inside(
        site.runtime,
        site.platform,
        "pip",
        [*arguments, *QUIET],
        folder=folder,
        environment=site.environment,
        cwd=cwd,
        listener=_lines_to(report),
    )
    site.log = inside.log
    if not inside.ok:
        raise _failure(site, inside, what)


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


def _failure(site: Site, inside: Inside, what: str) -> PmlaunchError:
    """The error for a pip that failed: the sign in its output decides what it means."""
    exception = inside.exception or {}
    if re.search(r"No module named '?pip\b", str(exception.get("message", ""))):
        return pip_is_missing(site)
    if inside.exit_code is None:
        return no_answer(site, inside, f"install {what}")
    log = f"pip's output: {inside.log}"
    said = "\n".join(inside.tail)
    for pattern, code, meaning, hint in _SIGNS:
        if re.search(pattern, said):
            return PmlaunchError(code, f"pip could not install {what}: {meaning} ({_last(inside)}) {log}", hint=hint)
    message = f"pip could not install {what}: {_last(inside)} {log}"
    return PmlaunchError("PML434", message, hint=f"read the log; when it is mended, {_AGAIN}")


def pip_is_missing(site: Site) -> PmlaunchError:
    """PML433, with the command that brings pip."""
    command = typed_python(site, "-m", "ensurepip", "--upgrade")
    message = f"The Python to install into has no pip: {python_named(site)}"
    return PmlaunchError("PML433", message, hint=command, subject=python_named(site))


def _last(inside: Inside) -> str:
    """The last line that says what went wrong: pip's own ERROR, otherwise an exception, otherwise the last words."""
    errors = [line for line in inside.tail if re.match(r"\s*(ERROR|error|fatal):", line)]
    if errors:
        return errors[-1].strip()[:300]
    if inside.exception:
        return f"{inside.exception.get('type')}: {inside.exception.get('message')}"[:300]
    return inside.tail[-1].strip()[:300] if inside.tail else f"exit code {inside.exit_code}"
