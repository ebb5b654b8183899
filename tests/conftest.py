"""Fixtures for all tests: no test sees the user's settings, cache or environment. And the option --slow."""

from __future__ import annotations

import os
import signal
import tempfile
import zlib
from pathlib import Path

import pytest

from standin import make_checkout
from user_folders import follow_environment

follow_environment()
_UPSTREAM = "PMLAUNCH_PROTOMOTIONS"
_NEIGHBOUR = Path(__file__).resolve().parents[2] / "shared" / "data" / "protomotions-v2.3"
# looked up once, before the environment is cleaned for the tests
_GIVEN = Path(os.environ[_UPSTREAM]) if os.environ.get(_UPSTREAM) else _NEIGHBOUR


# decide whether there is a window, and what is found
_SURROUNDINGS = ("CI", "DISPLAY", "WAYLAND_DISPLAY", "SESSIONNAME", "ISAACLAB_PATH", "NO_COLOR")
_COMMON_PART = 5  # --common part runs one file of so many that are not about Windows


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slow",
        choices=("none", "all"),
        nargs="?",
        const="all",
        default="none",
        help="exhaustive variants: none (default) or all",
    )
    parser.addoption(
        "--common",
        choices=("part", "all"),
        default="all",
        help="tests that are not about Windows: part (one file in five, always the same ones) or all",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="slow: --slow runs it")
    for item in items if config.getoption("--slow") == "none" else ():
        if item.get_closest_marker("slow"):
            item.add_marker(skip)
    left_out = {item for item in items if _is_of_another_part(item.path, config)}  # of files that were named
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files out before they are read: under Wine, reading all takes two minutes."""
    return True if _is_of_another_part(collection_path, config) else None


def _is_of_another_part(path: Path, config: pytest.Config) -> bool:
    tests = Path(__file__).parent
    if config.getoption("--common") == "all" or not path.name.startswith("test_") or tests / "windows" in path.parents:
        return False
    return zlib.crc32(path.relative_to(tests).as_posix().encode()) % _COMMON_PART != 0


# Tests started in the background (nohup, a shell's &) ignore signals, and so does every child: then no test of Ctrl+C
# could pass.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _name in ("SIGHUP", "SIGQUIT"):
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _name), signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith(("PMLAUNCH_", "SSH_")) or name in _SURROUNDINGS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("PMLAUNCH_TRUST_WORKSPACE", "1")  # the tests of trust remove it
    # not mktemp of the factory: it looks for a free number among the folders of all tests before
    home = tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp())
    for variable in ("PMLAUNCH_CACHE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA"):
        folder = Path(home, variable.lower())
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A stand-in checkout of 2.x."""
    return make_checkout(tmp_path / "protomotions")


@pytest.fixture
def upstream() -> Path:
    """Real data of ProtoMotions 2.3: a checkout named by PMLAUNCH_PROTOMOTIONS. Skipped without one."""
    if not (_GIVEN / "data" / "motions" / "smpl_humanoid_walk.npy").is_file():
        pytest.skip(f"skipped: no ProtoMotions 2.3 checkout (set {_UPSTREAM})")
    return _GIVEN
