"""Exported motions, read back with other programs' readers: where those put the bodies."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foreign_readers import MM, Found, in_axes, read_bvh, read_csv, read_glb, read_npz, read_usda
from pmlaunch.demo import MOTIONS
from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.export import FORMATS, ExportRequest, prepare
from pmlaunch.motions.export_source import Take, What, takes_of_file, takes_of_saved
from pmlaunch.motions.generated.skeleton import NODE_NAMES, PARENTS, own_skeleton
from pmlaunch.motions.kinematics import Array, forward_kinematics, from_vector
from pmlaunch.motions.recorded_motion import FILE, SavedMotion, read_saved, write_saved

_CHECKOUT = os.environ.get("PMLAUNCH_TEST_PROTOMOTIONS3", "")  # read before the tests clean the environment
FRAMES = 12


def rig(bodies: int, seed: int) -> tuple[list[str], list[int], Array]:
    if bodies == len(NODE_NAMES):
        return list(NODE_NAMES), list(PARENTS), own_skeleton().offsets
    return ["base link", "tip=1"], [-1, 0], np.array([[0.0, 0.0, 0.0], [0.1, -0.2, 0.5]])


def saved_motion(bodies: int, seed: int = 0, **more: Any) -> SavedMotion:
    """A tumbling rig far from the origin, in single precision like the simulator's."""
    draw = np.random.default_rng(seed)
    names, parents, offsets = rig(bodies, seed)
    turns = from_vector(np.cumsum(draw.normal(scale=0.4, size=(FRAMES, bodies, 3)), axis=0))
    root = np.array([20.0, -7.0, 1.0]) + np.cumsum(draw.normal(scale=0.05, size=(FRAMES, 3)), axis=0)
    positions, rotations = (
        part[:, None].astype(np.float32) for part in forward_kinematics(parents, offsets, turns, root)
    )
    fields = {
        "positions": positions,
        "rotations": rotations,
        "fps": 30.0,
        "body_names": tuple(names),
        "parents": np.array(parents),
        "motions": ("walk",),
        "frames": np.array([FRAMES]),
        "reference": positions[:, :, :, [1, 0, 2]] * [1, -1, 1],
        "reference_rotations": None,
    }
    return SavedMotion(**{**fields, **more})


READERS: dict[str, Callable[..., Found]] = {
    "glb": read_glb, "bvh": read_bvh, "usda": read_usda, "npz": read_npz, "csv": read_csv,
}  # fmt: skip


def test_every_format_is_read_back() -> None:
    assert READERS.keys() == FORMATS.keys()


def exported(saved: SavedMotion, tmp_path: Path, to: str, **more: Any) -> Path:
    write_saved(tmp_path / FILE, saved)
    what = more.pop("what", What.POLICY)
    (take,) = takes_of_saved(tmp_path / FILE, what)
    prepare(take.animations, ExportRequest(to, **more)).write(tmp_path / f"out.{to}")
    return tmp_path / f"out.{to}"


@pytest.mark.parametrize("bodies", [24, 2])
@pytest.mark.parametrize(("to", "up"), [(to, up) for to, form in FORMATS.items() for up in form.ups])
def test_other_readers_put_the_bodies_where_the_simulator_did(tmp_path: Path, to: str, up: str, bodies: int) -> None:
    saved = saved_motion(bodies)
    names, parents, positions, fps = READERS[to](exported(saved, tmp_path, to, up=up))
    wanted = in_axes(saved.positions[:, 0].astype(np.float64), up)
    assert len(names) == len(set(names)) == bodies
    if bodies == 24:
        places = [names.index(name) for name in saved.body_names]
        assert parents == [] or [parents[place] for place in places] == [
            saved.body_names[parent] if parent >= 0 else "" for parent in saved.parents
        ]
        positions = positions[:, places]
    assert fps == pytest.approx(30.0, rel=1e-5)
    assert np.linalg.norm(positions - wanted, axis=-1).max() < (1.0 if to == "bvh" else 0.1) * MM


