"""What is typed during a live display does not appear in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a Windows console shows keys only while a program reads them")
# takes the terminal as its own, as a program started by a shell has it
PROGRAM = """
import fcntl, os, sys, termios
from pmlaunch.cli.live.quiet_keys import no_echo
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
echo = lambda: bool(termios.tcgetattr(2)[3] & termios.ECHO)
seen = [echo()]
if sys.argv[1] == "background":
    os.getpgrp = lambda: 1
try:
    with no_echo():
        seen.append(echo())
        raise KeyboardInterrupt
except KeyboardInterrupt:
    seen.append(echo())
print(*seen)
"""


@pytest.mark.parametrize(("job", "seen"), [("foreground", "True False True"), ("background", "True True True")])
def test_echo_is_off_while_live_and_on_again_after_an_exception(job: str, seen: str) -> None:
    master, terminal = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, job],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True, check=True,
        )  # fmt: skip
    finally:
        os.close(terminal)
        os.close(master)
    assert done.stdout.decode().strip() == seen
