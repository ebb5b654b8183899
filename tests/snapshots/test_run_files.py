"""The files of a run folder and their content, for runs of both stand-ins and of the embedded demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from started import start

Command = Callable[..., dict[str, Any]]
Snapshot = Callable[..., None]
Run = Callable[[str], dict[str, Any]]
TRACKER = "eval motion_tracker -m walk --headless --simulator genesis"
G1 = "eval g1_mlp -m walk --protomotions three"
RUNS = {
    "2.x": f"{TRACKER} --seed 3 env.config.obs=1",
    "2.x-several-motions": f"{TRACKER} -m clips/turn.npy --num-envs 2 --save-motion",
    "2.x-not-measured": f"{TRACKER} --no-metrics --max-steps 5",
    "2.x-cut-short": f"{TRACKER} --max-steps 5 --ddp-backend gloo",
    "2.x-raises": f"{TRACKER} ++standin=raise",
    "2.x-vanishes": f"{TRACKER} ++standin=vanish",
    "3.x": f"{G1} --headless",
    "3.x-several-motions": f"{G1} -m wave --headless",
    "3.x-not-measured": f"{G1} --headless --no-metrics",
    "3.x-recorded": f"DISPLAY=:0 {G1} --window --record --save-motion --max-steps 12",
}
LIMITED = {
    "takes-too-long": f"{TRACKER} ++standin=sleep --timeout 0.3",
    "falls-silent": f"{TRACKER} ++standin=sleep --silence 0.3",
}
has_demo = all(find_spec(name) for name in ("torch", "lightning", "mujoco", "matplotlib"))
needs_demo = pytest.mark.skipif(not has_demo, reason="skipped: the demo's packages are not installed")


@pytest.fixture
def run(pmlaunch: Command, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a line such as "eval tracker", and return its exit code, its errors and the content of the run folder."""
    monkeypatch.setenv("PYTHONPATH", str(world / "more"))

    def run_it(line: str) -> dict[str, Any]:
        document = pmlaunch(line, "--runs", tmp_path / "runs")
        (folder,) = (tmp_path / "runs").iterdir()
        left = content(folder)
        assert document["data"] == {"plan": left["plan.json"], "record": left["record.json"]}
        assert document["findings"] == left["record.json"]["findings"]
        return {"exit_code": document["exit_code"], "errors": document["errors"], "folder": folder.name, **left}

    return run_it


@pytest.mark.parametrize(("name", "line"), RUNS.items(), ids=RUNS)
def test_run(run: Run, snapshot: Snapshot, python: Path, name: str, line: str) -> None:
    """A variant such as 2.x-raises is recorded as its differences from 2.x."""
    base = name.partition("-")[0]
    snapshot(f"run/{name}", run(f"{line} --python {python}"), like=None if name == base else f"run/{base}")


@pytest.mark.parametrize(("name", "line"), LIMITED.items(), ids=LIMITED)
def test_run_that_hits_a_limit(run: Run, snapshot: Snapshot, python: Path, name: str, line: str) -> None:
    """Compares only the verdict, because how far the run got is a matter of chance."""
    snapshot(f"run/limited/{name}", verdict(run(f"{line} --python {python}")))


def test_run_that_is_stopped(
    pmlaunch: Command, snapshot: Snapshot, world: Path, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMLAUNCH_PROTOMOTIONS", str(world / "work" / "protomotions"))
    monkeypatch.setenv("PMLAUNCH_PYTHON", str(python))
    process = start(tmp_path, "++pause=0.05", "--no-metrics", "--max-steps", "100000", "--timeout", "120")
    stopped = pmlaunch("stop", "--runs", tmp_path / "runs")
    out, _ = process.communicate(timeout=60)
    document = json.loads(out)
    snapshot("stop", stopped)
    snapshot("run/limited/stopped", verdict({**document, "record.json": document["data"]["record"]}))


@needs_demo
def test_run_of_the_demo(run: Run, snapshot: Snapshot) -> None:
    """Compares the names of the figures but not their values, which differ slightly between machines."""
    left = run("eval demo -m walk --max-steps 3 --save-motion")
    figures = ("metrics.json", "record.json", "events.jsonl")
    snapshot("run/demo", {name: without_figures(item) if name in figures else item for name, item in left.items()})


def verdict(left: dict[str, Any]) -> dict[str, Any]:
    record = {key: left["record.json"][key] for key in ("state", "exit_code", "exception", "findings")}
    return {"exit_code": left["exit_code"], "errors": left["errors"], "record": record}


def content(folder: Path) -> dict[str, Any]:
    """The names of all files, the documents, the first event of each kind, and type and shape of each array."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    documents = {name: json.loads((folder / name).read_bytes()) for name in files if name.endswith(".json")}
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines() if "events.jsonl" in files else []
    first: dict[str, Any] = {}
    for event in map(json.loads, lines):
        first.setdefault(event["event"], event)
    found = {"files": files, **documents, "events.jsonl": list(first.values())}
    if "motion.npz" in files:
        with np.load(folder / "motion.npz") as arrays:
            found["motion.npz"] = {name: [str(arrays[name].dtype), list(arrays[name].shape)] for name in arrays}
    return found


def without_figures(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_figures(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_figures(item) for item in value]
    return "<figure>" if isinstance(value, float) else value
