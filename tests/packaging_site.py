"""The steps that install packages, run as `pmlaunch install` runs them; for tests, which may start this as a program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pmlaunch.installing.python.imports_step import ImportsStep
from pmlaunch.installing.python.packages_step import PackagesStep
from pmlaunch.installing.step import InstallRequest, Progress, Site, Step
from pmlaunch.model import FLAG
from pmlaunch.runtimes.interface import PythonRuntime, Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import platform_named


def make_site(
    checkout: Path,
    logs: Path,
    runtime: Runtime | None,
    environment: dict[str, str],
    simulator: str = "genesis",
    extras: tuple[str, ...] = (),
) -> Site:
    """The site of an installation into the Python of `runtime`."""
    request = InstallRequest(checkout, "v2.3", "source", (), simulator=simulator, extras=extras)
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    everything = {**own, **environment}
    return Site(request, Settings(checkout.parent, everything), platform_named(None), everything, logs, runtime)


def carry_out(step: Step, site: Site, heard: list[Progress] | None = None) -> str | None:
    """What the loop does with a step: the sentence that it proves, or None when there was nothing to do."""
    if step.todo(site) is None:
        return None
    step.do(site, (heard if heard is not None else []).append)
    return step.prove(site)


if __name__ == "__main__":
    folder, logs, python = (Path(argument) for argument in sys.argv[1:4])
    place = make_site(folder, logs, PythonRuntime(str(python), FLAG), {})
    for step in (PackagesStep(), ImportsStep()):
        print(carry_out(step, place))
