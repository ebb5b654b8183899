"""Several evaluations in one process, one after another: the same agent with other checkpoints and seeds."""

from __future__ import annotations

import functools
import os
from typing import Any, Callable, Optional

from pmlaunch_agent.contract import RUN_VARIABLE, FurtherEvaluation, Spec
from pmlaunch_agent.hooks.post_import import Function, after
from pmlaunch_agent.report.journal import Journal

Begin = Callable[[FurtherEvaluation], Any]
"""What a generation does between loading a checkpoint and evaluating it."""


class Evaluations:
    """Repeats an evaluation as often as the spec asks for it.

    `seed` is that of the present one, without the rank; `several` tells whether there is more than one.
    """

    def __init__(self, spec: Spec, journal: Journal) -> None:
        metrics, seed = spec.hooks.metrics, spec.hooks.seed
        self.seed = metrics.seed if seed is None and metrics is not None else seed
        self.several = bool(spec.further)
        self._further = spec.further
        self._journal = journal
        self._load: Optional[Callable[[str], Any]] = None

    def noting_load(self, function: Function) -> Function:
        """Wrap `function(agent, checkpoint, ...)` to remember how the script loads its checkpoint."""

        def load_again(agent: Any, args: Any, kwargs: Any, path: str) -> Any:
            load = getattr(agent, function.__name__)  # a subclass may do more than the function that is watched
            return load(path, *args[1:], **kwargs) if args else load(**{**kwargs, "checkpoint": path})

        def note(_returned: Any, agent: Any, *args: Any, **kwargs: Any) -> None:
            self._load = functools.partial(load_again, agent, args, kwargs)  # the last: an expert is loaded before

        return after(function, note)

    def each(self, evaluate: Callable[[], Any], begin: Begin) -> Any:
        """Call `evaluate()`, then once more for each further evaluation; return what the last call returned."""
        returned = evaluate()
        for entry in self._further:
            self._journal.begin_next(entry.run)
            os.environ[RUN_VARIABLE] = entry.run
            self.seed = entry.seed
            if self._load is None:
                raise RuntimeError("pmlaunch_agent: the script loaded no checkpoint, so it cannot load another one")
            self._load(entry.checkpoint)
            begin(entry)
            returned = evaluate()
        return returned

    def repeated(self, function: Function) -> Function:
        """Wrap `function(agent)`, whose class has a method `begin_evaluation(seed)`."""

        @functools.wraps(function)
        def evaluate(agent: Any, *args: Any, **kwargs: Any) -> Any:
            return self.each(lambda: function(agent, *args, **kwargs), lambda entry: agent.begin_evaluation(entry.seed))

        return evaluate
