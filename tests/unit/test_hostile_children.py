"""Whatever a child, a cache or an older version wrote, the launcher survives it."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.cli.render.record import draw_record
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.doctor.probe import _answer
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import git_progress
from pmlaunch.git.runner import version_in
from pmlaunch.model import IsaacLabVersion, RunRecord, RunState
from pmlaunch.planning.plan import Planned
from pmlaunch.processes.child import is_running
from pmlaunch.processes.supervise import ChildResult
from pmlaunch.running.agent_reports import EventTail, VerdictWatch, agent_result
from pmlaunch.running.gpu_memory import fitting_envs
from pmlaunch.running.metrics import metrics_findings, read_metrics, steps_per_second
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.run_module import ModuleResult
from pmlaunch.running.stop import choose_run, stop_run
from pmlaunch.running.verdict import Evidence, decide
from pmlaunch.runtimes.compatibility import Found, Part, Verdict, judge
from pmlaunch.support.cache import JsonCache
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import dumps, exactly, parse_json, read_json, to_json
from pmlaunch.support.text import duration
from soon import soon

pytestmark = pytest.mark.hostile

BOMBS: dict[str, bytes] = {
    "deep": b"[" * 200_000,
    "deep and whole": b"[" * 900 + b"]" * 900,
    "long number": b'{"event":"step","n":' + b"9" * 100_000 + b"}",
    "1e999": b'{"event":"step","n":1e999,"rate":1e999}',
    "NaN": b'{"event":"motion","done":NaN,"of":-Infinity,"steps":NaN}',
    "no object": b"[1,2]",
    "event of a wrong type": b'{"event":["step"],"n":1}',
    "not UTF-8": b'{"event":"\xff"}',
    "surrogate": b'{"event":"process_group","backend":"\\ud800","world_size":"\\udfff"}',
    "NUL": b"\0" * 1000,
    "wide": b'{"event":"motion","of":' + b"[" + b"0," * 50_000 + b"0]}",
}
VALUES: tuple[object, ...] = (
    *(None, True, "x", "9", -1, 0, 1.5, 2**70, 1e308, float("inf"), float("nan"), [], [1], {}, {"a": 1}, "\ud800"),
)
NAMES = (
    "started",
    "process_group",
    "step",
    "motion",
    "simulator_ready",
    "evaluation_started",
    "evaluation_finished",
    "x",
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


@pytest.mark.parametrize("name", BOMBS)
def test_events(folder: RunFolder, plan: Callable[..., Planned], composed_at_once: None, name: str) -> None:
    tail, display = EventTail(folder.file("events.jsonl")), RunDisplay(plan(headless=True).plan)
    folder.file("events.jsonl").write_bytes(BOMBS[name] + b"\n" + b'{"event":"simulator_ready"}\n')
    for event in tail.read():
        display.event(event)
    assert list(display.track.reached)[-1:] == ["simulator_ready"], "what follows is still read"
    display.progress()


def test_fields_of_events(plan: Callable[..., Planned], composed_at_once: None) -> None:
    planned = plan(headless=True).plan
    for name, value in itertools.product(NAMES, VALUES):
        display = RunDisplay(planned)
        for field in ("n", "rate", "done", "of", "steps", "rank", "backend", "world_size", "seconds", "t"):
            display.event({"event": name, field: value})
        display.event({"event": name, **dict.fromkeys(("n", "rate", "done", "of", "steps"), value)})
        assert isinstance(display.progress() + display.doing(), str)
        assert display.expected() is None or duration(display.expected() or 0.0)


def test_flood_of_events_is_skipped(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.running.agent_reports._MOST_EVENTS", 1000)
    file, tail = folder.file("events.jsonl"), EventTail(folder.file("events.jsonl"))
    file.write_bytes(b"x" * 5000)
    assert tail.read() == []
    with file.open("ab") as more:
        more.write(b'\n{"event":"step"}\n')
    assert tail.read() == [{"event": "step"}]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("name", ["result.json", "metrics.json", "events.jsonl", "record.json"])
def test_pipe_in_the_place_of_a_file_blocks_nothing(folder: RunFolder, name: str) -> None:
    os.mkfifo(folder.file(name))
    with soon():
        with pytest.raises(OSError, match="not a regular file"):
            read_bytes(folder.file(name))
        assert folder.read(name) is None
        assert not VerdictWatch(folder.file(name)).is_given()
        assert EventTail(folder.file(name)).read() == []


def test_events_that_cannot_be_read_for_a_moment_are_read_the_next_time(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = EventTail(folder.file("events.jsonl"))
    folder.write_text("events.jsonl", '{"event": "simulator_ready"}\n')

    def locked(*_: object) -> bytes:
        raise PermissionError(errno.EACCES, "in use")

    with monkeypatch.context() as patch:
        patch.setattr("pmlaunch.running.agent_reports.read_bytes", locked)
        assert tail.read() == []
    assert tail.read() == [{"event": "simulator_ready"}]


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/mem"])
def test_endless_file_is_not_read(path: str) -> None:
    assert read_json(Path(path)) is None


@pytest.mark.parametrize(
    "document",
    [
        {"status": "finished", "exit_code": 0, "exception": "boom", "seconds": {"evaluation_finished": 1.0}},
        {"status": "finished", "exit_code": 0, "exception": [1], "seconds": {"evaluation_finished": 1.0}},
        {"status": "finished", "exit_code": "0", "seconds": {"evaluation_finished": 1.0}},
        {"status": "finished", "exit_code": None, "seconds": {"evaluation_finished": 1.0}},
        {"status": "finished", "seconds": {"evaluation_finished": 1.0}},
        {"status": "finished", "exit_code": 1e999, "seconds": {"evaluation_finished": 1.0}},
        {"status": "finished", "exit_code": 0, "seconds": {"evaluation_finished": float("nan")}},
    ],
)
def test_a_malformed_result_is_no_success(document: dict[str, Any]) -> None:
    evidence = Evidence(ChildResult(0, (), Path("output.log")), result=agent_result(document), must_finish=True)
    assert decide(evidence).state is not RunState.DONE


def test_endless_chain_of_causes_and_a_huge_message() -> None:
    document: dict[str, Any] = {"type": "A", "message": "m"}
    for _ in range(50):
        document = {"type": "A", "message": "accept the EULA?" * 100_000, "cause": document}
    with soon():
        result = agent_result({"status": "finished", "exit_code": 1, "exception": document})
        decide(Evidence(ChildResult(1, (), Path("output.log")), result=result))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_KEYS = (
    *("metrics", "units", "common", "per_motion", "comparable", "notes", "seconds", "steps", "steps_per_second", "run"),
    *(
        "status",
        "exit_code",
        "exception",
        "stopped_by",
        "hooks_applied",
        "left_out",
        "success_rate",
        "motions",
        "failed",
    ),
)
_NAMED = st.dictionaries(
    st.sampled_from(_KEYS),
    _JSON | st.dictionaries(st.text(max_size=8), _JSON, max_size=3) | st.lists(st.just({"motion": 1, "metrics": 3})),
)


@settings(max_examples=60, deadline=None)
@given(_NAMED, _NAMED)
def test_any_document_is_read_judged_and_shown(
    tmp_path_factory: Any, result: dict[str, Any], metrics: dict[str, Any]
) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    folder.file("metrics.json").write_bytes(json.dumps(metrics).encode())
    folder.file("result.json").write_bytes(json.dumps(result).encode())
    read, measured = agent_result(folder.read("result.json") or {}), read_metrics(folder)
    decide(Evidence(ChildResult(0, (), Path("output.log")), result=read))
    record = RunRecord(
        folder.path, RunState.DONE, 0, "now", 1.0, steps=read.steps, steps_per_second=steps_per_second(read, measured),
        stages=read.seconds, metrics=measured.metrics, units=measured.units, evaluation=measured.rest,
        findings=tuple(metrics_findings(measured)),
    )  # fmt: skip
    folder.write("record.json", record)
    show(CommandResult("eval", data=record, draw=lambda console: draw_record(record, console)), as_json=False)
    json.loads(dumps(record), parse_constant=pytest.fail)


@settings(max_examples=60, deadline=None)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read(content: bytes) -> None:
    dumps(parse_json(content))


@pytest.mark.parametrize("pid", [2**80, -1, 0, True, 1.5, "1", None, float("nan")])
@pytest.mark.parametrize("created", [0, float("nan"), float("inf"), 2**200, "x", None])
def test_no_such_process(pid: object, created: object) -> None:
    assert not is_running(pid, created)


@pytest.mark.parametrize("record", [b"[]", b"{}", b"[" * 9999, b'{"state": []}', b'{"state":"running","child":7}'])
def test_record_of_a_stranger(folder: RunFolder, record: bytes) -> None:
    folder.file("record.json").write_bytes(record)
    with pytest.raises(PmlaunchError) as caught:
        stop_run(choose_run(folder.path.parent, str(folder.path)))
    assert caught.value.code == "PML010"


@pytest.mark.parametrize("exception", [{}, {"type": None}, {"message": [1]}])
def test_exception_of_the_probe(exception: dict[str, Any]) -> None:
    answer = _answer(ModuleResult(1, exception, (), Path("output.log"), 1.0), "python", {})
    assert answer.problem is not None
    assert re.search("python could not report its packages", answer.problem.message)


@dataclass(frozen=True)
class Entry:
    name: str
    kind: RunState
    rate: float | None = None
    parts: tuple[str, ...] = ()
    value: Any = None


@pytest.mark.parametrize(
    "entry", [Entry("a", RunState.DONE), Entry("a", RunState.DONE, 1.0, ("x", "y"), [1, {"a": None}])]
)
def test_entry_of_a_cache_comes_back(entry: Entry) -> None:
    assert exactly(Entry, json.loads(dumps(entry))) == entry


@pytest.mark.parametrize(
    "change", [{"name": 1}, {"kind": "lost"}, {"kind": []}, {"rate": "1"}, {"parts": [1]}, {"parts": "x"}, {"more": 1}]
)
def test_altered_entry_of_a_cache_is_not_used(change: dict[str, Any]) -> None:
    assert exactly(Entry, {**to_json(Entry("a", RunState.DONE, 1.0, ("x",))), **change}) is None


@pytest.mark.parametrize("document", [None, [], {}, {"name": "a"}, 7, "x"])
def test_other_entry_of_a_cache_is_not_used(document: object) -> None:
    assert exactly(Entry, document) is None


def test_what_json_would_change_is_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMLAUNCH_CACHE", str(tmp_path))
    cache = JsonCache("overrides")
    cache.put("0" * 64, [float("inf")])
    assert cache.get("0" * 64) is None


@pytest.mark.parametrize(
    "content", [*BOMBS.values(), b'["x"]', b'[{"key":1}]', b'{"findings":[7]}', b'{"body_names":3}', b"[7]"]
)
def test_cache_of_a_stranger(
    plan: Callable[..., Planned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("PMLAUNCH_CACHE", str(tmp_path / "cache"))
    before = plan("motion_tracker", "++note=1", headless=True).plan
    entries = list((tmp_path / "cache").rglob("*.json"))
    assert {path.parent.name for path in entries} >= {"configs", "motions", "overrides", "yaml"}
    for path in entries:
        path.write_bytes(content)
    assert plan("motion_tracker", "++note=1", headless=True).plan == before


LONG = "9" * 5000  # more digits than Python makes a number of


@pytest.mark.parametrize("digits", [LONG, "1.2.3", "²", "٣", "0"])
def test_numbers_in_texts(digits: str) -> None:
    told = f"Tried to allocate {digits} GiB. GPU 0 has a total capacity of {digits} GiB of which {digits} GiB is free"
    assert (fitting_envs(4, told) or 1) <= 2
    assert IsaacLabVersion.parse(digits).major >= 0
    assert version_in(f"git version {digits}.{digits}.1".encode()) is not None
    line = f"remote: Receiving objects:  {digits}% ({digits}/{digits}), {digits} MiB"
    git_progress(line, "clone")
    assert judge({Part.TORCH: Found(digits, "a file")}).verdict in Verdict
