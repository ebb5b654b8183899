"""Linux: have the kernel kill a child's process group when the launcher ends, however it ends.

The child inherits the reading end of a pipe whose other end only the launcher holds. The pipe is asked to announce a
change with SIGKILL to the child's group (fcntl(2), F_SETSIG and F_SETOWN). Nothing is ever written to it, so the only
change is that the launcher's end closes. This needs no other process, unlike the guardian, and no help from the child.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


class Lifeline:
    """The pipe of one child. Does nothing outside Linux."""

    def __init__(self) -> None:
        self.inherited: tuple[int, ...] = ()
        self._kept: int | None = None
        if sys.platform == "linux":
            reading, self._kept = os.pipe()
            self.inherited = (reading,)

    def attach(self, group: int) -> None:
        """Bind the pipe to the process group of the child, which has inherited it."""
        if sys.platform == "linux":
            import fcntl

            (reading,) = self.inherited
            with contextlib.suppress(OSError):  # the child has ended already
                fcntl.fcntl(reading, fcntl.F_SETOWN, -group)
                fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGKILL)
                fcntl.fcntl(reading, fcntl.F_SETFL, fcntl.fcntl(reading, fcntl.F_GETFL) | os.O_ASYNC)
            os.close(reading)
            self.inherited = ()

    def close(self) -> None:
        """Close the open ends. Processes that remain in the group are killed."""
        for end in (*self.inherited, *([] if self._kept is None else [self._kept])):
            os.close(end)
        self.inherited, self._kept = (), None
