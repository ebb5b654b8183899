"""Run folders: runs/<time>-<model>-<motion>/, with files that are written in one step."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.atomic import write_text
from pmlaunch.support.json import dumps, read_json, to_json
from pmlaunch.support.platforms import LONGEST_RUNS, SHORTEST_NAMES
from pmlaunch.support.secrets import redact_document

_BLANKS = re.compile(" +")
_LONGEST_NAME = 60  # characters each of model and motion: Windows allows 260 for the whole path
RECORD = "record.json"
LOG = "output.log"
_RESERVE = f"{RECORD}.reserve"  # the guardian knows this name, too
_RESERVED = bytes(1 << 16)  # a record takes some kB
_LONGEST_BYTES = 100  # bytes of the same in UTF-8: Linux allows 255 for a name, and a Chinese character takes three


class RunFolder:
    """The folder of one run.

    The launcher writes plan.json, spec.json, environment.json, record.json and output.log; the agent events.jsonl,
    result.json and metrics.json; the simulator the rest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs: Path, model: str, motion: str | None, now: datetime) -> RunFolder:
        """Create a new folder in `runs`. Raises PML204 if that fails."""
        name = "-".join((now.strftime("%Y%m%d-%H%M%S"), *_names(runs, model, motion or "")))
        try:
            runs.mkdir(parents=True, exist_ok=True)
            for attempt in range(1, 1000):
                path = runs / (name if attempt == 1 else f"{name}-{attempt}")
                with contextlib.suppress(FileExistsError):
                    path.mkdir()
                    return cls(path)
        except (OSError, ValueError) as error:  # ValueError: a null character
            raise run_write_error(runs, error) from error
        raise PmlaunchError("PML204", f"{runs} already has a thousand runs from this second.", subject=str(runs))

    def file(self, name: str) -> Path:
        """Return the path of a file in it."""
        return self.path / name

    def write(self, name: str, document: object, *, exact: bool = False) -> None:
        """Write `document`, which `to_json` can convert, without secrets unless it must be `exact`.

        Raises PML204, and keeps the older version, if that fails.
        """
        content = to_json(document) if exact else redact_document(to_json(document))
        self.write_text(name, dumps(content, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file. Raises PML204, and keeps the older version, if that fails."""
        try:
            write_text(self.path / name, text)
        except OSError as error:
            raise run_write_error(self.path, error) from error

    def reserve(self) -> None:
        """Keep space on the disk for the final record. Raises PML204."""
        try:
            self.file(_RESERVE).write_bytes(_RESERVED)
        except OSError as error:
            raise run_write_error(self.path, error) from error

    def conclude(self, record: object) -> None:
        """Write the final record; on a full disk, in the space that was kept for it. Raises PML204."""
        try:
            self.write(RECORD, record)
        except PmlaunchError:
            self._give_back()
            self.write(RECORD, record)
        self._give_back()

    def _give_back(self) -> None:
        with contextlib.suppress(OSError):  # a virus scanner reads it; the record matters more
            self.file(_RESERVE).unlink()

    def read(self, name: str) -> dict[str, Any] | None:
        """Return the JSON object in a file, or None if there is no such file or object (yet)."""
        document = read_json(self.file(name))
        return document if isinstance(document, dict) else None

    def read_all(self, pattern: str) -> list[dict[str, Any]]:
        """Return the JSON objects of all files whose name matches."""
        return [found for path in sorted(self.path.glob(pattern)) if (found := self.read(path.name))]

    def discard(self) -> None:
        """Remove the folder of a run that never started."""
        shutil.rmtree(self.path, ignore_errors=True)


def run_write_error(path: Path, error: OSError | ValueError) -> PmlaunchError:
    """Return PML204 for a full disk, a read-only folder or a path that is too long."""
    return PmlaunchError(
        "PML204",
        f"Cannot write the run to {path}: {getattr(error, 'strerror', None) or error}.",
        hint="free some space, or choose another folder with --runs DIR",
        subject=str(path),
    )


def _names(runs: Path, *things: str) -> list[str]:
    """Return `things` as parts of a folder's name; on Windows short enough for the paths in the folder."""
    names = [name for thing in things if (name := _safe(thing))]
    if os.name == "nt":
        room = SHORTEST_NAMES + max(0, LONGEST_RUNS - len(str(runs)))
        while len("-".join(names)) > room:
            longest = max(range(len(names)), key=lambda index: len(names[index]))
            names[longest] = names[longest][:-1]
    return [name.rstrip("._") for name in names]


def _safe(name: str) -> str:
    """Return `name` as part of a folder's name.

    Keeps letters and digits of any script, and nothing that is special to a file system, a shell or a batch file. Names
    that Windows reserves (CON, NUL) are harmless, as the time precedes them.
    """
    composed = unicodedata.normalize("NFC", name)
    # category M: a mark that combines with a letter, such as a vowel in Hindi
    marks = {each for each in composed if unicodedata.category(each).startswith("M")}
    kept = "".join(each if each in "._-" or each.isalnum() or each in marks else " " for each in composed)
    short = _BLANKS.sub("_", kept).strip("._")[:_LONGEST_NAME]
    return short.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip("._")
