"""The agent that measures: a subclass of the checkpoint's own. See the package."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

from pmlaunch_agent import elapsed
from pmlaunch_agent.artifacts.motion_file import MotionKeeper
from pmlaunch_agent.artifacts.video import Recorder
from pmlaunch_agent.contract import FurtherEvaluation, Hooks, MetricsRequest
from pmlaunch_agent.hooks import watch
from pmlaunch_agent.hooks.evaluations import Evaluations
from pmlaunch_agent.protomotions2.bodies import Bodies2
from pmlaunch_agent.protomotions2.figures import Episodes, RankTables
from pmlaunch_agent.protomotions2.observations import Observations
from pmlaunch_agent.report.files import of_rank
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.metrics_file import (
    Evaluation,
    MotionFigures,
    failed_when,
    motion_names,
    write_metrics,
)

_NO_METRICS = "ProtoMotions computes no metrics for this agent; these are its rewards and episode lengths"
_NO_SINGLE_MOTIONS = "this version of ProtoMotions keeps no metrics of individual motions"
_NEVER_BELOW_3 = "a minimum of exactly 3 is the initial value of ProtoMotions, not a measurement"


class MeasuredAgent:
    """Mixin over the checkpoint's own class, which is `parent` below. The factory sets the first three attributes."""

    _hooks: Hooks
    _journal: Journal
    _evaluations: Evaluations
    fabric: Any
    env: Any
    config: Any
    motion_lib: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._forget()
        super().__init__(*args, **kwargs)

    def _forget(self) -> None:
        """Forget the evaluation before."""
        self._episodes: Episodes | None = None
        self._batch_ends: list[tuple[int, int]] = []  # (steps, motions) at the end of each batch
        self._steps = 0
        self._keeper: MotionKeeper | None = None

    def load(self, checkpoint: Any) -> Any:
        """Load the checkpoint; state about the training's own motions may not fit other motions and is then skipped."""
        parent: Any = super()
        load_state = self.env.load_state_dict

        def lenient(state: Any) -> Any:
            try:
                return load_state(state)
            except RuntimeError as error:  # sampling weights, one per motion of the training
                self._journal.note(f"the environment state of the training was not loaded: {error}")

        self.env.load_state_dict = lenient
        try:
            return parent.load(checkpoint)
        finally:
            del self.env.load_state_dict

    def evaluate_policy(self) -> Any:
        """Evaluate with each checkpoint and seed that is asked for, one after another."""
        observations = Observations(self.env) if self._evaluations.several else None

        def begin(_entry: FurtherEvaluation) -> None:
            self._forget()
            if observations is not None:
                observations.restore()

        return self._evaluations.each(self._evaluate_once, begin)

    def _evaluate_once(self) -> Any:
        """Evaluate, and meanwhile keep the motion and record the video that are asked for."""
        frames, names = self._library()
        hooks, rank = self._hooks, self.fabric.global_rank
        recorder = None
        if hooks.save_motion is not None:
            self._keeper = MotionKeeper(Bodies2(self.env), frames if self._measures_motions() else None)
        if hooks.record is not None and rank == 0:
            recorder = Recorder(self.env.simulator, hooks.record.path, self._journal)
            recorder.start()
        cut = self._measures_motions()
        try:
            returned = self._evaluate()
            cut = False
            return returned
        finally:
            if self._keeper is not None and hooks.save_motion is not None:
                self._keeper.save(of_rank(hooks.save_motion.file, rank), names, self._journal, cut)
            if recorder is not None:
                recorder.stop()  # last: writing a video takes longest

    def _measures_motions(self) -> bool:
        return self._hooks.metrics is not None and bool(self.config.get("eval_metric_keys"))

    def _evaluate(self) -> Any:
        """Upstream's calc_eval_metrics if the agent has figures to measure, else its own run."""
        parent: Any = super()
        request = self._hooks.metrics
        if request is None:
            return parent.evaluate_policy()
        self.fabric.seed_everything((self._evaluations.seed or 0) + self.fabric.global_rank)
        return self._with_metrics(request) if self._measures_motions() else self._without_metrics(request)

    def map_motions_to_iterations(self) -> Any:
        """Upstream's batches of motions, from which the progress of the evaluation is known."""
        parent: Any = super()
        batches, motions = parent.map_motions_to_iterations()
        self._batch_ends, steps, done = [], 0, 0
        for ids, _ in batches:
            frames = (self.motion_lib.get_motion_length(ids) / self.env.dt).floor().long()
            longest = self.config.eval_length if self.config.eval_length is not None else int(frames.max())
            steps += longest * int(self.config.eval_num_episodes)
            done += len(ids)
            self._batch_ends.append((steps, done))
        self._report_progress(0)
        return batches, motions

    def env_step(self, actions: Any) -> Any:
        """One control step of every environment."""
        parent: Any = super()
        stepped = parent.env_step(actions)
        self._steps += 1
        if self._episodes is not None:
            self._episodes.add(stepped[1], stepped[2])
        if self._keeper is not None:
            self._keeper.add(self._active())
        for steps, done in self._batch_ends:
            if steps == self._steps:
                self._report_progress(done)
                if self._keeper is not None:
                    self._keeper.finish()
        return stepped

    def _active(self) -> int | None:
        """How many environments follow a motion of the current batch; None for all. The last batch may need fewer."""
        before = 0
        for steps, done in self._batch_ends:
            if self._steps <= steps:
                return done - before
            before = done
        return None

    def _report_progress(self, done: int) -> None:
        if self._batch_ends and self.fabric.global_rank == 0:
            steps, motions = self._batch_ends[-1]
            self._journal.progress(done=done, of=motions, steps=steps)

    def _with_metrics(self, request: MetricsRequest) -> Any:
        parent: Any = super()
        frames, names = self._evaluated()
        limit = request.max_steps
        if limit is not None and limit >= max(frames, default=0):
            limit = None
        tables = RankTables(str(self.fabric.loggers[0].root_dir), self.fabric.world_size)

        def measure() -> Any:
            with tables.watching(self.fabric), self._evaluation_config(limit):
                return parent.calc_eval_metrics()

        begin = elapsed()
        returned = watch.evaluation(self._journal, measure)()
        seconds = elapsed() - begin
        keys = list(self.config.eval_metric_keys)
        per_motion = tables.per_motion(keys, frames, self.config.eval_num_episodes, limit)
        figures = watch.metrics_of(returned)
        measured = [one for one in per_motion if one]
        if measured and limit is not None:  # upstream's totals divide by the whole lengths
            figures.update((f"eval/{key}", _mean([one[key] for one in measured])) for key in keys)
        entries = [
            MotionFigures(name, _succeeded(request, one), {f"eval/{key}": value for key, value in one.items()})
            for name, one in zip(names, per_motion)  # noqa: B905  # Python 3.8
        ]
        notes, count = _notes(figures, bool(per_motion), limit), len(measured) if per_motion else len(names)
        if len(measured) < len(per_motion):  # upstream's totals count the others as followed without an error
            notes.append(f"{len(per_motion) - count} of {len(per_motion)} motions were too short to be measured")
            figures = {f"eval/{name}": _mean([one[name] for one in measured]) for one in measured[:1] for name in one}
            rate = request.common.get("success_rate")
            if rate is not None and measured:
                figures[rate] = _mean([float(entry.success) for entry in entries if entry.success is not None])
        evaluation = Evaluation(figures, count, seconds, self._steps, entries, comparable=limit is None)
        limits = [request.failed_when] if request.failed_when else []
        judged = [(f"eval/{figure}", value) for figure, value in limits if figure in {f"{key}_max" for key in keys}]
        self._write(request, evaluation._replace(notes=notes, definition=failed_when(judged, limit)))
        return returned

    def _without_metrics(self, request: MetricsRequest) -> Any:
        """A run of max_eval_steps that reports reward, length and resets of its episodes: upstream has nothing else."""
        parent: Any = super()
        self._episodes = Episodes()
        begin = elapsed()
        returned = parent.evaluate_policy()
        seconds = elapsed() - begin
        motions = len(self._evaluated()[1])
        self._write(request, Evaluation(self._episodes.figures(), motions, seconds, self._steps, notes=[_NO_METRICS]))
        return returned

    def _write(self, request: MetricsRequest, evaluation: Evaluation) -> None:
        if self.fabric.global_rank == 0:
            write_metrics(request, evaluation, self._journal)

    def _library(self) -> tuple[list[int], list[str]]:
        """(control steps, names) of the library's motions; empty if the environment has no motions."""
        if self.motion_lib is None:
            return [], []
        frames = (self.motion_lib.get_motion_length(None) / self.env.dt).floor().long().tolist()
        known = self._hooks.metrics.motions if self._hooks.metrics is not None else ()
        return frames, motion_names(known, len(frames), getattr(self.motion_lib.state, "motion_files", ()))

    def _evaluated(self) -> tuple[list[int], list[str]]:
        """(control steps, names) of the motions that are evaluated: all, or the one that the config holds fixed."""
        frames, names = self._library()
        manager = getattr(self.env.config, "motion_manager", None)
        fixed = manager.get("fixed_motion_id") if manager is not None and frames else None
        return (frames, names) if fixed is None else ([frames[fixed]], [names[fixed]])

    @contextlib.contextmanager
    def _evaluation_config(self, limit: int | None) -> Iterator[None]:
        """Change the config for an evaluation: cut motions after `limit` steps, and disable early termination.

        With early_terminate_*, upstream would save a checkpoint of hundreds of MB when the figures are good.
        """
        stopping, length = self.config.training_early_termination, self.config.eval_length
        names = ("early_terminate_cart_err", "early_terminate_success_rate")
        changed = {name: stopping.get(name) for name in names if stopping.get(name) is not None}
        stopping.update(dict.fromkeys(changed))
        if limit is not None:
            self.config.eval_length = limit
        try:
            yield
        finally:
            self.config.eval_length = length
            stopping.update(changed)


def _mean(values: list[float]) -> float:
    return sum(values) / max(len(values), 1)


def _notes(figures: dict[str, float | None], per_motion: bool, limit: int | None) -> list[str]:
    notes = []
    if not per_motion:
        notes.append(_NO_SINGLE_MOTIONS)
    elif limit is not None:
        notes.append(
            f"--max-steps {limit} cut motions short. Means cover the steps that ran, and the success rate is not "
            "comparable, because a policy rarely loses a motion in its first steps"
        )
    if any(name.endswith("_min") and value == 3.0 for name, value in figures.items()):
        notes.append(_NEVER_BELOW_3)
    return notes


def _succeeded(request: MetricsRequest, figures: dict[str, float]) -> bool | None:
    """Whether a motion with these figures counts as followed; None if nothing tells."""
    if request.failed_when is None or request.failed_when[0] not in figures:
        return None
    figure, limit = request.failed_when
    return not figures[figure] > limit
