"""Everything a run folder tells about a run: how it was asked for, what was decided, its figures and files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pmlaunch.errors import UnknownNameError
from pmlaunch.reporting.figures import definition
from pmlaunch.request import Asked
from pmlaunch.running.metrics import unit_of
from pmlaunch.running.verdict_text import verdict_text
from pmlaunch.runs.html import table
from pmlaunch.runs.summary import RunSummary, document, run_record, summarize
from pmlaunch.support.json import HIDDEN, as_list, as_mapping, from_json, numbers_in

_MOST_FILES = 200
_MOST_MOTIONS = 20_000


@dataclass(frozen=True)
class Figure:
    """A metric of a run by upstream's name, with its unit and what it measures, if that is known."""

    name: str
    value: float
    unit: str = ""
    definition: str = ""


@dataclass(frozen=True)
class MotionResult:
    """What a run measured for one motion. `success` is None if the metrics do not tell."""

    name: str
    success: bool | None
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RunFile:
    """A file of a run folder; `size` in bytes, None for a folder."""

    name: str
    size: int | None


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        asked: the command as typed, where, and the options; None for runs of older versions.
        values: {name: {value, source}} of what was decided; defaults are left out where the run tells which are.
        versions: of pmlaunch, Python, the system, Isaac Lab, packages, and the checkout's commit.
        figures: the metrics over all motions.
        motions: the metrics of each motion.
        verdict: how it went, in a sentence.
        comparable: False if the figures cannot be compared with those of other runs; `notes` say why.
        findings: the codes and messages that the run ended with.
        not_evaluated: the motions that were skipped because they cannot be played.
        conditions: every value and version that may explain a difference between two runs.
    """

    summary: RunSummary
    folder: Path
    asked: Asked | None
    values: Mapping[str, Any]
    versions: Mapping[str, str]
    figures: tuple[Figure, ...]
    motions: tuple[MotionResult, ...] = field(metadata=HIDDEN)
    verdict: str
    comparable: bool
    notes: tuple[str, ...]
    findings: tuple[Mapping[str, Any], ...]
    files: tuple[RunFile, ...]
    conditions: Mapping[str, Any] = field(metadata=HIDDEN)
    not_evaluated: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the run folder."""
        return self.summary.name

    @property
    def metrics(self) -> Mapping[str, float]:
        """The metrics over all motions by upstream's names."""
        return {figure.name: figure.value for figure in self.figures}

    def _repr_html_(self) -> str:
        rows = [(figure.name, f"{figure.value:.4g}", figure.unit, figure.definition) for figure in self.figures]
        return table(f"{self.name}: {self.summary.state.value}", ("metric", "value", "unit", "meaning"), rows)


def load(folder: Path) -> Run:
    """Read a run folder. Raises PML010 if it is none."""
    record, summary = run_record(folder), summarize(folder)
    if summary is None:
        raise UnknownNameError(f"{folder} is not a run folder.", fix="pmlaunch runs list", subject=str(folder))
    evaluation = as_mapping(record.get("evaluation"))
    decided = as_mapping(document(folder, "plan.json").get("provenance"))
    provenance = {name: entry for name, entry in decided.items() if isinstance(entry, dict)}
    asked = from_json(Asked, record["asked"]) if isinstance(record.get("asked"), dict) else None
    chosen = provenance.keys() if asked is None or asked.chosen is None else set(asked.chosen)
    versions = _versions(folder)
    units = as_mapping(record.get("units"))
    return Run(
        summary=summary,
        folder=folder,
        asked=asked,
        values={name: entry for name, entry in provenance.items() if name in chosen},
        versions=versions,
        figures=tuple(
            Figure(name, value, unit_of(units, name), definition(name))
            for name, value in numbers_in(record.get("metrics")).items()
        ),
        motions=_motions(evaluation),
        verdict=verdict_text(summary.state, evaluation, skipped=summary.not_evaluated),
        comparable=evaluation.get("comparable") is not False,
        notes=tuple(str(note) for note in as_list(evaluation.get("notes"))),
        findings=tuple(entry for entry in as_list(record.get("findings")) if isinstance(entry, dict)),
        files=_files(folder),
        conditions={**{name: entry.get("value") for name, entry in provenance.items()}, **versions},
        not_evaluated=tuple(str(name) for name in as_list(record.get("not_evaluated"))[:_MOST_MOTIONS]),
    )


def _motions(evaluation: Mapping[str, Any]) -> tuple[MotionResult, ...]:
    found = []
    for entry in map(as_mapping, as_list(evaluation.get("per_motion"))[:_MOST_MOTIONS]):
        success = entry.get("success")
        metrics = numbers_in(entry.get("metrics"))
        found.append(MotionResult(str(entry.get("motion")), success if isinstance(success, bool) else None, metrics))
    return tuple(found)


def _versions(folder: Path) -> dict[str, str]:
    environment = document(folder, "environment.json")
    named = {name: environment.get(name) for name in ("pmlaunch", "python", "system", "checkout_commit")}
    named["isaaclab"] = as_mapping(environment.get("runtime")).get("version")
    named |= as_mapping(document(folder, "result.json").get("versions"))
    return {name: str(version) for name, version in named.items() if isinstance(version, (str, int, float))}


def _files(folder: Path) -> tuple[RunFile, ...]:
    found = []
    with os.scandir(folder) as entries:
        for entry in islice(entries, _MOST_FILES):
            size = entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else None
            found.append(RunFile(entry.name, size))
    return tuple(sorted(found, key=lambda file: file.name))
