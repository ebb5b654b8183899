"""Published values of a suite: where they come from, which cells measure the same, and what differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.motion_library import listed_motions
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.motions.readers import LIST_SUFFIXES
from pmlaunch.runs.statistics import mean_over_motions, wilson
from pmlaunch.support.json import as_mapping, finite
from pmlaunch.support.names import matches
from pmlaunch.sweeping.matrix import SET
from pmlaunch.sweeping.model import CellResult, Evaluation, Reference, Suite

SUCCESS = "success_rate"
_LARGEST = 1e100  # of a figure: sums of larger ones overflow
_KEYS = ("table", "row", "where", "values", "source", "differs")
_DEFINITION = ("limit", "motions")


@dataclass(frozen=True)
class Compared:
    """One published value beside what a sweep measured.

    Attributes:
        limit: the error (m) above which a motion counted as failed, of a rate of success; None if that is not known.
        measured: None if nothing measured it, or under another definition of success.
        interval: (low, high) at 95 %; None for too few motions.
        motions: how many motions `measured` is the mean of, each the mean of its seeds.
        differs: what is not the same as in the publication.
    """

    table: str
    row: str
    model: str
    figure: str
    published: float
    source: str
    limit: float | None = None
    measured: float | None = None
    interval: tuple[float, float] | None = None
    motions: int = 0
    differs: tuple[str, ...] = ()


def read_suite(values: Mapping[str, Any], where: str) -> Suite:
    """The part of a suite that is no matrix. Raises PML377 for a key or value that cannot be."""
    definition = as_mapping(values.get("definition"))
    _refuse(definition, _DEFINITION, f"definition in {where}")
    entries = values.get("references") or []
    if not isinstance(entries, list):
        raise PmlaunchError("PML377", f"references in {where} must be a list.")
    counts = {str(name): number for name, number in as_mapping(definition.get("motions")).items()}
    limit = finite(definition.get("limit"))
    if any(type(number) is not int for number in counts.values()) or (
        limit is None and definition.get("limit") is not None
    ):
        message = f"definition in {where} needs limit: METRES and motions: {{SET: NUMBER}}."
        raise PmlaunchError("PML377", message, subject="definition")
    references = tuple(one for entry in entries for one in _references(as_mapping(entry), where))
    title, differs = str(values.get("title") or ""), _texts(values.get("differs"))
    return Suite(title, references, differs, limit, counts)


def _references(entry: Mapping[str, Any], where: str) -> Iterator[Reference]:
    """The rows of an entry: one for each named set of motions, if its values are grouped by set."""
    _refuse(entry, _KEYS, f"references in {where}")
    table, row, values = str(entry.get("table") or ""), str(entry.get("row") or ""), as_mapping(entry.get("values"))
    condition = entry.get("where")
    cells = None if condition is None else {str(key): _texts(it) for key, it in as_mapping(condition).items()}
    grouped = {key: group for key, group in values.items() if isinstance(group, dict)}
    for name, figures in (grouped or {"": values}).items():
        numbers = {str(key): number for key, it in figures.items() if (number := finite(it)) is not None}
        if not row or not numbers or len(numbers) < len(figures):
            message = f"A row of references in {where} needs row: NAME and values: {{FIGURE: NUMBER}}."
            raise PmlaunchError("PML377", message, subject=row or None)
        of_set = cells if cells is None or not name else {**cells, SET: (str(name),)}
        title = f"{row}, {name}" if name else row
        yield Reference(table, title, of_set, numbers, str(entry.get("source") or ""), _texts(entry.get("differs")))


def _refuse(entry: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in entry:
        if key not in known:
            near = did_you_mean(str(key), known) or f" Known keys: {', '.join(known)}."
            raise PmlaunchError("PML377", f"{where} has an unknown key {key!r}.{near}", subject=str(key))


def _texts(value: Any) -> tuple[str, ...]:
    return () if value is None else tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def own_motions(sets: Mapping[str, Any], given: Sequence[str], find: Callable[[str], Path]) -> dict[str, list[str]]:
    """The named sets of a suite with the user's motions in their place.

    A folder stands for the motions in it that the lists of the sets name, each in its set; SET=MOTION names the set, and
    anything else replaces the first. `find` gives the path of a list in `sets`.
    """
    found: dict[str, list[str]] = {}
    for typed in given:
        name, equals, rest = typed.partition("=")
        if equals and name in sets:
            found.setdefault(name, []).append(rest)
            continue
        folder = find(typed)
        listed = {key: _present(words, folder, find) for key, words in sets.items()} if folder.is_dir() else {}
        if not any(listed.values()):
            listed = {next(iter(sets)): [typed]}
        for key, words in listed.items():
            found.setdefault(key, []).extend(words)
    return {key: words for key, words in found.items() if words}


def _present(words: Any, folder: Path, find: Callable[[str], Path]) -> list[str]:
    """The motions of a set's lists that are in the folder, by the paths that the lists have."""
    lists = [path for word in _texts(words) if (path := find(word)).suffix in LIST_SUFFIXES and path.is_file()]
    files = (str(entry["file"]) for path in lists for entry in listed_motions(path))
    return [str(path) for file in dict.fromkeys(files) if (path := folder / file).is_file()]


