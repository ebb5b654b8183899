"""The process of one job: plans its evaluations and runs them, one after another, and reports each on its stdout.

    python -m pmlaunch.sweeping.job_program JOB.json

The executor starts it, see `executor`. It ends each run politely when the job's stop file appears, or when the executor
is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.processes.guardian import MARKER
from pmlaunch.running.asked import asked_for
from pmlaunch.running.run import run_plan
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.runs.rerun import command_words
from pmlaunch.settings import Settings
from pmlaunch.support.json import dumps
from pmlaunch.sweeping.cells import Attempt, tie
from pmlaunch.sweeping.job_file import JobOrder, Report, failed_to_start, read_order, stop_file
from pmlaunch.sweeping.journal import RUNS
from pmlaunch.sweeping.model import Evaluation
from pmlaunch.sweeping.slots import PORT_VARIABLE

_ALIVE = 5.0  # seconds between signs of life


def main(path: str) -> int:
    """Run the job in the file `path`. Return 0 unless it was asked to stop."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell starts in the background
    os.environ.pop(MARKER, None)  # marks this process only: what it starts has guardians of its own
    order = read_order(Path(path))
    watch = _StopWatch(order, stop_file(Path(path)))
    for evaluation in order.job.evaluations:
        if watch.must_stop():
            return Exit.INTERRUPTED
        try:
            _evaluate(order, evaluation, watch)
        except PmlaunchError as error:
            _report(failed_to_start(evaluation.id, error))
    return Exit.INTERRUPTED if watch.must_stop() else Exit.DONE


def _evaluate(order: JobOrder, evaluation: Evaluation, watch: _StopWatch) -> None:
    """Run one evaluation. Raises PmlaunchError if it cannot be planned, or must not be started."""
    request = replace(evaluation.request, runs=str(order.sweep / RUNS))
    settings = Settings.here(trust_workspace=request.trust_workspace)
    planned = make_plan(request, settings)
    findings = _checked(planned)
    plan = replace(planned.plan, env={**planned.plan.env, PORT_VARIABLE: str(order.port)})
    asked = asked_for(command_words(request), settings, request)
    observer = _Observer(Attempt(evaluation.id, order.attempts[evaluation.id]), watch)
    record = run_plan(plan, findings, observer, asked)
    _report(Report(evaluation.id, record.folder.name, ended=True))


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
    """Ties each run folder to its evaluation as soon as it has started, and reports it."""

    def __init__(self, attempt: Attempt, watch: _StopWatch) -> None:
        self._attempt, self._watch = attempt, watch

    def started(self, folder: RunFolder, pid: int) -> None:  # noqa: ARG002 (of RunObserver)
        tie(folder, self._attempt)
        _report(Report(self._attempt.evaluation, folder.path.name))

    def tick(self) -> None:
        self._watch.look()

    def event(self, event: Mapping[str, Any]) -> None: ...

    def output(self, chunk: bytes) -> None: ...

    def stopping(self, reason: str) -> None: ...


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
