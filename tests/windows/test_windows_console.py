"""Output in a narrow console with a legacy code page is readable and never crashes pmlaunch."""

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
    """A folder with a Chinese name that contains a checkout."""
    folder = tmp_path_factory.mktemp("console") / CHINESE
    make_checkout(folder / "protomotions")
    smpl_motion(folder / f"{CHINESE}.npy")
    return folder


def printed(workspace: Path, encoding: str, *words: str) -> tuple[int, str]:
    """Run pmlaunch with redirected output in that code page, 80 columns wide; return exit code and output."""
    variables = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "pmlaunch", *words],
        cwd=workspace,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
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
        # this code page can encode the characters
        ("cp936", [*EVAL, "-m", f"missing {CHINESE}.npy"], 4, f"missing {CHINESE}.npy"),
    ],
    ids=["version", "help", "eval help", "list", "dry run", "error", "error in Chinese"],
)
def test_output_in_a_legacy_code_page(
    workspace: Path, encoding: str, words: list[str], code: int, expected: str
) -> None:
    done, output = printed(workspace, encoding, *words)
    assert done == code, output
    assert expected in output
    assert "Traceback" not in output
    assert "\x1b" not in output, "colours in a file"


def test_json_is_complete_in_a_legacy_code_page(workspace: Path) -> None:
    code, output = printed(workspace, "cp1252", *EVAL, "-m", f"{CHINESE}.npy", "--dry-run", "--json")
    assert code == 0, output
    motion = json.loads(output)["data"]["plan"]["motions"][0]["path"]
    assert Path(motion).name == f"{CHINESE}.npy"


def test_a_run_in_a_legacy_code_page(workspace: Path) -> None:
    code, output = printed(workspace, "cp1252", *EVAL, "-m", f"{CHINESE}.npy", "--headless")
    assert code == 0, output
    assert "motion_tracker" in output
