"""No child survives the launcher, however it ends; the record is complete and correct afterwards."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from started import command, start, survivors, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="skipped: POSIX only; tests/windows has the same for Windows")


def record_of(workspace: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads(next((workspace / "runs").glob("*/record.json")).read_text())
    return record


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_end_a_run_like_ctrl_c(workspace: Path, how: signal.Signals) -> None:
    process = start(workspace, "++standin=child")
    wait_for(lambda: len(survivors(workspace)) >= 2, "the run's own child")
    process.send_signal(how)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert record_of(workspace)["state"] == "interrupted"
    assert survivors(workspace) == []


def test_nothing_survives_a_killed_launcher(workspace: Path) -> None:
    process = start(workspace, "++standin=child")
    wait_for(lambda: len(survivors(workspace)) >= 2, "the run's own child")
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: survivors(workspace) == [], "the end of every process", 10)
    wait_for(lambda: record_of(workspace)["state"] != "running", "the record's end", 10)
    assert record_of(workspace)["state"] == "abnormal"
    assert record_of(workspace)["exit_code"] == 8


def test_child_outside_the_group_is_found_by_its_environment(workspace: Path) -> None:
    agent = workspace / "protomotions/protomotions/agents/ppo/agent.py"
    agent.write_text(agent.read_text().replace('time.sleep(3600)"])', 'time.sleep(3600)"], start_new_session=True)'))
    process = start(workspace, "++standin=child")
    wait_for(lambda: len(survivors(workspace)) >= 2, "the run's own child")
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: survivors(workspace) == [], "the end of every process", 10)


def test_stop_from_another_console(workspace: Path) -> None:
    import subprocess

    process = start(workspace, "++pause=0.05", "--no-metrics", "--max-steps", "100000")
    stopped = subprocess.run(command("stop", "--json"), cwd=workspace, capture_output=True, timeout=60, check=False)
    assert stopped.returncode == 0, stopped.stderr
    assert json.loads(stopped.stdout)["data"]["state"] == "interrupted"
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert survivors(workspace) == []
    again = subprocess.run(command("stop", "--json"), cwd=workspace, capture_output=True, timeout=60, check=False)
    assert again.returncode == 3


def test_stop_does_not_kill_a_reused_pid(workspace: Path) -> None:
    import subprocess
    import sys

    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    folder = workspace / "runs" / "old"
    folder.mkdir(parents=True)
    reused = {"pid": other.pid, "created": 12345.0}  # the pid of a process that has long ended
    (folder / "record.json").write_text(json.dumps({"state": "running", "child": reused, "launcher": reused}))
    stopped = subprocess.run(
        command("stop", "old", "--json"), cwd=workspace, capture_output=True, timeout=60, check=False
    )
    assert stopped.returncode == 3
    assert other.poll() is None
    other.kill()
    other.wait()
