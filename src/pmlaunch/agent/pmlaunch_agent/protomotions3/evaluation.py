"""The handlers for ProtoMotions 3's evaluators: metrics, progress, motion and video of an evaluation."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from pmlaunch_agent.artifacts.video import Recorder
from pmlaunch_agent.contract import FurtherEvaluation, Hooks
from pmlaunch_agent.hooks import seeds
from pmlaunch_agent.hooks.evaluations import Evaluations
from pmlaunch_agent.hooks.post_import import Function, after, before
from pmlaunch_agent.hooks.watch import Handler
from pmlaunch_agent.protomotions3.bodies import KeptMotion
from pmlaunch_agent.protomotions3.metrics import Scores, control_steps
from pmlaunch_agent.report.ending import error_text
from pmlaunch_agent.report.journal import Journal

_DRAWING = ("terrain", "simulator", "scene_lib", "motion_lib", "motion_manager")  # parts of an environment


def handlers(hooks: Hooks, journal: Journal) -> dict[str, Handler]:
    """{event: handler} for what `hooks` asks for; all but rank 0 only run along."""
    first = journal.result.rank == 0
    watching = first and hooks.agent is None  # otherwise the agent's subclass measures and keeps
    file = hooks.save_motion.file if hooks.save_motion is not None and watching else None
    kept = KeptMotion(journal, file, hooks.metrics.motions if hooks.metrics is not None else ())
    batches = Batches(journal, reporting=first)
    scores = Scores(journal, hooks.metrics) if hooks.metrics is not None and watching else None
    if scores is not None:
        journal.add(scores)

    def score(function: Function) -> Function:
        saving = function if file is None else before(function, kept.save)
        return saving if scores is None else before(saving, scores.collect)

    def record(function: Function) -> Function:
        saving = function if file is None else kept.saving_if_cut(function)
        return saving if path is None else recording(journal, path, saving)

    path = hooks.record.path if hooks.record is not None and first else None
    return {
        "scores": lambda function, _: score(function),
        "bodies": lambda function, _: function if file is None else before(function, kept.keep),
        "playing": lambda function, _: kept.playing(function),
        "recording": lambda function, _: record(function),
        "batches": lambda function, _: after(function, batches.planned),
        "batch": lambda function, _: after(after(function, batches.followed), kept.finish),
    }


def repeated(evaluations: Evaluations, journal: Journal, function: Function) -> Function:
    """Wrap `function(evaluator)` to evaluate once for each evaluation that the spec asks for."""

    @functools.wraps(function)
    def evaluate(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
        def evaluate_once() -> Any:
            if evaluations.seed is not None:  # again: building the environment took an unknown number of draws
                seed = evaluations.seed + journal.result.rank
                seeds.seed_now(seed, journal)
                seed_generators(evaluator, seed)
            return function(evaluator, *args, **kwargs)

        return evaluations.each(evaluate_once, functools.partial(begin_next, evaluator))

    return evaluate


def seed_generators(evaluator: Any, seed: int) -> None:
    """Seed the environment's own generators, such as the one that draws where on the terrain a motion begins."""
    kind = getattr(sys.modules.get("torch"), "Generator", ())
    env = getattr(evaluator, "env", None)
    parts = [env, *(getattr(env, name, None) for name in _DRAWING)]
    for generator in (value for part in parts for value in getattr(part, "__dict__", {}).values()):
        if isinstance(generator, kind):
            generator.manual_seed(seed)


def begin_next(evaluator: Any, entry: FurtherEvaluation) -> None:
    """Bring the agent to where it is before its first evaluation. It writes beside its checkpoint."""
    root = evaluator.agent.root_dir
    evaluator.agent.root_dir = type(root)(os.path.dirname(entry.checkpoint))
    evaluator.eval_count = 0


def recording(journal: Journal, path: str, function: Function) -> Function:
    """Wrap `function(evaluator)` to record it from begin to end, however it ends. For `path` see `Recorder`."""

    @functools.wraps(function)
    def evaluate(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = Recorder(getattr(getattr(evaluator, "env", None), "simulator", None), path, journal)
        recorder.start()
        try:
            return function(evaluator, *args, **kwargs)
        finally:
            recorder.stop()

    return evaluate


class Batches:
    """Counts the motions that are done: MimicEvaluator takes as many at a time as there are environments."""

    def __init__(self, journal: Journal, reporting: bool) -> None:
        self._journal = journal
        self._reporting = reporting
        self._done = self._of = self._steps = 0

    def planned(self, batches: Any, evaluator: Any, *_args: Any, **_kwargs: Any) -> None:
        """The evaluator returned [(env_ids, motion_ids), ...], a pair for each batch."""
        try:
            self._done, self._of = 0, sum(len(motion_ids) for _, motion_ids in batches)
            self._steps = sum(_steps(evaluator, motion_ids) for _, motion_ids in batches)
            self._report()
        except Exception as error:  # another version of the evaluator: steps still show the progress
            self._of = 0
            self._journal.note(f"motions are not counted: {error_text(error)}")

    def followed(self, _returned: Any, _evaluator: Any, env_ids: Any, *_args: Any, **_kwargs: Any) -> None:
        """The motions of one batch were followed to their end."""
        if self._of:
            self._done += len(env_ids)
            self._report()

    def _report(self) -> None:
        if self._reporting and self._of:
            self._journal.progress(done=self._done, of=self._of, steps=self._steps)


def _steps(evaluator: Any, motion_ids: Any) -> int:
    """Control steps of a batch: those of its longest motion."""
    longest = max(float(length) for length in evaluator.motion_lib.get_motion_length(motion_ids).tolist())
    return min(control_steps(evaluator, longest), int(evaluator.config.max_eval_steps))
