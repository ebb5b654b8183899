"""The course of a run: read the spec, install the hooks, run the script, report the result."""

from __future__ import annotations

import os
import sys
from typing import Any

from pmlaunch_agent import script
from pmlaunch_agent.contract import Spec
from pmlaunch_agent.hooks import keyword_arguments, process_group, repairs, simulator_close, watch
from pmlaunch_agent.hooks.limits import Watchdog, accept_interrupts, refuse_interrupts
from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.hooks.shutdown import prepare_quick_exit
from pmlaunch_agent.protomotions2 import evaluation
from pmlaunch_agent.protomotions3.handlers import handlers
from pmlaunch_agent.report.ending import show, without_agent
from pmlaunch_agent.report.events_file import EventsFile
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.result_file import ResultFile
from pmlaunch_agent.report.run_result import RunResult
from pmlaunch_agent.report.step_meter import StepMeter
from pmlaunch_agent.spec import SpecError, apply_environment, read_spec

EXIT_CANNOT_BEGIN = 5


def main() -> int:
    """Run what PMLAUNCH_SPEC asks for; return the exit code of the process."""
    try:
        spec = read_spec(os.environ)
        result = RunResult(
            rank=local_rank(),
            script=spec.script or spec.module,
            argv=list(spec.argv),
            backend_requested=spec.hooks.ddp_backend,
        )
        events = EventsFile(spec.events, result.rank)
        result_file = ResultFile(spec.result, result)
    except SpecError as error:
        return _cannot_begin(str(error))
    except OSError as error:
        return _cannot_begin(f"cannot write the result of the run: {error}")

    journal = Journal(result, events, result_file)
    exit_code = _run(spec, journal)
    if result_file.error is not None:
        print(f"pmlaunch_agent: {result_file.path} cannot be written any more", file=sys.stderr)
    prepare_quick_exit()
    accept_interrupts()
    return exit_code


def _run(spec: Spec, journal: Journal) -> int:
    """Run the program and report its end; return the exit code."""
    result = journal.result
    journal.event(
        "started", pid=result.pid, python=result.python, executable=result.executable, platform=result.platform
    )
    caught: BaseException | None = None
    watchdog = Watchdog(journal, spec.limits)
    try:
        apply_environment(spec)
        script.prepare_streams()
        accept_interrupts()
        script.prepare_paths(spec)
        install_hooks(spec, journal)
        watchdog.start()
        journal.running()
        start(spec)
    except BaseException as error:
        caught = without_agent(error)
    refuse_interrupts()
    watchdog.stop()
    exit_code = journal.finish(caught)
    if caught is not None:
        show(caught)
    return exit_code


def start(spec: Spec) -> None:
    """Run the program; return when it ends, and raise whatever it raises.

    Every rank gets the spec's own arguments: those that Lightning adds for the others repeat Hydra's folder, in quotes
    that not every path survives.
    """
    if spec.script is not None:
        script.run_script(spec.script, spec.argv)
    elif spec.module is not None:
        script.run_module(spec.module, spec.argv)


def local_rank() -> int:
    """The rank within this machine; 0 unless Lightning started this process as another one."""
    rank = os.environ.get("LOCAL_RANK", "")
    return int(rank) if rank.isdigit() else 0


def install_hooks(spec: Spec, journal: Journal) -> None:
    """Install everything that acts on the modules that the script imports."""
    wanted, post_import = spec.hooks, PostImportHooks(on_error=journal.note)
    repairs.install(wanted.compat, post_import, journal.repaired)
    for name in wanted.compat:
        if name not in repairs.NAMES:
            journal.note(f"this agent knows no repair named {name!r}")
    keyword_arguments.install(wanted.arguments, post_import, journal)
    process_group.install(wanted.ddp_backend, post_import, journal)
    simulator_close.install(post_import, journal)
    meter = StepMeter(journal, wanted.max_steps, reporting=journal.result.rank == 0)
    journal.add(meter)
    table = {**watch.common_handlers(journal, meter), **handlers(wanted, journal)}
    watch.install(wanted.watch, table, post_import, journal)
    if wanted.agent is not None:
        evaluation.install(wanted, journal)


def load_for_worker(namespace: dict[str, Any]) -> None:
    """Give a worker process of multiprocessing the script's functions and classes."""
    spec = read_spec(os.environ)
    repairs.install(spec.hooks.compat, PostImportHooks(on_error=_ignore), repaired=_ignore)
    if spec.script is not None:
        script.load_into(namespace, spec.script)


def _ignore(_text: str) -> None:
    """The process that started this worker has reported it."""


def _cannot_begin(reason: str) -> int:
    print(f"pmlaunch_agent: {reason}", file=sys.stderr)
    return EXIT_CANNOT_BEGIN
