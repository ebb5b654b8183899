"""Run folders: runs/<time>-<model>-<motion>/, with documents that are whole or not there."""

from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.atomic import write_text
from pmlaunch.support.platforms import LONGEST_RUNS, SHORTEST_NAMES

_BLANKS = re.compile(" +")
_LONGEST_NAME = 60  # characters each of model and motion: Windows allows 260 for the whole path
_LONGEST_BYTES = 100  # bytes of the same as UTF-8: Linux allows 255 for a name, and Chinese takes three a character


class RunFolder:
    """The folder of one run. Its documents: plan.json spec.json environment.json record.json, written here;
    events.jsonl result.json, written by the agent; output.log, metrics.json and what the simulator wrote.
    """

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def create(cls, runs: Path, model: str, motion: str | None, now: datetime) -> RunFolder:
        """A new folder below `runs`. Raises PML204 when it cannot be made."""
        name = "-".join((now.strftime("%Y%m%d-%H%M%S"), *_names(runs, model, motion or "")))
        try:
            runs.mkdir(parents=True, exist_ok=True)
            for attempt in range(1, 1000):
                path = runs / (name if attempt == 1 else f"{name}-{attempt}")
                try:
                    path.mkdir()
                    return cls(path)
                except FileExistsError:
                    continue
        except OSError as error:
            raise cannot_write(runs, error) from error
        raise PmlaunchError("PML204", f"{runs} holds a thousand runs of this second already.", subject=str(runs))

    def file(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Write a JSON document. Raises PML204; an older version then stands as it was."""
        try:
            write_text(self.path / name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def write_text(self, name: str, text: str) -> None:
        """Write a text. Raises PML204."""
        try:
            write_text(self.path / name, text)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON document, or None when it is not there or not (yet) a document."""
        try:
            document = json.loads(self.file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    def read_all(self, pattern: str) -> list[dict[str, Any]]:
        """Every JSON document whose name matches."""
        return [found for path in sorted(self.path.glob(pattern)) if (found := self.read(path.name))]

    def discard(self) -> None:
        """Remove a folder whose run never started, so that no half-written record stays."""
        shutil.rmtree(self.path, ignore_errors=True)


def cannot_write(path: Path, error: OSError) -> PmlaunchError:
    """The sentence for a full disk, a read-only folder, a path that is too long."""
    return PmlaunchError(
        "PML204",
        f"Cannot write the run to {path}: {error.strerror or error}.",
        hint="free some space, or choose another folder with --runs DIR",
        subject=str(path),
    )


def _names(runs: Path, *things: str) -> list[str]:
    """What `things` are called in a run folder's name; on Windows no longer together than a path below `runs` allows."""
    names = [name for thing in things if (name := _safe(thing))]
    if os.name == "nt":
        room = SHORTEST_NAMES + max(0, LONGEST_RUNS - len(str(runs)))
        while len("-".join(names)) > room:
            longest = max(range(len(names)), key=lambda index: len(names[index]))
            names[longest] = names[longest][:-1]
    return [name.rstrip("._") for name in names]


def _safe(name: str) -> str:
    """`name` as a part of a folder's name: letters and digits of every script, and nothing that a file system, a shell
    or a batch file minds. A name that Windows reserves (CON, NUL) is none here: the time stands before it.
    """
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(each if each in "._-" or _is_letter(each) else " " for each in composed)
    short = _BLANKS.sub("_", kept).strip("._")[:_LONGEST_NAME]
    return short.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip("._")


def _is_letter(character: str) -> bool:
    """A letter or a digit, or a mark that belongs to the letter before it: a vowel of Hindi, say."""
    return character.isalnum() or unicodedata.category(character).startswith("M")
