"""Snapshot tests of pmlaunch's machine-readable output: the --json document of every command, the files of a run folder.

Output is compared with the JSON files in recorded/, after placeholders.py has replaced paths, times and the like. If you
changed the output on purpose, record it again and review the difference before you commit:

    PMLAUNCH_RECORD=1 python -m pytest tests/snapshots
    git diff tests/snapshots/recorded

The tests use the command line only, so they survive any change to the code behind it. Commands run in this process;
the runs and probes they start are real processes. The result does not depend on the machine: the environment is set
here, git and the simulator's Python are stand-ins (world.py), and doctor's hardware checks are left out.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
from placeholders import normalise
from world import make_python, make_world, packages_of

import pmlaunch as package
from pmlaunch.__main__ import main

_RECORDING = bool(os.environ.get("PMLAUNCH_RECORD"))  # read before the fixtures clean the environment
_CACHE_HOME = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")  # matplotlib's font list is slow to build
_KEPT = ("PYTEST_", "COV_", "LD_", "TMPDIR")  # prefixes of variables that pmlaunch does not read
_get_command = functools.cache(typer.main.get_command)  # Typer takes 25 ms to rebuild all commands in every call


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that make_world() filled. Tests must not change anything in it."""
    if sys.platform != "linux":
        pytest.skip("skipped: the snapshots were recorded on Linux")
    root = tmp_path_factory.mktemp("world").resolve()
    for place in (root, sys.executable, package.__file__):
        if re.search(r"[^\w./-]", str(place)):
            pytest.skip(f"skipped: a shell must quote {place}, and the recorded commands are unquoted")
    make_world(root)
    return root


@pytest.fixture(scope="session")
def python(world: Path) -> Path:
    """An interpreter that can run the stand-ins."""
    return make_python(world / "work" / "venv")


@pytest.fixture
def places(world: Path, tmp_path: Path) -> dict[str, str]:
    """Maps the folders and programs of this machine to their placeholders."""
    home = Path(package.__file__).parent
    return {
        str(world): "<tmp>",
        str(tmp_path): "<tmp>",
        str(packages_of(world / "work" / "venv")): "<packages>",
        sys.executable: "<python>",
        str(home / "agent"): "<agent>",
        str(home): "<pmlaunch>",
        str(home.parents[1]): "<repo>",
    }


@pytest.fixture(autouse=True)
def _fixed_environment(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the same environment variables on every machine, and work/ as the current folder."""
    for name in os.environ:
        if not name.startswith(_KEPT):
            monkeypatch.delenv(name)
    for name, value in {
        "PATH": world / "tools",
        "HOME": world / "home",
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": _CACHE_HOME,
        "XDG_CONFIG_HOME": world / "home" / "config",
        "PMLAUNCH_CACHE": world / "cache",
        "PMLAUNCH_TRUST_WORKSPACE": "1",
        "PMLAUNCH_LOGS": world / "logs",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.syspath_prepend(str(world / "modules"))
    monkeypatch.chdir(world / "work")


@pytest.fixture
def pmlaunch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a line such as "DISPLAY=:0 eval demo --window" as a shell would, and return its --json document."""

    def run(line: str, *more: str | Path) -> dict[str, Any]:
        words = [*shlex.split(line), *map(str, more)]
        with monkeypatch.context() as patch:
            while "=" in words[0]:
                name, _, value = words.pop(0).partition("=")
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["pmlaunch", *words, "--json"])
            patch.setattr(typer.main, "get_command", _get_command)
            with pytest.raises(SystemExit) as ended:
                main()
        document = json.loads(capsys.readouterr().out)
        assert ended.value.code == document["exit_code"]
        return dict(document)

    return run


@pytest.fixture
def snapshot(places: Mapping[str, str]) -> Callable[..., None]:
    """Compare a document with recorded/NAME.json, or record it.

    With `like`, the name of another snapshot, the file holds only the differences from that one, as {path: value}.
    """

    def check(name: str, value: Any, like: str | None = None) -> None:
        now = json.loads(json.dumps(normalise(value, places)))
        if like is not None:
            now = {path: new for path, (_, new) in differences(_recorded(like), now).items()}
        if _RECORDING:
            _path(name).parent.mkdir(parents=True, exist_ok=True)
            _path(name).write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            return
        changes = differences(_recorded(name), now)
        lines = [f"  {path.lstrip('.') or 'document'}: {old!r} -> {new!r}" for path, (old, new) in changes.items()]
        basis = f", which lists what differs from {like}" if like else ""
        assert not changes, "\n".join([f"{name} differs from its snapshot{basis} (see {__file__}):", *lines])

    return check


def differences(old: Any, new: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """The values that differ between two JSON documents, as {".data.plan.headless": (old, new)}."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys((*old, *new))
        parts = [differences(old.get(key, "<none>"), new.get(key, "<none>"), f"{path}.{key}") for key in keys]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        parts = [differences(left, right, f"{path}[{index}]") for index, (left, right) in pairs]
    else:
        same = type(old) is type(new) and old == new  # in Python 1 == 1.0 == True, in JSON they differ
        parts = [] if same else [{path: (old, new)}]
    return {key: pair for part in parts for key, pair in part.items()}


def _path(name: str) -> Path:
    return Path(__file__).parent / "recorded" / f"{name}.json"


def _recorded(name: str) -> Any:
    assert _path(name).is_file(), f"{name} has no snapshot yet (see {__file__})"
    return json.loads(_path(name).read_text(encoding="utf-8"))
