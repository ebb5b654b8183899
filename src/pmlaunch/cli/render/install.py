"""An installation for people: one line per step, and for a dry run the equivalent commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlaunch.cli.render.encoding import symbol
from pmlaunch.installing.engine import Installation
from pmlaunch.installing.step import State, StepResult
from pmlaunch.support.text import megabytes

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {
    State.PLANNED: ("→", "->"),
    State.ALREADY: ("=", "="),
    State.DONE: ("✓", "ok"),
    State.FAILED: ("✗", "!!"),
}


def result_line(result: StepResult, fancy: bool = False) -> str:
    """One line such as "ok checkpoints: masked_mimic/smpl/last.ckpt 304 MB; size and sha256 are right (28.4 s)"."""
    mark = _MARKS[result.state][0 if fancy else 1]
    text = result.text or result.state.value
    if result.state is State.ALREADY and result.text:
        text += " (already done)"
    took = f" ({result.seconds:.1f} s)" if result.state is State.DONE else ""
    return f"{mark} {result.title}: {text}{took}"


def draw_installation(
    came: Installation, console: Console, *, done: str = "installed", then: str | None = None
) -> None:
    """Print the plan of a dry run, or the logs of failed steps and the outcome. The steps were shown live.

    `done` is the word for a success, `then` the command to run next.
    """
    from rich.text import Text

    planned = any(result.state is State.PLANNED for result in came.results)
    for result in came.results:
        if planned:
            _draw_planned(result, console)
        elif result.state is State.FAILED:
            _draw_failed(result, console)
    if planned:
        console.print(Text(f"together about {megabytes(came.bytes)} to download; nothing was changed"))
    elif came.error is None and came.results:
        nothing = all(result.state is State.ALREADY for result in came.results)
        console.print(Text("nothing to do: it was done before" if nothing else done, style="bold green"))
        if then:
            console.print(Text(f"next: {then}", style="green"))


def _draw_planned(result: StepResult, console: Console) -> None:
    from rich.text import Text

    console.print(Text(result_line(result, fancy=not console.options.ascii_only)), soft_wrap=True)
    if result.bytes:
        console.print(Text(f"    about {megabytes(result.bytes)} to download", style="cyan"))
    for command in result.commands:
        console.print(Text(f"    {command}", style="dim"), soft_wrap=True)


def _draw_failed(result: StepResult, console: Console) -> None:
    from rich.text import Text

    mark = symbol(console, *_MARKS[result.state])
    console.print(Text(f"{mark} {result.title} failed", style="bold red"), soft_wrap=True)
    if result.log:
        console.print(Text(f"log      {result.log}"), soft_wrap=True)
