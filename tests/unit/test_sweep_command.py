"""`pmlaunch sweep --dry-run`: its document, what it prints, and mistakes on the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.sweeping.journal import Journal
from pmlaunch.sweeping.model import CellResult

Json = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.usefixtures("typed_in")
OTHER = "linux" if os.name == "nt" else "windows"
DEMO = ("sweep", "demo", "--motion", "walk", "--dry-run")


def error(document: dict[str, Any]) -> dict[str, Any]:
    (found,) = document["errors"]
    return dict(found)


def test_document(as_json: Json) -> None:
    data = as_json(*DEMO, "--motion", "wave", "--seed", "0-1", "-o", "sweeps/mine")["data"]
    sweep = data["sweep"]
    assert (sweep["cells"], sweep["evaluations"], sweep["starts"]) == (4, 2, 1)
    assert sweep["folder"] == str(Path("sweeps/mine"))
    assert sweep["expected"]["unknown"] == 1
    assert sweep["left"] == {"cells": 4, "evaluations": 2, "starts": 1}
    ((first, second),) = [job["evaluations"] for job in sweep["jobs"]]
    assert (first["labels"], second["labels"]) == ({"model": "demo", "seed": "0"}, {"model": "demo", "seed": "1"})
    assert (sweep["bad"], sweep["missing"], data["published"]) == ([], [], [])
    assert not Path("sweeps").exists(), "a dry run writes nothing"


def test_the_same_command_has_the_same_folder(as_json: Json) -> None:
    one, same, other = (as_json(*DEMO, "--seed", seed)["data"]["sweep"]["folder"] for seed in ("0-1", "0-1", "0-2"))
    assert one == same != other
    assert Path(one).name.startswith("demo-")


def test_options_words_and_a_file_make_one_sweep(as_json: Json, typed_in: Path) -> None:
    (typed_in / "mine.yaml").write_text("model: demo\nmotion: [walk, wave]\nseed: 0-4\n", encoding="utf-8")
    labels = [
        [it["labels"]["seed"] for job in as_json(*words)["data"]["sweep"]["jobs"] for it in job["evaluations"]]
        for words in (
            ("sweep", "mine.yaml", "--dry-run"),
            ("sweep", "mine.yaml", "seed=7,8", "--dry-run"),
            ("sweep", "--suite", "mine.yaml", "seed=7", "--seed", "9", "--dry-run"),
        )
    ]
    assert labels == [["0", "1", "2", "3", "4"], ["7", "8"], ["9"]]
    assert as_json("sweep", "demo", "motion=walk", "seed=1,2", "--dry-run")["data"]["sweep"]["cells"] == 2


def test_overrides_of_the_program_go_to_every_cell(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    document = as_json("sweep", "tracker", "-m", "walk", "num_env=4", "--constraint", "vr,pelvis", "--dry-run")
    (finding,) = document["findings"]
    assert finding["code"] == "PML003"
    assert "constraint=vr; model=tracker, constraint=pelvis" in finding["message"]
    assert finding["hint"] == "pmlaunch explain PML003", "a command of eval would run one of the cells only"


def test_bad_cells_are_named_and_left_out_on_demand(
    as_json: Json, checkout: Path, isaaclab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("sweep", "tracker,maskmimic", "-m", "walk", "-m", "none.npy")
    document = as_json(*words)
    assert document["exit_code"] == 4, "nothing is started"
    assert {finding["severity"] for finding in document["findings"]} == {"error"}
    assert [finding["code"] for finding in document["findings"]] == ["PML121", "PML101"]
    assert len(document["data"]["sweep"]["bad"]) == 2
    document = as_json(*words, "--skip-bad", "--dry-run")
    assert (document["exit_code"], document["data"]["sweep"]["cells"]) == (0, 1)
    assert "PML379" in [finding["code"] for finding in document["findings"]]
    assert {finding["severity"] for finding in document["findings"]} <= {"warning", "note"}
    everything = as_json("sweep", "maskmimic", "-m", "walk", "--skip-bad", "--dry-run")
    assert everything["exit_code"] == 4, "nothing is left"


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*DEMO, "--motion", "wave", "--seed", "0-49", "--isolate"]) == 0
    out = capsys.readouterr().out
    assert "100 cells, 100 evaluations, 100 simulator starts" in out
    assert "... and 60 more evaluations" in out
    assert "smpl_humanoid_walk" in out
    assert "time  not known" in out


def test_a_continued_sweep_tells_what_is_left(as_json: Json, capsys: pytest.CaptureFixture[str]) -> None:
    words = (*DEMO, "--motion", "wave", "--seed", "0-1", "-o", "mine")
    (ids,) = [[it["id"] for it in job["evaluations"]] for job in as_json(*words)["data"]["sweep"]["jobs"]]
    Path("mine").mkdir()
    for done, left in zip(ids, ("2 cells, 1 evaluation, 1 simulator start", "nothing"), strict=True):
        with Journal(Path("mine")) as journal:
            journal.append(CellResult(done, it, "run", "done", True, {}, {}) for it in ("walk", "wave"))
        assert run([*words]) == 0
        out = capsys.readouterr().out
        assert "4 cells, 2 evaluations, 1 simulator start" in out
        assert f"{2 * ids.index(done) + 2} of 4 cells are done" in out
        assert f"left  {left}\n" in out
        assert ("disk  " in out) == (left != "nothing")


def test_published_values_are_printed(capsys: pytest.CaptureFixture[str], typed_in: Path) -> None:
    text = """
        title: A suite of mine
        model: demo
        motion: {own: [walk]}
        definition: {motions: {own: 3}}
        differs: [everything]
        references:
          - {table: A, row: the demo, where: {model: demo}, source: here, values: {own: {success_rate: 0.5}}}
    """
    (typed_in / "mine.yaml").write_text(text, encoding="utf-8")
    assert run(["sweep", "mine.yaml", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert "Table A, published and measured" in out
    assert "50.0 %" in out
    assert "[1] subset: 1 of 3 motions" in out
    assert "all: everything" in out
    assert "PML380" in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sweep", "--motion", "walk"), "PML375"),
        (("sweep", "demo", "--seed", "0", "--seed", "0-2"), "PML376"),
        (("sweep", "demo", "--seed", "many"), "PML377"),
        (("sweep", "--suite", "nothing-like-it"), "PML378"),
        (("sweep", "a.yaml", "--suite", "b"), "PML001"),
        (("sweep", "demo", "--target-os", OTHER), "PML001"),
        (("sweep", "demo", "--no-check", "PML9"), "PML001"),
        (("sweep", "results/none", "--checkpoints", "all"), "PML102"),
    ],
)
def test_mistakes(as_json: Json, words: tuple[str, ...], code: str) -> None:
    document = as_json(*words)
    assert error(document)["code"] == code
    assert document["exit_code"] in (2, 3, 4)


def test_the_papers_tables_on_the_real_configs(as_json: Json, upstream: Path) -> None:
    document = as_json(
        *(
            "sweep",
            "--suite",
            "maskmimic-paper",
            "--protomotions",
            str(upstream),
            "--target-os",
            OTHER,
            "--dry-run",
        ),
        *("--motion", "test=data/motions/smpl_humanoid_walk.npy", "--no-check", "PML101", "--no-check", "PML102"),
    )
    sweep = document["data"]["sweep"]
    assert (sweep["evaluations"], sweep["cells"]) == (10, 10), "6 constraints and the teacher; 3 on rough ground"
    assert sweep["bad"] == []
    assert document["exit_code"] == 0
    assert len([row for row in document["data"]["published"] if row["model"] and "test" in row["row"]]) == 22
