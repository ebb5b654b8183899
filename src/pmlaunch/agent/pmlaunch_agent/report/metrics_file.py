"""metrics.json: what an evaluation measured, with units, in one form for every generation."""

from __future__ import annotations

import json
import math
import os
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from pmlaunch_agent.contract import MetricsRequest
from pmlaunch_agent.report.files import run_of, write_whole
from pmlaunch_agent.report.journal import Journal

SCHEMA = 1


class MotionFigures(NamedTuple):
    """The figures of one motion. `success` is None if nothing tells, or the motion was not evaluated."""

    motion: str
    success: Optional[bool]
    metrics: Mapping[str, float]


class Evaluation(NamedTuple):
    """What an evaluation measured.

    Attributes:
        metrics: by upstream's names; what is not finite, or None, is left out of the document.
        motions: how many motions were evaluated.
        steps: control steps.
        per_motion: the figures of each motion, named as those of the whole are; empty if unknown.
        comparable: whether the figures may be compared with those of other runs.
        judged: whether any motion could fail; otherwise the success rate means nothing.
        definition: when a motion counts as failed, of `failed_when`; None if that is not known.
    """

    metrics: Mapping[str, Optional[float]]
    motions: int
    seconds: float
    steps: int
    per_motion: Sequence[MotionFigures] = ()
    comparable: bool = True
    judged: bool = True
    notes: Sequence[str] = ()
    definition: Optional[Mapping[str, Any]] = None


def failed_when(limits: Sequence[Tuple[str, float]], max_steps: Optional[int]) -> Dict[str, Any]:
    """The definition of success: the (figure, limit) pairs beyond which a motion counts as failed; none if none can fail.

    Beyond is above, or below for a figure that ends in "min". `max_steps` are the control steps after which motions were
    cut; None if none was.
    """
    figure, limit = limits[0] if limits else (None, None)
    others = {"others": dict(limits[1:])} if limits[1:] else {}
    return {"figure": figure, "limit": limit, "max_steps": max_steps, **others}


def write_metrics(request: MetricsRequest, evaluation: Evaluation, journal: Journal) -> None:
    """Write metrics.json. A file that cannot be written is remarked on and does not end the run."""
    request = request._replace(file=journal.in_run(request.file))
    text = json.dumps(_document(request, evaluation, journal.result.seconds), indent=1, ensure_ascii=False)
    try:
        write_whole(request.file, lambda file: file.write(text + "\n"))
    except OSError as error:
        journal.remark(f"metrics.json could not be written: {error}")


def motion_names(known: Sequence[str], count: int, files: Sequence[object]) -> list[str]:
    """Names of `count` motions: the `known` ones, else those of the library's files, else numbers."""
    if len(known) == count:
        return list(known)
    stems = [os.path.splitext(os.path.basename(str(file).replace("\\", "/")))[0] for file in files]
    return stems if len(stems) == count else [f"motion {index}" for index in range(count)]


def _document(request: MetricsRequest, evaluation: Evaluation, reached: Mapping[str, float]) -> dict[str, Any]:
    """The content of metrics.json; `reached` has the seconds of milestones."""
    start = reached.get("simulator_ready", 0.0)
    begin = reached.get("evaluated_others", start)
    load = max(reached.get("checkpoint_loaded", begin) - begin, 0.0)
    seconds = {"start": start, "load": load, "evaluation": evaluation.seconds}
    finite = _finite(evaluation.metrics)
    lost = sorted(set(evaluation.metrics) - set(finite))
    notes = [*request.notes, *evaluation.notes]
    if lost:
        notes.append(f"not a finite number, so left out: {', '.join(lost)}")
    common: dict[str, Any] = {
        name: finite[source] * request.factors.get(name, 1) if source in finite else None
        for name, source in request.common.items()
    }
    common["motions"] = evaluation.motions
    common["failed"] = [entry.motion for entry in evaluation.per_motion if entry.success is False]
    if not evaluation.judged:
        common["success_rate"] = None
    named = dict.fromkeys([*finite, *(name for entry in evaluation.per_motion for name in entry.metrics)])
    return {
        "schema": SCHEMA,
        "run": run_of(request.file),
        "generation": request.generation,
        "metrics": finite,
        "units": {name: _unit(name, request.units) for name in named},
        "common": common,
        "per_motion": [{**entry._asdict(), "metrics": _finite(entry.metrics)} for entry in evaluation.per_motion],
        "definition": evaluation.definition,
        "comparable": evaluation.comparable,
        "notes": notes,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "steps": evaluation.steps,
        "steps_per_second": round(evaluation.steps / evaluation.seconds, 2) if evaluation.seconds > 0 else 0.0,
    }


def _finite(metrics: Mapping[str, Optional[float]]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}


def _unit(metric: str, units: Mapping[str, str]) -> str:
    """The unit of a metric by its full name; "" if it is unknown."""
    component, _, name = metric.rpartition("/")
    whole = f"{component.rpartition('/')[2]}/{name}"  # ProtoMotions 3 has eval/gt_error/mean
    if whole in units:
        return units[whole]
    for ending in ("_max", "_min", "_mean"):
        if name not in units and name.endswith(ending):
            name = name[: -len(ending)]
    return units.get(name, "")
