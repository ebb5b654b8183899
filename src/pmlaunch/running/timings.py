"""How long runs took on this machine, so that the next one can say what to expect.

Unlike other entries of the cache these are replaced: the key says which runs are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pmlaunch.model import LaunchPlan, RunRecord, RunState
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.json import as_mapping, finite, numbers_in


@dataclass(frozen=True)
class Timings:
    """The last complete run with the same simulator, checkout and Python; empty if there was none.

    Attributes:
        stages: seconds from the start to each milestone, as in record.json.
        rate: control steps per second.
    """

    stages: Mapping[str, float] = field(default_factory=dict)
    rate: float | None = None

    def until_evaluation(self) -> float | None:
        """Seconds from the start to the first control step."""
        return self.stages.get("first_step", self.stages.get("evaluation_started"))

    def after_evaluation(self) -> float:
        """Seconds from the last control step to the end."""
        return max(self.stages.get("total", 0.0) - self.stages.get("last_step", float("inf")), 0.0)

    def seconds(self, steps: int | None) -> float | None:
        """Seconds of a whole run with so many control steps; None if they cannot be told."""
        start = self.until_evaluation()
        if start is None or not steps or not self.rate or self.rate <= 0:
            return None
        return start + steps / self.rate + self.after_evaluation()


def earlier_timings(plan: LaunchPlan) -> Timings:
    """Return the timings of the last run like `plan` on this machine."""
    document = as_mapping(JsonCache("timings").get(_key(plan)))
    stages = {name: seconds for name, seconds in numbers_in(document.get("stages")).items() if seconds >= 0}
    return Timings(stages, finite(document.get("rate")))


def remember_timings(plan: LaunchPlan, record: RunRecord) -> None:
    """Keep the timings of a run that is done for the next one."""
    if record.state is RunState.DONE and record.stages:
        JsonCache("timings").put(_key(plan), {"stages": dict(record.stages), "rate": record.steps_per_second})


def _key(plan: LaunchPlan) -> str:
    python = plan.runtime.python.path if plan.runtime.python else None
    return content_key(plan.simulator, str(plan.cwd), str(python or plan.command[0]), str(plan.headless))