def assert_close(take: Take, tmp_path: Path) -> None:
    """Write a motion in every format, and compare what other readers make of it."""
    (animation,) = take.animations
    positions, _ = animation.at_rate(10.0).world()
    for to, read in READERS.items():
        prepare(take.animations, ExportRequest(to, fps=10.0)).write(tmp_path / f"out.{to}")
        names, _, found, _ = read(tmp_path / f"out.{to}", *(["motion"] if to in ("glb", "usda") else []))
        order = [names.index(name) for name in animation.body_names]
        wanted = in_axes(positions, FORMATS[to].ups[0])
        assert np.linalg.norm(found[:, order] - wanted, axis=-1).max() < (1.0 if to == "bvh" else 0.1) * MM, to
    assert animation.error < 0.1 * MM


def test_motion_file_of_the_demo(tmp_path: Path) -> None:
    (take,) = takes_of_file(MOTIONS / "smpl_humanoid_walk.npy")
    assert_close(take, tmp_path)


def test_g1_of_a_real_checkout(tmp_path: Path) -> None:
    motion = Path(_CHECKOUT, "data/g1-kimodo-generated/proto/output_walk.motion")
    if not motion.is_file():
        pytest.skip("skipped: PMLAUNCH_TEST_PROTOMOTIONS3 names no checkout with G1's motions")
    (take,) = takes_of_file(motion, lambda count: [f"link_{body}" for body in range(count)])
    assert len(take.animations[0].body_names) == 33
    assert_close(take, tmp_path)


@pytest.mark.parametrize("to", ["glb", "usda", "npz"])
def test_policy_and_reference_side_by_side(tmp_path: Path, to: str) -> None:
    other = saved_motion(2, seed=1)
    saved = saved_motion(2, reference=other.positions, reference_rotations=other.rotations)
    path = exported(saved, tmp_path, to, what=What.BOTH)
    if to == "npz":
        with np.load(path) as found:
            np.testing.assert_allclose(found["reference_positions"], other.positions[:, 0], atol=0.1 * MM)
        return
    for name, positions in (("policy", saved.positions), ("reference", other.positions)):
        found = READERS[to](path, name)[2]
        wanted = in_axes(positions[:, 0].astype(np.float64), FORMATS[to].ups[0])
        np.testing.assert_allclose(found, wanted, atol=0.1 * MM)


def test_other_rates_keep_bones_and_duration(tmp_path: Path) -> None:
    saved = saved_motion(2)
    _, _, positions, fps = read_glb(exported(saved, tmp_path, "glb", fps=120.0))
    assert (len(positions), round(fps)) == (4 * (FRAMES - 1) + 1, 120)
    wanted = in_axes(saved.positions[:, 0].astype(np.float64), "y")
    np.testing.assert_allclose(positions[::4], wanted, atol=0.1 * MM)
    lengths = np.linalg.norm(positions[:, 1] - positions[:, 0], axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm([0.1, -0.2, 0.5]), atol=0.1 * MM)


def test_bodies_in_any_order_and_with_strange_names(tmp_path: Path) -> None:
    saved = saved_motion(2)
    flipped = replace(
        saved,
        positions=saved.positions[:, :, ::-1],
        rotations=saved.rotations[:, :, ::-1],
        body_names=('=1+1"; </script>\n', "base"),
        parents=np.array([1, -1]),
    )
    for to, read in READERS.items():
        _, _, positions, _ = read(exported(flipped, tmp_path, to))
        wanted = in_axes(saved.positions[:, 0].astype(np.float64), FORMATS[to].ups[0])
        np.testing.assert_allclose(positions, wanted, atol=0.1 * MM)
    header = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert "'=1+1" in header


def loose(saved: SavedMotion, metres: float) -> SavedMotion:
    positions = saved.positions.copy()
    positions[::2, :, 1] += metres
    return replace(saved, positions=positions)


