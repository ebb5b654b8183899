"""`pmlaunch runs share`: an archive without the names and folders of this machine."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.runs.share import share_run
from run_folders import make_run, write

Json = Callable[..., dict[str, Any]]

NAMES = ("mariposa", "workhorse", "topsecret")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose every file names a user, a computer and a project's folder."""
    home = tmp_path / "homes" / "mariposa"
    for name, value in {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "USER": "mariposa",
        "HOSTNAME": "workhorse",
    }.items():
        monkeypatch.setenv(name, value)
    project = tmp_path / "topsecret"
    folder = make_run(
        project / "runs",
        "20261120-mariposa_walk",
        asked={"command": ["eval", str(project / "a.ckpt")], "folder": str(project), "signature": "abc"},
        repairs=["on workhorse"],
    )
    plan = {
        "cwd": str(project / "checkout"),
        "checkpoint": str(project / "models" / "a.ckpt"),
        "motions": [{"name": "mariposa_walk", "path": str(project / "clips" / "walk.npy")}],
        "runtime": {"python": {"path": "/opt/topsecret/bin/python"}},
        str(home): ["C:\\Users\\mariposa\\x", "/opt/topsecret/lib"],
    }
    write(folder, "plan.json", plan)
    write(folder, "environment.json", {"pmlaunch": "0.1.0", "variables": {"PATH": "/elsewhere/topsecret"}})
    (folder / "output.log").write_bytes(f"loading {project / 'clips'} as mariposa@workhorse\r\n".encode())
    arrays: dict[str, Any] = {
        "positions": np.zeros((3, 1, 2, 3)),
        "motions": np.array(["mariposa_walk"]),
        "fps": np.array(30.0),
    }
    np.savez_compressed(folder / "motion.npz", **arrays)
    (folder / "recording.mp4").write_bytes(b"mariposa")
    return folder


def contents(archive: Path) -> dict[str, str]:
    """The files of an archive as text, those inside motion.npz too."""
    found = {}
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            content = opened.read(name)
            if name.endswith(".npz"):
                with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                    found[name] = " ".join(str(arrays[key]) for key in arrays.files)
            else:
                found[name] = content.decode()
    return found


def test_nothing_in_the_archive_tells_who_and_where(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "run.zip"
    files = share_run(folder, archive)
    packed = contents(archive)
    assert {Path(name).name for name in packed} == set(files) >= {"record.json", "motion.npz", "output.log"}
    assert "recording.mp4" not in files
    for name, text in packed.items():
        assert not [word for word in (*NAMES, str(tmp_path)) if word in name or word in text], (name, text)
    assert packed["20261120-user_walk/output.log"] == "loading <motions> as <user>@<host>\r\n"


def test_figures_and_motion_survive(folder: Path, tmp_path: Path) -> None:
    share_run(folder, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as opened:
        record = json.loads(opened.read(next(name for name in opened.namelist() if name.endswith("record.json"))))
        motion = opened.read(next(name for name in opened.namelist() if name.endswith("motion.npz")))
    assert record["metrics"] == {"eval/gt_err": 0.01, "eval/tracking_success_rate": 1.0}
    with np.load(io.BytesIO(motion), allow_pickle=False) as arrays:
        assert arrays["positions"].shape == (3, 1, 2, 3)


def test_report_is_made_from_the_cleaned_files(folder: Path, tmp_path: Path) -> None:
    def write_report(cleaned: Path) -> None:
        (cleaned / "report.html").write_text((cleaned / "output.log").read_text(encoding="utf-8"), encoding="utf-8")

    (folder / "report.html").write_text("mariposa", encoding="utf-8")
    assert "report.html" in share_run(folder, tmp_path / "run.zip", write_report=write_report)
    assert "mariposa" not in "".join(contents(tmp_path / "run.zip").values())


def test_existing_archive_is_kept_unless_forced(as_json: Json, folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"mine")
    words = ("runs", "share", str(folder), "-o", str(archive))
    assert as_json(*words)["errors"][0]["code"] == "PML355"
    assert archive.read_bytes() == b"mine"
    assert as_json(*words, "--force")["data"]["archive"] == str(archive)
    assert zipfile.is_zipfile(archive)


def test_archive_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError) as caught:
        share_run(folder, tmp_path / "nowhere" / "run.zip")
    assert caught.value.code == "PML358"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_motion_that_cannot_be_read_is_left_out(folder: Path, tmp_path: Path, content: bytes) -> None:
    (folder / "motion.npz").write_bytes(content)
    assert "motion.npz" not in share_run(folder, tmp_path / "run.zip")


def test_pickled_motion_is_never_loaded(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "executed",)

    np.savez(folder / "motion.npz", motions=np.array([Evil()], dtype=object))
    assert "motion.npz" not in share_run(folder, tmp_path / "run.zip")
    assert not (tmp_path / "executed").exists()
