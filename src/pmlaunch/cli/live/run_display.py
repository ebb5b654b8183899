"""Progress of a run on stderr: its stages and steps, and the end of its log.

A terminal gets a live region; a file or a CI log gets one line per stage and the log as it is written. Stdout is left
to the result.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from pmlaunch.cli.render.motions import motion_count
from pmlaunch.cli.render.terminal import console_on, write
from pmlaunch.model import LaunchPlan
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.support.json import finite
from pmlaunch.support.text import clean_line

_STAGES = {
    "started": "Python started",
    "process_group": "process group",
    "simulator_ready": "simulator ready",
    "checkpoint_loaded": "checkpoint loaded",
    "evaluation_started": "evaluating",
    "evaluation_finished": "evaluated",
}
_LOG_LINES = 8
_REFRESH = 0.125  # seconds
_LONGEST_LINE = 1 << 16  # bytes that are kept back until a line of the log ends


class RunDisplay(AbstractContextManager["RunDisplay"]):
    """Shows nothing (for --quiet). Receives the events of a run and keeps count; subclasses show them."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.begin = time.monotonic()
        self.stages: dict[str, float] = {}  # seconds from the start
        self.steps = 0
        self.rate = 0.0
        self.motions = (0, 0)  # done, total
        self.total = plan.max_steps

    def __exit__(self, *_: object) -> None: ...

    def started(self, folder: RunFolder, pid: int) -> None: ...

    def event(self, event: Mapping[str, Any]) -> None:
        if event.get("rank"):  # only rank 0 counts
            return
        name = str(event["event"])
        if name == "step":
            self.steps = _count(event, "n") or self.steps
            self.rate = max(finite(event.get("rate")) or 0.0, 0.0)
        elif name == "motion":
            self.motions = _count(event, "done"), _count(event, "of")
            self.total = _count(event, "steps") or self.total
            self.motion_done()
        elif name in _STAGES and name not in self.stages:
            self.stages[name] = time.monotonic() - self.begin
            self.stage(name, event)

    def stage(self, name: str, event: Mapping[str, Any]) -> None:
        """A stage was reached, for the first time in this run."""

    def motion_done(self) -> None:
        """A batch of motions was evaluated, or the first one is about to be."""

    def output(self, chunk: bytes) -> None: ...

    def tick(self) -> None: ...

    def stopping(self, reason: str) -> None: ...

    def headline(self) -> str:
        """Model, robot, simulator and motions in one line."""
        plan = self.plan
        motions = ", ".join(motion.name for motion in plan.motions[:3]) or "the checkpoint's motion"
        if len(plan.motions) > 3 or plan.left_out:
            motions = motion_count(plan)
        return clean_line(f"{plan.model} / {plan.robot} / {plan.simulator} / {motions}")

    def keys(self) -> str:
        """The keys of the simulator's window in one line; empty if there are none."""
        keys = self.plan.measuring.keys
        return "keys in the window: " + ", ".join(f"{key} {does}" for key, does in keys.items()) if keys else ""

    def progress(self) -> str:
        """Progress such as "1 of 2 motions, 120 of 153 steps, 61.2/s, 1 s left"."""
        done, motions = self.motions
        before = f"{done} of {motions} motions, " if motions > 1 else ""
        if not self.steps:
            return before.removesuffix(", ")
        text = before + (f"{self.steps} of {self.total} steps" if self.total else f"{self.steps} steps")
        if self.rate:
            text += f", {self.rate:.1f}/s"
            if self.total and self.steps < self.total:
                text += f", {(self.total - self.steps) / self.rate:.0f} s left"
        return text


