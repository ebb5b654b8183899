"""The most likely wrong inputs, each with its exit code, its code, and the command that is proposed next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.checks import device
from pmlaunch.cli.app import run
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.checkout.source import DEFAULT_SOURCE, look_up_offline
from pmlaunch.model import DEFAULT, ChosenPython
from pmlaunch.runtimes.compatibility import Found
from pmlaunch.runtimes.python_files import pip_install
from standin import make_motion, smpl_motion

Json = Callable[..., dict[str, Any]]
Row = tuple[str, int, str, str]
STEPS = "agent.config.max_eval_steps"

# what is typed after `pmlaunch`, the exit code, the code, and what follows `next: pmlaunch` ("" if no command helps)
DEMO: list[Row] = [
    # words in the wrong place
    ("eval demo walk", 2, "PML020", "eval demo --motion walk"),
    ("eval demo -m wave walk", 2, "PML020", "eval demo --motion wave --motion walk"),
    ("eval demo walk --dry-run", 2, "PML020", "eval demo --motion walk --dry-run"),
    ("eval demo wlak -q", 2, "PML020", "eval demo --motion walk --quiet"),
    ("eval demo walk wave", 2, "PML020", "eval demo --motion walk --motion wave"),
    ("eval demo smpl", 2, "PML020", "eval demo --robot smpl"),
    ("eval demo mujoco num_envs=2", 2, "PML020", "eval demo num_envs=2 --simulator mujoco"),
    ("eval demo flat", 2, "PML020", "eval demo --terrain flat"),
    ("eval demo last.ckpt", 2, "PML020", "eval demo --checkpoint last.ckpt"),
    ("eval demo xyzzy", 2, "PML020", "eval --help"),
    ("eval walk", 3, "PML010", "eval demo --motion walk"),
    # misspelt names
    ("eval dmeo", 3, "PML010", "eval demo"),
    ("eval dmeo -m walk --dry-run", 3, "PML010", "eval demo --motion walk --dry-run"),
    ("eval xyzzy", 3, "PML010", "list models"),
    ("eval demo -m wlak", 3, "PML010", "eval demo --motion walk"),
    ("eval demo -m walk -m wvae", 3, "PML010", "eval demo --motion walk --motion wave"),
    ("eval demo -m walk,wave", 3, "PML010", "eval demo --motion walk --motion wave"),
    ("eval demo -m jump", 3, "PML010", "list motions"),
    ("eval demo -m *.npy", 3, "PML010", "list motions"),
    ("eval demo --robot smol", 3, "PML010", "eval demo --robot smpl"),
    ("eval demo --robot spot", 3, "PML010", "list robots"),
    ("eval demo --simulator mujco", 3, "PML010", "eval demo --simulator mujoco"),
    ("eval demo --simulator isaaclab", 3, "PML010", "list simulators"),
    ("eval demo --terrain flt", 3, "PML010", "eval demo --terrain flat"),
    ("list motions --robot smol", 3, "PML010", "list robots"),
    ("explain PML999", 3, "PML010", "explain"),
    # misspelt commands and options
    ("doctr --quick", 2, "PML001", "doctor --quick"),
    ("evl demo", 2, "PML001", "eval demo"),
    ("--bogus", 2, "PML001", "--help"),
    ("eval demo --num-env 3", 2, "PML001", "eval demo --num-envs 3"),
    ("eval demo --headles --dry-run", 2, "PML001", "eval demo --headless --dry-run"),
    ("eval", 2, "PML001", "eval --help"),
    ("eval demo --motion", 2, "PML001", "eval --help"),
    ("eval demo --seed x", 2, "PML001", "eval --help"),
    # values that cannot be
    ("eval demo --num-envs 0", 2, "PML001", "eval demo"),
    ("eval demo --max-steps -5 --dry-run", 2, "PML001", "eval demo --dry-run"),
    ("eval demo --no-check PML99", 2, "PML001", "explain"),
    (f"eval demo {STEPS}=abc", 2, "PML022", "eval demo"),
    ("eval demo num_envs=abc -m walk", 2, "PML022", "eval demo --motion walk"),
    ("eval demo headless=maybe", 2, "PML022", "eval demo"),
    ("eval demo agent.config=4", 2, "PML022", "eval demo"),
    ("eval demo num_env=4", 2, "PML003", "eval demo num_envs=4"),
    ("eval demo max_eval_steps=9", 2, "PML003", f"eval demo {STEPS}=9"),
    ("eval demo foo=1", 2, "PML003", "eval demo ++foo=1"),
    ("eval demo x=(", 2, "PML002", ""),
    # contradictions
    ("eval demo num_envs=4 --num-envs 2", 2, "PML021", "eval demo num_envs=4"),
    ("eval demo --num-envs 2 --num-envs 4", 2, "PML021", "eval demo --num-envs 4"),
    ("eval demo num_envs=4 num_envs=2", 2, "PML021", "eval demo num_envs=2"),
    ("eval demo --headless --window", 2, "PML021", "eval demo --window"),
    ("eval demo headless=true --window", 2, "PML021", "eval demo headless=true"),
    ("eval demo --seed=1 --seed=2 -q", 2, "PML021", "eval demo --seed=2 -q"),
    ("eval demo --endless --headless", 2, "PML021", "eval demo --headless"),
    (f"eval demo --max-steps 9 {STEPS}=8", 2, "PML021", f"eval demo {STEPS}=8"),
    # other commands: the same one, with an option that works
    ("runs list --state fail -q", 2, "PML001", "runs list -q --state failed"),
    ("runs list --since never", 2, "PML001", "runs list --since 7d"),
    ("runs prune --older=x --dry-run", 2, "PML001", "runs prune --dry-run --older 7d"),
    ("export walk --to gbl", 2, "PML001", "export walk --to glb"),
    ("export walk --to bvh --fps=9999 --force", 2, "PML001", "export walk --to bvh --force --fps 30"),
    ("export walk --to bvh --what both", 2, "PML360", "export walk --what both --to glb"),
    ("export walk --up z --force", 2, "PML360", "export walk --force"),
    ("list modles", 2, "PML001", "list models"),
    ("smoke --min x", 2, "PML001", "smoke --min eval/gt_err_max=0.5"),
    # what the demo cannot do
    ("eval demo --endless", 4, "PML133", "eval demo"),
    ("eval demo --record", 4, "PML119", "eval demo --save-motion"),
]
CHECKOUT: list[Row] = [
    ("eval tracker walk", 2, "PML020", "eval tracker --motion walk"),
    ("eval traker -m walk", 3, "PML010", "eval motion_tracker --motion walk"),
    ("eval tracker --robot smple", 3, "PML010", "eval tracker --robot smpl"),
    ("eval maskmimic --constraint ful_body", 3, "PML010", "list constraints"),
    ("eval tracker -m amp_humanoid_walk", 4, "PML124", "list motions --robot smpl"),
]


def complaint(row: Row, capsys: pytest.CaptureFixture[str]) -> str | None:
    """What is wrong with the answer to a command; None if it is the expected one."""
    words, exit_code, code, proposed = row
    ended = run(words.split())
    said = capsys.readouterr().err
    told = said.partition(f"error {code} ")[2].partition("error PML")[0]
    following = [line.strip() for line in told.splitlines() if line.startswith("  next: ")]
    expected = [f"next: pmlaunch {proposed}"] if proposed else []
    right = ended == exit_code and told and following == expected and "Traceback" not in said
    return None if right else f"exit code {ended}\n{said}"


@pytest.mark.parametrize("row", DEMO, ids=lambda row: row[0])
def test_mistake_without_a_checkout(row: Row, typed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(row, capsys) is None


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("row", CHECKOUT, ids=lambda row: row[0])
def test_mistake_in_a_checkout(row: Row, typed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(row, capsys) is None


def test_the_table_has_the_fifty_most_likely() -> None:
    assert len({row[0] for row in (*DEMO, *CHECKOUT)}) == len(DEMO) + len(CHECKOUT) >= 50


@pytest.mark.parametrize(
    "row",
    [row for row in DEMO if row[3].startswith("eval demo") and row[2] not in ("PML133", "PML119")],
    ids=lambda row: row[0],
)
def test_proposed_command_is_accepted(row: Row, typed_in: Path, as_json: Json) -> None:
    """What is proposed has no mistake of its own that Typer or planning would refuse."""
    words = [word for word in row[3].split() if word not in ("--dry-run", "--window")]
    if "last.ckpt" not in words:
        assert as_json(*words, "--dry-run")["exit_code"] == 0


def test_error_is_the_last_thing_that_is_printed(typed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "demo", "--max-steps", "5", "--record", "--dry-run"]) == 4
    said = capsys.readouterr().err
    assert said.index("note PML311") < said.index("error PML119")


def test_suggestion_names_each_thing_once(typed_in: Path, as_json: Json) -> None:
    message = as_json("eval", "demo", "--motion", "wlak")["errors"][0]["message"]
    assert message == "No motion of robot smpl is called 'wlak'. Did you mean walk?"


def folder_of(tmp_path: Path) -> None:
    smpl_motion(tmp_path / "clips" / "a.npy")
    smpl_motion(tmp_path / "clips" / "b.npy", frames=61)
    (tmp_path / "clips" / "c.npy").write_bytes((tmp_path / "clips" / "b.npy").read_bytes()[:300])


def test_skip_bad_leaves_out_broken_motions_and_says_so(typed_in: Path, as_json: Json) -> None:
    folder_of(typed_in)
    refused = as_json("eval", "demo", "-m", "clips", "--dry-run")
    (error,) = [it for it in refused["findings"] if it["severity"] == "error"]
    assert (refused["exit_code"], error["code"]) == (4, "PML122")
    assert error["fix"] == "pmlaunch eval demo --motion clips --skip-bad --dry-run --json"
    done = as_json("eval", "demo", "-m", "clips", "--skip-bad", "--dry-run")
    assert done["exit_code"] == 0
    assert [motion["name"] for motion in done["data"]["plan"]["motions"]] == ["a", "b"]
    (finding,) = [it for it in done["findings"] if it["code"] == "PML167"]
    assert finding["message"].startswith("Not evaluated: 1 of 3 motions, skipped by --skip-bad: c.npy ")


def test_skip_bad_skips_nothing_if_everything_is_broken(typed_in: Path, as_json: Json) -> None:
    (typed_in / "c.npy").write_bytes(b"x")
    (typed_in / "d.npy").write_bytes(b"y")
    assert as_json("eval", "demo", "-m", "*.npy", "--skip-bad", "--dry-run")["exit_code"] == 4


@pytest.mark.usefixtures("checkout")
def test_robot_selects_from_a_folder_and_reports_the_rest(typed_in: Path, as_json: Json) -> None:
    folder_of(typed_in)
    (typed_in / "clips" / "c.npy").unlink()
    make_motion(typed_in / "clips" / "box.npy", ["base", "left", "right"], [-1, 0, 0], frames=20, fps=30)
    words = ("eval", "tracker", "-m", "clips", "--dry-run", "--python", "python", "--via", "python")
    refused = as_json(*words)
    (several,) = [it for it in refused["findings"] if it["code"] == "PML118"]
    assert "--motion clips --robot smpl " in several["fix"]
    found = as_json(*words, "--robot", "smpl")
    assert [motion["name"] for motion in found["data"]["plan"]["motions"]] == ["a", "b"]
    (note,) = [it for it in found["findings"] if it["code"] == "PML166"]
    assert note["message"] == "1 of 3 motions are for other robots and were left out (amp: 1)."


@pytest.mark.usefixtures("checkout")
def test_folder_without_a_motion_of_the_robot(typed_in: Path, as_json: Json) -> None:
    for name in ("one", "two"):
        make_motion(typed_in / "boxes" / f"{name}.npy", ["base", "left", "right"], [-1, 0, 0], frames=20, fps=30)
    document = as_json("eval", "tracker", "-m", "boxes", "--robot", "smpl", "--dry-run")
    (error,) = document["errors"]
    assert (document["exit_code"], error["code"]) == (3, "PML024")
    assert error["message"] == "None of the 2 motions is of robot smpl (amp: 2)."


@pytest.mark.parametrize(
    ("cuda", "visible", "driver", "reason"),
    [
        ("None", None, True, "was built without it"),
        ("'12.8'", "-1", True, "CUDA_VISIBLE_DEVICES hides every GPU"),
        ("'12.8'", None, False, "no NVIDIA driver was found on this machine"),
        ("'12.8'", None, True, None),
    ],
)
def test_gpu_without_cuda_is_seen_in_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: str, visible: str | None, driver: bool, reason: str | None
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "version.py").write_text(f"cuda: Optional[str] = {cuda}\nhip: Optional[str] = None\n")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(device, "has_nvidia", lambda _: driver)
    monkeypatch.setattr(device, "_OTHER_GPUS", ())
    told = device._no_gpu(Found("2.8.0", str(tmp_path)))
    assert told is None if reason is None else reason in str(told)


def test_device_gpu_without_cuda_is_an_error(
    monkeypatch: pytest.MonkeyPatch, typed_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pmlaunch.checks.device._no_gpu", lambda _: "there is none")
    monkeypatch.setattr("sys.platform", "linux")
    row = ("eval demo --device gpu --dry-run", 4, "PML164", "eval demo --device cpu --dry-run")
    assert complaint(row, capsys) is None


class OfflineGit:
    """Git in a folder of which these refs are known."""

    def __init__(self, *refs: str) -> None:
        self.refs = ("HEAD", *refs)

    def at(self, _: Path) -> OfflineGit:
        return self

    def ask(self, *words: str) -> str | None:
        return "4a905b99" if words[-1].partition("^")[0].removeprefix("refs/tags/") in self.refs else None


def test_ref_that_a_dry_run_cannot_check(tmp_path: Path) -> None:
    """A folder is asked itself; of ProtoMotions' own repository some refs are known; others cannot be checked."""
    git: Any = OfflineGit("v1")
    doubt = look_up_offline(git, DEFAULT_SOURCE, "v2.4")
    assert doubt is not None
    assert (doubt.code, doubt.severity.value) == ("PML165", "warning")
    assert "Did you mean v2.3" in doubt.message
    assert look_up_offline(git, DEFAULT_SOURCE, "v2.3") is None
    assert look_up_offline(git, "https://example.org/fork", "v2.3") is not None
    assert look_up_offline(git, str(tmp_path), "v1") is None
    with pytest.raises(PmlaunchError, match="has no tag, branch or commit called 'v2'"):
        look_up_offline(git, str(tmp_path), "v2")


def test_advice_for_an_environment_without_pip(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    (tmp_path / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.7\nversion_info = 3.11.2\n")
    chosen = ChosenPython(str(python), DEFAULT, "3.11")
    assert pip_install(chosen) == f'uv pip install --python "{python}"'
    (tmp_path / "lib" / "python3.11" / "site-packages" / "pip").mkdir()
    assert pip_install(chosen) == f'"{python}" -m pip install'
