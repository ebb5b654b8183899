"""The history of real runs: what was typed is remembered and can be repeated; the tutorial runs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from started import TRACKER, Pmlaunch, start

ROOT = Path(__file__).parents[2]
has_demo = all(find_spec(name) for name in ("torch", "lightning", "mujoco", "matplotlib"))


def test_run_remembers_what_was_typed_and_is_repeated(pmlaunch: Pmlaunch, workspace: Path) -> None:
    first = pmlaunch(*TRACKER, "--seed", "3", "++wandb.api_key=0123456789abcdef")
    asked = first.record["asked"]
    assert asked["command"][:5] == ["eval", "motion_tracker", "-m", "walk", "--headless"]
    assert "0123456789abcdef" not in json.dumps(asked)
    assert (asked["folder"], asked["request"]["seed"]) == (str(workspace), 3)
    shown = pmlaunch("runs", "show", "--json").document["data"]
    assert shown["asked"] == asked
    assert "seed" in shown["values"]
    refused = pmlaunch("runs", "rerun", "latest", "--json")
    assert (refused.code, refused.codes) == (2, ["PML357"])
    again = pmlaunch("runs", "rerun", "latest", "--seed", "5", "--json", "++wandb.api_key=0123456789abcdef")
    assert again.code == first.code, again.err
    assert again.record["asked"]["request"]["seed"] == 5
    assert Path(again.record["folder"]).parent == Path(first.record["folder"]).parent
    compared = pmlaunch("runs", "compare", "latest", "latest~1", "--json").document["data"]
    assert compared["conditions"]["seed"] == ["5", "3"]


def test_log_of_a_run_in_progress_is_followed_and_the_run_is_kept(pmlaunch: Pmlaunch, workspace: Path) -> None:
    process = start(workspace, "++standin=sleep")
    try:
        listed = pmlaunch("runs", "list", "--state", "running", "--json").document["data"]["runs"]
        assert len(listed) == 1
        refused = pmlaunch("runs", "rm", "latest", "--json")
        assert refused.codes == ["PML356"]
        following = subprocess.Popen(
            [sys.executable, "-m", "pmlaunch", "runs", "logs", "-f"], cwd=workspace, stdout=subprocess.PIPE
        )
        assert pmlaunch("stop").code == 0
        out, _ = following.communicate(timeout=60)
        assert out == next((workspace / "runs").glob("*/output.log")).read_bytes()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not has_demo, reason="skipped: the demo's packages are not installed")
def test_tutorial_runs(tmp_path: Path) -> None:
    cells = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    program = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    program += "\nassert problem.code == 'PML010'\n"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert len(list((tmp_path / "runs").glob("*/record.json"))) == 2
