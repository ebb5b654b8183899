"""spec.json and environment.json of a run; a run that cannot begin leaves nothing behind."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.agent.pmlaunch_agent.contract import from_document
from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import LaunchPlan
from pmlaunch.planning.plan import Planned
from pmlaunch.running.run import run_plan
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import child_environment, environment_document, spec_document

pytestmark = pytest.mark.usefixtures("composed_at_once")


@pytest.fixture
def planned(plan: Callable[..., Planned]) -> LaunchPlan:
    return plan("tracker", "seed=1", headless=True, ddp_backend="gloo").plan


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "demo", None, datetime(2025, 1, 2))


def test_spec_of_a_run(planned: LaunchPlan, folder: RunFolder) -> None:
    spec = spec_document(planned, folder)
    assert from_document(spec).script == spec["script"], "the agent can read it"
    assert spec["schema"] == 1
    assert spec["script"] == str(planned.cwd / "protomotions" / "eval_agent.py")
    assert spec["argv"][: len(planned.overrides)] == list(planned.overrides)
    assert f"++hydra.run.dir='{folder.file('hydra')}'" in spec["argv"]
    assert spec["hooks"]["ddp_backend"] == "gloo"
    assert spec["hooks"]["max_steps"] == planned.max_steps == 30
    assert {watch["event"] for watch in spec["hooks"]["watch"]} == {
        "simulator_ready",
        "checkpoint_loaded",
        "evaluation",
        "step",
    }
    assert spec["limits"]["stop_file"] == str(folder.file("stop"))
    assert "PYTHONPATH" not in spec["env"]  # it only leads to the agent


def test_hydras_folder_may_have_any_name(planned: LaunchPlan, tmp_path: Path) -> None:
    hostile = RunFolder(tmp_path / "simulator it's ${x}" / "isaacgym")
    argv = spec_document(planned, hostile)["argv"]
    (place,) = [text for text in argv if text.startswith("++hydra.run.dir=")]
    assert "simulator" not in place
    assert "\\${x}" in place


def test_child_gets_the_launchers_environment_with_the_plans_changes(planned: LaunchPlan, folder: RunFolder) -> None:
    from dataclasses import replace

    changed = replace(planned, env={"ADDED": "a=b", "REMOVED": None, "NEVER_THERE": None})
    own: Mapping[str, str] = {"KEPT": "1", "REMOVED": "x", "ADDED": "old"}
    assert child_environment(changed, folder, own) == {
        "KEPT": "1",
        "ADDED": "a=b",
        "PMLAUNCH_SPEC": str(folder.file("spec.json")),
        "PMLAUNCH_RUN_DIR": str(folder.path),
    }


COMMIT = "4a905b99" * 5


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({}, None),
        ({".git/HEAD": COMMIT}, COMMIT),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": f"{COMMIT}\n"}, COMMIT),
        ({".git/HEAD": "ref: refs/heads/packed\n"}, None),
        ({".git": "gitdir: elsewhere/module\n", "elsewhere/module/HEAD": COMMIT}, COMMIT),
        ({".git": "nothing of the kind"}, None),
    ],
    ids=["no repository", "detached", "branch", "packed branch", "submodule", "broken"],
)
def test_commit_is_read_without_git(planned: LaunchPlan, files: dict[str, str], commit: str | None) -> None:
    for name, text in files.items():
        path = planned.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    document = environment_document(planned)
    assert document["checkout_commit"] == commit
    assert document["schema"] == 1


def raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_disk_that_cannot_be_written_leaves_no_folder(
    planned: LaunchPlan, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("pmlaunch.running.run_folder.write_text", raising(OSError(number, "refused")))
    with pytest.raises(PmlaunchError) as caught:
        run_plan(planned, (), RunDisplay(planned))
    assert caught.value.code == "PML204"
    assert list(planned.runs.iterdir()) == []


def test_disk_that_fills_up_leaves_no_folder(planned: LaunchPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmlaunch.support.atomic import write_text

    def full(path: Path, text: str) -> None:
        if path.name == "record.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_text(path, text)

    monkeypatch.setattr("pmlaunch.running.run_folder.write_text", full)
    with pytest.raises(PmlaunchError):
        run_plan(planned, (), RunDisplay(planned))
    assert list(planned.runs.iterdir()) == []


def test_program_that_cannot_be_started_leaves_no_folder(planned: LaunchPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.processes.guardian._start", lambda _: None)
    monkeypatch.setattr("subprocess.Popen", raising(PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(PmlaunchError) as caught:
        run_plan(planned, (), RunDisplay(planned))
    assert (caught.value.code, caught.value.exit_code) == ("PML205", 5)
    assert caught.value.subject == planned.command[0]
    assert list(planned.runs.iterdir()) == []
