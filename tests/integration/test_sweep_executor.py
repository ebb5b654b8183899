"""Sweeps with a stand-in for the job program: slots, retries, failures, and what continues after an interruption."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.supervise import Grace
from pmlaunch.sweeping import job_run, recovery, slots
from pmlaunch.sweeping.control import retry_sweep, show_status, stop_sweep
from pmlaunch.sweeping.executor import SweepOutcome, run_sweep
from pmlaunch.sweeping.journal import RESULTS, read_results
from pmlaunch.sweeping.lock import SweepLock
from pmlaunch.sweeping.manifest import MANIFEST
from pmlaunch.sweeping.model import Evaluation, SweepPlan
from pmlaunch.sweeping.scheduler import STOP_FILE, SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions, Slot
from pmlaunch.sweeping.summary import Counts, Outcome
from started import wait_for
from sweep_jobs import DIARY, job_command, sweep_plan


@pytest.fixture(autouse=True)
def _no_guardians(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_GUARDIANS_TIME", 0.1)  # the stand-in's runs have none to wait for


OPTIONS = ExecutorOptions(jobs=2, job_command=job_command)


def sweep(plan: SweepPlan, **changes: Any) -> SweepOutcome:
    return run_sweep(plan, replace(OPTIONS, **changes), SweepObserver())


def diary(folder: Path) -> Counter[str]:
    """How often each evaluation came to its end."""
    lines = (folder / DIARY).read_text().splitlines() if (folder / DIARY).exists() else []
    return Counter(line.split()[0] for line in lines)


def counts(outcome: SweepOutcome) -> tuple[int, int, int, int]:
    found = outcome.summary
    return found.done, found.failed, found.abnormal, found.waiting


def attempts(folder: Path) -> list[tuple[int, int, str, str | None]]:
    found = ((int(each.evaluation, 16), each.attempt, each.state, each.code) for each in read_results(folder))
    return sorted(set(found))


def test_cells_are_done_and_never_run_again(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["done", "done"], ["done"], motions=("walk", "wave"))
    outcome = sweep(plan)
    assert (counts(outcome), outcome.summary.tracked, outcome.exit_code) == ((6, 0, 0, 0), 6, 0)
    assert not list((tmp_path / "jobs").iterdir()), "files of jobs that are done"
    again = sweep(plan)
    assert (counts(again), again.exit_code) == ((6, 0, 0, 0), 0)
    assert set(diary(tmp_path).values()) == {1}
    assert len(list(read_results(tmp_path))) == 6
    assert {each.motion: each.figures for each in read_results(tmp_path)}["wave"] == {"eval/gt_err": 0.01}


def test_only_abnormal_ends_are_repeated(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["done", "crash", "done"], ["failed", "silent:done"], ["die"], ["crash:done"])
    outcome = sweep(plan)
    assert (counts(outcome), outcome.exit_code) == ((4, 1, 2, 0), 1)
    assert attempts(tmp_path) == [
        (0, 1, "done", None),
        (1, 1, "abnormal", "PML332"),
        (1, 2, "abnormal", "PML332"),
        (2, 1, "done", None),
        (3, 1, "failed", "PML301"),
        (4, 1, "silent", "PML321"),
        (4, 2, "done", None),
        (5, 1, "abnormal", "PML330"),
        (5, 2, "abnormal", "PML330"),
        (6, 1, "abnormal", "PML332"),
        (6, 2, "done", None),
    ]
    assert [finding.code for finding in outcome.summary.findings] == ["PML387", "PML386"]
    assert "do=failed motion=walk: failed (PML301), attempt 1" in outcome.summary.findings[0].message
    assert "do=crash motion=walk: abnormal (PML332), attempt 2: " in outcome.summary.findings[1].message
    assert "Its job ended with " in outcome.summary.findings[1].message
    assert [each.message for each in outcome.summary.failures if not each.run] == ["Its job ended with exit code 3."]
    # what was set aside stays so, until it is asked for again
    assert counts(sweep(plan)) == counts(outcome)
    assert len(attempts(tmp_path)) == 11


def test_more_retries_and_none(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["crash"])
    assert sweep(plan, retries=0).summary.abnormal == 1
    assert [attempt for _, attempt, *_ in attempts(tmp_path)] == [1]
    assert sweep(plan, retries=2).summary.abnormal == 1
    assert [attempt for _, attempt, *_ in attempts(tmp_path)] == [1, 2, 3]


def test_retry_repeats_failures_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = sweep_plan(tmp_path / "s", ["done"], ["failed:done"], ["crash:crash"])
    assert counts(sweep(plan, retries=0)) == (1, 1, 1, 0)
    monkeypatch.chdir(tmp_path)  # a sweep's jobs run where it was typed
    outcome = retry_sweep(tmp_path / "s", replace(OPTIONS, retries=1), SweepObserver())
    assert counts(outcome) == (2, 0, 1, 0)
    assert attempts(tmp_path / "s")[-1] == (2, 3, "abnormal", "PML332")
    assert diary(tmp_path / "s") == {f"{0:012x}": 1, f"{1:012x}": 2}


def test_a_run_that_ended_before_its_report_counts(tmp_path: Path) -> None:
    outcome = sweep(sweep_plan(tmp_path, ["quiet", "done"]))
    assert attempts(tmp_path)[0][:2] == (0, 1)
    assert set(diary(tmp_path).values()) == {1}
    assert outcome.summary.waiting == 0


@pytest.mark.parametrize("lines", [0, 1, 2])
@pytest.mark.parametrize("torn", [b"", b'{"evaluation": "000000'])
def test_lines_lost_by_a_crash_come_back_from_the_run_folders(tmp_path: Path, lines: int, torn: bytes) -> None:
    plan = sweep_plan(tmp_path, ["done"], motions=("walk", "wave", "squat"))
    sweep(plan)
    journal = tmp_path / "results.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]) + torn)
    outcome = sweep(plan)
    assert journal.read_bytes() == whole
    assert (outcome.summary.done, set(diary(tmp_path).values())) == (3, {1})


def test_fail_fast_leaves_the_rest(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["failed"], ["done 60"], *[["done"]] * 5)
    outcome = sweep(plan, fail_fast=True)
    assert outcome.exit_code == 1
    assert outcome.summary.failed == 1
    assert outcome.summary.waiting >= 5  # the long one was stopped; at most one short one had begun
    assert outcome.seconds < 30
    assert counts(sweep(replace(plan, jobs=(plan.jobs[0], *plan.jobs[2:])))) == (5, 1, 0, 0)


class Watching(SweepObserver):
    def __init__(self) -> None:
        self.seen: list[tuple[str, Outcome]] = []
        self.most = self.now = 0
        self.reason = ""

    def started(self, counts: Counts, slots: int) -> None:
        self.counts = counts

    def evaluating(self, slot: Slot, evaluation: Evaluation, run: str) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def ended(self, evaluation: Evaluation, outcome: Outcome, *_: object) -> None:
        self.seen.append((evaluation.labels["do"], outcome))

    def idle(self, slot: Slot) -> None:
        self.now -= 1

    def stopping(self, reason: str) -> None:
        self.reason = reason


def test_slots_and_counts(tmp_path: Path) -> None:
    watching = Watching()
    plan = sweep_plan(tmp_path, *[["done 0.3"]] * 5, ["crash"])
    run_sweep(plan, replace(OPTIONS, jobs=3), watching)
    assert watching.most == 3
    assert watching.counts.cells == {Outcome.DONE: 5, Outcome.ABNORMAL: 1, Outcome.FAILED: 0, Outcome.WAITING: 0}
    repeated, ended = (watching.seen.index(("crash", state)) for state in (Outcome.WAITING, Outcome.ABNORMAL))
    assert repeated < ended


def test_each_job_has_its_own_gpu_port_and_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    program = (
        f"import os, time; time.sleep(0.5); print(*[os.environ[name] for name in {names}], file=open(os.devnull, 'w'))"
    )
    told = tmp_path / "told"
    program += f"; os.write(os.open({str(told)!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY), "
    program += f"(' '.join(os.environ[name] for name in {names}) + chr(10)).encode())"

    ports: list[int] = []

    def command(path: Path) -> Sequence[str]:
        ports.append(json.loads(path.read_text())["port"])
        return (*job_command(path)[:3], "-c", program)

    plan = sweep_plan(tmp_path / "s", *[["done"]] * 4)
    sweep(plan, jobs=None, gpus="0,1", per_gpu=2, retries=0, job_command=command)
    lines = [line.split() for line in told.read_text().splitlines()]
    assert sorted(gpu for gpu, *_ in lines) == ["0", "0", "1", "1"]
    assert len(set(ports)) == 4
    assert {tuple(threads) for _, *threads in lines} == {(str(max(1, slots._cpus() // 4)), "7")}


@pytest.mark.parametrize(
    "options",
    [{"jobs": 0}, {"jobs": 2, "gpus": "0"}, {"gpus": "0,,1"}, {"gpus": "0,0"}, {"per_gpu": 0}, {"retries": -1}],
)
def test_impossible_options(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(PmlaunchError) as caught:
        sweep(sweep_plan(tmp_path, ["done"]), **{"jobs": None, **options})
    assert caught.value.code == "PML001"
    assert not (tmp_path / "manifest.json").exists()


def test_second_sweep_is_refused(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["done"])
    with SweepLock(tmp_path), pytest.raises(PmlaunchError) as caught:
        sweep(plan)
    assert (caught.value.code, caught.value.exit_code) == ("PML384", 2)
    assert f"process {os.getpid()}" in caught.value.message
    assert sweep(plan).exit_code == 0


def test_changed_plan_names_stale_cells(tmp_path: Path) -> None:
    before = sweep_plan(tmp_path, ["done"], ["done"])
    sweep(before)
    changed = SweepPlan(tmp_path, (*before.jobs[1:], *sweep_plan(tmp_path, *[["done"]] * 3).jobs[2:]))
    outcome = sweep(changed)
    (stale,) = outcome.findings
    assert (stale.code, counts(outcome), outcome.exit_code) == ("PML385", (2, 0, 0, 0), 0)
    assert f"{0:012x}-1-" in stale.message
    assert set(diary(tmp_path).values()) == {1}


@pytest.mark.parametrize("content", ['{"schema": 99, "jobs": []}', "torn {"])
def test_files_of_another_version_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    for refused in (lambda: sweep(sweep_plan(tmp_path, ["done"])), lambda: show_status(tmp_path)):
        with pytest.raises(PmlaunchError) as caught:
            refused()
        assert (caught.value.code, caught.value.exit_code) == ("PML383", 3)
    assert (tmp_path / "manifest.json").read_text() == content


def test_status_and_stop(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError, match="There is no sweep"):
        show_status(tmp_path)
    plan = sweep_plan(tmp_path, ["done"], ["failed"], *[["done 60"]] * 3)
    found: list[SweepOutcome] = []
    thread = threading.Thread(target=lambda: found.append(sweep(plan)))
    thread.start()
    wait_for(lambda: (tmp_path / "manifest.json").exists() and show_status(tmp_path).failed, "the first failure")
    status = show_status(tmp_path)
    assert (status.running, status.process, status.cells) == (True, os.getpid(), 5)
    begin = time.monotonic()
    assert stop_sweep(tmp_path).politely
    assert time.monotonic() - begin < 15
    thread.join(30)
    assert (found[0].interrupted, found[0].exit_code) == (True, 130)
    status = show_status(tmp_path)
    assert (status.running, status.failed, status.waiting, status.failures[0].code) == (False, 1, 3, "PML301")
    with pytest.raises(PmlaunchError, match="No sweep is running"):
        stop_sweep(tmp_path)
    assert (tmp_path / STOP_FILE).exists(), "a stop file from before does not stop the next sweep"
    assert counts(sweep(replace(plan, jobs=plan.jobs[:2]))) == (1, 1, 0, 0)


def test_job_that_hangs_is_killed_with_its_descendants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_run, "SILENCE", 1.0)
    monkeypatch.setattr(job_run, "_GRACE", Grace(0.2, 0.2))
    outcome = sweep(sweep_plan(tmp_path, ["hang"], ["done"]), retries=0)
    assert counts(outcome) == (1, 0, 1, 0)
    record = json.loads(next((tmp_path / "runs").glob(f"{0:012x}-*/record.json")).read_text())
    assert record["state"] == "abnormal"
    assert not survivors(tmp_path)


def survivors(folder: Path) -> list[str]:
    """Processes whose command line names the folder, or that were started by one of its jobs."""
    import psutil

    mark = str(folder / "manifest.json")
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PMLAUNCH_SPEC") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


def test_manifest_of_somebody_else_is_not_run(tmp_path: Path) -> None:
    sweep(sweep_plan(tmp_path, ["failed"]))
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"demo"', '"evil.ckpt"'))
    with pytest.raises(PmlaunchError) as caught:
        retry_sweep(tmp_path, OPTIONS, SweepObserver())
    assert (caught.value.code, len(attempts(tmp_path))) == ("PML388", 1)


def test_secrets_reach_the_job_but_no_file(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["crash"])
    (job,) = plan.jobs
    request = replace(job.evaluations[0].request, overrides=("++wandb.api_key=hunter2hunter2", "a=b"))
    job = replace(job, evaluations=(replace(job.evaluations[0], request=request),))
    seen: list[str] = []

    def command(path: Path) -> Sequence[str]:
        seen.append(path.read_text())
        return job_command(path)

    sweep(replace(plan, jobs=(job,)), job_command=command)
    assert '"++wandb.api_key=<PMLAUNCH_ARGUMENT_0_SECRET>", "a=b"' in seen[0]
    assert "hunter2" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    with pytest.raises(PmlaunchError) as caught:
        retry_sweep(tmp_path, OPTIONS, SweepObserver())
    assert caught.value.code == "PML388"


@pytest.mark.hostile
@pytest.mark.parametrize("left", ["results.jsonl", "runs/20260101-000000-demo", "manifest.json"])
def test_results_of_somebody_else_do_not_count(tmp_path: Path, left: str) -> None:
    plan = sweep_plan(tmp_path, ["done"])
    sweep(plan)
    for name in {MANIFEST, RESULTS, "runs"} - {left.partition("/")[0]}:
        path = tmp_path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if left.startswith("runs"):
        (tmp_path / left).mkdir(parents=True, exist_ok=True)
    if left == MANIFEST:
        (tmp_path / MANIFEST).write_text('{"schema": 1, "asked": {"command": ["x"], "signature": "0"}}')
    with pytest.raises(PmlaunchError) as caught:
        sweep(plan)
    assert caught.value.code == "PML388"


@pytest.mark.hostile
@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
@pytest.mark.parametrize("name", ["sweep.lock", "results.jsonl", "manifest.json", "runs", "jobs"])
def test_links_in_the_folder_are_not_followed(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("precious")
    folder = tmp_path / "sweep"
    folder.mkdir()
    (folder / name).symlink_to(elsewhere if name in ("runs", "jobs") else elsewhere / "file")
    with pytest.raises(PmlaunchError) as caught:
        sweep(sweep_plan(folder, ["done"]))
    assert caught.value.code == "PML143"
    assert [path.name for path in elsewhere.iterdir()] == ["file"]
    assert (elsewhere / "file").read_text() == "precious"
