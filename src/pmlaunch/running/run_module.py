"""Run a module in the simulator's Python: pip, or the agent's probe.

The module runs through the agent, as an evaluation does, because `isaaclab.bat -p -m pip install ...` returns 0 when pip
fails, and splits arguments at `=`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import SPEC_VARIABLE, Hooks, RunLimits, Spec, to_document
from pmlaunch.model import Finding
from pmlaunch.planning.launch import agent_environment, import_path, set_by_agent
from pmlaunch.processes.child import ChildCommand
from pmlaunch.processes.supervise import ChildLimits, ChildResult, Ending, Watcher, run_child
from pmlaunch.running.agent_reports import EXIT_LIMIT, RESULT_FILE, AgentResult, VerdictWatch, agent_result
from pmlaunch.running.diagnosis import diagnose_exit
from pmlaunch.running.inputs import provide_agent
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.support.json import read_mapping
from pmlaunch.support.platforms import Platform


@dataclass(frozen=True)
class ModuleRun:
    """A module to run as `python -m module argv...` in the Python of `runtime`, with the launcher's `environment`.

    `folder` gets spec.json, result.json and output.log, and is the working directory unless `cwd` is given. Folders in
    `python_path` are searched after all others; `compat` names the agent's repairs to apply (see
    pmlaunch_agent.hooks.patches). The module is told to write the JSON file `reply`, and ended after `timeout` seconds.
    """

    runtime: Runtime
    platform: Platform
    module: str
    argv: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    cwd: Path | None = None
    python_path: Sequence[Path] = ()
    compat: Sequence[str] = ()
    reply: Path | None = None
    timeout: float | None = None


@dataclass(frozen=True)
class ModuleResult:
    """How a module ended.

    `exit_code` is the module's own, 1 for an `exception`, {type, message, traceback}. Without a verdict from the agent it
    is None; `finding` says why, unless the module `timed_out`. `log` has all of the output, `tail` its last lines;
    `reply` is the JSON object that the module wrote; `hooks` are the agent's that took effect, each {hook, ...}.
    """

    exit_code: int | None
    exception: Mapping[str, Any] | None
    tail: tuple[str, ...]
    log: Path
    seconds: float
    timed_out: bool = False
    finding: Finding | None = None
    reply: Mapping[str, Any] | None = None
    hooks: tuple[Mapping[str, Any], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the agent's verdict is exit code 0."""
        return self.exit_code == 0


def run_module(run: ModuleRun, listener: Callable[[bytes], None] | None = None) -> ModuleResult:
    """Run a module to its end; `listener` gets its output in pieces, on another thread.

    Ctrl+C ends the module and everything it started, then raises KeyboardInterrupt.

    Raises PML204 if the folder cannot be written and PML205 if the program cannot be started.
    """
    folder = RunFolder(run.folder)
    changes = agent_environment(run.platform, run.runtime, run.environment)
    provide_agent(changes)
    run.folder.mkdir(parents=True, exist_ok=True)
    for leftover in (folder.file(RESULT_FILE), *([run.reply] if run.reply else [])):
        leftover.unlink(missing_ok=True)
    spec = Spec(
        script=None,
        module=run.module,
        argv=tuple(run.argv),
        cwd=str(run.cwd or run.folder),
        import_path=import_path(run.platform, run.runtime, run.environment),
        python_path=tuple(map(str, run.python_path)),
        env=set_by_agent(changes),
        hooks=Hooks(compat=tuple(run.compat)),
        limits=RunLimits(),
        result=str(folder.file(RESULT_FILE)),
        events=None,
    )
    folder.write("spec.json", to_document(spec), exact=True)
    mark = str(folder.file("spec.json"))
    variables = {**run.environment, **changes, SPEC_VARIABLE: mark}
    environment = {name: value for name, value in variables.items() if value is not None}
    command = ChildCommand(run.runtime.command(), environment, cwd=run.folder, log=folder.file("output.log"))
    limits = ChildLimits(time=run.timeout, exit=EXIT_LIMIT)
    watcher = Watcher(listener, has_concluded=VerdictWatch(folder.file(RESULT_FILE)).is_given)
    return _result(run, folder, run_child(command, mark, limits, watcher))


def _result(run: ModuleRun, folder: RunFolder, ended: ChildResult) -> ModuleResult:
    document = folder.read(RESULT_FILE)
    result = agent_result(document) if document is not None else AgentResult()
    output = ended.tail, ended.log, ended.seconds
    if result.is_final:
        reply = (read_mapping(run.reply) or None) if run.reply is not None else None
        return ModuleResult(result.exit_code, result.exception, *output, reply=reply, hooks=result.hooks)
    if ended.ending is Ending.TIME_LIMIT:
        return ModuleResult(None, None, *output, timed_out=True)
    batch = BatchFile.of(run.runtime.facts)
    finding = diagnose_exit(ended.exit_code, document is not None, ended.tail, batch)
    return ModuleResult(None, None, *output, finding=finding)
