"""What a report reads of a run folder, which a stranger may have made."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from pathlib import Path
from random import Random

import numpy as np
import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.reporting.contents import read_run
from pmlaunch.reporting.downloads import figures_table
from pmlaunch.reporting.figures import definition, length, motion_figures
from pmlaunch.reporting.plain_text import plain, plain_lines
from pmlaunch.reporting.sections import command, facts
from pmlaunch.reporting.verdict import verdict
from pmlaunch.runs.selection import find_run
from recorded_runs import SHARED, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "runs" / "20260728-101500-tracker-walk", ["walk", "turn", "reach"], falls=["turn"])


def test_worst_motion_comes_first(run: Path) -> None:
    rows = read_run(run).rows
    assert [row.success for row in rows] == [False, True, True]
    assert rows[0].name == "turn"
    assert (rows[1].figures.error or 0) >= (rows[2].figures.error or 0)
    assert rows[0].track is not None
    assert rows[0].track.failed_at == pytest.approx(1.6, abs=0.3)


def test_two_motions_of_one_name_keep_their_own_playback(tmp_path: Path) -> None:
    rows = read_run(write_run(tmp_path / "run", ["walk", "walk"])).rows
    assert len({id(row.track) for row in rows}) == 2
    for row in rows:
        assert row.track is not None
        assert row.track.errors is not None
        assert row.figures.error == pytest.approx(row.track.errors.mean(), rel=1e-4)


def test_motion_without_figures_is_still_played(run: Path) -> None:
    (run / "metrics.json").unlink()
    rows = read_run(run).rows
    assert {(row.name, row.success) for row in rows} == {("walk", None), ("turn", None), ("reach", None)}
    assert all(row.track for row in rows)


def test_run_without_motion_says_how_to_keep_it(run: Path) -> None:
    (run / "motion.npz").unlink()
    contents = read_run(run)
    assert "--no-save-motion" in (contents.no_motion or "")
    assert all(row.track is None for row in contents.rows)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_broken_motion_is_said_not_raised(run: Path, content: bytes) -> None:
    (run / "motion.npz").write_bytes(content)
    assert "could not be read" in (read_run(run).no_motion or "")


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(30))
def test_damaged_archives_raise_nothing(run: Path, seed: int) -> None:
    random = Random(seed)
    with np.load(run / "motion.npz") as arrays:
        short = {name: arrays[name][:5] if arrays[name].ndim > 1 else arrays[name] for name in arrays.files}
    file = io.BytesIO()
    (np.savez, np.savez_compressed)[seed % 2](file, **short)
    content = bytearray(file.getvalue())
    for _ in range(6):
        end = random.choice([200, 800, len(content)])
        content[random.choice([1, -1]) * random.randrange(1, end)] = random.choice([0, 57, 255, random.randrange(256)])
    (run / "motion.npz").write_bytes(content)
    assert len(read_run(run).rows) == 3


@pytest.mark.hostile
def test_archive_that_unpacks_to_gigabytes_is_not_unpacked(run: Path) -> None:
    with zipfile.ZipFile(run / "motion.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):  # of 1 GB each, as far as the directory says
            archive.writestr(f"{number}.npy", b"")
    content = (run / "motion.npz").read_bytes()
    directory = content.index(b"PK\x01\x02")
    head, tail = content[:directory], content[directory:]
    (run / "motion.npz").write_bytes(head + b"".join(_claiming(part) for part in _entries(tail)))
    assert "decompresses to more" in (read_run(run).no_motion or "")


def _entries(tail: bytes) -> list[bytes]:
    first, *rest = tail.split(b"PK\x01\x02")
    assert first == b""
    return [b"PK\x01\x02" + part for part in rest]


def _claiming(entry: bytes) -> bytes:
    return entry[:24] + (1 << 30).to_bytes(4, "little") + entry[28:]


@pytest.mark.hostile
@pytest.mark.skipif(os.name == "nt", reason="skipped: links and pipes need rights on Windows")
@pytest.mark.parametrize("name", ["record.json", "motion.npz", "output.log", "metrics.json", "plan.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_are_not_read(run: Path, tmp_path: Path, name: str, kind: str) -> None:
    secret = tmp_path / "secret"
    (run / name).rename(secret)
    os.symlink(secret, run / name) if kind == "link" else os.mkfifo(run / name)
    contents = read_run(run)
    found = {
        "record.json": contents.record,
        "plan.json": contents.plan,
        "metrics.json": contents.measured.metrics,
        "output.log": contents.log,
        "motion.npz": [row.track for row in contents.rows if row.track],
    }
    assert not found[name]
    assert sum(map(bool, found.values())) == 4


def test_log_is_cut_to_its_end_and_holds_no_secret(run: Path) -> None:
    lines = [f"line {number}" for number in range(50_000)]
    (run / "output.log").write_text("\n".join([*lines, "token=abcdef1234567890"]), encoding="utf-8")
    log = read_run(run).log.splitlines()
    assert len(log) == 200
    assert log[-2:] == ["line 49999", "token=<secret>"]


def test_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError) as raised:
        read_run(tmp_path)
    assert raised.value.code == "PML010"


@pytest.mark.parametrize(
    ("typed", "found"),
    [(None, "b-2"), ("latest", "b-2"), ("a-1", "a-1"), ("a", "a-1"), ("b-2", "b-2"), ("b-2-more", "b-2-more")],
)
def test_run_by_name(tmp_path: Path, typed: str | None, found: str) -> None:
    for name in ("a-1", "b-1", "b-2") if typed != "b-2-more" else ("b-2", "b-2-more"):
        write_run(tmp_path / name, ["walk"])
    assert find_run(typed, tmp_path).name == found


@pytest.mark.parametrize(("typed", "code"), [("b", "PML011"), ("c-1", "PML010"), ("../a-1", "PML010")])
def test_run_that_is_unknown_or_ambiguous(tmp_path: Path, typed: str, code: str) -> None:
    for name in ("a-1", "b-1", "b-2"):
        write_run(tmp_path / "runs" / name, ["walk"])
    with pytest.raises(PmlaunchError) as raised:
        find_run(typed, tmp_path / "runs")
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("record", "metrics", "expected"),
    [
        ({}, {}, "Lost 1 of 3 motions. Mean error 40.0 cm, 2.0 degrees."),
        ({}, {"common": {"success_rate": 1.0, "motions": 3, "failed": []}}, "Tracked 3 of 3 motions."),
        ({}, {"common": {"motions": 2, "failed": ["a", "b"]}}, "Lost 2 of 2 motions."),
        ({}, {"common": {"motions": 3, "mean_position_error_m": 2.52}}, "Measured 3 motions. Mean error 2.52 m."),
        ({"state": "failed", "exception": {"message": "CUDA\nis gone."}}, {"common": {}, "metrics": {}},
         "The run failed: CUDA is gone."),
        ({"state": "interrupted"}, {"common": {}, "metrics": {}}, "The run was interrupted."),
        ({"state": ["x"]}, {"common": {}, "metrics": {}}, "It is not known how the run ended."),
        ({}, {"common": {"motions": "x", "failed": 3}, "metrics": {}}, "Done. Nothing was measured."),
    ],
)  # fmt: skip
def test_verdict(tmp_path: Path, record: dict[str, object], metrics: dict[str, object], expected: str) -> None:
    common = {"motions": 3, "failed": ["turn"], "success_rate": 0.66, "mean_position_error_m": 0.4,
              "mean_rotation_error_deg": 2.0}  # fmt: skip
    run = write_run(tmp_path / "run", ["walk", "turn", "reach"], record=record, metrics={"common": common, **metrics})
    assert verdict(read_run(run)) == expected


@pytest.mark.skipif(SHARED is None, reason="skipped: the real run is not beside this checkout")
def test_skipped_motions_are_counted_and_named(tmp_path: Path) -> None:
    contents = read_run(write_run(tmp_path / "run", ["walk"], record={"not_evaluated": ["cut", 3]}))
    assert verdict(contents).startswith("Tracked 1 of 1 motions; 2 not evaluated.")
    assert dict(facts(contents))["Not evaluated"] == "cut, 3"


def test_verdict_of_a_real_fall() -> None:
    assert SHARED is not None
    assert verdict(read_run(SHARED)) == "Lost 1 of 1 motions. Mean error 2.52 m, 91.1 degrees."


def test_figures_of_both_generations() -> None:
    two = motion_figures({"eval/gt_err": 0.01, "eval/gt_err_max": 0.02, "eval/gr_err_degrees": 3.0, "eval/gr_err": 0.1})
    assert (two.error, two.largest, two.rotation) == (0.01, 0.02, 3.0)
    three = motion_figures(
        {"eval/gt_error/mean": float("nan"), "eval/gt_error/max": 0.2, "eval/gr_error/mean": 3.14159265}
    )
    assert (three.error, three.largest) == (None, 0.2)
    assert three.rotation == pytest.approx(180.0)


def test_definitions_and_units() -> None:
    assert "relative to the root" in definition("eval/cartesian_err")
    assert definition("eval/gt_error/max").startswith("Largest value. Distance")
    assert definition("eval/gt_error/failure_rate").startswith("Share")
    assert definition("train/unheard_of") == ""
    assert [length(value) for value in (0.013, 2.52, None)] == ["1.3 cm", "2.52 m", "–"]


@pytest.mark.hostile
def test_texts_are_made_fit_to_be_shown() -> None:
    assert plain("a\x00b\u202ec\ud800d\n\te") == "a\ufffdb\ufffdc\ufffdd e"
    assert plain("x" * 10_000) == "x" * 399 + "…"
    assert plain_lines("\x1b[31mred\x1b[0m\r\nnext\rlast \x1b]0;title\x07.", 100) == "red\nnext\nlast ."


def test_motions_of_one_name_keep_their_own_figures(tmp_path: Path) -> None:
    entries = [{"motion": "m", "success": True, "metrics": {"eval/gt_err": value}} for value in (0.25, 0.5)]
    contents = read_run(write_run(tmp_path / "run", ["walk"], metrics={"per_motion": entries}))
    table = list(csv.DictReader(io.StringIO(figures_table(contents).decode("utf-8-sig"))))
    (column,) = [title for title in table[0] if title.startswith("eval/gt_err")]
    assert sorted(row[column] for row in table if row["motion"] == "m") == ["0.25", "0.5"]


def test_command_is_shown_as_it_was_typed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["walk"], record={"asked": {"command": ["eval", "demo", "--motion", "my walk"]}})
    assert command(read_run(run)) == 'pmlaunch eval demo --motion "my walk"'
