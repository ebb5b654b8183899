"""Playback: failure, worst body, the packed form, and arrays that contradict each other."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest

from pmlaunch.motions.recorded_motion import read_saved
from pmlaunch.reporting.tracks import Track, check_saved, pack, tracks_of
from recorded_runs import SHARED, saved_motion


def unpacked(given: Track) -> np.ndarray:
    """What the page makes of a packed track: (frames, bodies of all parts, 3) m."""
    head, data = pack(given)
    raw = np.frombuffer(zlib.decompress(data, -15), np.uint8).astype(np.int64).reshape(2, -1)
    numbers = np.cumsum((raw[0] + 256 * raw[1]).reshape(-1, head["frames"]), axis=1) % 65_536
    return np.asarray(numbers.T.reshape(head["frames"], -1, 3) * head["step"] + np.array(head["origin"]))


def track(falls: bool = False) -> Track:
    (found,) = tracks_of(saved_motion(["walk"], falls=["walk"] if falls else []))
    assert found is not None
    return found


@pytest.mark.parametrize("falls", [False, True])
def test_packing_keeps_positions_within_half_a_millimetre(falls: bool) -> None:
    given = track(falls)
    assert given.reference is not None
    expected = np.concatenate([given.positions, given.reference], axis=1)
    np.testing.assert_allclose(unpacked(given), expected, atol=0.0005)


def test_simulation_that_blew_up_does_not_make_the_reference_coarse() -> None:
    given = track()
    positions = given.positions.copy()
    positions[100:, 3] = 1e20
    assert given.reference is not None
    np.testing.assert_allclose(unpacked(replace(given, positions=positions))[:, 24:], given.reference, atol=0.004)


def test_five_seconds_take_less_than_40_kilobytes() -> None:
    assert len(pack(track(falls=True))[1]) < 40_000


def test_failure_is_the_first_frame_above_half_a_metre() -> None:
    given = track(falls=True)
    assert given.errors is not None
    means = [float(np.mean([np.linalg.norm(p - r) for p, r in zip(a, b, strict=True)]))
             for a, b in zip(given.positions, given.reference, strict=True)]  # type: ignore[arg-type]  # fmt: skip
    expected = next(frame for frame, mean in enumerate(means) if mean > 0.5)
    assert given.failure == expected
    assert given.failed_at == pytest.approx((expected + 1) / 30)  # frame 0 is one step after the start


def test_worst_body_is_judged_until_the_failure() -> None:
    given = track(falls=True)
    positions = given.positions.copy()
    positions[:20, 7, 0] += 0.6  # bad before the fall
    positions[100:, 3, 0] += 9.0  # worse after it
    assert replace(given, positions=positions).worst_body == 7
    assert track().failure is None


@pytest.mark.parametrize("broken", ["nan", "empty"])
def test_motion_that_cannot_be_played_is_left_out(broken: str) -> None:
    saved = saved_motion(["walk", "turn"])
    if broken == "nan":
        saved.positions[3, 0] = np.nan
    else:
        saved.frames[0] = 0
    first, second = tracks_of(saved)
    assert first is None
    assert second is not None
    assert second.name == "turn"


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": np.zeros((150, 1, 23, 3), np.float32)},
        {"positions": np.zeros((150, 1, 24, 3), np.complex64)},
        {"parents": np.zeros(3, np.int64)},
        {"parents": np.full(24, 24)},
        {"parents": np.full(24, -2)},
        {"fps": 0.0},
        {"fps": float("nan")},
        {"frames": np.array([151])},
        {"frames": np.array([-1])},
        {"frames": np.array(["x"])},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_arrays_that_contradict_each_other_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"parents|frames|positions|fps"):
        check_saved(replace(saved_motion(["walk"]), **changes))  # type: ignore[arg-type]


@pytest.mark.skipif(SHARED is None, reason="skipped: the real run is not beside this checkout")
def test_real_fall_agrees_with_figures_computed_in_another_way() -> None:
    assert SHARED is not None
    with np.load(SHARED / "motion.npz") as arrays:
        positions, reference = arrays["positions"].astype(float)[:, 0], arrays["reference"].astype(float)[:, 0]
        names, fps = arrays["body_names"].tolist(), float(arrays["fps"])
    errors = [[sum((a - b) ** 2 for a, b in zip(p, r, strict=True)) ** 0.5 for p, r in zip(ps, rs, strict=True)]
              for ps, rs in zip(positions.tolist(), reference.tolist(), strict=True)]  # fmt: skip
    frame = next(index for index, row in enumerate(errors) if sum(row) / len(row) > 0.5)
    totals = [sum(row[body] for row in errors[: frame + 1]) for body in range(len(names))]
    (found,) = tracks_of(check_saved(read_saved(SHARED / "motion.npz")))
    assert found is not None
    assert found.worst_body is not None
    assert found.failed_at == pytest.approx((frame + 1) / fps)
    assert found.body_names[found.worst_body] == names[totals.index(max(totals))]
    assert found.failed_at == pytest.approx(1.2333, abs=1e-3)