def subset_findings(suite: Suite, evaluations: Iterable[Evaluation]) -> Iterator[Finding]:
    """PML380 for each set of motions that is not the published one, as far as its number tells."""
    planned = list(evaluations)
    for name, last in {evaluation.labels.get(SET, ""): evaluation for evaluation in planned}.items():
        count = _motions_like(last, planned)
        published = suite.motions.get(name)
        if published is not None and count != published:
            message = f"{count} of the {published} motions of the published set {name} are evaluated."
            yield Finding("PML380", Severity.WARNING, message, "the table marks these rows as a subset", None, name)


def compare_with_published(
    suite: Suite, evaluations: Sequence[Evaluation], results: Iterable[CellResult]
) -> Iterator[Compared]:
    """Yield every published value beside the mean of the cells that measure the same, one row for each model."""
    by_evaluation: dict[str, list[CellResult]] = {}
    for result in results:
        if result.state == RunState.DONE.value:  # a part of what an evaluation should measure is no result
            by_evaluation.setdefault(result.evaluation, []).append(result)
    for reference in suite.references:
        fitting = [] if reference.where is None else [it for it in evaluations if _fits(it, reference.where)]
        models: dict[str, list[Evaluation]] = {}
        for evaluation in fitting:
            models.setdefault(_model(evaluation), []).append(evaluation)
        for model, own in (models or {"": []}).items():
            cells = [cell for evaluation in own for cell in by_evaluation.get(evaluation.id, ())]
            differs = (*_differences(suite, own, cells), *reference.differs) if own else reference.differs
            for figure, published in reference.values.items():
                row = Compared(reference.table, reference.row, model, figure, published, reference.source)
                yield _measured(row, cells, suite.limit, differs)


def _motions_like(evaluation: Evaluation, others: Iterable[Evaluation]) -> int:
    """How many motions are measured as in `evaluation`: its own, and those of isolated cells with the same labels."""
    return sum(len(other.motions) for other in others if other.labels == evaluation.labels)


def _model(evaluation: Evaluation) -> str:
    return " ".join(evaluation.labels[key] for key in ("model", "checkpoint") if key in evaluation.labels)


def _fits(evaluation: Evaluation, where: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the evaluation has these labels; `-` stands for a label that it has not."""
    labels = evaluation.labels
    return all(matches(labels.get(key, "-"), patterns) for key, patterns in where.items())


def _differences(suite: Suite, evaluations: Sequence[Evaluation], cells: Sequence[CellResult]) -> Iterator[str]:
    first = evaluations[0]
    published = suite.motions.get(first.labels.get(SET, ""))
    if published is not None and (count := _motions_like(first, evaluations)) != published:
        yield f"subset: {count} of {published} motions"
    cut = {
        first.request.max_steps,
        *(steps for cell in cells if isinstance(steps := cell.definition.get("max_steps"), int)),
    } - {None}
    yield from (f"cut after {steps} steps" for steps in cut)


def _measured(row: Compared, cells: Sequence[CellResult], limit: float | None, differs: tuple[str, ...]) -> Compared:
    """The row with what the cells measured; a success rate only if all were counted by one limit, the published if known."""
    if row.figure == SUCCESS:
        limits = {finite(cell.definition.get("limit")) for cell in cells if cell.success is not None}
        known = sorted(it for it in limits if it is not None)
        row = replace(row, limit=known[0] if limit is None and len(known) == 1 else limit)
        other = [f"{it:g} m" for it in known if row.limit is None or not math.isclose(it, row.limit)]
        if other:
            published = "not known" if limit is None else f"{limit:g} m"
            note = f"not comparable: failure above {' and '.join(other)}, published {published}"
            return replace(row, differs=(note, *differs))
        notes = (
            ("published limit of failure not known", limit is None),
            ("limit of failure not recorded", None in limits),
        )
        differs = (*(note for note, holds in notes if limits and holds), *differs)
    seeds: dict[str, list[float]] = {}  # motion -> its values; seeds are no further motions
    for cell in cells:
        if (value := _value(cell, row.figure)) is not None:
            seeds.setdefault(cell.motion, []).append(value)
    values = [math.fsum(of_motion) / len(of_motion) for of_motion in seeds.values()]
    if not values:
        return replace(row, differs=differs)
    mean = math.fsum(values) / len(values)
    estimate = wilson(mean, len(values)) if row.figure == SUCCESS else mean_over_motions(values)
    ends = None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
    return replace(row, measured=mean, interval=ends, motions=len(values), differs=differs)


def _value(cell: CellResult, figure: str) -> float | None:
    """A figure of a cell, by upstream's name or by the one that is the same for every generation."""
    if figure == SUCCESS:
        return None if cell.success is None else float(cell.success)
    names = [figure, *(adapter.metrics.common.get(figure, figure) for adapter in GENERATIONS.values())]
    found = next((cell.figures[name] for name in names if name in cell.figures), None)
    return None if found is None or abs(found) > _LARGEST else found
