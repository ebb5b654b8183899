"""Progress of a run on stderr: the stage that takes the time, a bar for the evaluation, and what to expect.

A terminal gets a live region; a file, a CI log or a dumb terminal gets the same facts as lines. The program's own
output is in the log, and is shown if that is asked for. Stdout is left to the result.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from pmlaunch.cli.live.quiet_keys import no_echo
from pmlaunch.cli.live.stages import StageTrack
from pmlaunch.cli.render.motions import motion_count
from pmlaunch.cli.render.terminal import console_on, write
from pmlaunch.model import LaunchPlan
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.timings import earlier_timings
from pmlaunch.support.json import finite
from pmlaunch.support.text import clean_line, duration

_REFRESH = 0.125  # seconds
_HEARTBEAT = 30.0  # seconds between lines of the plain display while nothing else happens
_LONGEST_LINE = 1 << 16  # bytes that are kept back until a line of the log ends
_BAR = 30  # columns
_DUMB = ("dumb", "unknown")  # values of TERM


class RunDisplay(AbstractContextManager["RunDisplay"]):
    """Shows nothing (for --quiet). Receives the events of a run and keeps count; subclasses show them."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.begin = time.monotonic()
        self.earlier = earlier_timings(plan)
        self.track = StageTrack(self.earlier)
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
            self.track.step()
        elif name == "motion":
            self.motions = _count(event, "done"), _count(event, "of")
            self.total = _count(event, "steps") or self.total
            self.motion_done()
        elif reached := self.track.hear(event, self.seconds()):
            self.stage(reached, event)

    def stage(self, reached: str, event: Mapping[str, Any]) -> None:
        """A milestone was reached, for the first time in this run."""

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

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begin

    def expected(self) -> float | None:
        """Seconds of the whole run: from the steps that are left or, before, from an earlier run. None if unknown."""
        if self.rate and self.total and self.steps:
            rest = max(self.total - self.steps, 0) / self.rate
            return finite(self.seconds() + rest + self.earlier.after_evaluation())
        return finite(self.earlier.seconds(self.total))

    def doing(self) -> str:
        """The stage that takes the time, and how long it took before: "importing torch, 2 s (usually 12 s)"."""
        usual = self.track.usual()
        before = f" (usually {usual:.0f} s)" if usual is not None and usual >= 1 else ""
        return f"{self.track.present}, {self.seconds() - self.track.since:.0f} s{before}"

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
    """For a file, a pipe or CI: a line per milestone and every half minute; the log as it is written if `stream` is on."""

    def __init__(self, plan: LaunchPlan, stream: bool) -> None:
        super().__init__(plan)
        self._stream = stream
        self._log = b""  # the last line of the log, which is incomplete
        self._said = self.begin
        self._lock = threading.Lock()

    def __exit__(self, *_: object) -> None:
        if self._log:
            self._line("")

    def started(self, folder: RunFolder, pid: int) -> None:
        self._line(f"{self.headline()}  (pid {pid}, {folder.path})")
        if (expected := self.expected()) is not None:
            self._line(f"about {duration(expected)} expected, from the last run like this")
        if self.keys():
            self._line(self.keys())

    def stage(self, reached: str, event: Mapping[str, Any]) -> None:
        name = event["event"]
        detail = f" {event.get('backend')} x {event.get('world_size')}" if name == "process_group" else ""
        if name == "evaluation_finished" and self.progress():
            detail = f" {self.progress()}"
        self._timed(f"{reached}{detail}")

    def motion_done(self) -> None:
        if self.motions[0] and self.motions[1] > 1:
            self._timed(self.progress())

    def tick(self) -> None:
        if time.monotonic() - self._said >= _HEARTBEAT:
            self._timed(self.progress() if self.steps and self.track.evaluating else self.doing())

    def stopping(self, reason: str) -> None:
        self._line(reason)

    def output(self, chunk: bytes) -> None:
        self.track.hear_log(chunk)
        if not self._stream:
            return
        with self._lock:  # whole lines only: half a line may hold half of an escape sequence or of a command
            log = self._log + chunk
            end = max(log.rfind(b"\n"), log.rfind(b"\r", 0, -1)) + 1 or (len(log) if len(log) > _LONGEST_LINE else 0)
            lines, self._log = log[:end], log[end:]
            write(sys.stderr, _decoded(lines))

    def _timed(self, text: str) -> None:
        self._said = time.monotonic()
        self._line(f"[{self.seconds():7.1f} s] {text}")

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
        self._open = contextlib.ExitStack()
        self._reached: list[tuple[str, float]] = []
        self._lines = 0  # of the log
        self._message = ""
        self._drawn = 0.0

    def __enter__(self) -> RunDisplay:
        self._open.enter_context(no_echo())
        self._open.enter_context(self._live)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def started(self, folder: RunFolder, pid: int) -> None:
        if self.keys():
            self._console.print(self.keys(), style="cyan")
        self.tick()

    def stage(self, reached: str, event: Mapping[str, Any]) -> None:
        if not self.track.evaluating:
            self._reached.append((reached, self.seconds()))

    def output(self, chunk: bytes) -> None:
        self.track.hear_log(chunk)
        self._lines += chunk.count(b"\n")

    def stopping(self, reason: str) -> None:
        self._message = reason
        self._drawn = 0.0
        self.tick()

    def tick(self) -> None:
        now = time.monotonic()
        if now - self._drawn >= _REFRESH:
            self._drawn = now
            self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        done, going = ("ok", ">") if self._console.options.ascii_only else ("✓", "▶")
        lines = [Text(self.headline(), style="bold")]
        lines += [Text(f"  {done} {text:<22} {when:6.1f} s", style="green") for text, when in self._reached]
        if self._message:
            lines.append(Text(f"  {self._message}", style="bold yellow"))
        elif self.track.evaluating and self.steps:
            lines.append(Text.assemble((f"  {going} evaluating  ", "bold cyan"), *self._bar()))
            lines.append(Text(f"    {self.progress()}", style="cyan"))
        else:
            lines.append(Text(f"  {going} {self.doing()}", style="bold cyan"))
        expected = self.expected()
        about = f" of about {duration(expected)}" if expected is not None and expected > self.seconds() else ""
        log = f"; output.log: {self._lines} line{'s'[: self._lines > 1]} (-v)" if self._lines else ""
        lines.append(Text(f"  {duration(self.seconds())}{about}{log}", style="dim"))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis" if not self._console.options.ascii_only else "crop"
        return Group(*lines)

    def _bar(self) -> list[tuple[str, str]]:
        """A bar of the control steps with its percentage; nothing if their number is not known."""
        if not self.total:
            return []
        share = min(self.steps / self.total, 1.0)
        width = max(min(_BAR, self._console.width - 22), 0)
        full, rest = ("#", "-") if self._console.options.ascii_only else ("━", "─")
        filled = round(share * width)
        return [(full * filled, "cyan"), (rest * (width - filled), "dim"), (f" {share:4.0%}", "bold")]


def _count(event: Mapping[str, Any], name: str) -> int:
    """A number of the child's event that counts something; 0 if it is none."""
    return int(max(finite(event.get(name)) or 0.0, 0.0))


def _decoded(log: bytes) -> str:
    """Lines of the log. A progress bar goes back to its line's start; each of its states becomes a line of its own."""
    return log.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def make_run_display(plan: LaunchPlan, *, quiet: bool, verbose: bool) -> RunDisplay:
    """The display for this stderr: live in a terminal, plain elsewhere or if `verbose`, silent if `quiet`."""
    if quiet:
        return RunDisplay(plan)
    return LiveDisplay(plan) if is_live(verbose=verbose) else PlainDisplay(plan, verbose)


def is_live(*, verbose: bool) -> bool:
    """Whether stderr can show a region that is redrawn."""
    return sys.stderr.isatty() and not verbose and os.environ.get("TERM", "") not in _DUMB
