"""The course of a run: read the spec, install the hooks, run the script, speak the verdict."""

from __future__ import annotations

import os
import sys

from pmlaunch_agent import arguments, closing, compat, distributed, evaluate_v2, script, watch
from pmlaunch_agent.imports import PostImportHooks
from pmlaunch_agent.leaving import leave_quickly
from pmlaunch_agent.limits import Watchdog, accept_interrupts, refuse_interrupts
from pmlaunch_agent.outcome import show, without_agent
from pmlaunch_agent.record import Record
from pmlaunch_agent.spec import Spec, SpecError, apply_environment, read_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXIT_CANNOT_BEGIN = 5


def main() -> int:
    """Run what PMLAUNCH_SPEC asks for; returns the exit code for the process."""
    try:
        spec = read_spec(os.environ)
        rank = local_rank()
        record = Record(spec, rank, spec.argv)
    except SpecError as error:
        return _cannot_begin(str(error))
    except OSError as error:
        return _cannot_begin(f"cannot write the result of the run: {error}")

    caught: BaseException | None = None
    watchdog = Watchdog(record, spec.max_seconds, spec.stop_file)
    try:
        apply_environment(spec)
        script.prepare_streams()
        accept_interrupts()
        script.prepare_paths(spec)
        install_hooks(spec, record)
        watchdog.start()
        record.save(status="running")
        start(spec)
    except BaseException as error:
        caught = without_agent(error)
    refuse_interrupts()
    watchdog.stop()
    exit_code = record.finish(caught)
    if caught is not None:
        show(caught)
    leave_quickly()
    accept_interrupts()
    return exit_code


def start(spec: Spec) -> None:
    """Run the program; returns at its end, and lets through whatever it raises.

    Every rank gets the spec's own arguments: those that Lightning adds for the others name Hydra's folder again, in
    quotes that not every path survives.
    """
    if spec.script is not None:
        script.run(spec.script, spec.argv)
    elif spec.module is not None:
        script.run_module(spec.module, spec.argv)


def local_rank() -> int:
    """The rank within this machine; 0 unless Lightning started this process as another one."""
    rank = os.environ.get("LOCAL_RANK", "")
    return int(rank) if rank.isdigit() else 0


def install_hooks(spec: Spec, record: Record) -> None:
    """Everything that will act on the modules that the script imports."""
    hooks = PostImportHooks(on_error=record.note)
    compat.install(spec.compat, hooks, record.healed)
    for name in spec.compat:
        if name not in compat.NAMES:
            record.note(f"this agent knows no repair named {name!r}")
    arguments.install(spec.arguments, hooks, record)
    distributed.install(spec.ddp_backend, hooks, record)
    closing.install(hooks, record)
    watch.install(spec.watch, hooks, record)
    evaluate_v2.install(spec, record)


def load_for_worker(namespace: dict[str, Any]) -> None:
    """Give a worker process of multiprocessing the script's functions and classes."""
    spec = read_spec(os.environ)
    compat.install(spec.compat, PostImportHooks(on_error=_say_nothing), healed=_say_nothing)
    if spec.script is not None:
        script.load_into(namespace, spec.script)


def _say_nothing(_text: str) -> None:
    """The process that started this worker has reported it."""


def _cannot_begin(reason: str) -> int:
    print(f"pmlaunch_agent: {reason}", file=sys.stderr)
    return EXIT_CANNOT_BEGIN
