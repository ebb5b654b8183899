"""Progress of an installation on stderr: a line per step, and a progress bar for downloads."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import AbstractContextManager
from typing import Any

from pmlaunch.cli.render import terminal
from pmlaunch.cli.render.install import result_line
from pmlaunch.git.progress import Progress
from pmlaunch.installing.step import InstallStep, StepResult, StepState, Todo
from pmlaunch.support.text import megabytes

_EVERY = 5.0  # seconds between progress lines of a download without a terminal


class InstallDisplay(AbstractContextManager["InstallDisplay"]):
    """Shows nothing (for --json). Receives progress from an installation; subclasses show it."""

    def __exit__(self, *_: object) -> None: ...

    def begins(self, step: InstallStep, todo: Todo) -> None:
        self.working(step.title, todo.text)

    def working(self, title: str, text: str) -> None:
        """Replace the description of what is being done."""

    def progress(self, progress: Progress) -> None: ...

    def ended(self, result: StepResult) -> None: ...


class PlainInstallDisplay(InstallDisplay):
    """For a file, a pipe or CI: a line when a step begins or ends, and every five seconds of a download."""

    def __init__(self) -> None:
        self._last, self._text = time.monotonic(), ""
        self._begin, self._first = 0.0, 0

    def working(self, title: str, text: str) -> None:
        self._line(f"{title}: {text}")

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.text != self._text and not progress.done:
            self._text = progress.text
            return
        if progress.text != self._text:
            self._text, self._begin, self._first = progress.text, now, progress.done
        if now - self._last >= _EVERY and progress.done:
            self._last = now
            self._line(f"  {progress.text}: {amount(progress, now - self._begin, progress.done - self._first)}")

    def ended(self, result: StepResult) -> None:
        if result.state is not StepState.FAILED:
            self._line(result_line(result))

    @staticmethod
    def _line(text: str) -> None:
        terminal.write(sys.stderr, f"{text}\n")


class LiveInstallDisplay(InstallDisplay):
    """For a terminal: one line per finished step, and below them a progress bar with rate and remaining time."""

    def __init__(self) -> None:
        from rich import progress

        self._console = terminal.console_on(sys.stderr)
        spinner = [] if self._console.options.ascii_only else [progress.SpinnerColumn()]
        text = progress.TextColumn("{task.description}", markup=False)
        size = (
            *(progress.BarColumn(bar_width=24), progress.DownloadColumn(), progress.TransferSpeedColumn()),
            progress.TimeRemainingColumn(compact=True),
        )
        self._waiting = progress.Progress(*spinner, text, console=self._console, transient=True)
        self._bars = progress.Progress(*spinner, text, *size, console=self._console, transient=True)
        self._lock = threading.Lock()
        self._active: Any = None
        self._task: Any = None
        self._text = ""

    def __exit__(self, *_: object) -> None:
        self._clear()

    def working(self, title: str, text: str) -> None:
        self._show(self._waiting, f"{title}: {text}"[: self._console.width - 6])

    def progress(self, progress: Progress) -> None:
        with self._lock:
            bars = self._bars if progress.done else self._waiting
            if bars is not self._active or (progress.done and progress.text != self._text):
                self._show(bars, progress.text)
            text = progress.text[: self._console.width - (60 if progress.done else 6)]
            self._active.update(self._task, description=text, completed=progress.done, total=progress.total)

    def ended(self, result: StepResult) -> None:
        self._clear()
        if result.state is not StepState.FAILED:
            self._console.print(result_line(result, fancy=not self._console.options.ascii_only), soft_wrap=True)

    def _show(self, bars: Any, text: str) -> None:
        self._clear()
        self._active, self._text = bars, text
        self._task = bars.add_task(text, total=None)
        bars.start()

    def _clear(self) -> None:
        if self._active is not None:
            self._active.stop()
            self._active.remove_task(self._task)
            self._active = None


def amount(progress: Progress, seconds: float, since: int) -> str:
    """Progress such as "120 MB of 304 MB, 11.2 MB/s, 16 s left"; `since` counts the bytes of the last `seconds`."""
    text = megabytes(progress.done) + (f" of {megabytes(progress.total)}" if progress.total else "")
    if seconds >= 1 and since > 0:
        rate = since / seconds
        text += f", {rate / 1e6:.1f} MB/s"
        if progress.total and progress.total > progress.done:
            text += f", {(progress.total - progress.done) / rate:.0f} s left"
    return text


def make_install_display(*, quiet: bool) -> InstallDisplay:
    """The display for this stderr: live in a terminal, plain elsewhere, silent if `quiet`."""
    if quiet:
        return InstallDisplay()
    return LiveInstallDisplay() if sys.stderr.isatty() else PlainInstallDisplay()
