"""Programs by their absolute path: from absolute entries of PATH only, never from the current folder.

`shutil.which` and Windows' CreateProcess look in the current folder first, and a relative or empty entry of PATH means
a folder below it. A checkout could put its own git there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def search_path(environment: Mapping[str, str]) -> str:
    """PATH without its relative and empty entries; the system's default if there is none."""
    entries = (entry.strip('"') for entry in environment.get("PATH", os.defpath).split(os.pathsep))
    # not os.path.isabs: before Python 3.13 it accepts \folder, which is on whatever drive is the current one
    return os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())


def find_program(name: str, environment: Mapping[str, str], *more: Path) -> str | None:
    """The absolute path of a program on PATH, or else in one of the folders `more`; None if there is none."""
    endings = [""]
    if os.name == "nt":
        known = [ending for ending in environment.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";") if ending]
        endings = endings if any(name.upper().endswith(ending.upper()) for ending in known) else known
    for folder in (*search_path(environment).split(os.pathsep), *map(str, more)):
        for ending in endings:
            path = Path(folder, name + ending)
            if folder and path.is_file() and os.access(path, os.X_OK):
                return str(path)
    return None
