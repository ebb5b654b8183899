"""The course of a run: read the spec, install the hooks, run the script, report the result."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from pmlaunch_agent import protomotions3, script
from pmlaunch_agent.contract import SPEC_VARIABLE, ContractError, RunLimits, Spec, from_document
from pmlaunch_agent.hooks import compiler, isaac, limits, one_rank_group, patches, process_exit, seeds, watch
from pmlaunch_agent.hooks.evaluations import Evaluations
from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.report.ending import show, without_agent
from pmlaunch_agent.report.files import EventsFile, ResultFile
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.result import RunResult

EXIT_CANNOT_BEGIN = 5


def main() -> int:
    """Run what PMLAUNCH_SPEC asks for; return the exit code of the process."""
    given = os.environ.get("LOCAL_RANK", "")  # within this machine: Lightning started all but rank 0
    rank = int(given) if given.isdigit() else 0
    try:
        spec = read_spec()
        result = RunResult(rank, spec.script or spec.module, spec.argv, spec.hooks.ddp_backend)
        events = EventsFile(spec.events, rank)
        result_file = ResultFile(spec.result, result)
    except (ContractError, OSError) as error:
        reason = error if isinstance(error, ContractError) else f"cannot write the result of the run: {error}"
        print(f"pmlaunch_agent: {reason}", file=sys.stderr)
        return EXIT_CANNOT_BEGIN

    exit_code = _run(spec, Journal(result, events, result_file))
    if result_file.error is not None:
        print(f"pmlaunch_agent: {result_file.path} can no longer be written", file=sys.stderr)
    process_exit.prepare_quick_exit()
    if isaac.kit_is_loaded():
        process_exit.end_now(exit_code)
    limits.handle_interrupts()
    return exit_code


def read_spec() -> Spec:
    """The spec that PMLAUNCH_SPEC names. Raises ContractError, also if there is none."""
    path = os.environ.get(SPEC_VARIABLE)
    if not path:
        raise ContractError(f"{SPEC_VARIABLE} is not set: pmlaunch starts this program; do not start it by hand")
    try:
        with open(path, encoding="utf-8-sig") as file:
            document = json.load(file)
    except OSError as error:
        raise ContractError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ContractError(f"{path} is not JSON: {error}") from error
    return from_document(document, path)


def _run(spec: Spec, journal: Journal) -> int:
    """Run the program and report its end; return the exit code."""
    known = vars(journal.result)
    journal.event("started", **{name: known[name] for name in ("pid", "python", "executable", "platform")})
    caught: BaseException | None = None
    ended = threading.Event()
    watchdog = threading.Thread(target=limits.watch, args=(journal, spec, ended), daemon=True)
    try:
        script.prepare(spec)
        script.customize(spec.import_path, journal)
        limits.handle_interrupts()
        install_hooks(spec, journal)
        if spec.limits != RunLimits():
            watchdog.start()
        journal.running()
        script.run(spec)
    except BaseException as error:
        caught = without_agent(error)
    limits.handle_interrupts(ignore=True)  # the result is being written
    ended.set()
    if isaac.kit_is_loaded():
        journal.repaired("process_end", "Skipping Kit's shutdown, because it may hang")
    exit_code = journal.finish(caught)
    if caught is not None:
        show(caught)
    return exit_code


def install_hooks(spec: Spec, journal: Journal) -> None:
    """Install everything that acts on the modules that the script imports."""
    wanted, post_import = spec.hooks, PostImportHooks(on_error=journal.note)
    patches.repair(wanted.compat, post_import, journal.repaired)
    for name in wanted.compat:
        if name not in patches.REPAIRS:
            journal.note(f"this agent has no repair named {name!r}")
    patches.set_arguments(wanted.arguments, post_import, journal)
    if wanted.ddp_backend:
        patches.set_backend(wanted.ddp_backend, post_import, journal)
    evaluations = Evaluations(spec, journal)
    if wanted.seed is not None:
        seeds.install(wanted.seed + journal.result.rank, post_import, journal)
    compiler.install(post_import)
    one_rank_group.install(post_import, journal)
    process_exit.install(journal)
    isaac.install(post_import, journal, recording=wanted.record is not None)
    meter = watch.StepMeter(journal, wanted.max_steps, reporting=journal.result.rank == 0)
    journal.add(meter)
    handlers = watch.common_handlers(journal, meter)
    handlers["checkpoint_loaded"] = lambda function, point: evaluations.noting_load(
        watch.milestone(journal, function, point)
    )
    handlers["evaluations"] = lambda function, _: evaluations.repeated(function)
    if any(point.event in protomotions3.EVENTS for point in wanted.watch):
        from pmlaunch_agent.protomotions3 import evaluation

        handlers.update(evaluation.handlers(wanted, journal))
        handlers["full_evaluation"] = lambda function, _: evaluation.repeated(evaluations, journal, function)
    watch.install(wanted.watch, handlers, post_import, journal)
    if wanted.agent is not None:
        from pmlaunch_agent import protomotions2

        protomotions2.install(wanted, journal, evaluations)


def load_for_worker(namespace: dict[str, Any]) -> None:
    """Give a worker process of multiprocessing the script's functions and classes."""
    spec = read_spec()
    # the process that started this worker has reported everything
    patches.repair(spec.hooks.compat, PostImportHooks(on_error=lambda _: None), repaired=lambda *_: None)
    if spec.script is not None:
        script.load_into(namespace, spec.script)
