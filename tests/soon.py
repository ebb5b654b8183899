"""A time limit for code that must end soon, whatever its input."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

SECONDS = 30.0  # of this thread's own time: far below a blow-up, far above a busy machine


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """Expect the block to take little of this thread's time."""
    begin = time.thread_time()
    yield
    assert time.thread_time() - begin < SECONDS
