"""The distributions installed in this Python, read from the folders on `sys.path` without importing anything.

importlib.metadata parses the whole metadata of every distribution for its version, which takes seconds in Isaac Sim's
Python with its hundreds of them. The name of the metadata folder has both name and version.

pmlaunch imports this module, too, so it imports nothing of the agent.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import sys
from typing import Any, Container

_ENDINGS = (".dist-info", ".egg-info")


def installed_packages(
    folders: list[str] | None = None, requires: bool = False, only: Container[str] | None = None
) -> dict[str, dict[str, Any]]:
    """{name: {version, location, editable, complete}} of every distribution, or those in `only`; the first one wins.

    Names are normalised as pip does it ("Hydra_Core" is "hydra-core"). `location` is the folder on the path, `editable`
    the source folder of an editable install, else None. `complete` is False for the remains of an interrupted
    installation; `requires`, if asked for, has the Requires-Dist lines.
    """
    found: dict[str, dict[str, Any]] = {}
    for folder in [folder or os.getcwd() for folder in (sys.path if folders is None else folders)]:
        for entry in _metadata_folders(folder):
            path = os.path.join(folder, entry)
            name, version = _name_and_version(path, entry)
            if not name or name in found or (only is not None and name not in only):
                continue
            editable, complete = _editable(path, folder), _is_complete(path, folder)
            found[name] = {"version": version, "location": folder, "editable": editable, "complete": complete}
            if requires:
                found[name]["requires"] = _headers(path, "Requires-Dist")
    return found


def normalised(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _metadata_folders(folder: str) -> list[str]:
    """Names that end in .dist-info or .egg-info, without those that pip is about to remove, marked by a tilde."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(_ENDINGS) and not name.startswith("~"))
    except OSError:  # a zip file, or a missing folder
        return []


def _name_and_version(path: str, entry: str) -> tuple[str, str | None]:
    """From the folder's name if it has both, otherwise from the metadata: setuptools' develop mode."""
    parts = entry.rpartition(".")[0].split("-")
    if len(parts) >= 2 and parts[1][:1].isdigit():
        return normalised(parts[0]), parts[1]
    names, versions = _headers(path, "Name") or parts, _headers(path, "Version")
    return normalised(names[0]), versions[0] if versions else None


def _headers(path: str, field: str) -> list[str]:
    """The values of a field in the header of METADATA or PKG-INFO."""
    for name in ("METADATA", "PKG-INFO"):
        header = itertools.takewhile(str.strip, _lines(os.path.join(path, name)))
        values = [line[len(field) + 1 :].strip() for line in header if line.startswith(f"{field}:")]
        if values:
            return values
    return []


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError:
        return []


def _editable(path: str, folder: str) -> str | None:
    """The source folder of an editable install; None for another."""
    try:
        origin = json.loads("".join(_lines(os.path.join(path, "direct_url.json"))) or "{}")
    except ValueError:
        origin = {}
    if isinstance(origin, dict) and (origin.get("dir_info") or {}).get("editable"):
        source = path_of_url(str(origin.get("url", "")))
        # another computer's: Windows would offer it the user's password as soon as anybody looks there
        return None if source is None or source.replace("\\", "/").startswith("//") else source
    if path.endswith(".egg-info") and os.path.isfile(os.path.join(folder, "setup.py")):
        return folder  # setuptools' develop mode: the metadata lies beside setup.py
    return None


def path_of_url(url: str) -> str | None:
    """The path that a file:// URL names on this system; None for any other URL."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    where = "//" + parts.netloc if parts.netloc not in ("", "localhost") else ""
    return url2pathname(where + parts.path)


def _is_complete(path: str, folder: str) -> bool:
    """Whether an installation was completed: installers write INSTALLER last.

    Without it, every file that RECORD names must exist, except compiled ones, which Python writes and removes.
    """
    if path.endswith(".egg-info") or os.path.isfile(os.path.join(path, "INSTALLER")):
        return True
    try:
        named = [row[0] for row in csv.reader(_lines(os.path.join(path, "RECORD"))) if row and row[0]]
    except csv.Error:
        return False
    sources = [name for name in named if "__pycache__" not in re.split(r"[/\\]", name)]
    return bool(named) and all(os.path.exists(os.path.join(folder, name)) for name in sources)
