"""Tell Wine from Windows, and what Windows builds of torch cannot do."""

from __future__ import annotations

import ctypes
import os
import time
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version


def wine_version() -> str | None:
    """The version of the Wine that runs this Python; None elsewhere."""
    if os.name != "nt":
        return None
    tell = getattr(ctypes.CDLL("ntdll"), "wine_get_version", None)
    if tell is None:
        return None
    tell.restype = ctypes.c_char_p
    return bytes(tell()).decode()


def two_ranks_hang() -> bool:
    """Whether the first collective of two processes never ends, though their group forms.

    Measured under Wine 10 with PyTorch's Windows wheels: torch 2.11.0 and 2.13.0 hang; 2.6.0 and 2.7.1 work.
    """
    try:
        return wine_version() is not None and Version(version("torch")).release >= (2, 11)
    except PackageNotFoundError:
        return False


def has_gloo() -> bool:
    """Whether this build of torch can connect processes: PyTorch's for Windows cannot from 2.8 to 2.10."""
    try:
        return os.name != "nt" or not (2, 8) <= Version(version("torch")).release[:2] <= (2, 10)
    except PackageNotFoundError:
        return True


def mend_clock_of_dask() -> None:
    """Let Dask's clock work under Wine: before Python 3.13, it waits until Windows' coarse clock shows a time twice.

    Wine's clock is fine enough never to do so.
    """
    if wine_version() is None:
        return
    from distributed import metrics

    def resync(clock: metrics._WindowsTime) -> None:
        clock.delta = clock.base_timer() - time.perf_counter()

    metrics._WindowsTime.resync = resync


NO_GLOO = "Windows builds of torch 2.8 to 2.10 cannot connect processes"
TWO_RANKS_HANG = "two ranks of torch 2.11 and later hang under Wine"
