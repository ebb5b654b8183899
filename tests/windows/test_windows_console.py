"""What pmlaunch prints where the console is narrow and its code page old: readable, and never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from standin import make_checkout, smpl_motion

CHINESE = "动作"
EVAL = ("eval", "motion_tracker", "--simulator", "genesis")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Chinese name and a checkout in it."""
    folder = tmp_path_factory.mktemp("console") / CHINESE
    make_checkout(folder / "protomotions")
    smpl_motion(folder / f"{CHINESE}.npy")
    return folder


def printed(workspace: Path, encoding: str, *words: str) -> tuple[int, str]:
    """Exit code and output of pmlaunch in a redirected console of that code page, 80 characters wide."""
    variables = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "pmlaunch", *words],
        cwd=workspace,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "words", "code", "expected"),
    [
        ("cp1252", ["--version"], 0, "pmlaunch "),
        ("cp1252", ["--help"], 0, "eval"),
        ("cp1252", ["eval", "--help"], 0, "--motion"),
        ("cp1252", ["list", "models"], 0, "motion_tracker"),
        ("cp1252", [*EVAL, "-m", f"{CHINESE}.npy", "--dry-run"], 0, "motion_tracker"),
        ("cp1252", [*EVAL, "-m", f"missing {CHINESE}.npy"], 4, "PML121"),
        # a code page that has the characters shows them
        ("cp936", [*EVAL, "-m", f"missing {CHINESE}.npy"], 4, f"missing {CHINESE}.npy"),
    ],
    ids=["version", "help", "eval help", "list", "dry run", "error", "error in Chinese"],
)
def test_output_for_an_old_code_page(
    workspace: Path, encoding: str, words: list[str], code: int, expected: str
) -> None:
    done, output = printed(workspace, encoding, *words)
    assert done == code, output
    assert expected in output
    assert "Traceback" not in output
    assert "\x1b" not in output, "colours in a file"


def test_json_is_whole_in_an_old_code_page(workspace: Path) -> None:
    code, output = printed(workspace, "cp1252", *EVAL, "-m", f"{CHINESE}.npy", "--dry-run", "--json")
    assert code == 0, output
    motion = json.loads(output)["data"]["plan"]["motions"][0]["path"]
    assert Path(motion).name == f"{CHINESE}.npy"


def test_a_run_in_an_old_code_page(workspace: Path) -> None:
    code, output = printed(workspace, "cp1252", *EVAL, "-m", f"{CHINESE}.npy", "--headless")
    assert code == 0, output
    assert "motion_tracker" in output
