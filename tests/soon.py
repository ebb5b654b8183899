"""What must not take for ever, whatever it is given."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

SECONDS = 30.0  # of this thread's own time: what blows up takes minutes, and machines are slow or busy


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """Expect the block to take little of this thread's time."""
    begin = time.thread_time()
    yield
    assert time.thread_time() - begin < SECONDS
