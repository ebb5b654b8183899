"""How many motions are done: MimicEvaluator takes as many at a time as there are environments."""

from __future__ import annotations

import functools
import math
from typing import Any

from pmlaunch_agent.hooks.wrapping import Function
from pmlaunch_agent.report.journal import Journal


class Batches:
    """Counts the motions of the batches that are done.

    Args:
        journal: receives the progress.
        reporting: whether to report it; only rank 0 does.
    """

    def __init__(self, journal: Journal, reporting: bool) -> None:
        self._journal = journal
        self._reporting = reporting
        self._done = self._of = self._steps = 0

    def planning(self, function: Function) -> Function:
        """Wrap `function(evaluator)`, which returns [(env_ids, motion_ids), ...], a pair for each batch."""

        @functools.wraps(function)
        def plan(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            batches = function(evaluator, *args, **kwargs)
            try:
                self._done, self._of = 0, sum(len(motion_ids) for _, motion_ids in batches)
                self._steps = sum(_steps(evaluator, motion_ids) for _, motion_ids in batches)
                self._report()
            except Exception as error:  # another version of the evaluator: steps still show the progress
                self._of = 0
                self._journal.note(f"motions are not counted: {type(error).__name__}: {error}")
            return batches

        return plan

    def ending(self, function: Function) -> Function:
        """Wrap `function(evaluator, env_ids, steps)`, which follows the motions of one batch."""

        @functools.wraps(function)
        def follow(evaluator: Any, env_ids: Any, *args: Any, **kwargs: Any) -> Any:
            returned = function(evaluator, env_ids, *args, **kwargs)
            if self._of:
                self._done += len(env_ids)
                self._report()
            return returned

        return follow

    def _report(self) -> None:
        if self._reporting and self._of:
            self._journal.progress(done=self._done, of=self._of, steps=self._steps)


def _steps(evaluator: Any, motion_ids: Any) -> int:
    """Control steps of a batch: those of its longest motion, by upstream's own rule."""
    longest = max(float(length) for length in evaluator.motion_lib.get_motion_length(motion_ids).tolist())
    return min(math.floor(round(longest / float(evaluator.env.dt), 4)), int(evaluator.config.max_eval_steps))
