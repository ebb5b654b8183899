"""Folders with names that break shells, batch files, Hydra or upstream's own scan: the run does not mind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from standin import make_checkout, smpl_motion
from started import TRACKER, Pmlaunch

_ANYWHERE = [
    "my motions",
    "Program Files (x86)",
    "a=b,c;d",
    "R&D",
    "100% %PATH% %",
    "bang!",
    "it's",
    "caret^",
    "[x]{y}",
    "~tilde#",
    "${oc.env:HOME}",
    "中文 动作",
    "simulator_runs isaacgym robot",
    "x" * 120,
]
_POSIX = ['say "hi"', "back\\slash", "trailing\\", "glob*?", "new\nline", "a|b<c>d"]
NAMES = _ANYWHERE + ([] if os.name == "nt" else _POSIX)


@pytest.mark.parametrize("name", NAMES)
def test_every_path_of_a_run_may_have_a_hostile_name(pmlaunch: Pmlaunch, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    # a checkout cannot lie in such a folder: Hydra itself resolves the name of its working directory (PML117)
    checkout = make_checkout((tmp_path if "${" in name else home) / "pm")
    motion = smpl_motion(home / "my walk.npy")
    tracker = shutil.copytree(checkout / "data/pretrained_models/motion_tracker/smpl", home / "smpl") / "last.ckpt"
    done = pmlaunch(
        "eval", tracker, "-m", motion, "--protomotions", checkout, "--runs", home / "runs", "--headless",
        "--simulator", "genesis", "--max-steps", "2", "--json",
        cwd=home,
    )  # fmt: skip
    assert done.code == 0, done.out + done.err
    assert done.record["steps"] == 2
    log = Path(done.record["folder"], "output.log").read_text(encoding="utf-8")
    assert f"checkpoint {tracker}" in log, "the program got another path"
    assert "simulator genesis" in log
    assert Path(done.record["folder"]).parent == home / "runs"


def test_user_override_reaches_the_program_unchanged(pmlaunch: Pmlaunch, workspace: Path) -> None:
    script = workspace / "protomotions/protomotions/eval_agent.py"
    script.write_text(script.read_text().replace('print("simulator"', 'print("note", config.note); print("simulator"'))
    done = pmlaunch(*TRACKER, "++note='50% of $HOME & `ls` | \"x\" ! 中文'")
    assert done.code == 0, done.out + done.err
    assert 'note 50% of $HOME & `ls` | "x" ! 中文' in Path(done.record["folder"], "output.log").read_text("utf-8")


@pytest.mark.hostile
def test_a_key_among_the_overrides_reaches_the_program_and_no_file(
    pmlaunch: Pmlaunch, workspace: Path, tmp_path: Path
) -> None:
    script = workspace / "protomotions/protomotions/eval_agent.py"
    seen = 'print("length", len(config.wandb.api_key), config.wandb.api_key); print("simulator"'
    script.write_text(script.read_text().replace('print("simulator"', seen))
    done = pmlaunch(
        *(*TRACKER, "++wandb.api_key=Xq7-very-secret"),
        PMLAUNCH_CACHE=str(tmp_path / "cache"),
        HF_TOKEN="Zz9-another",
    )
    assert done.code == 0, done.out + done.err
    log = Path(done.record["folder"], "output.log").read_text("utf-8")
    assert "length 15 <secret>" in log
    assert "Xq7-very" not in done.out + done.err
    script.unlink()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"Xq7-very" not in path.read_bytes(), path
            assert b"Zz9-another" not in path.read_bytes(), path


def test_a_checkout_that_hydra_cannot_work_in_is_refused(pmlaunch: Pmlaunch, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "${HOME}")
    done = pmlaunch(*TRACKER, "--protomotions", checkout)
    assert (done.code, done.codes[0]) == (4, "PML117")
