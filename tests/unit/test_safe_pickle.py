"""Unpickling untrusted data: plain values come back, and a hostile pickle gets neither code nor memory nor time."""

from __future__ import annotations

import pickle
import tracemalloc
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlaunch.support.safe_pickle import MAX_OPCODES, ForbiddenGlobalError, loads

RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine
@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.lists(inner).map(tuple),
))  # fmt: skip
def test_plain_data_round_trips(value: Any) -> None:
    for protocol in (3, 4, 5):
        assert loads(pickle.dumps(value, protocol=protocol)) == value


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(2.5),
        np.array([], dtype=np.uint8),
        np.array([True, False]),
        np.arange(200_000, dtype=np.int64),
    ],
    ids=["big-endian", "fortran", "scalar array", "empty", "bool", "larger than a frame"],
)
def test_arrays_round_trip(array: np.ndarray[Any, Any], protocol: int) -> None:
    for writable in (array, array.copy()):  # protocol 5 stores read-only arrays as bytes, others as a bytearray
        writable.flags.writeable = writable is array
        read = loads(pickle.dumps(writable, protocol=protocol))
        np.testing.assert_array_equal(read.numpy(), array)
        assert read.numpy().dtype == array.dtype
        assert list(read.numbers()) == array.ravel().tolist()


@pytest.mark.parametrize("scalar", [np.float64(1.5), np.float32(0.25), np.int64(-3), np.bool_(True)])
def test_numpy_scalars_become_numbers(scalar: np.generic) -> None:
    assert loads(pickle.dumps(scalar, protocol=4)) == scalar.item()


def test_ordered_dict_becomes_a_dict() -> None:
    value = loads(pickle.dumps(OrderedDict(b=1, a=[OrderedDict()]), protocol=4))
    assert list(value.items()) == [("b", 1), ("a", [{}])]
    assert not isinstance(value, OrderedDict)


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


SLOTS = b"N}" + text("_constructor") + b"Ns\x86"  # (None, {"_constructor": None})

HOSTILE = {
    "memo of four billion": b"\x80\x03K\x01r\xff\xff\xff\xff.",
    "frame of an exabyte": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x10]q\x01",
    "terabyte of bytes": b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.",
    "exabyte of text": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.",
    "huge array": b"\x80\x03" + RECONSTRUCT + b"\x8a\x06\xff\xff\xff\xff\xff\x7f\x85C\x01b\x87R"
    b"(K\x01\x8a\x04\xff\xff\xff\x7f\x85" + DTYPE + b"\x89C\x00tb.",
    "array of a billion objects": b"\x80\x03cnumpy.core.numeric\n_frombuffer\n(]cnumpy\ndtype\nX\x01\x00\x00\x00O"
    b"\x89\x88\x87R\x8a\x04\xff\xff\xff\x3f\x85X\x01\x00\x00\x00CtR.",
    "negative length": b"\x80\x03cnumpy.core.multiarray\nscalar\n" + DTYPE + b"J\xff\xff\xff\xff\x86R.",
    "key of nested tuples": b"\x80\x04})" + b"".join(b"\x94h%c\x86" % n for n in range(200)) + b"K\x01s.",
    "key of nested tuples in an OrderedDict": b"\x80\x04ccollections\nOrderedDict\n])"
    + b"".join(b"\x94h%c\x86" % n for n in range(200))
    + b"K\x01\x86a\x85R.",
    "dtype code of nested tuples": b"\x80\x04cnumpy\ndtype\n)"
    + b"".join(b"\x94h%c\x86" % n for n in range(200))
    + b"\x85R.",
    "state for a name": b"\x80\x03cnumpy\nndarray\n" + SLOTS + b"b.",
    "state for a mapping": b"\x80\x03ccollections\nOrderedDict\n)R}" + text("items") + b"Nsb.",
    "state of another shape": b"\x80\x03" + RECONSTRUCT + b"\x87R}b.",
    "items of a name": b"\x80\x03cnumpy\nndarray\n" + text("x") + b"Ns.",
    "append to a name": b"\x80\x03cnumpy\nndarray\nNa.",
    "append to the bytes of an array": b"\x80\x05\x96\x01"
    + b"\x00" * 8
    + b"\x94cnumpy.core.numeric\n_frombuffer\n(h\x00"
    b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x89\x88\x87RK\x01\x85X\x01\x00\x00\x00CtRh\x00K\x01a.",
    "pop": b"\x80\x03K\x01(0.",
    "memo of a mark": b"\x80\x03K\x01(q\x00.",
    "take from below a mark": b"\x80\x03]K\x01(a.",
    "odd number of items": b"\x80\x03}(" + text("a") + b"u.",
    "out-of-band buffer": b"\x80\x05\x97.",
    "set": b"\x80\x04\x8f(K\x01\x90.",
    "instance by NEWOBJ": b"\x80\x03cnumpy\nndarray\n)\x81.",
    "instance by OBJ": b"\x80\x03(cnumpy\nndarray\no.",
    "text protocol": b"I1\n.",
    "protocol 6": b"\x80\x06N.",
    "persistent id": b"\x80\x04K\x01Q.",
    "persistent id as text": b"P1\n.",
    "too many opcodes": b"\x80\x04" + b"N" * MAX_OPCODES + b".",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_at_once(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r".") as caught:
            loads(HOSTILE[name])
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()
    assert not isinstance(caught.value, ForbiddenGlobalError)


def test_frames_that_end_inside_an_opcode_hide_nothing() -> None:
    """CPython's unpickler loses the rest of such a frame and reads other opcodes than pickletools."""
    hidden = b"cos\nsystem\n"
    framed = b"\x8c" + bytes([4 + len(hidden)]) + b"1234"
    payload = b"\x80\x04\x95" + len(framed).to_bytes(8, "little") + framed + hidden + b"."
    assert loads(payload) == "1234cos\nsystem\n"


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"\x80\x03cos\nsystem\n.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0elib.npyio.load\x93.", "numpy.lib.npyio.load"),
        (b"\x80\x02(ios\nsystem\n.", "os.system"),
        (b"\x80\x02\x82\x01.", "extension 1"),
        (b"\x80\x02\x84\xff\xff\xff\x7f.", "extension 2147483647"),
        (b"\x80\x04\x8c\x02os\x8c\x05a\x1b[2J\x93.", r"os.a\x1b[2J"),
        (b"\x80\x03cos\n" + b"x" * 100_000 + b"\n.", "os." + "x" * 197),
        (b"\x80\x03c__main__\nThing\n)\x81.", "__main__.Thing"),
    ],
)
def test_names_off_the_list_are_refused_even_uncalled(payload: bytes, name: str) -> None:
    with pytest.raises(ForbiddenGlobalError) as caught:
        loads(payload)
    assert caught.value.name == name


def test_one_load_does_not_affect_the_next() -> None:
    """State set on a name would otherwise change our stand-ins for every file that follows."""
    for hostile in HOSTILE.values():
        with pytest.raises(ValueError, match=r"."):
            loads(hostile)
    array = np.arange(3.0)
    np.testing.assert_array_equal(loads(pickle.dumps(array, protocol=4)).numpy(), array)


def test_further_names_and_stored_values() -> None:
    payload = b"\x80\x02cshapes\nCircle\nK\x02Q\x85R."
    names = {"shapes.Circle": lambda radius: ("circle", radius)}
    assert loads(payload, names, lambda key: f"stored {key}") == ("circle", "stored 2")
    with pytest.raises(ValueError, match="outside itself"):
        loads(payload, names)
