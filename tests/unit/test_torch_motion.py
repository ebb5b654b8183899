"""Outlines of motions that torch saved (H1, G1, ProtoMotions 3), read without torch and without executing anything."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.torch_motion import read_outline

PATH = Path("g1_walk.npy")


def saved(content: bytes, name: str = "walk/data.pkl") -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, content)
    return memory.getvalue()


class _Storage:
    pass


class _Pickler(pickle._Pickler):  # the Python implementation, because it lets names be replaced
    def persistent_id(self, thing: Any) -> Any:
        return ("storage", "0", "cpu", 6) if isinstance(thing, _Storage) else None


class _Tensor:
    def __init__(self, *shape: int):
        self.shape = shape

    def __reduce__(self) -> Any:
        return _rebuild, (_Storage(), 0, self.shape, (1,) * len(self.shape), False, {})


def _rebuild(*_: Any) -> None:
    raise AssertionError("executed")


def pickled(content: Any, *, module: str = "torch._utils", name: str = "_rebuild_tensor_v2") -> bytes:
    memory = io.BytesIO()
    _Pickler(memory, protocol=2).dump(content)
    return memory.getvalue().replace(f"c{__name__}\n_rebuild\n".encode(), f"c{module}\n{name}\n".encode())


FIELDS = {
    **{f"global_{name}": _Tensor(810, 33, 3) for name in ("translation", "velocity", "angular_velocity")},
    **{f"global_root_{name}": _Tensor(810, 3) for name in ("velocity", "angular_velocity")},
    "global_rotation": _Tensor(810, 33, 4),
    "dof_pos": _Tensor(810, 29),
    "dof_vels": _Tensor(810, 29),
    "fps": 30,
}


def test_outline_of_a_motion() -> None:
    content = saved(pickled(FIELDS))
    motion = read_outline(PATH, content)
    assert (motion.frames, motion.bodies, motion.fps) == (810, 33, 30.0)
    assert motion.seconds == pytest.approx(809 / 30)


@pytest.mark.parametrize("module", ["os", "builtins", "torch.hub"])
def test_names_beyond_tensors_are_refused(module: str) -> None:
    content = saved(pickled({"global_translation": _Tensor(1, 2, 3), "fps": 30}, module=module, name="load"))
    with pytest.raises(PmlaunchError) as error:
        read_outline(PATH, content)
    assert error.value.code == "PML123"
    assert f"{module}.load" in error.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 cut short",
        saved(b"", "other.txt"),
        saved(b"no pickle"),
        saved(pickled([1, 2])),
        saved(pickled({"fps": 30})),
        saved(pickled({"global_translation": _Tensor(5, 3), "fps": 30})),
        saved(pickled({"global_translation": _Tensor(5, 3, 3), "fps": 0})),
        saved(pickled({"global_translation": _Tensor(5, 3, 3)})),
    ],
)
def test_invalid_files(content: bytes) -> None:
    with pytest.raises(PmlaunchError) as error:
        read_outline(PATH, content)
    assert error.value.code == "PML122"
