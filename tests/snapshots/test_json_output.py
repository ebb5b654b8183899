"""The --json documents of commands that start no program."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from placeholders import without_hardware

import pmlaunch as package

Command = Callable[..., dict[str, Any]]
Snapshot = Callable[..., None]
KINDS = ("models", "motions", "robots", "simulators", "constraints")
LISTS = {
    **{f"{kind}-of-2.x": f"list {kind}" for kind in KINDS},
    **{f"{kind}-of-3.x": f"list {kind} --protomotions three" for kind in KINDS},
    "motions-of-one-robot": "list motions --robot amp",
    "models-of-one-robot": "list models --robot smpl --protomotions three",
}

# checkpoints that exist, with a motion
_TRACKER = "eval motion_tracker -m walk --headless --dry-run"
_GENESIS = f"{_TRACKER} --simulator genesis --python python/bin/python"
_G1 = "eval g1_mlp -m walk --headless --dry-run --protomotions three --python python/bin/python"
_DEMO = "eval demo -m walk --dry-run"
PLANS = {
    "2.x": _TRACKER,
    "2.x-for-linux": f"{_TRACKER} --target-os linux",
    "2.x-for-windows": f"{_TRACKER} --target-os windows",
    "2.x-for-windows-isaaclab": rf"{_TRACKER} --target-os windows --isaaclab 'C:\Isaac Lab'",
    "2.x-genesis": _GENESIS,
    "2.x-genesis-for-windows": f"{_GENESIS} --target-os windows",
    "2.x-via-python": f"{_TRACKER} --via python",
    "2.x-defaults": "eval tracker --dry-run",
    "2.x-window": "DISPLAY=:0 eval tracker -m walk --dry-run",
    "2.x-endless": "DISPLAY=:0 eval tracker -m walk --endless --dry-run",
    "2.x-window-without-display": "eval tracker -m walk --window --dry-run",
    "2.x-window-measured": "DISPLAY=:0 eval tracker -m walk --window --metrics --save-motion --record --dry-run",
    "2.x-in-ci": "DISPLAY=:0 CI=true eval tracker -m walk --dry-run",
    "2.x-record-headless": f"{_TRACKER} --record",
    "2.x-save-motion": f"{_TRACKER} --save-motion",
    "2.x-no-metrics": f"{_TRACKER} --no-metrics",
    "2.x-max-steps": f"{_TRACKER} --max-steps 10",
    "2.x-every-number": f"{_TRACKER} --num-envs 8 --devices 2 --seed 7 --timeout 60 --silence 30 --runs elsewhere",
    "2.x-cpu": f"{_GENESIS} --device cpu --ddp-backend gloo",
    "2.x-no-process-group": f"{_TRACKER} --ddp-backend none --terrain complex",
    "2.x-nccl-for-windows": f"{_TRACKER} --ddp-backend nccl --target-os windows",
    "2.x-overrides": f"{_TRACKER} num_envs=4 seed=3 env.config.obs=1 ++env.config.mine=[1,a] \"++note='a b'\" +opt=wandb",
    "2.x-override-of-steps": f"{_TRACKER} agent.config.max_eval_steps=12",
    "2.x-override-of-groups": f"{_TRACKER} +robot=smpl +simulator=genesis +terrain=complex",
    "2.x-override-unknown": f"{_TRACKER} num_env=4",
    "2.x-override-unknown-waived": f"{_TRACKER} num_env=4 --no-check PML003",
    "2.x-override-added": f"{_TRACKER} ++num_env=4",
    "2.x-override-malformed": f"{_TRACKER} 'seed=[1'",
    "2.x-override-unknown-group": f"{_TRACKER} +terrain=flats",
    "2.x-constraints": f"{_TRACKER} --constraint vr --constraint pelvis --num-envs 2",
    "2.x-constraint-broken": f"{_TRACKER} --constraint pelvis_hands_position",
    "2.x-constraint-unknown": f"{_TRACKER} --constraint pelvs",
    "2.x-several-motions": f"{_TRACKER} -m clips/turn.npy -m clips/jump.npy --num-envs 3",
    "2.x-folder-of-motions": "eval tracker -m clips --headless --dry-run",
    "2.x-pattern-of-motions": "eval tracker -m 'clips/*.npy' --headless --dry-run --save-motion",
    "2.x-library-of-motions": "eval tracker -m clips.yaml --headless --dry-run",
    "2.x-motion-by-path": "eval tracker -m clips/jump.npy --headless --dry-run",
    "2.x-motion-broken": "eval tracker -m broken.npy --headless --dry-run",
    "2.x-motion-of-3.x": "eval tracker -m three/data/clips/proto/output_wave.motion --headless --dry-run",
    "2.x-motion-of-another-robot": "eval tracker -m amp_humanoid_walk --headless --dry-run",
    "2.x-motions-of-two-robots": f"{_TRACKER} -m amp_humanoid_walk",
    "2.x-motion-unknown": "eval tracker -m walkx --headless --dry-run",
    "2.x-motion-missing": "eval tracker -m clips/none.npy --headless --dry-run",
    "2.x-another-robot": f"{_TRACKER} --robot amp",
    "2.x-another-robot-waived": f"{_TRACKER} --robot amp --no-check pml111 --no-check PML124",
    "2.x-pointer": "eval maskmimic -m walk --headless --dry-run",
    "2.x-checkpoint-by-path": (
        "eval protomotions/data/pretrained_models/motion_tracker/smpl/last.ckpt -m walk --headless --dry-run"
    ),
    "2.x-checkpoint-flag": "eval maskmimic -m walk --headless --dry-run --verify --checkpoint "
    "protomotions/data/pretrained_models/motion_tracker/smpl/last.ckpt",
    "2.x-checkpoint-missing": "eval nothing/last.ckpt -m walk --headless --dry-run",
    "2.x-without-isaaclab": f"{_TRACKER} --isaaclab python",
    "2.x-without-python": _GENESIS.replace("python/bin/python", "python/bin/python9"),
    "2.x-from-the-environment": "PMLAUNCH_SIMULATOR=genesis PMLAUNCH_PYTHON=python/bin/python PMLAUNCH_DEVICE=cpu "
    "PMLAUNCH_NUM_ENVS=2 PMLAUNCH_HEADLESS=yes PMLAUNCH_TIMEOUT=9 PMLAUNCH_SILENCE=8 PMLAUNCH_RUNS=there "
    "PMLAUNCH_VIA=python PMLAUNCH_DDP_BACKEND=gloo PMLAUNCH_PROTOMOTIONS=protomotions eval tracker -m walk --dry-run",
    "2.x-in-an-environment": "VIRTUAL_ENV=python PYTHONPATH=modules eval tracker -m walk --dry-run --simulator genesis",
    "2.x-isaaclab-from-the-environment": "ISAACLAB_PATH=isaaclab CONDA_PREFIX=python eval tracker -m walk --dry-run",
    "2.x-pasted": "eval ./isaaclab.sh -p protomotions/eval_agent.py +robot=smpl +simulator=isaaclab +motion_file="
    "protomotions/data/motions/smpl_humanoid_walk.npy +checkpoint=data/pretrained_models/motion_tracker/smpl/last.ckpt "
    "+fabric.strategy.process_group_backend=gloo --dry-run",
    "2.x-model-unknown": "eval motion_trackr -m walk --dry-run",
    "2.x-simulator-unknown": f"{_TRACKER} --simulator isaacslab",
    "2.x-robot-unknown": f"{_TRACKER} --robot smlp",
    "2.x-terrain-unknown": f"{_TRACKER} --terrain flats",
    "3.x": _G1,
    "3.x-for-windows": f"{_G1} --target-os windows",
    "3.x-newton": f"{_G1} --simulator newton",
    "3.x-isaaclab": f"{_G1} --simulator isaaclab",
    "3.x-window": "DISPLAY=:0 eval g1_mlp -m walk --window --record --save-motion --dry-run --protomotions three",
    "3.x-endless": "DISPLAY=:0 eval g1_mlp -m walk --endless --dry-run --protomotions three",
    "3.x-pasted": "eval python protomotions/inference_agent.py --checkpoint results/g1_mlp/last.ckpt --motion-file "
    "data/clips/proto/output_walk.motion --simulator mujoco --num-envs 1 --headless --full-eval --overrides "
    "env.max_episode_length=7 --protomotions three --python python/bin/python --dry-run",
    "3.x-no-metrics": f"{_G1} --no-metrics",
    "3.x-max-steps": f"{_G1} --max-steps 5",
    "3.x-seed": f"{_G1} --seed 3",
    "3.x-several-motions": f"{_G1} -m wave --save-motion",
    "3.x-packed-library": "eval g1_mlp -m three/data/motion_for_trackers/g1_all.pt --headless --dry-run "
    "--protomotions three",
    "3.x-packed-library-pointer": "eval g1_mlp -m three/data/motion_for_trackers/g1_far.pt --headless --dry-run "
    "--protomotions three",
    "3.x-overrides": f"{_G1} env.max_episode_length=7 scene_lib.x='a b' --no-check PML003",
    "3.x-override-unknown": f"{_G1} env.max_episode_lenght=7",
    "3.x-override-of-a-group": f"{_G1} agent.evaluator=7",
    "3.x-motion-of-2.x": f"{_G1} -m clips/turn.npy",
    "3.x-motion-of-another-robot": "eval g1_mlp -m smpl_humanoid_sit_armchair --headless --dry-run "
    "--protomotions three",
    "3.x-pointer": "eval maskmimic -m sit --headless --dry-run --protomotions three",
    "3.x-checkpoint-of-2.x": "eval protomotions/data/pretrained_models/motion_tracker/smpl/last.ckpt -m walk "
    "--dry-run --protomotions three",
    "demo": _DEMO,
    "demo-for-windows": f"{_DEMO} --target-os windows",
    "demo-several-motions": f"{_DEMO} -m squat -m wave --num-envs 2 --save-motion",
    "demo-options": f"{_DEMO} --max-steps 10 --seed 3 --no-metrics --timeout 5",
    "demo-window": f"{_DEMO} --window --record",
    "demo-overrides": f"{_DEMO} seed=4 agent.config.max_eval_steps=20",
    "demo-motion-unknown": "eval demo -m walkx --dry-run",
    "demo-simulator-unknown": f"{_DEMO} --simulator isaaclab",
}

RUNTIMES = {
    "isaaclab": "runtime",
    "isaaclab-in-conda": "CONDA_PREFIX=python runtime",
    "isaaclab-missing": "runtime --isaaclab nowhere",
    "isaaclab-via-python": "runtime --via python",
    "genesis": "runtime --simulator genesis --python python/bin/python",
    "genesis-without-python": "runtime --simulator genesis --python nowhere/python",
    "genesis-in-an-environment": "VIRTUAL_ENV=python runtime --simulator genesis",
    "mujoco": "runtime --simulator mujoco",
    "unknown": "runtime --simulator isaacslab",
}

DOCTORS = {
    "2.x": "doctor --quick --simulator genesis --device cpu --python python/bin/python",
    "3.x": "doctor --quick --simulator mujoco --protomotions three --python python/bin/python",
    "isaaclab": "DISPLAY=:0 doctor --quick --device cpu",
    "isaaclab-missing": "doctor --quick --device cpu --isaaclab nowhere",
    "demo": "doctor --quick --simulator mujoco --runs elsewhere --python python/bin/python",
    "checkout-missing": "doctor --quick --simulator genesis --device cpu --python python/bin/python "
    "--protomotions nowhere",
}

INSTALLS = {
    "2.x": "install --dry-run --no-packages --as clone --dir new",
    "2.x-all": "install --dry-run --no-packages --as clone --dir new --models all --isaaclab isaaclab",
    "2.x-some": "install --dry-run --no-packages --as clone --dir new --models tracker --simulator genesis "
    "--python python/bin/python --source https://example.org/ProtoMotions",
    "2.x-none": "install --dry-run --no-packages --as clone --dir new --models none",
    "2.x-commit": f"install --dry-run --no-packages --as clone --dir new --ref {'0123456789' * 4}",
    "3.x": "install --dry-run --no-packages --as clone --dir new --ref v3.1 --robot g1 --source clips",
    "place-taken": "install --dry-run --no-packages --dir clips",
    "without-git": "PATH=nowhere install --dry-run --no-packages --as clone --dir new",
    "no-submodule": "install --dry-run --no-packages --as submodule --dir new",
    "into-no-python": "install --dry-run --as clone --dir new --simulator genesis --python nowhere/python",
    "into-its-own-python": "install --dry-run --as clone --dir new --simulator genesis",
    "model-unknown": "install --dry-run --no-packages --as clone --dir new --models maskmimik",
    "simulator-unknown": "install --dry-run --no-packages --as clone --dir new --simulator genesys",
    "kind-unknown": "install --dry-run --as copy --dir new",
    "source-missing": "install --dry-run --no-packages --as clone --dir new --source nowhere",
}

ERRORS = {
    "no-command": "--quiet",
    "unknown-command": "evaluate demo",
    "unknown-option": "eval demo --motions walk",
    "pasted-not-understood": "eval torchrun protomotions/eval_agent.py +checkpoint=last.ckpt +robot=smpl --dry-run",
    "endless-and-measured": "eval demo --endless --metrics --dry-run",
    "missing-argument": "eval",
    "not-a-number": "eval demo --seed many",
    "not-a-choice": "eval demo --dry-run --device tpu",
    "not-positive": "eval demo --dry-run --max-steps 0",
    "no-such-code-to-waive": "eval demo --dry-run --no-check PML999",
    "no-such-system": "eval demo --dry-run --target-os beos",
    "another-system-for-real": "eval demo --target-os windows",
    "list-of-nothing": "list trackers",
    "explain-nothing": "explain PML999",
    "doctor-report": "doctor --quick --report",
    "doctor-quick-fix": "doctor --quick --fix",
    "fetch-from-elsewhere": "fetch maskmimic --from ftp",
    "fetch-and-remove": "fetch maskmimic --remove --from hf",
    "fetch-model-unknown": "fetch maskmimik",
    "stop-nothing": "stop",
    "stop-unknown": "stop nothing --runs elsewhere",
    "smoke-share": "smoke --model demo --min-success 2",
    "smoke-cut-short": "smoke --model demo --min-success 1 --max-steps 10",
    "smoke-threshold": "smoke --model demo --max gt_err",
    "smoke-report": "smoke --model demo --junit nowhere/smoke.xml",
    "setting-malformed": "PMLAUNCH_NUM_ENVS=many eval demo --dry-run",
}

WITHOUT_CHECKOUT = {
    **{f"list-{kind}": f"list {kind}" for kind in KINDS},
    "list-elsewhere": "list models --protomotions nowhere",
    "eval": "eval motion_tracker -m walk --dry-run",
    "eval-typo": "eval motion_trackr -m walk --dry-run",
    "eval-path": "eval nothing/last.ckpt --dry-run",
    "eval-demo": "eval demo -m walk --dry-run",
    "runtime": "runtime",
    "install": "install --dry-run --no-packages --as clone",
    "fetch": "fetch maskmimic",
}

IN_A_WORKSPACE = {
    "eval": "eval tracker -m walk --headless --dry-run",
    "eval-own-preset": "eval mine --dry-run",
    "eval-flags-win": "PMLAUNCH_TIMEOUT=5 eval tracker -m walk --headless --dry-run --num-envs 1",
    "list": "list models",
    "runtime": "runtime",
    "stop": "stop",
}


def every(table: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("name", "line"), table.items(), ids=table)


@every(LISTS)
def test_list(pmlaunch: Command, snapshot: Snapshot, name: str, line: str) -> None:
    snapshot(f"list/{name}", pmlaunch(line))


@every(PLANS)
def test_plan(pmlaunch: Command, snapshot: Snapshot, name: str, line: str) -> None:
    """A variant such as 2.x-window is recorded as its differences from 2.x."""
    base = name.partition("-")[0]
    snapshot(f"plan/{name}", pmlaunch(line), like=None if name == base else f"plan/{base}")


@every(RUNTIMES)
def test_runtime(pmlaunch: Command, snapshot: Snapshot, name: str, line: str) -> None:
    snapshot(f"runtime/{name}", pmlaunch(line))


@every(DOCTORS)
def test_doctor(pmlaunch: Command, snapshot: Snapshot, name: str, line: str) -> None:
    snapshot(f"doctor/{name}", without_hardware(pmlaunch(line)), like=None if name == "2.x" else "doctor/2.x")


@every(INSTALLS)
def test_install(pmlaunch: Command, snapshot: Snapshot, name: str, line: str) -> None:
    snapshot(f"install/{name}", pmlaunch(line), like=None if name == "2.x" else "install/2.x")


@every(ERRORS)
def test_error(pmlaunch: Command, snapshot: Snapshot, name: str, line: str) -> None:
    snapshot(f"error/{name}", pmlaunch(line))


@every(WITHOUT_CHECKOUT)
def test_without_checkout(
    pmlaunch: Command, snapshot: Snapshot, world: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    monkeypatch.chdir(world / "empty")
    snapshot(f"without-checkout/{name}", pmlaunch(line))


@every(IN_A_WORKSPACE)
def test_in_a_workspace(
    pmlaunch: Command, snapshot: Snapshot, world: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    monkeypatch.chdir(world / "workspace")
    snapshot(f"workspace/{name}", pmlaunch(line))


def test_with_a_user_file(pmlaunch: Command, snapshot: Snapshot, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world / "user"))
    monkeypatch.chdir(world / "workspace")
    snapshot("workspace/eval-user-file", pmlaunch("eval mine --dry-run"))


def test_with_a_typo_in_the_workspace_file(
    pmlaunch: Command, snapshot: Snapshot, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world / "workspace" / "mistyped")
    snapshot("workspace/typo", pmlaunch("eval demo --dry-run"))


def test_explain(pmlaunch: Command, snapshot: Snapshot) -> None:
    """Every code that appears in the source is explained; the set of codes and their exit codes are recorded."""
    source = Path(package.__file__).parent.rglob("*.py")
    named = sorted({code for path in source for code in re.findall(r"PML\d{3}", path.read_text(encoding="utf-8"))})
    documents = {code: pmlaunch(f"explain {code}") for code in named}
    assert all(document["exit_code"] == 0 for document in documents.values())
    snapshot("explain", documents["PML101"])
    snapshot("codes", {code: document["data"]["exit_code"] for code, document in documents.items()})
