"""Command lines of upstream's programs, pasted behind `pmlaunch eval`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.pasted import translate
from pmlaunch.errors import PmlaunchError

CHECKPOINT = "data/pretrained_models/masked_mimic/smpl/last.ckpt"
MOTION = "protomotion/data/motions/smpl_humanoid_walk.npy"
OVERRIDES_2 = (
    *("+robot=smpl", "+simulator=isaaclab", f"+motion_file={MOTION}", f"+checkpoint={CHECKPOINT}"),
    "+fabric.strategy.process_group_backend=gloo",
)
OPTIONS_3 = (
    *("--checkpoint", "my/last.ckpt", "--motion-file", "my/walk.motion", "--simulator", "mujoco", "--num-envs", "4"),
    *("--headless", "--full-eval", "--overrides", "env.max_episode_length=500", "agent.x=1"),
)
IN_OUR_WORDS_2 = [
    *("eval", CHECKPOINT, "--motion", MOTION, "+robot=smpl", "+simulator=isaaclab"),
    "+fabric.strategy.process_group_backend=gloo",
]
IN_OUR_WORDS_3 = [
    *("eval", "my/last.ckpt", "--motion", "my/walk.motion", "--simulator", "mujoco", "--num-envs", "4", "--headless"),
    *("--metrics", "env.max_episode_length=500", "agent.x=1"),
]
STARTS = [
    (),
    ("python", r"protomotions\eval_agent.py"),
    ("python3.11", "protomotions/eval_agent.py"),
    ("python.exe", r".\protomotions\eval_agent.py"),
    (r"C:\envs\lab (1)\python.exe", "-u", r"D:\work\protomotion\protomotions\eval_agent.py"),
    ("python", "-m", "protomotions.eval_agent"),
    ("py", "-u", "eval_agent.py"),
    ("isaaclab.bat", "-p", r"protomotions\eval_agent.py"),
    (r".\isaaclab.bat", "-p", r"protomotions\eval_agent.py"),
    (r"..\isaaclab\isaaclab.bat", "-p", "protomotions/eval_agent.py"),
    ("./isaaclab.sh", "-p", "protomotions/eval_agent.py"),
    ("isaaclab.bat", "-p"),
    ("protomotions/eval_agent.py", "\\"),
]


def of_3(start: tuple[str, ...]) -> list[str]:
    return [word.replace("eval_agent", "inference_agent") for word in start]


@pytest.mark.parametrize("start", STARTS, ids=" ".join)
def test_lines_of_both_generations(start: tuple[str, ...]) -> None:
    assert translate(["eval", *start, *OVERRIDES_2]) == IN_OUR_WORDS_2
    assert translate(["eval", *of_3(start), *OPTIONS_3]) == IN_OUR_WORDS_3


def test_options_of_pmlaunch_stand_anywhere() -> None:
    line = ["--json", "eval", "--dry-run", "--isaaclab", "../isaaclab", *STARTS[1], *OVERRIDES_2, "-m", "squat", "-q"]
    own = ["--dry-run", "--isaaclab", "../isaaclab", "-m", "squat", "-q"]
    assert translate(line) == ["--json", *IN_OUR_WORDS_2[:4], *own, *IN_OUR_WORDS_2[4:]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('+checkpoint="a b/last.ckpt"', "a b/last.ckpt"),
        (r"++checkpoint='it\'s/last.ckpt'", "it's/last.ckpt"),
        ("checkpoint={data/last.ckpt", "{data/last.ckpt"),
        ("--checkpoint=a=b/last.ckpt", "a=b/last.ckpt"),
        (r"+checkpoint=C:\runs\last.ckpt", r"C:\runs\last.ckpt"),
        ("+checkpoint='last.ckpt\"", "'last.ckpt\""),
    ],
)
def test_values_lose_the_quotes_that_no_shell_has_taken(written: str, value: str) -> None:
    assert translate(["eval", "+robot=smpl", written]) == ["eval", value, "+robot=smpl"]


def test_other_options_of_3_become_overrides() -> None:
    options = ("--scenes-file", "room.pt", "--command-source=target=keyboard", "--checkpoint", "last.ckpt")
    assert translate(["eval", "inference_agent.py", *options]) == [
        *("eval", "last.ckpt", "scenes_file=room.pt", "command_source=target=keyboard"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        ["eval", "maskmimic", "--motion", "walk", "+opt=wandb", "seed=1", "~terrain"],
        ["eval", "a=b/last.ckpt", "--checkpoint", "c.ckpt"],
        ["eval", "--checkpoint", "c.ckpt"],
        ["eval", "demo", "--motions", "walk"],
        ["eval", "demo", "-p"],
        ["eval"],
        ["eval", "--help"],
        ["explain", "python"],
        ["list", "+robot=smpl"],
        ["--version"],
        [],
    ],
    ids=" ".join,
)
def test_other_lines_stay_as_they_are(line: list[str]) -> None:
    assert translate(line) == line


def refusal(*words: str) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        translate(["eval", *words])
    assert (caught.value.code, caught.value.exit_code) == ("PML019", 2)
    return caught.value


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("CUDA_VISIBLE_DEVICES=1", "python", "eval_agent.py", *OVERRIDES_2), "CUDA_VISIBLE_DEVICES=1"),
        (("torchrun", "eval_agent.py", *OVERRIDES_2), "torchrun"),
        (("python", "eval_agent.py", *OVERRIDES_2, "walk"), "walk"),
        (("python", "train_agent.py", *OVERRIDES_2), "train_agent.py"),
        (("python", "eval_agent.py", "--multirun", *OVERRIDES_2), "--multirun"),
    ],
)
def test_pml019_names_the_part_and_the_command(words: tuple[str, ...], part: str) -> None:
    error = refusal(*words)
    assert error.message == f"In the pasted command line pmlaunch does not understand {part}."
    assert error.hint == "pmlaunch " + " ".join(IN_OUR_WORDS_2)


def test_pml019_without_a_checkpoint() -> None:
    error = refusal("python", "eval_agent.py", "+robot=smpl")
    assert "which checkpoint is meant" in error.message
    assert error.hint == "pmlaunch eval MODEL +robot=smpl"
    assert refusal("maskmimic", "python", "eval_agent.py", "+robot=smpl").hint == "pmlaunch eval maskmimic +robot=smpl"


def test_pml019_as_json(as_json: Callable[..., dict[str, Any]]) -> None:
    document = as_json("eval", "torchrun", "eval_agent.py", *OVERRIDES_2)
    (error,) = document["errors"]
    assert (document["command"], document["exit_code"], error["code"]) == ("eval", 2, "PML019")


@pytest.mark.parametrize("backend", [None, "gloo"])
def test_pasted_line_is_planned_like_any_other(
    as_json: Callable[..., dict[str, Any]], checkout: Path, isaaclab: Path, backend: str | None
) -> None:
    assert isaaclab.is_dir()
    checkpoint = "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    line = [
        "+robot=smpl",
        "+simulator=isaaclab",
        f"+checkpoint={checkpoint}",
        "+motion_file=data/motions/smpl_humanoid_walk.npy",
    ]
    line += [f"+fabric.strategy.process_group_backend={backend}"] if backend else []
    document = as_json("eval", *STARTS[1], *line, "--dry-run")
    assert [finding["code"] for finding in document["findings"]] == []
    plan = document["data"]["plan"]
    assert plan["provenance"]["checkpoint"] == {
        "value": str(checkout / checkpoint),
        "source": "argument, in the checkout",
    }
    assert plan["provenance"]["motion"]["source"] == "flag, in the checkout"
    assert (plan["robot"], plan["simulator"], plan["metrics"]) == ("smpl", "isaaclab", True)
    assert plan["ddp_backend"] == backend or plan["platform"] == "windows"
