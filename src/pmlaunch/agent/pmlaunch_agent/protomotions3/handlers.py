"""The handlers for the functions of ProtoMotions 3 that are watched."""

from __future__ import annotations

import functools
from typing import Any

from pmlaunch_agent.artifacts.recording import Recorder
from pmlaunch_agent.contract import Hooks
from pmlaunch_agent.hooks.watch import Handler
from pmlaunch_agent.hooks.wrapping import Function
from pmlaunch_agent.protomotions3.batches import Batches
from pmlaunch_agent.protomotions3.bodies import KeptMotion
from pmlaunch_agent.protomotions3.scores import Scores
from pmlaunch_agent.report.journal import Journal


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
        saving = kept.saving(function)
        return saving if scores is None else scores.collecting(saving)

    path = hooks.record.path if hooks.record is not None and first else None
    return {
        "scores": lambda function, _: score(function),
        "bodies": lambda function, _: kept.keeping(function),
        "playing": lambda function, _: kept.playing(function),
        "recording": lambda function, _: function if path is None else recording(journal, path, function),
        "batches": lambda function, _: batches.planning(function),
        "batch": lambda function, _: batches.ending(function),
    }


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
