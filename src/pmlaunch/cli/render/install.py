"""An installation for people: one line per step, and for a dry run the equivalent commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlaunch.cli.render.layout import say, symbol
from pmlaunch.installing.engine import Installation
from pmlaunch.installing.step import StepResult, StepState
from pmlaunch.support.text import megabytes

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {
    StepState.PLANNED: ("→", "->"),
    StepState.ALREADY: ("=", "="),
    StepState.DONE: ("✓", "ok"),
    StepState.FAILED: ("✗", "!!"),
}


def result_line(result: StepResult, fancy: bool = False) -> str:
    """One line such as "ok checkpoints: masked_mimic/smpl/last.ckpt 304 MB; size and sha256 are right (28.4 s)"."""
    mark = _MARKS[result.state][0 if fancy else 1]
    text = result.text or result.state.value
    if result.state is StepState.ALREADY and result.text:
        text += " (already done)"
    took = f" ({result.seconds:.1f} s)" if result.state is StepState.DONE else ""
    return f"{mark} {result.title}: {text}{took}"


def draw_installation(came: Installation, done: str, then: str | None, console: Console) -> None:
    """Print the plan of a dry run, or the logs of failed steps and the outcome. The steps were shown live.

    `done` is the word for a success, `then` the command to run next.
    """
    planned = any(result.state is StepState.PLANNED for result in came.results)
    for result in came.results:
        if planned:
            _draw_planned(result, console)
        elif result.state is StepState.FAILED:
            say(console, f"{symbol(console, *_MARKS[result.state])} {result.title} failed", style="bold red")
            if result.log:
                say(console, f"log      {result.log}")
    if planned:
        say(console, f"together about {megabytes(came.bytes)} to download; nothing was changed", wrap=True)
    elif came.error is None and came.results:
        nothing = all(result.state is StepState.ALREADY for result in came.results)
        say(console, "nothing to do: it was done before" if nothing else done, style="bold green", wrap=True)
        if then:
            say(console, f"next: {then}", style="green", wrap=True)


def _draw_planned(result: StepResult, console: Console) -> None:
    say(console, result_line(result, fancy=not console.options.ascii_only))
    if result.bytes:
        say(console, f"    about {megabytes(result.bytes)} to download", style="cyan", wrap=True)
    for command in result.commands:
        say(console, f"    {command}", style="dim")
