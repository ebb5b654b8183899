"""Checkpoints that the workers of a Dask cluster lack: each is sent to a machine once, and only what was sent is used."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, counts, sweep

pytest.importorskip("distributed")

from pmlaunch.errors import PmlaunchError
from pmlaunch.sweeping.cluster import store, worker
from pmlaunch.sweeping.cluster.store import SentCheckpoint
from pmlaunch.sweeping.cluster.transfer import PIECE
from pmlaunch.sweeping.journal import read_results
from pmlaunch.sweeping.model import SweepPlan
from sweep_jobs import sweep_plan

WEIGHTS = b"weights" * (PIECE // 5)  # two pieces


@pytest.fixture(scope="module")
def two_slots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and a worker with two slots. Each test has a checkpoint of its own."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.scheduler()
        made.worker("one")
        yield made


@pytest.fixture
def stored(two_slots: Cluster) -> Iterator[set[str]]:
    """What the worker's store has before a test; the test adds what it expects, and nothing else may be there."""
    place = two_slots.folder / "one" / "checkpoints"
    expected = names(place)
    yield expected
    assert names(place) == expected


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def training(folder: Path, name: str) -> dict[str, bytes]:
    """Make a training; return the content of what belongs to its last checkpoint."""
    run = folder / "results" / name
    run.mkdir(parents=True)
    belonging = {
        "last.ckpt": WEIGHTS + name.encode(),
        "resolved_configs.yaml": b"a: 1\n",
        "env.json": b"{}",
        "empty.txt": b"",
    }
    for each, content in {**belonging, "epoch_1.ckpt": b"another checkpoint", "video.mp4": b"large"}.items():
        (run / each).write_bytes(content)
    (run.parent / "config.yaml").write_bytes(b"b: 2\n")
    return {**belonging, "config.yaml": b"b: 2\n"}


