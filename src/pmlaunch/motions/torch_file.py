"""Write tensors in the format of torch.save, without torch: a zip with one pickle and the numbers beside it.

torch reads this format since 1.6: NAME/data.pkl rebuilds every tensor from a storage, the file NAME/data/KEY, which is
little-endian and not compressed.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STORAGES = {"float32": "FloatStorage", "int64": "LongStorage", "bool": "BoolStorage"}
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a fixed date makes the file depend on its content alone


def tensor_file(content: Mapping[str, NDArray[Any] | int], name: str = "archive") -> bytes:
    """Make a file of arrays (float32, int64 or bool) and integers below 2**31. Raises ValueError for other types of arrays."""
    pickle = bytearray(b"\x80\x02}(")
    storages: list[bytes] = []
    for key, value in content.items():
        pickle += _text(key)
        if isinstance(value, int):
            pickle += _whole(value)
        else:
            pickle += _tensor(value, str(len(storages)))
            storages.append(np.ascontiguousarray(value).tobytes())
    pickle += b"u."
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for entry, data in (
            ("data.pkl", bytes(pickle)),
            ("byteorder", b"little"),
            *((f"data/{number}", data) for number, data in enumerate(storages)),
            ("version", b"3\n"),
        ):
            archive.writestr(zipfile.ZipInfo(f"{name}/{entry}", _LONG_AGO), data)
    return written.getvalue()


def _tensor(array: NDArray[Any], key: str) -> bytes:
    """torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)."""
    storage = _STORAGES.get(array.dtype.name)
    if storage is None:
        raise ValueError(f"no tensor file holds {array.dtype.name}")
    strides = np.cumprod([1, *array.shape[:0:-1]])[::-1] if array.ndim else np.array([], dtype=int)
    place = _tuple(_text("storage") + _named("torch", storage) + _text(key) + _text("cpu") + _whole(array.size))
    arguments = (
        *(place, b"Q", _whole(0)),
        _tuple(b"".join(_whole(int(size)) for size in array.shape)),
        _tuple(b"".join(_whole(int(stride)) for stride in strides)),
        b"\x89",
        *(_named("collections", "OrderedDict"), b")R"),
    )
    return _named("torch._utils", "_rebuild_tensor_v2") + _tuple(b"".join(arguments)) + b"R"


def _named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode("ascii")


def _tuple(inside: bytes) -> bytes:
    return b"(" + inside + b"t"


def _text(text: str) -> bytes:
    data = text.encode("utf-8")
    return b"X" + struct.pack("<I", len(data)) + data


def _whole(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)