class PlainDisplay(RunDisplay):
    """For a file, a pipe or CI: one line per stage, and the log as it is written if `stream` is on."""

    def __init__(self, plan: LaunchPlan, stream: bool) -> None:
        super().__init__(plan)
        self._stream = stream
        self._log = b""  # the last line of the log, which is incomplete
        self._lock = threading.Lock()

    def __exit__(self, *_: object) -> None:
        if self._log:
            self._line("")

    def started(self, folder: RunFolder, pid: int) -> None:
        self._line(f"{self.headline()}  (pid {pid}, {folder.path})")
        if self.keys():
            self._line(self.keys())

    def stage(self, name: str, event: Mapping[str, Any]) -> None:
        detail = f" {event.get('backend')} x {event.get('world_size')}" if name == "process_group" else ""
        if name == "evaluation_finished" and self.progress():
            detail = f" {self.progress()}"
        self._line(f"[{time.monotonic() - self.begin:7.1f} s] {_STAGES[name]}{detail}")

    def motion_done(self) -> None:
        if self.motions[0] and self.motions[1] > 1:
            self._line(f"[{time.monotonic() - self.begin:7.1f} s] {self.progress()}")

    def stopping(self, reason: str) -> None:
        self._line(reason)

    def output(self, chunk: bytes) -> None:
        if not self._stream:
            return
        with self._lock:  # whole lines only: half a line may hold half of an escape sequence or of a command
            log = self._log + chunk
            end = max(log.rfind(b"\n"), log.rfind(b"\r", 0, -1)) + 1 or (len(log) if len(log) > _LONGEST_LINE else 0)
            lines, self._log = log[:end], log[end:]
            write(sys.stderr, _decoded(lines))

    def _line(self, text: str) -> None:
        with self._lock:
            rest = _decoded(self._log + b"\n") if self._log else ""
            self._log = b""
            write(sys.stderr, rest + (f"{text}\n" if text else ""))


class LiveDisplay(RunDisplay):
    """For a terminal: a region that is redrawn up to eight times a second and erased at the end."""

    def __init__(self, plan: LaunchPlan) -> None:
        super().__init__(plan)
        from rich.live import Live

        self._console = console_on(sys.stderr)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._log_end = b""
        self._folder = ""
        self._message = ""
        self._drawn = 0.0

    def __enter__(self) -> RunDisplay:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, folder: RunFolder, pid: int) -> None:
        self._folder = str(folder.path)
        if self.keys():
            self._console.print(self.keys(), style="cyan")
        self.tick()

    def output(self, chunk: bytes) -> None:
        self._log_end = (self._log_end + chunk[-4096:])[-4096:]

    def stopping(self, reason: str) -> None:
        self._message = reason
        self._drawn = 0.0
        self.tick()

    def tick(self) -> None:
        now = time.monotonic()
        if now - self._drawn >= _REFRESH:
            self._drawn = now
            self._live.update(self._picture(now - self.begin), refresh=True)

    def _picture(self, seconds: float) -> Any:
        from rich.console import Group
        from rich.text import Text

        done, going, wait, rule = ("ok", ">", "...", "-") if self._console.options.ascii_only else ("✓", "▶", "…", "─")
        width = self._console.width
        lines = [Text.assemble((self.headline(), "bold"), f"  {seconds:.0f} s", overflow="ellipsis", no_wrap=True)]
        for name, when in self.stages.items():
            if name not in ("evaluation_started", "evaluation_finished"):
                lines.append(Text(f"  {done} {_STAGES[name]:<18} {when:6.1f} s", style="green"))
        if self._message:
            lines.append(Text(f"  {self._message}", style="bold yellow"))
        elif "evaluation_started" in self.stages:
            lines.append(Text(f"  {going} evaluating  {self.progress()}", style="bold cyan"))
        else:
            waiting = "waiting for the simulator" if self.stages else "starting"
            lines.append(Text(f"  {wait} {waiting}", style="cyan"))
        lines.append(Text(rule * min(width, 72), style="dim"))
        tail = self._log_end.decode("utf-8", "replace").splitlines()[-_LOG_LINES:]
        lines += [Text(_printable(line)[: width - 1], style="dim", no_wrap=True) for line in tail]
        return Group(*lines)


def _count(event: Mapping[str, Any], name: str) -> int:
    """A number of the child's event that counts something; 0 if it is none."""
    return int(max(finite(event.get(name)) or 0.0, 0.0))


def _decoded(log: bytes) -> str:
    """Lines of the log. A progress bar goes back to its line's start; each of its states becomes a line of its own."""
    return log.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _printable(line: str) -> str:
    """A log line without characters that move the cursor; for a progress bar, its last state."""
    line = line.rpartition("\r")[2].expandtabs()
    return "".join(character for character in clean_line(line) if character.isprintable())


def make_run_display(plan: LaunchPlan, *, quiet: bool, verbose: bool, stream: bool) -> RunDisplay:
    """The display for this stderr: live in a terminal, plain elsewhere or if `verbose`, silent if `quiet`."""
    if quiet:
        return RunDisplay(plan)
    if sys.stderr.isatty() and not verbose:
        return LiveDisplay(plan)
    return PlainDisplay(plan, stream or verbose)
