"""The process of one job: plans its evaluations, runs them in as few starts as it can, and reports each on its stdout.

    python -m pmlaunch.sweeping.job_program JOB.json

The executor starts it, see `executor`. It ends each run politely when the job's stop file appears, or when the executor
is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, RunRecord, Severity
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.processes.guardian import MARKER
from pmlaunch.running.asked import asked_for
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.started_run import PreparedRun
from pmlaunch.running.together import run_together, why_not_together
from pmlaunch.runs.rerun import command_words
from pmlaunch.settings import Settings
from pmlaunch.support.json import dumps
from pmlaunch.sweeping.cells import Attempt, tie
from pmlaunch.sweeping.job_file import JobOrder, Report, failed_to_start, read_order, stop_file
from pmlaunch.sweeping.journal import RUNS
from pmlaunch.sweeping.model import Evaluation

_ALIVE = 5.0  # seconds between signs of life


def main(path: str) -> int:
    """Run the job in the file `path`. Return 0 unless it was asked to stop."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell starts in the background
    os.environ.pop(MARKER, None)  # marks this process only: what it starts has guardians of its own
    order = read_order(Path(path))
    watch = _StopWatch(order, stop_file(Path(path)))
    for group in _groups(order):
        if watch.must_stop():
            break
        attempts = [Attempt(each.id, order.attempts[each.id]) for each, _ in group]
        observer = _Observer(attempts, watch)
        try:
            records = run_together([prepared for _, prepared in group], observer)
        except PmlaunchError as error:
            for attempt in attempts[observer.concluded :]:
                _report(failed_to_start(attempt.evaluation, error))
        else:
            observer.conclude(records)
    return Exit.INTERRUPTED if watch.must_stop() else Exit.DONE


def _groups(order: JobOrder) -> list[list[tuple[Evaluation, PreparedRun]]]:
    """The evaluations that can be started, in groups that can share a start. Reports those that cannot."""
    groups: list[list[tuple[Evaluation, PreparedRun]]] = []
    for evaluation in order.job.evaluations:
        sys.stdout.write("\n")  # a sign of life: many evaluations take longer to plan than a job may be silent
        sys.stdout.flush()
        try:
            prepared = _prepared(order, evaluation)
        except PmlaunchError as error:
            _report(failed_to_start(evaluation.id, error))
            continue
        fitting = (group for group in groups if why_not_together(group[0][1].plan, prepared.plan) is None)
        group = next(fitting, None)
        if group is None:
            groups.append([(evaluation, prepared)])
        else:
            group.append((evaluation, prepared))
    return groups


def _prepared(order: JobOrder, evaluation: Evaluation) -> PreparedRun:
    """Plan and check one evaluation. Raises PmlaunchError if that fails, or if it must not be started."""
    request = replace(evaluation.request, runs=str(order.sweep / RUNS))
    settings = Settings.here(trust_workspace=request.trust_workspace)
    planned = make_plan(request, settings)
    findings = _checked(planned)
    # not in the job's own environment, from which planning removes what other launchers left there
    plan = replace(planned.plan, env={**planned.plan.env, "MASTER_PORT": str(order.port)})
    return PreparedRun(plan, findings, asked_for(command_words(request), settings, request))


def _checked(planned: Planned) -> tuple[Finding, ...]:
    """The findings of the checks. Raises the first error among them."""
    findings = [*preflight(planned), *(each.finding(Severity.ERROR) for each in planned.untrusted)]
    if exit_code_of(findings) != Exit.DONE:
        found = next(finding for finding in findings if finding.severity is Severity.ERROR)
        raise PmlaunchError(found.code, found.message, hint=found.hint, subject=found.subject)
    return tuple(findings)


def _report(report: Report) -> None:
    sys.stdout.write(f"\n{dumps(report)}\n")  # on a line of its own, whatever else was printed
    sys.stdout.flush()


class _StopWatch:
    """Whether the job has to stop; and its signs of life."""

    def __init__(self, order: JobOrder, file: Path) -> None:
        self._launcher, self._file = order.launcher, file
        self._told = time.monotonic()
        self._asked = False

    def must_stop(self) -> bool:
        """Whether the job was asked to stop, or its executor is gone (which the system tells on POSIX only)."""
        return self._file.exists() or (os.name == "posix" and os.getppid() != self._launcher)

    def look(self) -> None:
        """Interrupt the run in progress if the job has to stop, as Ctrl+C would. Called several times a second."""
        if not self._asked and self.must_stop():
            self._asked = True
            signal.raise_signal(signal.SIGINT)
        if time.monotonic() - self._told >= _ALIVE:
            self._told = time.monotonic()
            _report(Report())


class _Observer:
    """Ties each run folder to its evaluation when it begins, and reports it then and when it has ended."""

    def __init__(self, attempts: Sequence[Attempt], watch: _StopWatch) -> None:
        self.concluded = 0
        self._attempts, self._watch = attempts, watch
        self._folders: list[RunFolder] = []

    def started(self, folder: RunFolder, pid: int) -> None:  # noqa: ARG002 (of RunObserver)
        attempt = self._attempts[len(self._folders)]
        self._folders.append(folder)
        tie(folder, attempt)
        _report(Report(attempt.evaluation, folder.path.name))

    def conclude(self, records: Sequence[RunRecord]) -> None:
        """The process has ended. Runs that it did not come to are not kept."""
        self._report_ended(len(self._folders))
        for record in records[len(self._folders) :]:
            RunFolder(record.folder).discard()

    def _report_ended(self, number: int) -> None:
        """Report the first `number` runs, whose records are final, unless that is done already."""
        for index in range(self.concluded, number):
            _report(Report(self._attempts[index].evaluation, self._folders[index].path.name, ended=True))
            self.concluded += 1

    def tick(self) -> None:
        self._report_ended(len(self._folders) - 1)  # when a run begins, the one before it is concluded
        self._watch.look()

    def event(self, event: Mapping[str, Any]) -> None: ...

    def output(self, chunk: bytes) -> None: ...

    def stopping(self, reason: str) -> None: ...


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
