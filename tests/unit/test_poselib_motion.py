"""Reading poselib motions executes nothing, and tells a broken or hostile file from a missing one."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.kinematics import forward_kinematics, normalized
from pmlaunch.motions.poselib_motion import Motion, read_motion, write_motion

EXAMPLES = 50 if os.name == "nt" else 300  # each writes a file, which takes long under Wine
REAL = {"smpl_humanoid_walk": (511, 24, 100.0), "amp_humanoid_walk": (40, 15, 30.0)}


def make_motion(path: Path, frames: int = 12, bodies: int = 4) -> Motion:
    draw = np.random.default_rng(1)
    return Motion(
        path=path,
        name=path.stem,
        node_names=tuple(f"body{n}" for n in range(bodies)),
        parents=np.array([-1, 0, 1, 0][:bodies]),
        local_translation=draw.normal(size=(bodies, 3)),
        local_rotation=normalized(draw.normal(size=(frames, bodies, 4))),
        root_translation=draw.normal(size=(frames, 3)),
        fps=25.0,
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "wave.npy"
    write_motion(path, make_motion(path))
    return path


def npy(payload: bytes, descr: str = "|O") -> bytes:
    """An .npy file with one object, stored as the given pickle."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": ()})
    return file.getvalue() + payload


def holder(content: Any) -> np.ndarray[Any, Any]:
    array = np.empty((), dtype=object)
    array[()] = content
    return array


def content_of(path: Path) -> Any:
    """The mapping in a file that the test itself has written."""
    return np.load(path, allow_pickle=True).item()


def code_of(path: Path) -> str:
    with pytest.raises(PmlaunchError) as caught:
        read_motion(path)
    return caught.value.code


def test_round_trip(written: Path) -> None:
    before, after = make_motion(written), read_motion(written)
    assert (after.name, after.node_names, after.fps) == ("wave", before.node_names, 25.0)
    assert (after.frames, after.bodies) == (12, 4)
    assert after.seconds == pytest.approx(11 / 25)
    assert after.parents.tolist() == [-1, 0, 1, 0]
    for name in ("local_translation", "local_rotation", "root_translation"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-6)


def test_the_file_has_poselibs_layout(written: Path) -> None:
    content = content_of(written)
    assert content["__name__"] == "SkeletonMotion"
    assert content["rotation"]["context"] == {"dtype": "float32"}
    assert content["global_velocity"]["arr"].shape == content["global_angular_velocity"]["arr"].shape == (12, 4, 3)
    assert b"numpy._core" not in written.read_bytes(), "numpy 1 could not load it"


def test_writing_is_deterministic_and_leaves_no_temporary_file(written: Path, tmp_path: Path) -> None:
    first = written.read_bytes()
    write_motion(written, make_motion(written))
    assert written.read_bytes() == first
    assert list(tmp_path.iterdir()) == [written]


def test_world_rotations_become_local(written: Path) -> None:
    motion, content = make_motion(written), content_of(written)
    _, world = forward_kinematics(
        motion.parents, motion.local_translation, motion.local_rotation, motion.root_translation
    )
    content["rotation"]["arr"], content["is_local"] = world, False
    written.write_bytes(npy(pickle.dumps(holder(content), protocol=4)))
    same = np.abs(np.sum(read_motion(written).local_rotation * motion.local_rotation, axis=-1))
    np.testing.assert_allclose(same, 1.0, atol=1e-9)  # q and -q are one rotation


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols_that_numpy_writes(written: Path, protocol: int) -> None:
    payload = pickle.dumps(holder(content_of(written)), protocol=protocol)
    written.write_bytes(npy(payload))
    if protocol == 2:  # writes bytes as a call of _codecs.encode; numpy.save never uses it
        assert code_of(written) == "PML123"
    else:
        assert read_motion(written).frames == 12


def test_missing_file(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.npy") == "PML121"


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    assert code_of(tmp_path) == "PML122"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file(written: Path, share: float) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[: int(share * len(whole))])
    assert code_of(written) == "PML122"


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any):
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("evil", "name"),
    [
        (Call(os.system, "touch executed"), "system"),
        (Call(eval, "open('executed', 'w')"), "eval"),
        (Call(getattr, Path, "cwd"), "getattr"),
        (Call(np.load, "x"), "load"),
        (Path("x"), "Path"),
    ],
)
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_code_is_refused_by_name_and_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: Any, name: str, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.npy"
    for content in (evil, holder(evil), holder(OrderedDict(rotation={"arr": [1, {"deep": evil}]}))):
        path.write_bytes(npy(pickle.dumps(content, protocol=protocol)))
        with pytest.raises(PmlaunchError) as caught:
            read_motion(path)
        assert caught.value.code == "PML123"
        assert name in caught.value.message
    assert not (tmp_path / "executed").exists()


