"""Each way a run can end has its own state, exit code and finding, in the record and on the console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from started import TRACKER, Pmlaunch, survivors

FILES = {"plan.json", "spec.json", "environment.json", "record.json", "events.jsonl", "output.log", "result.json"}


def test_successful_run(pmlaunch: Pmlaunch) -> None:
    done = pmlaunch(*TRACKER)
    assert done.code == 0, done.err
    record = done.record
    assert (record["state"], record["exit_code"], record["steps"]) == ("done", 0, 30)  # 1 s of walk at 30 Hz
    folder = Path(record["folder"])
    assert {path.name for path in folder.iterdir()} >= FILES
    assert json.loads((folder / "record.json").read_text()) == record
    assert "simulator genesis" in (folder / "output.log").read_text()
    assert "[" in done.err, "stages are reported on stderr"


def test_max_steps(pmlaunch: Pmlaunch) -> None:
    assert pmlaunch(*TRACKER, "--no-metrics", "--max-steps", "200").record["steps"] == 200


@pytest.mark.parametrize(
    ("mode", "code", "state", "finding"),
    [
        ("raise", 1, "failed", "PML301"),
        ("exit7", 1, "failed", "PML301"),
        ("vanish", 8, "abnormal", "PML330"),
        ("raise_then_zero", 8, "abnormal", "PML330"),
        ("crash", 8, "abnormal", "PML330"),
    ],
)
def test_failures(pmlaunch: Pmlaunch, mode: str, code: int, state: str, finding: str) -> None:
    done = pmlaunch(*TRACKER, f"++standin={mode}")
    assert (done.code, done.record["state"]) == (code, state)
    assert finding in done.codes


def test_failed_run_shows_the_reason_and_its_log(pmlaunch: Pmlaunch, workspace: Path) -> None:
    done = pmlaunch(*[word for word in TRACKER if word != "--json"], "++standin=raise")
    assert done.code == 1
    assert "RuntimeError: the policy fell over" in done.err
    assert "output.log" in done.out
    assert "Traceback" in next((workspace / "runs").glob("*/output.log")).read_text()


def test_interpreter_that_cannot_run_the_agent(pmlaunch: Pmlaunch, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no python here\nexit 0\n")
    broken.chmod(0o755)
    done = pmlaunch(*TRACKER, "--python", broken)
    assert done.code == 8
    assert "PML331" in done.codes
    assert "no python here" in str(done.record["findings"])


def test_missing_interpreter_is_reported_before_the_start(pmlaunch: Pmlaunch, workspace: Path) -> None:
    done = pmlaunch(*TRACKER, "--python", "/no/such/python")
    assert (done.code, done.codes) == (5, ["PML202", "PML116"])
    assert not (workspace / "runs").exists()


def test_time_limit_ends_the_whole_tree(pmlaunch: Pmlaunch, workspace: Path) -> None:
    done = pmlaunch(*TRACKER, "++standin=child", "--timeout", "3")
    assert (done.code, done.record["state"]) == (7, "time_limit")
    assert survivors(workspace) == []


def test_silence_ends_the_run(pmlaunch: Pmlaunch, workspace: Path) -> None:
    done = pmlaunch(*TRACKER, "++standin=sleep", "--silence", "3")
    assert (done.code, done.record["state"]) == (7, "silent")
    assert "PML321" in done.codes
    assert survivors(workspace) == []


def test_preflight_error_starts_nothing(pmlaunch: Pmlaunch, workspace: Path) -> None:
    done = pmlaunch("eval", "masked_mimic", "--simulator", "genesis", "--headless", "--json")
    assert (done.code, done.codes[0]) == (4, "PML101")
    assert not (workspace / "runs").exists()


def test_repair_is_reported(pmlaunch: Pmlaunch, workspace: Path) -> None:
    env = workspace / "protomotions/protomotions/envs/base_env/env.py"
    mutable = "import dataclasses\n@dataclasses.dataclass\nclass Plane:\n    size: int = 1\n"
    mutable += "@dataclasses.dataclass\nclass Config:\n    plane: Plane = Plane()\n"
    env.write_text(mutable + env.read_text())
    import sys

    done = pmlaunch(*TRACKER)
    assert done.code == 0, done.err
    expected = ["mutable_dataclass_defaults"] if sys.version_info >= (3, 11) else []
    assert [repair.split(":")[0] for repair in done.record["repairs"]] == expected
