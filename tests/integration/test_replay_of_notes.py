"""The workspace and the command line that this project started from, from an empty folder.

Its notes have ProtoMotions as the submodule `protomotion`, Isaac Lab in ../isaaclab, and upstream's own command line.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from standin import CHECKPOINT, make_checkout
from started import Pmlaunch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="skipped: isaaclab.sh needs a POSIX shell")

MODEL = "data/pretrained_models/masked_mimic/smpl/last.ckpt"
MOTION = "protomotion/data/motions/smpl_humanoid_walk.npy"
# as a shell passes it on: the quotes of the notes are gone
LINE = (
    *("+robot=smpl", "+simulator=isaaclab", f"+motion_file={MOTION}", f"+checkpoint={MODEL}"),
    "+fabric.strategy.process_group_backend=gloo",
)
STARTS = {
    "without": (),
    "python": ("python", r"protomotions\eval_agent.py"),
    "isaaclab.bat": (r"..\isaaclab\isaaclab.bat", "-p", r"protomotions\eval_agent.py"),
}
_GITMODULES = '[submodule "protomotion"]\n\tpath = protomotion\n\turl = https://github.com/NVlabs/ProtoMotions.git\n'
# as isaaclab.sh does it: -p, then the arguments of Python
_ISAACLAB = f'#!/bin/sh\n[ "$1" = -p ] || exit 64\nshift\nexec "{sys.executable}" "$@"\n'


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The workspace of the notes."""
    workspace, isaaclab = tmp_path / "workspace", tmp_path / "isaaclab"
    root = make_checkout(workspace / "protomotion")
    (root / MODEL).write_bytes(CHECKPOINT)  # its Git LFS pointer, fetched
    (workspace / ".gitmodules").write_text(_GITMODULES, encoding="utf-8")
    (isaaclab / "_isaac_sim").mkdir(parents=True)
    (isaaclab / "_isaac_sim" / "python.sh").touch()
    (isaaclab / "VERSION").write_text("2.1.0\n", encoding="utf-8")
    (isaaclab / "isaaclab.sh").write_text(_ISAACLAB, encoding="utf-8")
    (isaaclab / "isaaclab.sh").chmod(0o755)
    return workspace


def sources(plan: dict[str, Any]) -> dict[str, Any]:
    return {name: (sourced["value"], sourced["source"]) for name, sourced in plan["provenance"].items()}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("inside", ["", "protomotion"])
def test_plan(pmlaunch: Pmlaunch, notes: Path, start: str, inside: str) -> None:
    done = pmlaunch("eval", *STARTS[start], *LINE, "--dry-run", "--json", cwd=notes / inside)
    assert (done.code, done.codes) == (0, [])
    plan, root = done.document["data"]["plan"], notes / "protomotion"
    found = sources(plan)
    assert found["checkout"] == (str(root), "found here" if inside else "found in .gitmodules")
    assert found["checkpoint"] == (str(root / MODEL), "argument" if inside else "argument, in the checkout")
    assert found["motion"] == ([str(notes / MOTION)], "flag, beside the checkout" if inside else "flag")
    assert found["ddp_backend"] == ("gloo", "override")
    assert plan["command"] == [str(notes.parent / "isaaclab" / "isaaclab.sh"), "-p", "-m", "pmlaunch_agent"]
    assert (plan["cwd"], plan["headless"], plan["metrics"], plan["max_steps"]) == (str(root), True, True, 30)
    assert plan["overrides"] == [
        *("+robot=smpl", "+simulator=isaaclab", f"++checkpoint='{root / MODEL}'", f"++motion_file='{notes / MOTION}'"),
        *("++num_envs=1", "++headless=true", "++agent.config.max_eval_steps=30"),
        "++fabric.strategy.process_group_backend=gloo",
    ]


def test_run(pmlaunch: Pmlaunch, notes: Path) -> None:
    done = pmlaunch("eval", *STARTS["python"], *LINE, "--json", cwd=notes)
    assert done.code == 0, done.err
    assert (done.record["state"], done.record["steps"]) == ("done", 30)
    assert done.record["metrics"]["eval/tracking_success_rate"] == 1.0
    log = (Path(done.record["folder"]) / "output.log").read_text(encoding="utf-8")
    assert "simulator isaaclab" in log


def test_in_a_window_it_measures_and_ends_as_well(pmlaunch: Pmlaunch, notes: Path) -> None:
    done = pmlaunch("eval", *LINE, "--json", cwd=notes, DISPLAY=":0")
    assert done.code == 0, done.err
    assert done.document["data"]["plan"]["headless"] is False
    assert (done.record["steps"], done.record["metrics"]["eval/gt_err"]) == (30, 0.25)


def test_endless_runs_until_stopped(pmlaunch: Pmlaunch, notes: Path) -> None:
    done = pmlaunch("eval", *LINE, "--endless", "--timeout", "5", "--json", cwd=notes, DISPLAY=":0")
    assert (done.code, done.record["state"]) == (7, "time_limit")
    assert done.record["steps"] > 30
    assert done.record["metrics"] == {}


def test_mistyped_paths_name_the_nearest(pmlaunch: Pmlaunch, notes: Path) -> None:
    line = [word.replace("=data/", "={data/").replace("walk.npy", "wlk.npy") for word in LINE]
    done = pmlaunch("eval", *STARTS["python"], *line, "--dry-run", "--json", cwd=notes)
    told = {finding["code"]: finding["message"] for finding in done.document["findings"]}
    assert done.code == 4
    assert told["PML102"].endswith(f"Did you mean {notes / 'protomotion' / MODEL}?")
    assert told["PML121"].endswith(f"Did you mean {notes / MOTION}?")


def test_command_of_an_error_can_be_pasted(pmlaunch: Pmlaunch, notes: Path) -> None:
    refused = pmlaunch("eval", "torchrun", r"protomotions\eval_agent.py", *LINE, "--dry-run", "--json", cwd=notes)
    assert (refused.code, refused.codes) == (2, ["PML019"])
    program, *words = refused.document["errors"][0]["hint"].split()
    done = pmlaunch(*words, "--json", cwd=notes)
    assert (program, done.code) == ("pmlaunch", 0)
    assert sources(done.document["data"]["plan"])["checkpoint"][1] == "argument, in the checkout"


def test_from_an_empty_folder(pmlaunch: Pmlaunch, notes: Path) -> None:
    """Nothing of the notes is there yet; then they are cloned, with the submodule."""
    empty = notes.parent / "empty"
    empty.mkdir()
    before = pmlaunch("eval", *STARTS["python"], *LINE, "--dry-run", "--json", cwd=empty)
    assert (before.code, before.codes) == (4, ["PML102"])
    assert "pmlaunch install" in before.document["errors"][0]["hint"]
    shutil.copytree(notes, empty, dirs_exist_ok=True)
    after = pmlaunch("eval", *STARTS["python"], *LINE, "--dry-run", "--json", cwd=empty)
    assert (after.code, after.document["data"]["plan"]["cwd"]) == (0, str(empty / "protomotion"))
