"""`pmlaunch export` as it is typed: names, files, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_export import saved_motion

import pmlaunch
from pmlaunch.cli.app import run
from pmlaunch.demo import MOTIONS
from pmlaunch.motions.recorded_motion import FILE, write_saved

Export = Callable[..., dict[str, Any]]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Export:
    """Run the command in a folder with two runs."""
    for name in ("20260101-100000-demo-walk", "20260102-100000-demo-walk"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "record.json").write_text(
            '{"schema": 1, "state": "done", "started": "2026-01-01T10:00:00+00:00", "folder": "x"}'
        )
        write_saved(tmp_path / "runs" / name / FILE, saved_motion(2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PMLAUNCH_PROTOMOTIONS", raising=False)

    def export(*words: object) -> dict[str, Any]:
        code = run(["export", *map(str, words), "--json"])
        document = json.loads(capsys.readouterr().out)
        assert document["exit_code"] == code
        return dict(document)

    return export


def names(document: dict[str, Any]) -> list[str]:
    assert document["errors"] == []
    return [Path(file["file"]).name for file in document["data"]["files"]]


def code(document: dict[str, Any]) -> tuple[str, int]:
    (error,) = document["errors"]
    return error["code"], document["exit_code"]


def test_runs_and_motions_by_every_name(export: Export, tmp_path: Path) -> None:
    assert names(export("latest")) == ["20260102-100000-demo-walk.glb"]
    assert names(export("latest~1")) == names(export("20260101", "--force")) == ["20260101-100000-demo-walk.glb"]
    assert code(export("2026")) == ("PML011", 3)
    assert names(export("20260101-100000-demo-walk", "--to", "csv")) == ["20260101-100000-demo-walk.csv"]
    assert names(export("runs/20260101-100000-demo-walk", "--to", "npz")) == ["20260101-100000-demo-walk.npz"]
    assert names(export(f"runs/20260101-100000-demo-walk/{FILE}", "--to", "bvh")) == ["20260101-100000-demo-walk.bvh"]
    document = export(MOTIONS / "smpl_humanoid_walk.npy", "--to", "bvh", "--fps", 60, "-o", "walk.bvh")
    assert names(document) == ["walk.bvh"]
    (file,) = document["data"]["files"]
    assert (file["fps"], file["frames"], file["up"]) == (60.0, 301, "y")
    assert file["size"] == (tmp_path / "walk.bvh").stat().st_size


def test_a_motion_by_its_name_as_view_takes_it(export: Export, tmp_path: Path) -> None:
    assert names(export("walk")) == ["smpl_humanoid_walk.glb"]
    assert code(export("walkk")) == ("PML010", 3)
    assert code(export("walk", "--protomotions", tmp_path)) == ("PML012", 3)
    assert code(export("walk", "--what", "both")) == ("PML001", 2)
    (tmp_path / "clips").mkdir()
    (error,) = export("clips")["errors"]
    assert "No run" in error["message"]


def test_each_motion_of_a_run_gets_a_file(export: Export, tmp_path: Path) -> None:
    one = saved_motion(2)
    both: dict[str, Any] = {
        name: np.concatenate([getattr(one, name)] * 2, axis=1) for name in ("positions", "rotations", "reference")
    }
    two = replace(one, **both, motions=("walk", "../../走路"), frames=np.array([12, 12]))
    write_saved(tmp_path / "runs/20260102-100000-demo-walk" / FILE, two)
    assert names(export("latest", "-o", "out.csv", "--to", "csv")) == ["out-walk.csv", "out-.._.._走路.csv"]
    assert names(export("latest", "-m", "walk")) == ["20260102-100000-demo-walk.glb"]
    assert code(export("latest", "-m", "swim")) == ("PML010", 3)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name != ".runs.sqlite")  # the index of the runs


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("earliest",), ("PML010", 3)),
        (("latest", "--to", "fbx"), ("PML001", 2)),
        (("latest", "--to", "bvh", "--what", "both"), ("PML360", 2)),
        (("latest", "--what", "both"), ("PML361", 3)),
        (("latest", "-o", "missing/folder/out.glb"), ("PML364", 5)),
        ((MOTIONS / "smpl_humanoid_walk.npy", "--what", "reference"), ("PML001", 2)),
    ],
)
def test_refusals_write_nothing(export: Export, tmp_path: Path, words: tuple[object, ...], expected: object) -> None:
    before = files_below(tmp_path)
    assert code(export(*words)) == expected
    assert files_below(tmp_path) == before


def test_from_python(export: Export, tmp_path: Path) -> None:
    (file,) = pmlaunch.export(pmlaunch.load_run("latest"), "bvh", output=tmp_path / "out.bvh", fps=10)
    assert (file.file, file.fps) == (tmp_path / "out.bvh", 10.0)
    with pytest.raises(pmlaunch.PmlaunchError, match="no option 'too'"):
        pmlaunch.export("latest", too="glb")


def test_existing_files_are_kept_without_force(export: Export, tmp_path: Path) -> None:
    (tmp_path / "out.glb").write_text("mine")
    assert code(export("latest", "-o", "out.glb")) == ("PML363", 2)
    assert (tmp_path / "out.glb").read_text() == "mine"
    assert names(export("latest", "-o", "out.glb", "--force")) == ["out.glb"]
    assert (tmp_path / "out.glb").read_bytes()[:4] == b"glTF"
