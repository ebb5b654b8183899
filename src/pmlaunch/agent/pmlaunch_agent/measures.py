"""metrics.json: what an evaluation measured, with units, in the one form that every generation has.

Everything here is told by spec.json's hooks.metrics: the names of the motions, the units, which figure means what.
"""

from __future__ import annotations

import contextlib
import json
import math
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

SCHEMA = 1


class Measures:
    """hooks.metrics of spec.json.

    Attributes:
        file: where metrics.json goes.
        generation: of the program, for the document.
        seed: set right before the evaluation, plus the rank, as upstream does in training.
        max_steps: control steps of a motion at most; None for the motion's length.
        motions: the names of the motions in their order; empty where the launcher could not tell.
        units: unit of a figure by the last part of its name, without _max and _min.
        common: {name in `common`: upstream's name}.
        factors: {name in `common`: the factor from upstream's unit}, where that is not 1.
        failed_when: (figure of a motion, limit above which the motion counts as lost), or None.
        notes: what the launcher knows and a reader of the figures must.
    """

    def __init__(self, entry: Mapping[str, Any]):
        self.file = str(entry["file"])
        self.generation = str(entry.get("generation") or "2")
        self.seed = int(entry.get("seed") or 0)
        limit = entry.get("max_steps")
        self.max_steps: int | None = None if limit is None else int(limit)
        self.motions = [str(name) for name in entry.get("motions") or []]
        self.units: dict[str, str] = dict(entry.get("units") or {})
        self.common: dict[str, str] = dict(entry.get("common") or {})
        self.factors: dict[str, float] = dict(entry.get("factors") or {})
        failed = entry.get("failed_when")
        self.failed_when: tuple[str, float] | None = (str(failed[0]), float(failed[1])) if failed else None
        self.notes = [str(note) for note in entry.get("notes") or []]

    def unit(self, metric: str) -> str:
        """The unit of a metric by its full name; "" where it is not known."""
        component, _, name = metric.rpartition("/")
        whole = f"{component.rpartition('/')[2]}/{name}"  # eval/gt_error/mean, of ProtoMotions 3
        if whole in self.units:
            return self.units[whole]
        for ending in ("_max", "_min", "_mean"):
            if name not in self.units and name.endswith(ending):
                name = name[: -len(ending)]
        return self.units.get(name, "")

    def names(self, count: int, files: Sequence[str]) -> list[str]:
        """The names of `count` motions: the launcher's, else those of the library's files, else numbers."""
        if len(self.motions) == count:
            return self.motions
        stems = [os.path.splitext(os.path.basename(str(file)))[0] for file in files]
        return stems if len(stems) == count else [f"motion {index}" for index in range(count)]

    def succeeded(self, figures: Mapping[str, float]) -> bool | None:
        """Whether a motion with these figures counts as followed; None where nothing tells."""
        if self.failed_when is None or self.failed_when[0] not in figures:
            return None
        return not figures[self.failed_when[0]] > self.failed_when[1]


def document(
    measures: Measures,
    metrics: Mapping[str, float],
    per_motion: Sequence[Mapping[str, Any]],
    *,
    motions: int,
    comparable: bool,
    notes: Sequence[str],
    seconds: Mapping[str, float],
    steps: int,
) -> dict[str, Any]:
    """metrics.json. `per_motion` holds {motion, success, metrics}, its metrics named as those of the whole are.

    seconds are of start, load and evaluation.
    """
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    lost = sorted(set(metrics) - set(finite))
    remarks = [*measures.notes, *notes]
    if lost:
        remarks.append(f"not a finite number, and left out: {', '.join(lost)}")
    common: dict[str, Any] = {}
    for name, source in measures.common.items():
        value = finite.get(source)
        common[name] = value if value is None else value * measures.factors.get(name, 1)
    common["motions"] = motions
    named = dict.fromkeys([*finite, *(name for entry in per_motion for name in entry["metrics"])])
    common["failed"] = [entry["motion"] for entry in per_motion if entry["success"] is False]
    evaluation = seconds.get("evaluation") or 0.0
    return {
        "schema": SCHEMA,
        "generation": measures.generation,
        "metrics": finite,
        "units": {name: measures.unit(name) for name in named},
        "common": common,
        "per_motion": [_motion(entry) for entry in per_motion],
        "comparable": comparable,
        "notes": remarks,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "steps": steps,
        "steps_per_second": round(steps / evaluation, 2) if evaluation > 0 else 0.0,
    }


def _motion(entry: Mapping[str, Any]) -> dict[str, Any]:
    figures = {name: value for name, value in entry["metrics"].items() if math.isfinite(value)}
    return {"motion": entry["motion"], "success": entry["success"], "metrics": figures}


def write(path: str, content: Mapping[str, Any]) -> None:
    """Write metrics.json; it is whole or not there.

    Raises:
        OSError: the file cannot be written.
    """
    beside = f"{path}.{os.getpid()}.tmp"
    with no_draft(beside):
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
        os.replace(beside, path)


@contextlib.contextmanager
def no_draft(beside: str) -> Iterator[None]:
    """What is written within leaves no `beside` when it fails."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
