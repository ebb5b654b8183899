"""A shell with the ranks of another launcher: what Lightning makes of them, and a run that is not touched by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.support.ranks import sets_rank
from started import Pmlaunch
from wine import TWO_RANKS_HANG, two_ranks_hang

missing = [name for name in ("torch", "lightning", "hydra", "mujoco") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"skipped: not installed: {missing}")

TORCHRUN = {
    "RANK": "1",
    "LOCAL_RANK": "1",
    "GROUP_RANK": "0",
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "1",  # nobody listens there
    "TORCHELASTIC_RUN_ID": "none",
}
SLURM = {
    "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "4",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "3",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "n1",
}
LSF = {
    "LSB_JOBID": "77",
    "LSB_DJOB_RANKFILE": "ranks",
    "JSM_NAMESPACE_SIZE": "2",
    "JSM_NAMESPACE_RANK": "1",
    "JSM_NAMESPACE_LOCAL_RANK": "1",
}
EARLIER_RUN = {"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
FABRIC_RUN = {"LT_CLI_USED": "1", "LT_DEVICES": "2", "LT_NUM_NODES": "2", "LT_ACCELERATOR": "cpu"}
SHELLS = {"torchrun": TORCHRUN, "SLURM": SLURM, "LSF": LSF, "earlier run": EARLIER_RUN, "fabric run": FABRIC_RUN}

# what one process on this machine takes itself for: [global rank, world size, whether somebody else starts the ranks]
FABRIC = """
import json, os, socket, sys
from lightning.fabric import Fabric
socket.gethostname = lambda: "n1"
open("ranks", "w").write("login\\nn1\\nn1\\n")
for shell in json.loads(sys.argv[1]):
    os.environ.update(shell)
    try:
        fabric = Fabric(accelerator="cpu", devices=1, strategy="ddp")
        environment = fabric._connector.cluster_environment
        print(json.dumps([fabric.global_rank, fabric.world_size, environment.creates_processes_externally]))
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))
    for name in set(os.environ) & set(shell):
        del os.environ[name]
"""
# torchrun's rank 1, whose rank 0 does not exist
WAITS = """
import sys
from datetime import timedelta
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy
strategy = DDPStrategy(process_group_backend="gloo", timeout=timedelta(seconds=2))
Fabric(accelerator="cpu", devices=int(sys.argv[1]), strategy=strategy).launch()
print("launched")
"""
ALONE = [0, 1, False]


def python(folder: Path, code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not sets_rank(name)}
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    environment = {**own, **variables, "USE_LIBUV": "0"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def taken_for(folder: Path, shells: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What Lightning takes a process in each shell for, or its error."""
    done = python(folder, FABRIC, json.dumps(list(shells.values())))
    return dict(zip(shells, map(json.loads, done.stdout.splitlines()), strict=True))


def test_lightning_believes_every_shell_unless_its_ranks_are_removed(tmp_path: Path) -> None:
    found = taken_for(tmp_path, SHELLS)
    assert [name for name, seen in found.items() if seen == ALONE] == [], "otherwise there is nothing to remove"
    assert found["torchrun"] == found["LSF"] == [1, 2, True]
    assert found["SLURM"][0] == 3
    cleared = {
        shell: {name: value for name, value in left.items() if not sets_rank(name)} for shell, left in SHELLS.items()
    }
    assert taken_for(tmp_path, cleared) == dict.fromkeys(SHELLS, ALONE)


def test_rank_without_its_others_waits_for_them(tmp_path: Path) -> None:
    """Two seconds here; by default it would be 30 minutes."""
    done = python(tmp_path, WAITS, "2", **TORCHRUN)
    assert done.returncode != 0
    assert "launched" not in done.stdout
    assert "127.0.0.1" in done.stderr
    assert python(tmp_path, WAITS, "1").stdout == "launched\n"


@pytest.mark.parametrize(
    "devices",
    [
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(2, marks=pytest.mark.skipif(two_ranks_hang(), reason=TWO_RANKS_HANG)),
    ],
)
def test_run_in_such_a_shell(pmlaunch: Pmlaunch, devices: int) -> None:
    left = {**LSF, **SLURM, **TORCHRUN, **FABRIC_RUN, "ACCELERATE_MIXED_PRECISION": "fp16", "OMPI_COMM_WORLD_RANK": "1"}
    more = ("--ddp-backend", "gloo", "--devices", str(devices))
    done = pmlaunch("eval", "demo", "-m", "walk", "--headless", "--json", "--timeout", "90", *more, **left)
    assert done.code == 0, done.err
    (note,) = [finding for finding in done.record["findings"] if finding["code"] == "PML335"]
    assert note["subject"].split(", ") == sorted(name for name in left if name != "LSB_JOBID")
    result = json.loads((Path(done.record["folder"]) / "result.json").read_text(encoding="utf-8"))
    assert (result["rank"], result["world_size"]) == (0, devices)
    env = done.document["data"]["plan"]["env"]
    assert {name for name, value in env.items() if value is None} == {*left} - {"LSB_JOBID"}
