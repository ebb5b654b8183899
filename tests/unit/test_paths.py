"""Relative paths start from several folders, and a mistyped one suggests the nearest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pmlaunch.support import paths
from pmlaunch.support.paths import Place, did_you_mean_path, find_path
from soon import soon


@pytest.fixture
def places(tmp_path: Path) -> tuple[Place, ...]:
    """The current folder, the checkout in it, and a file in each of them."""
    work, checkout = tmp_path / "work", tmp_path / "work" / "protomotion"
    for folder in (work / "mine", checkout / "data" / "motions", checkout / "data" / "models" / "smpl"):
        folder.mkdir(parents=True)
    (checkout / "data/motions/smpl_humanoid_walk.npy").touch()
    (checkout / "data/models/smpl/last.ckpt").touch()
    return Place(work), Place(checkout, "in the checkout")


@pytest.mark.parametrize(
    ("typed", "label"),
    [("mine", ""), ("data/models/smpl/last.ckpt", "in the checkout"), ("gone.npy", "")],
)
def test_first_folder_that_has_the_path(places: tuple[Place, ...], typed: str, label: str) -> None:
    path, place = find_path(typed, places)
    assert (path, place.label) == (place.folder / typed, label)


def test_unknown_user_is_no_exception(places: tuple[Place, ...]) -> None:
    assert find_path("~no-such-user/gone", places)[0].name == "gone"


@pytest.mark.skipif(os.name == "nt", reason="not applicable: Windows takes every name beside the own home for a user's")
def test_home_of_an_unknown_user_stays_as_it_was_typed() -> None:
    assert paths.expanded("~nobody-of-that-name/a.npy") == Path("~nobody-of-that-name/a.npy")


def test_absolute_path_stays_as_it_is(places: tuple[Place, ...]) -> None:
    mine = places[0].folder / "mine"
    assert find_path(str(mine), places[::-1])[0] == mine


def test_current_folder_comes_first(places: tuple[Place, ...]) -> None:
    (places[0].folder / "data" / "motions").mkdir(parents=True)
    assert find_path("data/motions", places)[0] == places[0].folder / "data/motions"


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("{data/models/smpl/last.ckpt", "data/models/smpl/last.ckpt"),
        ("data/modls/smpl/last.ckpt", "data/models/smpl/last.ckpt"),
        ("data/models/smpl/last.ckp", "data/models/smpl/last.ckpt"),
        ("data/motions/smpl_humanoid_walk.pt", "data/motions/smpl_humanoid_walk.npy"),
        ("data/motion/smpl_humanoid_wlk.npy", "data/motions/smpl_humanoid_walk.npy"),
        ("protomotions/data/motions/smpl_humanoid_walk.npy", "data/motions/smpl_humanoid_walk.npy"),
        ("elsewhere/entirely.npy", None),
        ("data/motions/backflip.npy", None),
        ("", None),
    ],
)
def test_mistyped_path_suggests_the_nearest(places: tuple[Place, ...], typed: str, near: str | None) -> None:
    folders = [place.folder for place in places]
    text = did_you_mean_path(folders[0] / typed, folders) if typed else ""
    assert text == (f" Did you mean {folders[1] / near}?" if near else "")


@pytest.mark.skipif(os.name == "nt", reason="skipped: to Windows these are the same path")
def test_another_case_suggests_the_path_that_exists(places: tuple[Place, ...]) -> None:
    folders = [place.folder for place in places]
    text = did_you_mean_path(folders[0] / "data/Models/SMPL/Last.ckpt", folders)
    assert text == f" Did you mean {folders[1] / 'data/models/smpl/last.ckpt'}?"


def test_mistyped_absolute_path_suggests_the_nearest(places: tuple[Place, ...], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    wanted = places[1].folder / "data" / "models" / "smpl" / "last.ckpt"
    mistyped = Path(str(wanted).replace("models", "modles"))
    assert did_you_mean_path(mistyped, [tmp_path / "elsewhere"]) == f" Did you mean {wanted}?"


def test_search_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many folders with similar names, none of which holds the file."""
    for first in range(6):
        for second in range(6):
            (tmp_path / f"folder{first}" / f"folder{second}" / "folder").mkdir(parents=True)
    listed: list[Path] = []
    names = paths.names_in

    def counted(folder: Path) -> list[str]:
        listed.append(folder)
        return names(folder)

    monkeypatch.setattr(paths, "names_in", counted)
    with soon():
        assert did_you_mean_path(tmp_path.joinpath(*["foldr"] * 12), [tmp_path]) == ""
        assert len(listed) <= 50


def test_large_folder_is_not_listed_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_MOST_ENTRIES", 5)
    for index in range(20):
        (tmp_path / f"clip{index}.npy").touch()
    assert len(paths.names_in(tmp_path)) == 5
    assert paths.names_in(tmp_path / "gone") == []
