"""The demo on Windows builds of torch, Lightning and MuJoCo: figures of Linux, in one process and in two over gloo."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from started import Done, command
from wine import TWO_RANKS_HANG, has_gloo, two_ranks_hang

missing = [name for name in ("torch", "lightning", "mujoco", "matplotlib") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"skipped: not installed: {missing}"),
    pytest.mark.timeout(600),  # each process takes half a minute under Wine to import torch
]
ERROR_ON_LINUX = 0.01291  # m, mean position error of the walk with torch 2.13 and MuJoCo 4.0


def evaluate(folder: Path, *options: str) -> Done:
    words = command("eval", "demo", "--motion", "walk", "--json", *options)
    done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))


def group(done: Done, name: str) -> tuple[str, int]:
    """The backend and the number of processes that a result states."""
    result = json.loads(Path(done.record["folder"], name).read_text(encoding="utf-8"))
    return result["backend"], result["world_size"]


def test_the_demo_has_the_figures_of_linux(tmp_path: Path) -> None:
    done = evaluate(tmp_path)
    assert done.code == 0, done.out + done.err
    assert (done.record["state"], done.record["steps"]) == ("done", 150)
    assert done.record["metrics"]["eval/gt_err"] == pytest.approx(ERROR_ON_LINUX, abs=1e-4)
    assert group(done, "result.json") == ("gloo" if has_gloo() else "one_rank", 1)
    assert Path(done.record["folder"], "poses.png").is_file()


@pytest.mark.skipif(two_ranks_hang(), reason=TWO_RANKS_HANG)
def test_two_processes_are_connected_by_gloo_or_refused(tmp_path: Path) -> None:
    done = evaluate(tmp_path, "--devices", "2")
    if not has_gloo():
        assert (done.code, "PML215" in done.codes or "PML216" in done.codes) == (5, True), done.out
        assert not (tmp_path / "runs").exists()
        return
    assert done.code == 0, done.out + done.err
    assert group(done, "result.json") == group(done, "result.rank1.json") == ("gloo", 2)
    assert done.record["metrics"]["eval/gt_err"] == pytest.approx(ERROR_ON_LINUX, abs=2e-4)
