"""A folder from a stranger: whatever pmlaunch.yaml and the folders in it name, nothing of it is started unasked.

Every program in the folder leaves a trace when it is started; `test_the_traps_work` shows that a run would start them.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installs import Install, pmlaunch, pmlaunch_process

from pmlaunch.installing.checkout import switch
from standin import make_checkout
from started import Done, command
from upstream import Upstream, git, needs_lfs

pytestmark = [
    pytest.mark.hostile,
    pytest.mark.skipif(sys.platform == "win32", reason="skipped: the traps are shell scripts"),
]
EVAL = ("eval", "motion_tracker", "-m", "walk", "--headless", "--simulator", "genesis")
COMMANDS = (
    EVAL,
    (*EVAL, "--dry-run"),
    ("eval", "demo", "--motion", "walk", "--dry-run"),
    ("smoke", "--model", "motion_tracker", "--motion", "walk", "--simulator", "genesis", "--device", "cpu"),
    ("doctor",),
    ("doctor", "--simulator", "genesis", "--device", "cpu"),
    ("doctor", "--via", "python", "--fix"),
    ("doctor", "--quick"),
    ("runtime",),
    ("list", "models"),
    ("install", "--dry-run", "--models", "none", "--simulator", "genesis"),
    ("install", "--models", "none", "--as", "clone", "--source", "nowhere"),
    ("install", "--models", "none", "--no-packages", "--source", "nowhere"),
)


@pytest.fixture(autouse=True)
def _default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMLAUNCH_TRUST_WORKSPACE")


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """The file in which the traps leave their traces."""
    return tmp_path / "executed"


def trap(path: Path, traces: Path) -> Path:
    """A Python that works, and leaves a trace."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$0" >> "{traces}"\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def with_checkout(folder: Path, traces: Path) -> Path:
    checkout = make_checkout(folder / "ProtoMotions")
    package = checkout / "protomotions" / "__init__.py"
    package.write_text(f"open({str(traces)!r}, 'a').write('import')\n", encoding="utf-8")
    return checkout


def settings_here(folder: Path, traces: Path) -> Path:
    trap(folder / "bin" / "python", traces)
    (folder / "pmlaunch.yaml").write_text("via: python\npython: ./bin/python\nprotomotions: PM/ProtoMotions\n")
    with_checkout(folder / "PM", traces)
    return folder


def settings_above(folder: Path, traces: Path) -> Path:
    settings_here(folder, traces)
    (folder / "deep" / "er").mkdir(parents=True)
    return folder / "deep" / "er"


def neighbours(folder: Path, traces: Path) -> Path:
    with_checkout(folder, traces)
    trap(folder / "isaaclab" / "isaaclab.sh", traces)
    trap(folder / "isaaclab" / "_isaac_sim" / "python.sh", traces)
    trap(folder / "python", traces)
    trap(folder / "git", traces)
    return folder


def submodule(folder: Path, traces: Path) -> Path:
    with_checkout(folder / "any", traces)
    (folder / ".gitmodules").write_text('[submodule "x"]\n\tpath = any/ProtoMotions\n')
    return folder


def simulator_of_its_own(folder: Path, traces: Path) -> Path:
    """A preset whose modules doctor would import."""
    settings_here(folder, traces)
    (folder / "configs" / "simulator").mkdir(parents=True)
    (folder / "configs/simulator/genesis.yaml").write_text("runtime: python\nmodules: [protomotions]\ndevices: [cpu]\n")
    return folder


WORLDS = (settings_here, settings_above, neighbours, submodule, simulator_of_its_own)


