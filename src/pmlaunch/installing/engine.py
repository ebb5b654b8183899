"""The loop over the steps: what is to be done, do it, prove it; and what came of each."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.checkpoints.checkpoints_step import refuse_unknown_models
from pmlaunch.installing.step import InstallRequest, Progress, Site, State, Step, StepResult, Todo
from pmlaunch.model import Finding, Origin, Severity
from pmlaunch.runtimes.interface import IsaacLabRuntime, Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.disk import require_room
from pmlaunch.support.platforms import platform_named


class Observer(Protocol):
    """Who watches an installation."""

    def begins(self, step: Step, todo: Todo) -> None: ...
    def progress(self, progress: Progress) -> None: ...
    def ended(self, result: StepResult) -> None: ...


@dataclass
class Installation:
    """What came of it: a result for each step that was reached, and why it ended where that was not the end.

    `todos` is what each of them had to do, while it is only planned.
    """

    results: list[StepResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    error: PmlaunchError | None = None
    todos: list[Todo | None] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """What is to be downloaded, as far as it is known."""
        return sum(result.bytes or 0 for result in self.results)


def steps(packages: bool = True) -> list[Step]:
    """The steps in their order; without `packages` the simulator's Python is left alone."""
    from pmlaunch.installing.checkout.checkout_step import CheckoutStep
    from pmlaunch.installing.checkpoints.checkpoints_step import ModelsStep
    from pmlaunch.installing.python.imports_step import ImportsStep
    from pmlaunch.installing.python.packages_step import PackagesStep
    from pmlaunch.installing.tools_step import ToolsStep
    from pmlaunch.installing.workspace_step import WorkspaceStep

    inside: list[Step] = [PackagesStep(), ImportsStep()] if packages else []
    return [ToolsStep(), CheckoutStep(), ModelsStep(), *inside, WorkspaceStep()]


def make_site(request: InstallRequest, settings: Settings) -> Site:
    """The site of an installation on this machine; its folder for logs is made when there is something to log."""
    platform = platform_named(None)
    site = Site(request, settings, platform, settings.environment, logs_folder(settings))
    wanted = _wanted_runtime(request, settings)
    try:
        site.runtime = _runtime(request, settings, site, wanted)
    except PmlaunchError as error:
        site.findings.append(error_finding(error))
    site.learned = _learned(site.runtime)
    return site


def _learned(runtime: Runtime | None) -> dict[str, str]:
    """What a variable of this terminal, or the place beside, told: another terminal may not say so."""
    if runtime is None or any(found.severity is Severity.ERROR for found in runtime.findings):
        return {}
    if isinstance(runtime, IsaacLabRuntime):
        return {"isaaclab": str(Path(runtime.script).parent)}
    facts = runtime.facts
    return {"python": facts.path} if facts.source.origin is Origin.ACTIVE_ENVIRONMENT else {}


def logs_folder(settings: Settings) -> Path:
    """A new folder for the logs of one installation: PMLAUNCH_LOGS, or where the system keeps logs."""
    root = settings.environment.get("PMLAUNCH_LOGS")
    if root:
        home = settings.folder / Path(root).expanduser()
    else:
        from platformdirs import user_log_path

        home = user_log_path("pmlaunch", appauthor=False)
    return home / f"install-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def _wanted_runtime(request: InstallRequest, settings: Settings) -> str:
    """What the simulator asks for: isaaclab or python. Raises PML010 for a simulator that nobody knows."""
    from pmlaunch.catalog.presets import presets
    from pmlaunch.support.names import choose

    known = presets("simulator", settings.preset_folders)
    preset = choose(
        "simulator", request.simulator, known.values(), lambda item: item.names, listing="pmlaunch list simulators"
    )
    return str(preset.values.get("runtime", "python"))


def _runtime(request: InstallRequest, settings: Settings, site: Site, wanted: str) -> Runtime | None:
    """What will run the simulator. Raises PmlaunchError where it is not there."""
    from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime

    asked = RuntimeRequest(
        settings,
        site.platform,
        beside=site.checkout,
        wanted=wanted,
        via="python" if request.python and not request.isaaclab else "auto",
        isaaclab=request.isaaclab,
        python=request.python,
    )
    return choose_runtime(asked)


def plan(chosen: Sequence[Step], site: Site) -> Installation:
    """What every step would do; nothing is changed. Its error is why an installation could not begin.

    What one step lacks hides no other step: whoever plans wants to see all that has to be there.
    """
    planned, disk = Installation(), 0
    try:
        refuse_unknown_models(site)
    except PmlaunchError as error:
        planned.error = error
        chosen = ()
    for step in chosen:
        try:
            todo = step.todo(site)
        except PmlaunchError as error:
            planned.todos.append(None)
            planned.results.append(_lacking(step, error, planned.error))
            planned.error = planned.error or error
            continue
        disk += (todo.disk if todo.disk is not None else todo.bytes or 0) if todo else 0
        planned.todos.append(todo)
        planned.results.append(_planned(step, site, todo))
    try:
        require_room(site.checkout, disk)
    except PmlaunchError as error:
        planned.error = planned.error or error
    planned.findings = _all_findings(site, planned)
    return planned


def install(chosen: Sequence[Step], site: Site, observer: Observer, planned: Installation) -> Installation:
    """Do what is to be done, step by step, until one fails; every step may be interrupted and done again.

    What was planned holds until the first step has changed something; the others are asked again.
    """
    came, changed = Installation(), False
    for number, step in enumerate(chosen):
        begin = time.monotonic()
        site.log = None
        try:
            todo = step.todo(site) if changed else planned.todos[number]
            if todo is None:
                result = _planned(step, site, None)
            else:
                changed = True
                observer.begins(step, todo)
                step.do(site, observer.progress)
                result = _result(step, State.DONE, step.prove(site), todo, begin, site.log)
        except PmlaunchError as error:
            came.error = error
            result = _result(step, State.FAILED, error.message, None, begin, site.log)
        came.results.append(result)
        observer.ended(result)
        if came.error:
            break
    came.findings = _all_findings(site, came)
    return came


def _planned(step: Step, site: Site, todo: Todo | None) -> StepResult:
    if todo is None:
        return StepResult(step.name, step.title, State.ALREADY, site.said.get(step.name, ""))
    return StepResult(
        step.name,
        step.title,
        State.PLANNED,
        todo.text,
        commands=tuple(todo.commands),
        bytes=todo.bytes,
        findings=tuple(todo.findings),
    )


def _lacking(step: Step, error: PmlaunchError, first: PmlaunchError | None) -> StepResult:
    """A step that cannot be planned; the first reason of all is the installation's error, others are findings."""
    known = first is not None and (first.code, first.message) == (error.code, error.message)
    text = "cannot be planned without what is missing above" if known else error.message
    more = () if first is None or known else (error_finding(error),)
    return StepResult(step.name, step.title, State.FAILED, text, findings=more)


def _result(step: Step, state: State, text: str, todo: Todo | None, begin: float, log: Path | None) -> StepResult:
    return StepResult(
        step.name,
        step.title,
        state,
        text,
        time.monotonic() - begin,
        commands=tuple(todo.commands) if todo else (),
        bytes=todo.bytes if todo else None,
        log=log,
        findings=tuple(todo.findings) if todo else (),
    )


def _all_findings(site: Site, came: Installation) -> list[Finding]:
    every = [*site.findings, *(finding for result in came.results for finding in result.findings)]
    return list(dict.fromkeys(every))


def error_finding(error: PmlaunchError) -> Finding:
    from pmlaunch.model import Severity

    return Finding(error.code, Severity.WARNING, error.message, error.hint, None, error.subject)
