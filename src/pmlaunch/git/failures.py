"""Errors of git commands and of the folders they write to: what went wrong, and what to do next."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.queries import owned_by_another
from pmlaunch.processes.supervise import ChildResult, Ending
from pmlaunch.support.signs import Sign, find_sign

_AGAIN = "repeat the command to resume"
# An HTTP status as git and git-lfs write it; a progress line may contain the same number: "80% (404/505)".
_STATUS = r"(?:error|http|status):? (?:{0})\b|\[(?:{0})\]"
_FILE_TOO_LARGE = -25  # SIGXFSZ: a limit on file sizes, which comes with disk quotas
_NOT_IN_LFS = (  # another source may still have the file
    Sign(
        r"over its data quota|exceeded its lfs budget|bandwidth limit",
        "PML412", "The repository's Git LFS quota is used up.", f"later: {_AGAIN}",
    ),
    Sign(
        r"object does not exist|remote missing object|not found on the server|no such file or directory.*lfs|"
        + _STATUS.format("404|410"),
        "PML412", "The source's Git LFS store does not have this file.", "for other models: pmlaunch list models",
    ),
)  # fmt: skip
_SIGNS = (
    Sign(
        r"no space left|disk full|out of diskspace|not enough space|quota exceeded\b(?!.*lfs)|file too large"
        r"|unable to write file",
        "PML402", "The disk is full.", f"free some space; {_AGAIN}",
    ),
    *_NOT_IN_LFS,
    Sign(
        r"\.lock'?: file exists|another git process",
        "PML409", "Another git is running in this repository, or one was interrupted and left its lock file behind.",
        "if no git is running there, delete the file that ends in .lock, then repeat the command",
    ),
    Sign(
        r"file ?name too long|path too long",
        "PML421", "A path is too long.", "choose a shorter folder with --dir",
    ),
    Sign(
        r"terminal prompts disabled|could not read username|authentication failed|permission denied \(publickey|"
        + _STATUS.format("40[13]"),
        "PML403", "The source needs a password, or the repository does not exist.", "check the address: --source URL",
    ),
    Sign(
        r"could not resolve host|failed to connect|timed out|connection refused|unable to access|too slow|early eof"
        r"|unexpected disconnect|could not read from remote|no such host|connection reset|unreachable|i/o timeout"
        r"|no answer in time|remote end hung up",
        "PML403", "The source does not answer.", f"check the network; {_AGAIN}",
    ),
    Sign(
        r"permission denied|read-only file system|operation not permitted",
        "PML422", "The folder cannot be written.", "--dir FOLDER",
    ),
)  # fmt: skip
_OTHER = Sign(r"fatal|error", "PML409")
# for callers that react to them
NOT_A_REPOSITORY = Sign(
    r"does not appear to be a git repository|repository .* not found|not a git repository", "PML404"
)
CORRUPT_DOWNLOAD = Sign(r"expected oid|got oid|corrupt|invalid.*object|content.*does not match", "PML413")


def check(ended: ChildResult, what: str, subject: str, code: str = "PML409") -> None:
    """Raise the `failure` of a git command unless it succeeded."""
    if not ended.ok:
        raise failure(ended, what, subject, code)


def failure(
    ended: ChildResult, what: str, subject: str, code: str = "PML409", elsewhere: str | None = None
) -> PmlaunchError:
    """The error for a git command that failed.

    Args:
        ended: how it ended, with its last lines of output.
        what: what the command did, for the message ("Fetching x").
        subject: the URL, file or folder it worked on.
        code: the error code if git's output says nothing.
        elsewhere: a command that gets the same from another source, the hint if this source no longer has it.
    """
    log = f"git's output: {ended.log}"
    if ended.ending is Ending.SILENT:
        hint = f"check the network; {_AGAIN}"
        return PmlaunchError("PML403", f"{what}: the source stopped sending data. {log}", hint=hint, subject=subject)
    output = "\n".join(ended.tail)
    if foreign := owned_by_another(output):
        return PmlaunchError("PML162", f"{what}: {foreign.reason}. {log}", hint=foreign.hint, subject=subject)
    sign = find_sign(_SIGNS, output)
    if sign is not None:
        hint = elsewhere if elsewhere and sign in _NOT_IN_LFS else str(sign.hint)
        message = f"{what}: {sign.meaning} {_quoted(ended.tail, sign)}{log}"
        return PmlaunchError(sign.code, message, hint=hint, subject=subject)
    if ended.exit_code == _FILE_TOO_LARGE:
        message = f"{what}: the file is larger than this system allows. {log}"
        return PmlaunchError("PML402", message, hint="--dir", subject=subject)
    message = f"{what}: git failed with exit code {ended.exit_code}. {_quoted(ended.tail, _OTHER)}{log}"
    return PmlaunchError(code, message, hint=_AGAIN, subject=subject)


def _quoted(tail: Sequence[str], sign: Sign) -> str:
    """The line with the sign, in brackets; of a progress line only its last state."""
    line = sign.line_in(tail)
    return f"({line.rpartition(chr(13))[2].strip()[:200]}) " if line else ""


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise PML402 (the disk is full) or PML422 for an OSError in the block, which writes to `folder`."""
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(folder: Path, error: OSError) -> PmlaunchError:
    """The error for a folder that cannot be written: PML402 if its disk is full, else PML422."""
    subject = str(folder)
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        hint = "free some space, then repeat the command"
        return PmlaunchError("PML402", f"The disk of {folder} is full.", hint=hint, subject=subject)
    reason = error.strerror or error
    return PmlaunchError("PML422", f"Cannot write to {folder}: {reason}.", hint="--dir FOLDER", subject=subject)
