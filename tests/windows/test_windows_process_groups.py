"""`--ddp-backend` with a Windows build of torch and real Lightning: done, or refused before the start.

The demo, and the stand-ins of both generations with a fabric that forms a real process group and uses the collectives
that ProtoMotions uses. gloo works in Windows builds of torch but for 2.8 to 2.10.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from standin import make_checkout
from standin3 import make_checkout3
from wine import has_gloo

missing = [name for name in ("torch", "lightning", "mujoco") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"skipped: not installed: {missing}"),
    pytest.mark.timeout(400),
]

# What ProtoMotions asks of its fabric: shapes that keep the rank's dimension, and torch.distributed itself.
COLLECTIVES = """
import torch
import torch.distributed as dist
from lightning.fabric import Fabric as LightningFabric
from lightning.fabric.strategies import DDPStrategy


def form(devices, **options):
    fabric = LightningFabric(accelerator="cpu", devices=devices, strategy=DDPStrategy(**options))
    fabric.launch()
    assert dist.is_initialized() and dist.get_world_size() == devices
    gathered = fabric.all_gather(5)
    assert gathered.shape == (devices,), gathered.shape
    assert max(gathered) == 5
    assert fabric.all_gather(torch.arange(3)).shape == (devices, 3)
    total = torch.ones(2)
    dist.all_reduce(total)
    assert total.tolist() == [devices, devices]
    assert fabric.broadcast("from rank 0") == "from rank 0"
    fabric.barrier()
    network = fabric.setup(torch.nn.Linear(2, 1))
    fabric.backward(network(torch.ones(1, 2)).sum())
    return fabric
"""
FABRIC_2 = (
    COLLECTIVES
    + """
from types import SimpleNamespace


class Fabric:
    def __init__(self, config):
        options = {name: config.strategy[name] for name in config.get("strategy") or {} if name != "_target_"}
        self._fabric = form(int(config.get("devices", 1)), **options)
        self.loggers = [SimpleNamespace(root_dir=logger.root_dir) for logger in config.get("loggers") or []]

    def __getattr__(self, name):
        return getattr(self._fabric, name)
"""
)
FABRIC_3 = (
    COLLECTIVES
    + """
class FabricConfig:
    def __init__(self, accelerator, devices):
        self.values = {"accelerator": accelerator, "devices": devices}
        form(devices)
"""
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """{program: the arguments of `pmlaunch eval` that run it}."""
    root = tmp_path_factory.mktemp("programs")
    two, three = make_checkout(root / "two"), make_checkout3(root / "three")
    (two / "protomotions/fabric.py").write_text(FABRIC_2.lstrip(), encoding="utf-8")
    (three / "protomotions/utils/fabric_config.py").write_text(FABRIC_3.lstrip(), encoding="utf-8")
    named = ["--via", "python", "--python", sys.executable, "--headless"]
    return {
        "demo": ["demo", "--motion", "walk"],
        "2.x": ["motion_tracker", "--motion", "walk", "--simulator", "genesis", "--protomotions", str(two), *named],
        "3.x": ["g1_mlp", "--motion", "walk", "--simulator", "mujoco", "--protomotions", str(three), *named],
    }


def evaluate(folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "pmlaunch", "eval", *words, "--json", "--runs", str(folder)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.stdout, done.stderr.decode(errors="replace")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


PROGRAMS, BACKENDS = ("demo", "2.x", "3.x"), ("auto", "gloo", "none")
ALWAYS = (("demo", "auto"), ("2.x", "none"), ("3.x", "auto"))  # each takes half a minute under Wine


@pytest.mark.parametrize(
    ("program", "backend"),
    [
        pytest.param(*pair, marks=[] if pair in ALWAYS else [pytest.mark.slow])
        for pair in itertools.product(PROGRAMS, BACKENDS)
    ],
)
def test_backend(programs: dict[str, list[str]], program: str, backend: str, tmp_path: Path) -> None:
    document = evaluate(tmp_path, *programs[program], "--ddp-backend", backend)
    codes = [finding["code"] for finding in document["findings"] if finding["severity"] == "error"]
    if backend == "gloo" and not has_gloo():
        assert (document["exit_code"], codes) == (5, ["PML215"])
        assert "record" not in document["data"]
        return
    record = document["data"]["record"]
    assert document["exit_code"] == 0, (record["exception"], codes)
    result = json.loads((Path(record["folder"]) / "result.json").read_text(encoding="utf-8"))
    formed = "gloo" if backend != "none" and has_gloo() else "one_rank"
    assert (result["status"], result["backend"], result["world_size"]) == ("finished", formed, 1)
