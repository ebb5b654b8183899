"""Tensor files written without torch, which torch reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pmlaunch.motions.torch_file import tensor_file
from pmlaunch.motions.torch_motion import read_outline

SHAPES = [(3, 4, 3), (1, 1, 3), (5,), (0, 3), (2, 1)]


def test_outline_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "走 100%.motion"
    shapes = {"rigid_body_pos": (7, 5, 3), "rigid_body_rot": (7, 5, 4), "dof_pos": (7, 12), "dof_vel": (7, 12)}
    shapes |= dict.fromkeys(("rigid_body_vel", "rigid_body_ang_vel"), (7, 5, 3))
    path.write_bytes(tensor_file({"fps": 30, **{name: np.zeros(shape, "f4") for name, shape in shapes.items()}}))
    found = read_outline(path)
    assert (found.frames, found.bodies, found.fps, found.seconds) == (7, 5, 30.0, 0.2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["f4", "?"])
def test_torch_reads_the_same_numbers(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    torch = pytest.importorskip("torch", reason="skipped: needs torch to read the file: pip install pmlaunch[demo]")
    whole = np.random.default_rng(1).normal(size=(*shape, 2))[..., 0]  # not contiguous
    array = (whole > 0) if kind == "?" else whole.astype(kind)
    path = tmp_path / "a.pt"
    path.write_bytes(tensor_file({"first": array, "count": 2**31 - 1, "\u6b65": array[..., :1]}))
    read = torch.load(path, weights_only=True)
    assert list(read) == ["first", "count", "\u6b65"]
    assert read["count"] == 2**31 - 1
    for name, expected in (("first", array), ("\u6b65", array[..., :1])):
        assert read[name].is_contiguous()
        np.testing.assert_array_equal(read[name].numpy(), expected)
        assert read[name].numpy().dtype == expected.dtype


def test_writing_is_deterministic() -> None:
    first, second = (tensor_file({"a": np.ones(3, dtype="f4")}) for _ in range(2))
    assert first == second


def test_unsupported_dtype() -> None:
    with pytest.raises(ValueError, match="float64"):
        tensor_file({"a": np.ones(3)})
