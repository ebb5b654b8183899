"""What a job's process is told, in a file, and what it reports, in lines of JSON on its stdout."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.agent.pmlaunch_agent.argument_secrets import reveal
from pmlaunch.errors import PmlaunchError
from pmlaunch.support.atomic import write_text
from pmlaunch.support.json import as_mapping, dumps, exactly, parse_json, read_mapping
from pmlaunch.support.secrets import hide
from pmlaunch.sweeping.journal import write_error
from pmlaunch.sweeping.manifest import job_document, read_job
from pmlaunch.sweeping.model import Evaluation, Job

_SUFFIX = ".stop"


@dataclass(frozen=True)
class JobOrder:
    """A job for a process.

    Attributes:
        attempts: {evaluation: number of this attempt}.
        sweep: the folder of the sweep.
        port: for ranks of this job.
        launcher: pid of the executor's process, without which a job does not go on.
    """

    job: Job
    attempts: Mapping[str, int]
    sweep: Path
    port: int
    launcher: int


@dataclass(frozen=True)
class Report:
    """A line of a job's process: an evaluation has started or ended, or (with neither) the process is alive.

    Attributes:
        run: the name of the run folder; empty if the evaluation could not be started.
        code, message: the error of an evaluation without a run.
    """

    evaluation: str = ""
    run: str = ""
    ended: bool = False
    code: str = ""
    message: str = ""


def write_order(order: JobOrder, path: Path) -> dict[str, str]:
    """Write a job's file. Return the environment variables that hold the secrets it leaves out. Raises PML389."""
    hidden, secrets = hide([text for each in order.job.evaluations for text in each.request.overrides])
    document = {
        "job": job_document(replace(order.job, evaluations=_with_overrides(order.job.evaluations, hidden))),
        "attempts": dict(order.attempts),
        "sweep": order.sweep,
        "port": order.port,
        "launcher": order.launcher,
    }
    try:
        write_text(path, dumps(document))
    except OSError as error:
        raise write_error(path, error) from error
    return secrets


def read_order(path: Path) -> JobOrder:
    """Read a job's file, written by this pmlaunch. The secrets come from the environment."""
    document = read_mapping(path)
    job = read_job(document["job"])
    overrides = reveal([text for each in job.evaluations for text in each.request.overrides], os.environ)
    job = replace(job, evaluations=_with_overrides(job.evaluations, overrides))
    attempts = {str(name): int(number) for name, number in as_mapping(document["attempts"]).items()}
    return JobOrder(job, attempts, Path(document["sweep"]), int(document["port"]), int(document["launcher"]))


def stop_file(path: Path) -> Path:
    """The file whose existence asks the process of the job in `path` to end."""
    return path.with_suffix(_SUFFIX)


def read_report(line: bytes) -> Report | None:
    """Return the report in a line; None for any other output."""
    return exactly(Report, parse_json(line)) if line.startswith(b"{") else None


def _with_overrides(evaluations: Sequence[Evaluation], overrides: Sequence[str]) -> tuple[Evaluation, ...]:
    """The evaluations with their overrides taken from one list of all, in order."""
    rest = iter(overrides)
    return tuple(
        replace(each, request=replace(each.request, overrides=tuple(next(rest) for _ in each.request.overrides)))
        for each in evaluations
    )


def failed_to_start(evaluation: str, error: PmlaunchError) -> Report:
    """The report about an evaluation that could not be started."""
    return Report(evaluation, ended=True, code=error.code, message=error.message)