def test_loose_bodies_are_animated_or_refused(tmp_path: Path) -> None:
    """A reference that was interpolated between its frames is a little off; bodies that fly about are no skeleton."""
    for metres in (0.004, 0.5):
        saved = loose(saved_motion(2), metres)
        for to in ("glb", "usda"):
            found = READERS[to](exported(saved, tmp_path, to))[2]
            wanted = in_axes(saved.positions[:, 0].astype(np.float64), FORMATS[to].ups[0])
            np.testing.assert_allclose(found, wanted, atol=0.1 * MM)
    (take,) = takes_of_saved(tmp_path / FILE, What.POLICY)
    assert refused(lambda: prepare(take.animations, ExportRequest("bvh"))) == "PML362"
    write_saved(tmp_path / FILE, loose(saved_motion(2), 0.004))
    (take,) = takes_of_saved(tmp_path / FILE, What.POLICY)
    assert 4 * MM <= prepare(take.animations, ExportRequest("bvh")).error < 10 * MM


def refused(do: Callable[[], object]) -> str:
    with pytest.raises(PmlaunchError) as raised:
        do()
    return raised.value.code


@pytest.mark.parametrize(
    ("request_", "count", "code"),
    [
        (ExportRequest("bvh"), 2, "PML360"),
        (ExportRequest("csv"), 2, "PML360"),
        (ExportRequest("glb", up="z"), 1, "PML360"),
        (ExportRequest("csv", fps=0.0), 1, "PML001"),
        (ExportRequest("csv", fps=float("nan")), 1, "PML001"),
    ],
)
def test_what_a_format_cannot_hold(request_: ExportRequest, count: int, code: str) -> None:
    (take,) = takes_of_file(MOTIONS / "smpl_humanoid_walk.npy")
    assert refused(lambda: prepare(take.animations * count, request_)) == code


def test_bvh_needs_one_root(tmp_path: Path) -> None:
    saved = saved_motion(2, parents=np.array([-1, -1]))
    exported(saved, tmp_path, "glb")
    (take,) = takes_of_saved(tmp_path / FILE, What.POLICY)
    assert refused(lambda: prepare(take.animations, ExportRequest("bvh"))) == "PML360"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "more",
    [
        {"parents": np.array([1, 0])},
        {"parents": np.array([-1, 7])},
        {"parents": np.array([-1, 0, 0])},
        {"parents": np.array(["a", "b"])},
        {"parents": np.array([[-1, 0], [0, 1]])},
        {"fps": float("nan")},
        {"frames": np.array([FRAMES + 1])},
        {"frames": np.array([], dtype=int)},
        {"rotations": np.zeros((FRAMES, 1, 2, 4))},
        {"rotations": np.ones((FRAMES, 1, 2, 3))},
        {"positions": np.full((FRAMES, 1, 2, 3), np.inf)},
    ],
)
def test_impossible_numbers_are_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    write_saved(tmp_path / FILE, saved_motion(2, **more))
    assert refused(lambda: takes_of_saved(tmp_path / FILE, What.POLICY)) == "PML361"


def test_what_a_run_did_not_keep(tmp_path: Path) -> None:
    assert refused(lambda: takes_of_saved(tmp_path / FILE, What.POLICY)) == "PML361"
    write_saved(tmp_path / FILE, saved_motion(2))
    assert refused(lambda: takes_of_saved(tmp_path / FILE, What.BOTH)) == "PML361"
    write_saved(tmp_path / FILE, saved_motion(2, reference=None))
    assert refused(lambda: takes_of_saved(tmp_path / FILE, What.REFERENCE)) == "PML361"
    assert refused(lambda: takes_of_saved(tmp_path / FILE, What.POLICY, "wlak")) == "PML010"


def test_older_files_are_read(tmp_path: Path) -> None:
    write_saved(tmp_path / FILE, saved_motion(2))
    with np.load(tmp_path / FILE) as arrays:
        older = {name: arrays[name] for name in arrays.files if name != "schema"}
    np.savez(tmp_path / FILE, **older)
    saved = read_saved(tmp_path / FILE)
    assert saved.reference_rotations is None
    assert len(takes_of_saved(tmp_path / FILE, What.POLICY)) == 1
