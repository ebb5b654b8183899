"""Runs the steps that install packages as `pmlaunch install` does; tests may also start it as a program."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.git.progress import Progress, Reporter
from pmlaunch.installing.context import InstallContext, InstallRequest
from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.step import AlreadyDone, InstallStep
from pmlaunch.model import FLAG
from pmlaunch.runtimes.interface import Runtime, python_runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import platform_named


def make_context(
    checkout: Path,
    logs: Path,
    runtime: Runtime | None,
    environment: dict[str, str],
    simulator: str = "genesis",
) -> InstallContext:
    """The context of an installation into the Python of `runtime`."""
    request = InstallRequest(checkout, "v2.3", "source", (), simulator=simulator)
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    settings = Settings(checkout.parent, {**own, **environment})
    return InstallContext(request, settings, platform_named(None), logs, runtime)


@dataclass
class Runner:
    """Does what the engine does with a step, and passes on what steps learn. `report` is that of the last step."""

    context: InstallContext
    heard: list[Progress] = field(default_factory=list)
    report: Reporter = field(init=False)

    def __post_init__(self) -> None:
        self.report = Reporter(self.heard.append)

    def run(self, step: InstallStep) -> str | None:
        """The text of what was done; None if there was nothing to do."""
        self.report = Reporter(self.heard.append)
        planned = step.plan(self.context)
        if isinstance(planned, AlreadyDone):
            return None
        done = step.do(self.context, self.report)
        self.context = self.context.knowing(done.learned)
        return done.text


if __name__ == "__main__":
    folder, logs, python = (Path(argument) for argument in sys.argv[1:4])
    runner = Runner(make_context(folder, logs, python_runtime(str(python), FLAG), {}))
    for step in (PackagesStep(), ImportsStep()):
        print(runner.run(step))
