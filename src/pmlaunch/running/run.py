"""Run plans: create their folders, start the program, watch it, stop it if necessary, and record the results."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pmlaunch.model import Finding, LaunchPlan, RunRecord
from pmlaunch.processes.child import ChildCommand
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, Grace, supervised
from pmlaunch.request import Asked
from pmlaunch.running.agent_reports import EXIT_LIMIT
from pmlaunch.running.inputs import write_inputs
from pmlaunch.running.run_folder import LOG, RECORD
from pmlaunch.running.run_watcher import START_LIMIT, RunObserver, RunWatcher
from pmlaunch.running.spec import child_environment
from pmlaunch.running.started_run import PreparedRun, StartedRun
from pmlaunch.running.timings import remember_timings

_GRACE = Grace(5.0, 5.0)  # seconds for the agent to write its verdict
GRACE_TO_WRITE = Grace(
    60.0, 600.0
)  # the same if it also writes a video or a motion that was asked for, and reports its progress


def run_plan(
    plan: LaunchPlan, findings: tuple[Finding, ...], observer: RunObserver, asked: Asked | None = None
) -> RunRecord:
    """Run `plan` to its end and return its record, which is also in the run folder. `asked` is how it was asked for.

    Raises PML204 if the folder cannot be written and PML205 if the program cannot be started; no folder is left
    behind then.
    """
    return run_in_one_process([PreparedRun(plan, findings, asked)], observer)[0]


def run_in_one_process(prepared: Sequence[PreparedRun], observer: RunObserver) -> list[RunRecord]:
    """Run plans one after another in the process that the first one describes; see `run_plan`, and together.py.

    What stops the process stops all of them; those that have ended keep their verdicts.
    """
    with Interrupts() as interrupts:
        runs: list[StartedRun] = []
        watcher: RunWatcher | None = None
        guardian: Guardian | None = None
        try:
            for each in prepared:
                runs.append(StartedRun.create(each))  # noqa: PERF401 (if one fails, the others are discarded)
            _write_inputs(runs)
            guardian = Guardian(str(runs[0].folder.file("spec.json")), *(run.folder.file(RECORD) for run in runs))
            watcher = RunWatcher(runs, observer)
            ended = supervised(_command(runs[0]), guardian, interrupts, _limits(runs), watcher)
        except BaseException:
            if watcher is None or watcher.pid is None:
                for run in runs:
                    run.folder.discard()
                if guardian is not None:
                    guardian.dismiss()
            raise
        watcher.conclude(ended)
        for run in runs:
            run.folder.conclude(run.record)
        remember_timings(runs[0].plan, runs[0].record)  # the others do not tell how long a start takes
        guardian.dismiss()
        return [run.record for run in runs]


def _write_inputs(runs: Sequence[StartedRun]) -> None:
    first, *others = runs
    write_inputs(first.plan, first.folder, [(other.plan, other.folder) for other in others])
    for other in others:
        write_inputs(other.plan, other.folder)
    for run in runs:
        run.folder.reserve()
        run.folder.write(RECORD, run.record)


def _command(run: StartedRun) -> ChildCommand:
    environment = child_environment(run.plan, run.folder, os.environ)
    return ChildCommand(run.plan.command, environment, cwd=run.plan.cwd, log=run.folder.file(LOG))


def _limits(runs: Sequence[StartedRun]) -> ChildLimits:
    plan = runs[0].plan
    timeout = None if plan.timeout is None else plan.timeout * len(runs)
    return ChildLimits(timeout, plan.silence, _grace(plan), START_LIMIT, EXIT_LIMIT)


def _grace(plan: LaunchPlan) -> Grace:
    return GRACE_TO_WRITE if plan.record or plan.asks_for_motion else _GRACE
