"""manifest.json: what a sweep was asked to do, written before anything starts, and signed by the user who asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pmlaunch import __version__
from pmlaunch.errors import PmlaunchError, UnknownNameError
from pmlaunch.request import Asked, EvalRequest
from pmlaunch.running.asked import asked_for, is_own
from pmlaunch.settings import Settings
from pmlaunch.support.atomic import write_text
from pmlaunch.support.json import as_list, as_mapping, dumps, from_json, read_json, to_json
from pmlaunch.support.secrets import SECRET, redact_document
from pmlaunch.sweeping.journal import RESULTS, RUNS
from pmlaunch.sweeping.model import Evaluation, Job, Suite, SweepPlan

MANIFEST = "manifest.json"
SCHEMA = 1
_LARGEST = 1 << 27  # bytes; 100,000 evaluations take about 40 MB
_DEFAULTS = {item.name: item.default for item in fields(EvalRequest)}


@dataclass(frozen=True)
class Manifest:
    """The content of manifest.json: the plan, and who asked for it (`asked`), whose command is the plan's hash."""

    plan: SweepPlan
    asked: Asked

    @property
    def cwd(self) -> Path:
        """The folder in which the sweep was typed."""
        return Path(self.asked.folder)

    def require_own(self, settings: Settings) -> None:
        """Raise PML388 unless this user's pmlaunch wrote it, with all that it names: programs would be started."""
        folder = self.plan.folder
        if not (is_own(self.asked, settings) and self.asked.command == (_digest(map(_line, self.plan.jobs)),)):
            message = f"The manifest of {folder} was written or changed by someone else and names programs to start."
            raise PmlaunchError("PML388", message, hint="repeat the `pmlaunch sweep` command", subject=str(folder))
        if any(SECRET in text for each in self.plan.evaluations for text in each.request.overrides):
            message = f"An option of the sweep in {folder} contained a secret, which its manifest does not hold."
            raise PmlaunchError("PML388", message, hint="repeat the `pmlaunch sweep` command", subject=str(folder))


def request_document(request: EvalRequest) -> dict[str, Any]:
    """The options of a request that are not defaults, for `read_request`."""
    return {name: to_json(value) for name, usual in _DEFAULTS.items() if (value := getattr(request, name)) != usual}


def read_job(document: object) -> Job:
    """Return the job in a document made by `job_document`."""
    entries = as_mapping(document)
    return Job(str(entries.get("id")), tuple(map(_read_evaluation, as_list(entries.get("evaluations")))))


def job_document(job: Job) -> dict[str, Any]:
    """A job for manifest.json and for the job's process."""
    return {
        "id": job.id,
        "evaluations": [
            {
                "id": each.id,
                "labels": dict(each.labels),
                "motions": list(each.motions),
                "request": request_document(each.request),
            }
            for each in job.evaluations
        ],
    }


def _read_evaluation(document: object) -> Evaluation:
    entries = as_mapping(document)
    labels = {name: str(value) for name, value in as_mapping(entries.get("labels")).items()}
    request: EvalRequest = from_json(EvalRequest, {"model": "", **as_mapping(entries.get("request"))})
    return Evaluation(str(entries.get("id")), request, labels, tuple(map(str, as_list(entries.get("motions")))))


def write_manifest(plan: SweepPlan, settings: Settings) -> None:
    """Write the manifest of `plan`, without secrets, in one step. Raises OSError."""
    jobs = list(map(_line, plan.jobs))
    asked = asked_for((_digest(jobs),), settings, None)
    head = {
        "schema": SCHEMA,
        "version": __version__,
        "asked": asked,
        "cells": plan.cells,
        "evaluations": sum(len(job.evaluations) for job in plan.jobs),
        **({"suite": redact_document(to_json(plan.suite))} if plan.suite.references else {}),
    }
    lines = ",\n".join(jobs)  # a job a line, so that a large manifest can be read and compared by people
    write_text(plan.folder / MANIFEST, f'{dumps(head)[:-1]}, "jobs": [\n{lines}\n]}}\n')


def manifest_document(folder: Path) -> dict[str, Any]:
    """The content of manifest.json. Raises as `read_manifest` does."""
    document = read_json(folder / MANIFEST, _LARGEST)
    if document is None and not (folder / MANIFEST).exists():
        raise UnknownNameError(f"There is no sweep in {folder}.", hint="pmlaunch sweep --help", subject=str(folder))
    entries = as_mapping(document)
    if entries.get("schema") != SCHEMA:
        found = f"has schema {entries.get('schema')}" if entries else "is not the manifest of a sweep, or too large"
        message = f"{folder / MANIFEST} {found}; this pmlaunch reads schema {SCHEMA}."
        hint = "use the pmlaunch that wrote it, or start the sweep again in another folder: -o DIR"
        raise PmlaunchError("PML383", message, hint=hint, subject=str(folder))
    return entries


def require_own_results(folder: Path, settings: Settings) -> None:
    """Raise PML388 if the results in `folder` are not those of a sweep of this user: they would count as measured.

    Raises PML383 as well.
    """
    if (folder / MANIFEST).exists():
        asked: Asked = from_json(Asked, manifest_document(folder).get("asked"))
        own = is_own(asked, settings)
    else:
        own = not (folder / RESULTS).exists() and not any((folder / RUNS).iterdir())
    if not own:
        message = f"The results in {folder} are not those of a sweep of yours, so it cannot be continued."
        raise PmlaunchError("PML388", message, hint="choose another folder with -o DIR", subject=str(folder))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the sweep in `folder`.

    Raises PML010 if there is no sweep, and PML383 if another version of pmlaunch wrote its files.
    """
    entries = manifest_document(folder)
    suite: Suite = from_json(Suite, entries.get("suite"))
    plan = SweepPlan(folder, tuple(map(read_job, as_list(entries.get("jobs")))), suite)
    asked: Asked = from_json(Asked, entries.get("asked"))
    return Manifest(plan, asked)


def _line(job: Job) -> str:
    """A job as a line of the manifest, without secrets."""
    return dumps(redact_document(job_document(job)))


def _digest(jobs: Iterable[str]) -> str:
    """A hash of the lines of all jobs."""
    found = hashlib.sha256()
    for text in jobs:
        found.update(text.encode() + b"\n")
    return f"sha256:{found.hexdigest()}"


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels in a line: "model=maskmimic seed=0"."""
    return " ".join(f"{name}={value}" for name, value in labels.items())
