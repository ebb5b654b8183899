"""Python environments made of files alone: enough for what is read without starting a Python."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

WINDOWS = os.name == "nt"


def make_environment(
    root: Path, python: str, packages: Mapping[str, str], *, made_by: str = "venv", commands: tuple[str, ...] = ()
) -> Path:
    """An environment of uv, venv or conda with the metadata of `packages`; returns its interpreter.

    uv leaves pip out, as it does unless it is asked to seed the environment.
    """
    conda = made_by == "conda"
    scripts = root / ("Scripts" if WINDOWS else "bin")
    site = root / ("Lib" if WINDOWS else f"lib/python{python}") / "site-packages"
    for folder in (scripts, site, *([root / "conda-meta"] if conda else [])):
        folder.mkdir(parents=True)
    executable = (root if conda else scripts) / "python.exe" if WINDOWS else scripts / "python"
    executable.touch(0o755)
    if conda:
        (root / "conda-meta" / f"python-{python}.9-h0.json").touch()
    else:
        uv = "uv = 0.11.32\n" if made_by == "uv" else ""
        (root / "pyvenv.cfg").write_text(f"home = /usr/bin\n{uv}version_info = {python}.9\n", encoding="utf-8")
    for name in ("pip",) if made_by != "uv" else ():
        (site / name).mkdir()
    for name, version in packages.items():
        (site / f"{name}-{version}.dist-info").mkdir()
        (site / name).mkdir()
    for name in commands:
        (scripts / (f"{name}.exe" if WINDOWS else name)).touch(0o755)
    return executable


def make_editable(python: Path, name: str, version: str, source: Path) -> None:
    """Install `source` in editable form into an environment made by `make_environment`."""
    prefix = python.parent.parent if python.parent.name in ("bin", "Scripts") else python.parent
    (site,) = prefix.glob("[Ll]ib/**/site-packages")
    metadata = site / f"{name}-{version}.dist-info"
    metadata.mkdir()
    origin = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (metadata / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
