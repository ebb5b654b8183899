"""How an installation's results are shown: a line a step, and for a dry run the commands that a person could type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """ "ok checkpoints: masked_mimic/smpl/last.ckpt 304 MB; size and sha256 are right (28.4 s)"."""
    mark = _MARKS[result.state][0 if fancy else 1]
    text = result.text or result.state.value
    if result.state is State.ALREADY and result.text:
        text += " (already done)"
    took = f" ({result.seconds:.1f} s)" if result.state is State.DONE else ""
    return f"{mark} {result.title}: {text}{took}"


@dataclass(frozen=True)
class Shown:
    """An installation as people see it; `done` is the word for it, `then` what to type next."""

    came: Installation
    done: str = "installed"
    then: str | None = None

    def render(self, console: Console) -> None:
        """On stdout: the plan of a dry run, or where the log of a failure is. What was done was told while it was done."""
        from rich.text import Text

        fancy = not console.options.ascii_only
        planned = any(result.state is State.PLANNED for result in self.came.results)
        for result in self.came.results:
            if planned:
                console.print(Text(result_line(result, fancy)), soft_wrap=True)
                if result.bytes:
                    console.print(Text(f"    about {megabytes(result.bytes)} to download", style="cyan"))
                for command in result.commands:
                    console.print(Text(f"    {command}", style="dim"), soft_wrap=True)
            elif result.state is State.FAILED:
                console.print(
                    Text(result_line(result, fancy).split(": ")[0] + " failed", style="bold red"), soft_wrap=True
                )
                if result.log:
                    console.print(Text(f"log      {result.log}"), soft_wrap=True)
        if planned:
            console.print(Text(f"together about {megabytes(self.came.bytes)} to download; nothing was changed"))
        elif self.came.error is None and self.came.results:
            nothing = all(result.state is State.ALREADY for result in self.came.results)
            console.print(Text("nothing to do: it was done before" if nothing else self.done, style="bold green"))
            if self.then:
                console.print(Text(f"next: {self.then}", style="green"))