def plan_with(checkpoint: Path, folder: Path, *jobs: list[str]) -> SweepPlan:
    """A plan whose evaluations all have the same checkpoint."""
    plan = sweep_plan(folder, *jobs)
    changed = (
        replace(
            job,
            evaluations=tuple(
                replace(each, request=replace(each.request, checkpoint=str(checkpoint))) for each in job.evaluations
            ),
        )
        for job in plan.jobs
    )
    return replace(plan, jobs=tuple(changed))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file to which the worker adds a line "NAME OFFSET" for each piece that it receives."""
    diary, receive = tmp_path / "pieces", worker.receive_piece

    def receive_piece(sent: SentCheckpoint, name: str, offset: int, content: bytes, dask_worker: Any) -> str:
        with diary.open("a") as file:
            file.write(f"{name} {offset}\n")
        return receive(sent, name, offset, content, dask_worker)

    monkeypatch.setattr(worker, "receive_piece", receive_piece)
    diary.touch()
    return diary


def test_checkpoint_is_sent_once(tmp_path: Path, two_slots: Cluster, sent: Path, stored: set[str]) -> None:
    belonging = training(tmp_path, "first")
    checkpoint = tmp_path / "results" / "first" / "last.ckpt"
    plan = plan_with(checkpoint, tmp_path / "sweep", ["done 0.5", "done"], ["done 0.5"])
    assert counts(sweep(plan, two_slots)) == (3, 0, 0, 0)
    expected = [
        f"{name} {offset}" for name, content in belonging.items() for offset in range(0, len(content) or 1, PIECE)
    ]
    assert sorted(sent.read_text().splitlines()) == sorted(expected)
    assert len(expected) == len(belonging) + 1
    description, _ = store.describe(checkpoint)
    assert description.files == {name: hashlib.sha256(content).hexdigest() for name, content in belonging.items()}
    place = description.place(two_slots.folder / "one" / "checkpoints")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == belonging
    assert used(plan) == {str(place / "last.ckpt")}
    stored.update(f"{description.key}/first/{name}" for name in belonging)
    sent.write_text("")
    shutil.move(tmp_path / "results", tmp_path / "moved")
    again = plan_with(tmp_path / "moved" / "first" / "last.ckpt", tmp_path / "again", ["done"])
    assert counts(sweep(again, two_slots)) == (1, 0, 0, 0)
    assert used(again) == {str(place / "last.ckpt")}
    assert sent.read_text() == ""


def used(plan: SweepPlan) -> set[str]:
    """The checkpoints that the jobs of a sweep were given."""
    runs = (plan.folder / "runs" / each.run / "record.json" for each in read_results(plan.folder))
    return {json.loads(record.read_text())["checkpoint"] for record in runs}


def test_damaged_piece_is_not_accepted(
    tmp_path: Path, two_slots: Cluster, stored: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = worker.receive_piece

    def damage(sent: SentCheckpoint, name: str, offset: int, content: bytes, dask_worker: Any) -> str:
        changed = b"W" + content[1:] if offset else content
        return receive(sent, name, offset, changed, dask_worker)

    belonging = training(tmp_path, "damaged")
    plan = plan_with(tmp_path / "results" / "damaged" / "last.ckpt", tmp_path / "sweep", ["done"])
    with monkeypatch.context() as patched:
        patched.setattr(worker, "receive_piece", damage)
        with pytest.raises(PmlaunchError, match=r"another last\.ckpt") as caught:
            sweep(plan, two_slots)
    assert (caught.value.code, caught.value.exit_code) == ("PML454", 5)
    assert not list(read_results(plan.folder))
    assert names(two_slots.folder / "one" / "checkpoints") == stored
    assert counts(sweep(plan, two_slots)) == (1, 0, 0, 0)
    key = store.describe(tmp_path / "results" / "damaged" / "last.ckpt")[0].key
    stored.update(f"{key}/damaged/{name}" for name in belonging)


Described = tuple[SentCheckpoint, Mapping[str, Path]]


def changed(sent: SentCheckpoint, paths: Mapping[str, Path]) -> Described:
    paths[sent.name].write_bytes(b"the training went on")
    return sent, paths


def file_elsewhere(sent: SentCheckpoint, paths: Mapping[str, Path]) -> Described:
    digest = hashlib.sha256(b"{}").hexdigest()
    return replace(sent, files={**sent.files, "../../x": digest}), {**paths, "../../x": paths["env.json"]}


def folder_elsewhere(sent: SentCheckpoint, paths: Mapping[str, Path]) -> Described:
    return replace(sent, folder="../../x"), paths


def checkpoint_elsewhere(sent: SentCheckpoint, paths: Mapping[str, Path]) -> Described:
    return replace(sent, name="../../x"), paths


def file_not_announced(sent: SentCheckpoint, paths: Mapping[str, Path]) -> Described:
    return sent, {**paths, "x": paths["env.json"]}


def file_missing(sent: SentCheckpoint, paths: Mapping[str, Path]) -> Described:
    return sent, {name: path for name, path in paths.items() if name != "env.json"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (changed, "PML454"),
        (file_elsewhere, "PML143"),
        (folder_elsewhere, "PML143"),
        (checkpoint_elsewhere, "PML143"),
        (file_not_announced, "PML454"),
        (file_missing, "PML454"),
    ],
)
def test_only_what_was_announced_is_accepted(
    tmp_path: Path,
    two_slots: Cluster,
    stored: set[str],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[SentCheckpoint, Mapping[str, Path]], Described],
    code: str,
) -> None:
    describe = store.describe
    monkeypatch.setattr(store, "describe", lambda path: change(*describe(path)))
    training(tmp_path, change.__name__)
    plan = plan_with(tmp_path / "results" / change.__name__ / "last.ckpt", tmp_path / "sweep", ["done"])
    before = names(two_slots.folder / "one")
    with pytest.raises(PmlaunchError) as caught:
        sweep(plan, two_slots)
    assert caught.value.code == code
    assert not list(read_results(plan.folder))
    assert names(two_slots.folder / "one") == before
