"""What this user has agreed to: files that decide which program is started, by path and content.

A pmlaunch.yaml, a checkout or Isaac Lab that merely lies in a folder may be a stranger's. What it names is started only
if the user said so (`pmlaunch trust`, or an answer on the terminal) or if this user's own `pmlaunch install` made it. A
folder is known by the script in it that would be started.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.support.atomic import write_text
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import dumps, read_mapping
from pmlaunch.support.paths import real_path


@dataclass(frozen=True)
class Untrusted:
    """A file that the user has not trusted, and the programs and folders that would be used because of it."""

    file: Path
    programs: tuple[str, ...]

    def finding(self, severity: Severity, outcome: str = "") -> Finding:
        """PML145: nothing is started because of the file. `outcome` is a sentence on what was done instead."""
        message = f"{self.file} selects what would be started ({', '.join(self.programs)})"
        if self.programs == (str(self.file),):
            message = f"{self.file} would be started only because of its location"
        fix = f'pmlaunch trust "{self.file}"'
        message = f"{message}, and you have not trusted it. {outcome}".strip()
        return Finding("PML145", severity, message, fix, fix, str(self.file))


@dataclass(frozen=True)
class TrustStore:
    """The remembered files, in `file` in the user's settings folder; None for a user without one."""

    file: Path | None

    def entries(self) -> Mapping[str, str]:
        """{path: sha256 of its content when the user agreed}."""
        recorded = read_mapping(self.file).get("trusted") if self.file else None
        items = recorded.items() if isinstance(recorded, dict) else ()
        return {path: digest for path, digest in items if isinstance(digest, str)}

    def holds(self, path: Path) -> bool:
        """Whether the user agreed to the file as it is now."""
        digest = _digest(path)
        return digest is not None and self.entries().get(_key(path)) == digest

    def add(self, *paths: Path) -> None:
        """Remember files as they are now. Raises PML204."""
        now = {_key(path): digest for path in paths if (digest := _digest(path))}
        self._write({**self.entries(), **now})

    def remove(self, path: Path) -> list[str]:
        """Forget a file, or everything below a folder. Returns what was forgotten. Raises PML204."""
        kept, place = dict(self.entries()), Path(_key(path))
        gone = [name for name in kept if Path(name).is_relative_to(place)]
        if gone:
            self._write({name: digest for name, digest in kept.items() if name not in gone})
        return gone

    def _write(self, entries: Mapping[str, str]) -> None:
        if self.file is None or entries == self.entries():
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.file, dumps({"schema": 1, "trusted": entries}, indent=1) + "\n")
        except OSError as error:
            message = f"Cannot save your list of trusted files: {error}."
            raise PmlaunchError("PML204", message, subject=str(self.file)).retrying(
                {"--trust-workspace": True}
            ) from error


def _key(path: Path) -> str:
    return os.path.normcase(real_path(path))


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; None unless it is a regular file of reasonable size."""
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except OSError:
        return None