def inside(folder: Path, *words: str, **variables: str) -> Done:
    """Run a command in the folder, in this process; what it starts are real processes."""
    return pmlaunch(folder, folder.parent, *words, **variables)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_nothing_is_started(world: Callable[[Path, Path], Path], tmp_path: Path, traces: Path) -> None:
    (tmp_path / "download").mkdir()
    folder = world(tmp_path / "download", traces)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for words in COMMANDS:
        done = inside(folder, *words, PATH=f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")
        assert not traces.exists(), (words, traces.read_text())
        assert done.code in (0, 3, 4, 5, 6), (words, done.err)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_the_traps_work(world: Callable[[Path, Path], Path], tmp_path: Path, traces: Path) -> None:
    (tmp_path / "download").mkdir()
    folder = world(tmp_path / "download", traces)
    inside(folder, *EVAL, "--trust-workspace")
    assert traces.exists()


def test_a_refusal_names_the_files_and_the_way_on(tmp_path: Path, traces: Path) -> None:
    folder = settings_here(tmp_path, traces)
    done = inside(folder, *EVAL)
    assert (done.code, done.codes[-1:]) == (4, ["PML145"])
    assert f'pmlaunch trust "{folder / "pmlaunch.yaml"}"' in done.document["errors"][0]["hint"]
    assert str(folder / "bin" / "python") in done.document["errors"][0]["message"]
    assert not (folder / "runs").exists()


def test_a_dry_run_says_that_a_run_needs_trust(tmp_path: Path, traces: Path) -> None:
    folder = neighbours(tmp_path, traces)
    done = inside(folder, *EVAL, "--dry-run")
    assert done.code == 0
    assert [item["severity"] for item in done.document["findings"] if item["code"] == "PML145"] == ["warning"]


def test_smoke_says_what_it_did_not_start(tmp_path: Path, traces: Path) -> None:
    folder = settings_here(tmp_path, traces)
    words = ("smoke", "--model", "motion_tracker", "--motion", "walk", "--simulator", "genesis", "--device", "cpu")
    done = inside(folder, *words)
    cases = done.document["data"]["cases"]
    assert done.code == 4
    assert [case["code"] for case in cases if case["suite"] == "evaluation"] == ["PML145"]
    assert any("was not started" in case["text"] for case in cases if case["suite"] == "doctor")


def test_a_smoke_test_of_the_demo_uses_pmlaunchs_own_python_and_says_so(tmp_path: Path, traces: Path) -> None:
    folder = settings_here(tmp_path, traces)
    done = inside(folder, "smoke", "--model", "demo", "--max-steps", "2")
    assert not traces.exists()
    assert "PML145" in done.codes
    assert "Using pmlaunch's own Python instead" in done.document["findings"][0]["message"]


def test_trust_holds_until_the_file_changes(tmp_path: Path, traces: Path) -> None:
    folder = settings_here(tmp_path, traces)
    assert inside(folder, "trust", "pmlaunch.yaml").code == 0
    assert "PML145" not in inside(folder, *EVAL).codes
    assert traces.exists()
    with (folder / "pmlaunch.yaml").open("a") as file:
        file.write("isaaclab: elsewhere\n")
    assert inside(folder, *EVAL).codes[-1:] == ["PML145"]


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_ci_trusts_by_a_flag_or_a_variable_and_remembers_nothing(tmp_path: Path, traces: Path, way: str) -> None:
    folder = neighbours(tmp_path, traces)
    done = (
        inside(folder, *EVAL, "--trust-workspace")
        if way == "flag"
        else inside(folder, *EVAL, PMLAUNCH_TRUST_WORKSPACE="1")
    )
    assert "PML145" not in done.codes
    assert traces.exists()
    assert inside(folder, *EVAL).codes[-1:] == ["PML145"]


def test_settings_cannot_ask_for_trust_in_themselves(tmp_path: Path, traces: Path) -> None:
    folder = settings_here(tmp_path, traces)
    with (folder / "pmlaunch.yaml").open("a") as file:
        file.write("trust_workspace: true\n")
    assert inside(folder, *EVAL).codes[-1:] == ["PML015"]
    assert not traces.exists()


def at_terminal(folder: Path, answer: str, *words: str) -> Done:
    """Run a command on a terminal on which somebody types `answer`."""
    ours, theirs = os.openpty()
    with subprocess.Popen(command(*words), cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # the terminal closes with the process
            pass
        out = process.stdout.read() if process.stdout else b""
    os.close(ours)
    return Done(process.returncode, out.decode(), shown.decode())


def test_on_a_terminal_one_question_is_asked_and_a_yes_is_remembered(tmp_path: Path, traces: Path) -> None:
    folder = neighbours(tmp_path, traces)
    refused = at_terminal(folder, "\n", *EVAL)
    assert refused.code == 4
    assert refused.err.count("[y/N]") == 1
    assert str(folder / "ProtoMotions/protomotions/eval_agent.py") in refused.err
    assert not traces.exists()
    agreed = at_terminal(folder, "y\n", *EVAL, "-q")
    assert "[y/N]" in agreed.err
    assert traces.exists()
    assert "[y/N]" not in at_terminal(folder, "", *EVAL, "-q").err


@needs_lfs
def test_what_an_installation_made_is_trusted(
    install: Install, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert install().code == 0
    monkeypatch.setenv("CI", "1")
    done = pmlaunch_process(folder, tmp_path, "eval", "maskmimic", "-m", "walk", "--dry-run", "--json")
    assert "PML145" not in done.codes
    assert install().code == 0


@needs_lfs
def test_installation_continues_without_a_trust_store(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no folder").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no folder"))
    done = install("--models", "none")
    assert done.code == 0
    assert "PML204" in done.codes


@needs_lfs
def test_an_installation_makes_no_strangers_settings_its_own(install: Install, folder: Path) -> None:
    (folder / "pmlaunch.yaml").write_text("python: ./evil\n")
    done = install("--models", "none")
    assert (done.code, done.codes[-1:]) == (4, ["PML145"])
    assert [path.name for path in folder.iterdir()] == ["pmlaunch.yaml"]


@needs_lfs
def test_an_installation_adopts_a_checkout_only_if_it_is_named(install: Install, folder: Path, cloned: Path) -> None:
    (folder / "pmlaunch.yaml").unlink()
    assert install("--models", "none").codes[-1:] == ["PML145"]
    assert not (folder / "pmlaunch.yaml").exists()
    assert install("--models", "none", "--dir", str(cloned)).code == 0
    assert install("--models", "none").code == 0  # and remembers it


@needs_lfs
def test_a_dry_installation_starts_no_python_and_asks_no_host(
    folder: Path, cloned: Path, made: Upstream, tmp_path: Path, traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = trap(tmp_path / "env/bin/python", traces)
    words = ("install", "--dry-run", "--simulator", "genesis", "--models", "none", "--source", made.root)
    done = pmlaunch(folder, tmp_path, *words, "--python", python, "--dir", cloned)
    assert done.document["data"]["steps"], done.out
    assert not traces.exists()

    def refuse(*_: object) -> None:
        raise AssertionError("a host was asked")

    monkeypatch.setattr(switch, "branch_at", refuse)
    git(cloned, "branch", "further")
    asked = pmlaunch(folder, tmp_path, *words, "--no-packages", "--dir", cloned, "--ref", "further")
    assert (asked.code, "PML416" in asked.codes) == (0, True), asked.out
