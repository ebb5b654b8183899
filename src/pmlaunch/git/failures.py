"""What git's last words mean: a sentence, a code, and what to type next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.runner import Ended

_AGAIN = "the same command again goes on from where it was"
# a status of HTTP as git and git-lfs write it; a progress line may hold the same number: "80% (404/505)"
_STATUS = r"(?:error|http|status):? (?:{0})\b|\[(?:{0})\]"
# (what git or git-lfs writes, code, what it means, what to type); the first that matches is believed
_PATTERNS: Sequence[tuple[str, str, str, str]] = (
    (
        r"no space left|disk full|out of diskspace|not enough space|quota exceeded\b(?!.*lfs)|file too large"
        r"|unable to write file",
        "PML402", "The disk is full.", f"free some space; {_AGAIN}",
    ),
    (
        r"over its data quota|exceeded its lfs budget|bandwidth limit",
        "PML412", "The repository's Git LFS quota is used up.", f"later: {_AGAIN}",
    ),
    (
        r"object does not exist|remote missing object|not found on the server|no such file or directory.*lfs|"
        + _STATUS.format("404|410"),
        "PML412", "The source does not have this file in its Git LFS store.", "pmlaunch list models shows what else there is",
    ),
    (
        r"dubious ownership|safe\.directory",
        "PML409", "The repository belongs to another user, so git does not touch it.",
        "git config --global --add safe.directory FOLDER",
    ),
    (
        r"\.lock'?: file exists|another git process",
        "PML409", "Another git works in this repository, or one was ended there and left its lock behind.",
        "when no git is at work there, delete the file that ends in .lock; then the same command",
    ),
    (
        r"file ?name too long|path too long",
        "PML421", "A path is too long.", "--dir with a shorter folder",
    ),
    (
        r"terminal prompts disabled|could not read username|authentication failed|permission denied \(publickey|"
        + _STATUS.format("40[13]"),
        "PML403", "The source wants a password, or there is no such repository.", "check the address: --source URL",
    ),
    (
        r"could not resolve host|failed to connect|timed out|connection refused|unable to access|too slow|early eof"
        r"|unexpected disconnect|could not read from remote|no such host|connection reset|unreachable|i/o timeout"
        r"|no answer in time|remote end hung up",
        "PML403", "The source does not answer.", f"check the network; {_AGAIN}",
    ),
    (
        r"permission denied|read-only file system|operation not permitted",
        "PML422", "The folder cannot be written.", "--dir FOLDER",
    ),
)  # fmt: skip


def failure(ended: Ended, what: str, subject: str, code: str = "PML409", elsewhere: str | None = None) -> PmlaunchError:
    """The error for a command that ended badly while it did `what` with `subject`; `code` where its words tell nothing.

    `elsewhere` is the command that brings the same from another place: the hint where the source has it no more.
    """
    words = "\n".join(ended.tail)
    log = f"git's output: {ended.log}"
    if ended.exit_code is None:
        return PmlaunchError(
            "PML403",
            f"{what}: the source has fallen silent. {log}",
            hint=f"check the network; {_AGAIN}",
            subject=subject,
        )
    for pattern, known, meaning, hint in _PATTERNS:
        if re.search(pattern, words, re.IGNORECASE):
            said = _telling(ended.tail, pattern)
            hint = elsewhere if elsewhere and known == "PML412" else hint
            return PmlaunchError(known, f"{what}: {meaning} {said}{log}", hint=hint, subject=subject)
    if ended.exit_code == -25:  # SIGXFSZ: a limit on the size of files, seen where users have quotas
        return PmlaunchError(
            "PML402", f"{what}: a file may not grow that large here. {log}", hint="--dir", subject=subject
        )
    said = _telling(ended.tail, r"fatal|error")
    return PmlaunchError(code, f"{what}: git ended with {ended.exit_code}. {said}{log}", hint=_AGAIN, subject=subject)


def _telling(tail: Sequence[str], pattern: str) -> str:
    """The line that matched, in brackets; of a progress line its last state."""
    for line in tail:
        if re.search(pattern, line, re.IGNORECASE):
            return f"({line.rpartition(chr(13))[2].strip()[:200]}) "
    return ""
