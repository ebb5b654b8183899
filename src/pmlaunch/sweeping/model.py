"""The records of a sweep: cells, the evaluations that measure them, and the jobs that start a simulator for those.

A cell is one model or checkpoint with one constraint, one seed and one motion. Cells that differ only in their motion
are measured side by side by one evaluation, which has a run folder. Evaluations that need the same program, robot,
simulator, constraint and network share one start of the simulator: a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.request import EvalRequest


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of a sweep.

    Attributes:
        id: 12 hexadecimal digits from `request`, the simulator, and the sizes and times of checkpoint and motions: the same
            in every session, and another one once the checkpoint has changed.
        request: what `pmlaunch eval` would be asked; `motions` are the motions of its cells.
        labels: {axis: value as shown}, such as {"model": "maskmimic", "constraint": "vr", "seed": "0"}.
        motions: names of the cells' motions, in the order of the metrics.
    """

    id: str
    request: EvalRequest
    labels: Mapping[str, str]
    motions: tuple[str, ...]

    @property
    def shown(self) -> Mapping[str, str]:
        """Its labels, and its motion if it has only one, so that isolated cells can be told apart."""
        return {**self.labels, "motion": self.motions[0]} if len(self.motions) == 1 else self.labels


@dataclass(frozen=True, slots=True)
class Job:
    """Evaluations that share one start of the simulator. `id` depends on theirs only."""

    id: str
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class Reference:
    """A row of a published table.

    Attributes:
        where: {label: patterns} of the evaluations that measure the same; None for a row that nothing here measures.
        values: {figure: value}: success_rate, mean_position_error_m (m), or a metric by upstream's name.
        source: where the values were published.
        differs: what is not the same here, beyond what differs for the whole suite.
    """

    table: str = ""
    row: str = ""
    where: Mapping[str, tuple[str, ...]] | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """What a suite says beyond its matrix.

    `limit` is the error (m) above which a motion counted as failed in the publication, `motions` {set: their number}.
    """

    title: str = ""
    references: tuple[Reference, ...] = ()
    differs: tuple[str, ...] = ()
    limit: float | None = None
    motions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep does, and the published values that its results are compared with.

    `folder` gets its manifest, its journal, its report and the run folders in `runs`.
    """

    folder: Path
    jobs: tuple[Job, ...]
    suite: Suite = Suite()

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The evaluations of all jobs, in their order."""
        return tuple(evaluation for job in self.jobs for evaluation in job.evaluations)

    @property
    def cells(self) -> int:
        """The number of cells."""
        return sum(len(evaluation.motions) for evaluation in self.evaluations)


@dataclass(frozen=True, slots=True)
class CellResult:
    """One line of results.jsonl: how one cell ended.

    Attributes:
        evaluation: the id of its evaluation.
        motion: its motion's name.
        run: the name of the run folder.
        state: of the run, as in record.json.
        success: whether the policy tracked the motion to its end; None if it was not measured.
        figures: {name: value} of the motion, as in metrics.json.
        definition: what success means there: {"figure", "limit", "max_steps", ...}, as in metrics.json.
        code: of the finding that explains a run that is not done; None otherwise.
        attempt: 1 for the first.
        message: of the same finding, in one line; empty otherwise.
    """

    evaluation: str
    motion: str
    run: str
    state: str
    success: bool | None
    figures: Mapping[str, float]
    definition: Mapping[str, object]
    code: str | None = None
    attempt: int = 1
    message: str = ""
