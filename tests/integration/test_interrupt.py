"""Ctrl+C: the program may finish, then its tree is killed; exit code 130, and a correct record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from started import interrupt, start, survivors, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="skipped: SIGINT to a single process exists on POSIX only")


def test_ctrl_c_ends_a_run(workspace: Path) -> None:
    process = start(workspace, "++pause=0.05", "--no-metrics", "--max-steps", "100000")
    interrupt(process)
    out, _ = process.communicate(timeout=30)
    document = json.loads(out)
    assert (process.returncode, document["exit_code"]) == (130, 130)
    assert document["data"]["record"]["state"] == "interrupted"
    folder = next((workspace / "runs").iterdir())
    assert json.loads((folder / "record.json").read_text())["state"] == "interrupted"
    assert json.loads((folder / "result.json").read_text())["stopped_by"] == "stop_file", "the agent wrote its verdict"
    assert survivors(workspace) == []


def test_ctrl_c_ends_the_runs_own_children(workspace: Path) -> None:
    process = start(workspace, "++standin=child")
    wait_for(lambda: len(survivors(workspace)) >= 2, "the run's own child")
    interrupt(process)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert survivors(workspace) == []


def test_a_second_ctrl_c_does_not_wait(workspace: Path) -> None:
    stubborn = workspace / "protomotions/protomotions/envs/base_env/env.py"
    stubborn.write_text(
        "import signal\n" + stubborn.read_text() + "\n"
        "    def step(self, number):\n"
        "        while True:\n"
        "            try:\n"
        "                time.sleep(0.01)\n"
        "                if number < 2: return\n"
        "            except KeyboardInterrupt:\n"
        "                print('I will not', flush=True)\n"
    )
    process = start(workspace)
    interrupt(process)
    folder = next((workspace / "runs").iterdir())
    wait_for((folder / "stop").exists, "the polite request")
    interrupt(process)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert survivors(workspace) == []