HOSTILE = {
    "extension registry": (b"\x80\x02\x82\x01.", "PML123"),
    "old-style class": (b"(S'x'\nios\nsystem\n.", "PML122"),
    "class by INST": (b"\x80\x02(ios\nsystem\n.", "PML123"),
    "global with a line in its name": (b"\x80\x04\x8c\x02os\x8c\x07a\x1b[2J\nb\x93.", "PML123"),
    "persistent id": (b"\x80\x04K\x01Q.", "PML122"),
    "call of a number": (b"\x80\x04K\x01)R.", "PML122"),
    "call of a type too often": (b"\x80\x02cnumpy\nndarray\n)R)R.", "PML122"),
    "trillion numbers": (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x8a\x06\xff\xff\xff\xff\xff\x7f\x85C\x01b\x87R.",
        "PML122",
    ),
    "memo of four billion": (b"\x80\x03K\x01r\xff\xff\xff\xff.", "PML122"),
    "terabyte of bytes": (b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.", "PML122"),
    "cyclic list as a key": (b"\x80\x04}]\x94h\x00h\x00a\x8c\x01xs.", "PML122"),
    "empty stack": (b"\x80\x04a.", "PML122"),
    "no stop": (b"\x80\x04N", "PML122"),
    "endless nesting": (b"\x80\x04" + b"]" * 300_000 + b"a" * 299_999 + b".", "PML122"),
    "opcode that data does not need": (b"\x80\x04)2.", "PML122"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles(tmp_path: Path, name: str) -> None:
    payload, code = HOSTILE[name]
    path = tmp_path / "hostile.npy"
    path.write_bytes(npy(payload))
    assert code_of(path) == code


def test_key_that_takes_exponential_time_to_hash(tmp_path: Path) -> None:
    doubling = b"\x80\x04})" + b"".join(b"\x94h%c\x86" % n for n in range(200))
    path = tmp_path / "slow.npy"
    path.write_bytes(npy(doubling + b"K\x01s."))
    assert code_of(path) == "PML122"


def test_array_of_cyclic_objects(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless += [endless, endless]
    path = tmp_path / "endless.npy"
    path.write_bytes(npy(pickle.dumps(holder(endless), protocol=4)))
    assert code_of(path) == "PML122"


def test_huge_header(tmp_path: Path) -> None:
    path = tmp_path / "header.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + (200_000).to_bytes(4, "little") + b"(" * 200_000)
    assert code_of(path) == "PML122"


def test_array_of_plain_numbers_is_not_a_motion(tmp_path: Path) -> None:
    path = tmp_path / "numbers.npy"
    np.save(path, np.zeros((3, 4)))
    assert code_of(path) == "PML122"


def set_entry(content: Any, keys: str, value: Any) -> None:
    *way, last = keys.split("/")
    for key in way:
        content = content[key]
    content[last] = value


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ("rotation/arr", np.full((12, 4, 4), np.nan)),
        ("rotation/arr", np.zeros((12, 4, 4))),
        ("rotation/arr", np.zeros((12, 3, 4))),
        ("rotation/arr", np.zeros((0, 4, 4))),
        ("rotation/arr", "text"),
        ("rotation", None),
        ("root_translation/arr", np.full((12, 3), np.inf)),
        ("root_translation/arr", np.zeros((11, 3))),
        ("skeleton_tree/node_names", []),
        ("skeleton_tree/node_names", [1, 2, 3, 4]),
        ("skeleton_tree/parent_indices/arr", np.array([-1, 2, 1, 0])),
        ("skeleton_tree/parent_indices/arr", np.array([0, 0, 1, 0])),
        ("skeleton_tree/local_translation/arr", np.zeros((4, 2))),
        ("fps", 0.0),
        ("fps", float("nan")),
        ("fps", "30"),
        ("fps", None),
    ],
)
def test_invalid_content(written: Path, keys: str, value: Any) -> None:
    content = content_of(written)
    set_entry(content, keys, value)
    written.write_bytes(npy(pickle.dumps(holder(content), protocol=4)))
    assert code_of(written) == "PML122"


@pytest.mark.parametrize("fps", [np.array(100.0), np.float64(30), np.array([24]), 60])
def test_fps_in_every_form_that_upstream_tools_write(written: Path, fps: Any) -> None:
    content = content_of(written)
    content["fps"] = fps
    written.write_bytes(npy(pickle.dumps(holder(content), protocol=4)))
    assert read_motion(written).fps == float(np.ravel(fps)[0])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.npy"
    for content in (data, npy(data), npy(b"\x80\x04" + data)):
        path.write_bytes(content)
        assert code_of(path) in ("PML122", "PML123")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0.0, 1.0, exclude_max=True), what=st.integers(0, 255))
def test_one_corrupted_byte(written: Path, where: float, what: int) -> None:
    whole = bytearray(written.read_bytes())
    whole[int(where * len(whole))] = what
    broken = written.with_name("broken.npy")
    broken.write_bytes(whole)
    with suppress(PmlaunchError):  # and no other exception
        read_motion(broken)


def test_seconds_follow_fps(written: Path) -> None:
    motion = read_motion(written)
    assert replace(motion, fps=50.0).seconds == pytest.approx(motion.seconds / 2)


@pytest.mark.parametrize("name", REAL)
def test_real_motions(upstream: Path, name: str) -> None:
    motion = read_motion(upstream / "data" / "motions" / f"{name}.npy")
    assert (motion.frames, motion.bodies, motion.fps) == REAL[name]
    assert motion.node_names[0].lower() == "pelvis"
