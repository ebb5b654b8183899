"""Completion in the real shells: Tab inserts a word that the shell takes for exactly the name, and starts nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmlaunch.cli.shells import SCRIPTS
from standin import make_checkout

if os.name == "nt":
    pytest.skip("skipped: no terminal of POSIX", allow_module_level=True)
import pty

# each begins with two letters that no other name begins with, which are typed
_NAMES = (
    "qa one two",
    "qb it's",
    'qc "x"',
    "qd $(touch pwned)",
    "qe `touch pwned`",
    "qf 行走",
    "qg \\$(touch pwned)",
    "qh a;touch pwned&b|c",
    "qi *?[a]{b,c}~#",
    "qj \\`touch pwned\\`",
    "qk -x:y=z@w%n",
)
# starts, and registers completion for `show`, which writes its arguments to a file
_SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        (
            "bind 'set bell-style none' 'set enable-bracketed-paste off'\n{script}\n"
            "show() {{ printf '%s\\n' \"$@\" > '{output}'; }}\ncomplete -F _pmlaunch_completion show\n"
        ),
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "unsetopt beep\n{script}\nshow() {{ printf '%s\\n' \"$@\" > '{output}' }}\ncompdef _pmlaunch_completion show\n",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        (
            "{script}\nfunction show; printf '%s\\n' $argv > '{output}'; end\n"
            "complete --command show --no-files --arguments '(__pmlaunch_completion)'\n"
        ),
    ),
}


class _Terminal:
    """An interactive shell in a pseudo-terminal, in a workspace whose checkout has motions with these names."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.output, self.folder = folder / "output.txt", folder
        start, setup = _SHELLS[shell]
        script = folder / "setup"
        script.write_text(setup.format(script=SCRIPTS[shell], output=self.output), encoding="utf-8")
        self._answered = folder / "answered"
        program = folder / "bin" / "pmlaunch"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\n"{sys.executable}" -m pmlaunch\ntouch "{self._answered}"\n', encoding="utf-8")
        program.chmod(0o755)
        programs = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": programs, "TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(start[0], start, environment)
        os.set_blocking(self._terminal, False)
        self.enter(f"source '{script}'; show ready")
        assert self.arguments() == ["ready"]

    def enter(self, line: str) -> None:
        """Type a line. After a Tab in it, wait for the answer."""
        self.output.unlink(missing_ok=True)
        for piece in (line + "\r").replace("\t", "\t\0").split("\0"):
            self._answered.unlink(missing_ok=True)
            os.write(self._terminal, piece.encode())
            for _ in range(400 if piece.endswith("\t") else 1):
                if self._answered.exists():
                    break
                self._read()
            for _ in range(6):
                self._read()

    def _read(self) -> None:
        time.sleep(0.05)
        with contextlib.suppress(BlockingIOError):
            os.read(self._terminal, 65536)

    def arguments(self) -> list[str]:
        """The arguments of `show`."""
        for _ in range(200):
            if self.output.is_file() and self.output.read_text(encoding="utf-8"):
                return self.output.read_text(encoding="utf-8").splitlines()
            time.sleep(0.05)
        pytest.fail("nothing was shown")

    def close(self) -> None:
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=list(_SHELLS))
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Terminal]:
    if shutil.which(request.param) is None:
        pytest.skip(f"skipped: no {request.param}")
    checkout = make_checkout(tmp_path / "protomotions")
    for name in _NAMES:
        (checkout / "data" / "motions" / f"{name}.npy").touch()
    found = _Terminal(request.param, tmp_path)
    yield found
    found.close()


def test_names_are_quoted_for_the_shell_and_nothing_in_them_is_executed(terminal: _Terminal) -> None:
    for name in _NAMES:
        terminal.enter(f"show eval x --motion {name[:2]}\t")
        assert terminal.arguments() == ["eval", "x", "--motion", name]
    assert not (terminal.folder / "pwned").exists()


@pytest.mark.parametrize("opening", ["'", '"', "="])
def test_a_word_that_is_begun_otherwise_is_completed_too(terminal: _Terminal, opening: str) -> None:
    for name in _NAMES[1:4]:
        terminal.enter(f"show eval x --motion{opening if opening == '=' else f' {opening}'}{name[:2]}\t")
        joined = [f"--motion={name}"] if opening == "=" else ["--motion", name]
        assert terminal.arguments() == ["eval", "x", *joined]
    assert not (terminal.folder / "pwned").exists()
