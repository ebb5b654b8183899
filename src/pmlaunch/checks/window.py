"""Check whether the run's window can open and upstream can record it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.command_line import corrected
from pmlaunch.planning.plan import Planned
from pmlaunch.runtimes.python_files import missing_distributions, pip_install


def check_window(planned: Planned) -> Iterator[Finding]:
    """Check that a requested window can open and that a requested video can be made."""
    plan = planned.plan
    if GENERATIONS[plan.generation].embedded:
        if planned.request.endless:
            message = "--endless needs a simulator's window, and the demo has none."
            fix = corrected(planned.request, endless=False)
            yield Finding("PML133", Severity.ERROR, message, fix, fix, "--endless")
        elif planned.request.headless is False:
            message = "--window has no effect, because the demo has no window. poses.png shows what the policy did."
            fix = corrected(planned.request, headless=None)
            yield Finding("PML133", Severity.NOTE, message, fix, fix, "--window")
        if plan.record:
            message = "--record records a simulator's window, and the demo has none. --save-motion saves the motion."
            fix = corrected(planned.request, record=False, save_motion=True)
            yield Finding("PML119", Severity.ERROR, message, fix, fix, "--record")
    elif plan.headless:
        if plan.record:
            message = (
                "--record needs a window, but this run is headless: ProtoMotions records the contents of its window."
            )
            shown = (
                "run it with --window in a desktop session"
                if plan.windows
                else "without a display, run xvfb-run pmlaunch ... --window"
            )
            way = "--window" if planned.no_display is None else shown
            yield Finding("PML119", Severity.ERROR, message, f"{way}, or leave out --record", None, "--record")
    elif lacks_display(planned.no_display):
        message = f"No window can open: {planned.no_display}. The simulator would end."
        unseen = "" if plan.windows else ", set DISPLAY, or run xvfb-run pmlaunch ... for an invisible window"
        option = "--endless" if planned.request.endless else "--window"
        yield Finding(
            "PML133", Severity.ERROR, message, f"--headless{unseen}; to try anyway: --no-check PML133", None, option
        )
    elif plan.record and not plan.foreign and missing_distributions(planned.runtime, ["moviepy"]):
        chosen = planned.runtime.facts.python
        python = chosen.path if chosen else "python"
        message = f"--record needs moviepy, which was not found in the packages of {python}."
        command = f"{pip_install(chosen)} moviepy"
        yield Finding("PML119", Severity.WARNING, message, command, command, "--record")


def lacks_display(no_display: str | None) -> bool:
    """Whether no window can open here; macOS has a display without any variable that says so."""
    return no_display is not None and sys.platform != "darwin"
