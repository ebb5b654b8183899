"""The folder of a stranger's sweep: whatever its files are, they are read in bounded time and memory, or refused."""

from __future__ import annotations

import contextlib
import itertools
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pmlaunch.errors import PmlaunchError
from pmlaunch.settings import Settings
from pmlaunch.support.json import dumps
from pmlaunch.sweeping.conditions import measured_cells
from pmlaunch.sweeping.control import show_status
from pmlaunch.sweeping.journal import RESULTS, Journal, latest_results, read_results, tallies_of
from pmlaunch.sweeping.manifest import MANIFEST, read_manifest, write_manifest
from pmlaunch.sweeping.measured_sweep import measured_sweep
from pmlaunch.sweeping.model import CellResult
from pmlaunch.sweeping.report import report_of_sweep
from soon import soon
from sweep_jobs import sweep_plan

pytestmark = pytest.mark.hostile
Reader = Callable[[Path], object]
READERS: tuple[Reader, ...] = (Journal, show_status, measured_sweep, report_of_sweep, lambda it: [*latest_results(it)])
LINE = f"{dumps(CellResult('0' * 12, 'walk', 'run', 'done', True, {'eval/gt_err': 0.1}, {'limit': 0.5}))}\n".encode()


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    write_manifest(sweep_plan(tmp_path, ["done"]), Settings(tmp_path, {}, tmp_path / "user"))
    return tmp_path


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Expect PML383, soon and without much memory."""
    tracemalloc.start()
    try:
        with soon(), pytest.raises(PmlaunchError) as caught:
            yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "PML383"
    assert peak < 200_000_000  # of which the manifest reserves 134


def fill(path: Path, first: bytes, piece: bytes, times: int, last: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(first)
        file.writelines(itertools.repeat(piece, times))
        file.write(last)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def in_one_line(path: Path) -> None:
    fill(path, LINE + b'{"evaluation": "', b"a" * 1_000_000, 150, b'"}\n')


def in_lines_of_nothing(path: Path) -> None:
    fill(path, b"", b"\0\n" * 1000, 1000)


def in_lines_of_garbage(path: Path) -> None:
    fill(path, LINE, b'{"evaluation": []}\n' * 1000, 1000, LINE)


def of_nul(path: Path) -> None:
    fill(path, LINE, bytes(1_000_000), 150)


def pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("not applicable: Windows has no such pipes")
    os.mkfifo(path)


STRANGE = (in_one_line, in_lines_of_nothing, in_lines_of_garbage, of_nul, pipe, Path.mkdir) + (
    (sparse,) if os.name == "posix" else ()  # Windows would write a terabyte of zeros
)


@pytest.mark.parametrize("make", STRANGE)
@pytest.mark.parametrize("read", READERS)
def test_strange_journals_are_refused(sweep: Path, make: Callable[[Path], None], read: Reader) -> None:
    make(sweep / RESULTS)
    with refused():
        read(sweep)


@pytest.mark.parametrize("make", STRANGE)
def test_strange_manifests_are_refused(sweep: Path, make: Callable[[Path], None]) -> None:
    (sweep / MANIFEST).unlink()
    make(sweep / MANIFEST)
    with refused():
        read_manifest(sweep)


@pytest.mark.parametrize("value", [b"{},", b"[],", b"1,", b'"ab",'])
def test_manifest_of_many_values_is_refused(sweep: Path, value: bytes) -> None:
    fill(sweep / MANIFEST, b'{"schema": 1, "jobs": [', value * 1000, 9000, b"1]}")
    with refused():
        read_manifest(sweep)


def test_end_of_a_line_that_is_too_long_is_no_result(sweep: Path) -> None:
    (sweep / RESULTS).write_bytes(b"a" * (1 << 20) + LINE + LINE)
    assert len(list(read_results(sweep))) == 1


def test_damage_of_a_power_cut_is_dropped(sweep: Path) -> None:
    (sweep / RESULTS).write_bytes(LINE + bytes(5_000_000) + LINE + LINE + bytes(5_000_000))
    with Journal(sweep) as journal:
        journal.append([])
    assert len(list(read_results(sweep))) == 2


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from([*CellResult.__slots__])
LINES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(KEYS, VALUES).map(lambda it: dumps(it).encode()),
    st.tuples(KEYS, VALUES).map(
        lambda it: LINE.rstrip().replace(b"}", b', "%s": %s}' % (it[0].encode(), _json(it[1])))
    ),
    st.tuples(st.integers(0, len(LINE)), st.binary(max_size=3)).map(lambda it: LINE[: it[0]] + it[1] + LINE[it[0] :]),
)


def _json(value: object) -> bytes:
    return dumps(value).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=6))
@example([LINE.replace(b'"attempt":1', b'"attempt":1e999'), LINE.replace(b'"done"', b'"\\ud800"')])
def test_any_lines_are_read_and_continued(sweep: Path, lines: list[bytes]) -> None:
    (sweep / RESULTS).write_bytes(b"\n".join(lines))
    show_status(sweep)
    measured_cells(sweep, read_manifest(sweep).plan.evaluations)
    before = list(read_results(sweep))
    with Journal(sweep) as journal:
        journal.append([CellResult("f" * 12, "walk", "run", "done", True, {}, {})])
    assert [*map(dumps, read_results(sweep))][: len(before)] == [*map(dumps, before)]
    assert tallies_of(sweep)["f" * 12].state
