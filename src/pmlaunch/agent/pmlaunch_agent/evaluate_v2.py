"""ProtoMotions 2: an agent that evaluates every motion once, writes the figures and ends.

Upstream's own evaluate_policy runs for ever and measures nothing; its calc_eval_metrics measures and is called in
training only. Hydra instantiates whatever `agent._target_` names, so the launcher names `agent` here, and spec.json's
hooks.agent tells the class that the checkpoint was trained with: a subclass of it is made, nothing is patched.
"""

from __future__ import annotations

import contextlib
import importlib
import sys

from pmlaunch_agent import elapsed, measures, watch
from pmlaunch_agent.episodes import Episodes
from pmlaunch_agent.extras_v2 import Extras
from pmlaunch_agent.tables import Tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from pmlaunch_agent.record import Record
    from pmlaunch_agent.spec import Spec

TARGET = "pmlaunch_agent.evaluate_v2.agent"
_context: list[Any] = []  # (spec, record) of this process: Hydra calls `agent` with its own arguments only


def install(spec: Spec, record: Record) -> None:
    """Remember what `agent` will need."""
    _context[:] = [spec, record]


def agent(*args: Any, **kwargs: Any) -> Any:
    """The checkpoint's agent, as a subclass that ends by itself; called by Hydra in the place of its class."""
    spec, record = _context
    module, _, name = str(spec.agent).rpartition(".")
    base = getattr(importlib.import_module(module), name)
    record.applied("agent", target=spec.agent)
    return type(f"Measured{base.__name__}", (MeasuredAgent, base), {})(*args, **kwargs)


class MeasuredAgent:
    """What is laid over the checkpoint's own class. `parent` below is that class."""

    fabric: Any
    env: Any
    config: Any
    motion_lib: Any

    def __init__(self, *args: Any, **kwargs: Any):
        spec, record = _context
        self._record: Record = record
        self._spec: Spec = spec
        self._measures = measures.Measures(spec.metrics) if spec.metrics is not None else None
        self._episodes: Episodes | None = None
        self._ends: list[tuple[int, int]] = []  # (steps, motions) at the end of each batch
        self._steps = 0
        self._extras: Extras | None = None
        super().__init__(*args, **kwargs)

    def load(self, checkpoint: Any) -> Any:
        """Load the checkpoint; what the training kept of its own motions does not stop another set of motions."""
        parent: Any = super()
        kept = self.env.load_state_dict

        def lenient(state: Any) -> Any:
            try:
                return kept(state)
            except RuntimeError as error:  # sampling weights, one for each motion of the training
                self._record.note(f"the environment's state of the training was not loaded: {error}")

        self.env.load_state_dict = lenient
        try:
            return parent.load(checkpoint)
        finally:
            del self.env.load_state_dict

    def evaluate_policy(self) -> Any:
        """Upstream's calc_eval_metrics where the agent has figures to measure, else its own run; kept and recorded."""
        frames, names = self._library()
        once = self._measures is not None and bool(self.config.get("eval_metric_keys"))
        rank = self.fabric.global_rank
        self._extras = Extras(self._spec, self._record, self.env, rank, names, frames if once else None)
        self._extras.start()
        try:
            return self._evaluate()
        finally:
            self._extras.close()

    def _evaluate(self) -> Any:
        parent: Any = super()
        if self._measures is None:
            return parent.evaluate_policy()
        self.fabric.seed_everything(self._measures.seed + self.fabric.global_rank)
        if not self.config.get("eval_metric_keys"):
            return self._without_metrics(self._measures)
        return self._with_metrics(self._measures)

    def map_motions_to_iterations(self) -> Any:
        """Upstream's batches of motions; what they are tells how far the evaluation is."""
        parent: Any = super()
        batches, motions = parent.map_motions_to_iterations()
        self._ends, steps, done = [], 0, 0
        for ids, _ in batches:
            frames = (self.motion_lib.get_motion_length(ids) / self.env.dt).floor().long()
            longest = self.config.eval_length if self.config.eval_length is not None else int(frames.max())
            steps += longest * int(self.config.eval_num_episodes)
            done += len(ids)
            self._ends.append((steps, done))
        self._tell(0)
        return batches, motions

    def env_step(self, actions: Any) -> Any:
        """One control step of every environment."""
        parent: Any = super()
        stepped = parent.env_step(actions)
        self._steps += 1
        if self._episodes is not None:
            self._episodes.add(stepped[1], stepped[2])
        if self._extras is not None:
            self._extras.step(self._steps, self._ends)
        for steps, done in self._ends:
            if steps == self._steps:
                self._tell(done)
        return stepped

    def _tell(self, done: int) -> None:
        if self._ends and self.fabric.global_rank == 0:
            steps, motions = self._ends[-1]
            self._record.steps.report_now()  # or they would lag behind the motions
            self._record.events.emit("motion", done=done, of=motions, steps=steps)

    def _with_metrics(self, wanted: measures.Measures) -> Any:
        parent: Any = super()
        frames, names = self._evaluated()
        longest = max(frames, default=0)
        limit = wanted.max_steps if wanted.max_steps is not None and wanted.max_steps < longest else None
        tables = Tables(str(self.fabric.loggers[0].root_dir), self.fabric.world_size)

        def measure() -> Any:
            with tables.watching(self.fabric), self._once(limit):
                return parent.calc_eval_metrics()

        begin = elapsed()
        returned = watch.evaluation(self._record, measure)()
        metrics = watch.metrics_of(returned)
        figures = {name: float("nan") if value is None else float(value) for name, value in metrics.items()}
        notes = []
        per_motion = tables.per_motion(list(self.config.eval_metric_keys), frames, self.config.eval_num_episodes, limit)
        if per_motion and limit is not None:
            figures.update(_means(per_motion, list(self.config.eval_metric_keys)))
            notes.append(
                f"--max-steps {limit} cut motions short: means are over the steps that ran, and the success rate is "
                "not comparable, because a motion that is hardly begun is hardly ever lost"
            )
        if not per_motion:
            notes.append("this version of ProtoMotions keeps no figures of single motions")
        if any(name.endswith("_min") and value == 3.0 for name, value in figures.items()):
            notes.append("a smallest value of exactly 3 is where ProtoMotions begins to count, not a measured one")
        entries = [
            {"motion": name, "success": wanted.succeeded(entry), "metrics": _named(entry)}
            for name, entry in zip(names, per_motion)  # noqa: B905  # Python 3.8
        ]
        self._write(wanted, figures, entries, len(names), limit is None, notes, elapsed() - begin)
        return returned

    def _without_metrics(self, wanted: measures.Measures) -> Any:
        """A run of max_eval_steps: reward, length and resets of the episodes, since upstream has nothing else."""
        parent: Any = super()
        self._episodes = Episodes()
        begin = elapsed()
        returned = parent.evaluate_policy()
        notes = [
            "this agent has no metrics of its own in ProtoMotions: these are the rewards and lengths of its episodes"
        ]
        _, names = self._evaluated()
        self._write(wanted, self._episodes.figures(), [], len(names), True, notes, elapsed() - begin)
        return returned

    def _library(self) -> tuple[list[int], list[str]]:
        """(control steps, names) of the library's motions; empty where the environment has no motions."""
        if self.motion_lib is None:
            return [], []
        frames = (self.motion_lib.get_motion_length(None) / self.env.dt).floor().long().tolist()
        files = [str(file) for file in getattr(self.motion_lib.state, "motion_files", ())]
        return frames, (self._measures or measures.Measures({"file": ""})).names(len(frames), files)

    def _evaluated(self) -> tuple[list[int], list[str]]:
        """(control steps, names) of the motions that are evaluated: all, or the one that the config holds fixed."""
        frames, names = self._library()
        manager = getattr(self.env.config, "motion_manager", None)
        fixed = manager.get("fixed_motion_id") if manager is not None and frames else None
        return (frames, names) if fixed is None else ([frames[fixed]], [names[fixed]])

    @contextlib.contextmanager
    def _once(self, limit: int | None) -> Iterator[None]:
        """The config of an evaluation: cut short where it was asked for, and never the end of a training.

        With early_terminate_* upstream would save a checkpoint of hundreds of MB when the figures are good.
        """
        stopping = self.config.training_early_termination
        names = ("early_terminate_cart_err", "early_terminate_success_rate")
        before = {name: stopping.get(name) for name in names if stopping.get(name) is not None}
        length = self.config.eval_length
        for name in before:
            stopping[name] = None
        if limit is not None:
            self.config.eval_length = limit
        try:
            yield
        finally:
            self.config.eval_length = length
            for name, value in before.items():
                stopping[name] = value

    def _write(
        self,
        wanted: measures.Measures,
        figures: dict[str, float],
        entries: list[dict[str, Any]],
        motions: int,
        comparable: bool,
        notes: list[str],
        seconds: float,
    ) -> None:
        if self.fabric.global_rank:
            return
        reached = self._record.verdict.data["seconds"]
        start = reached.get("simulator_ready", 0.0)
        content = measures.document(
            wanted,
            figures,
            entries,
            motions=motions,
            comparable=comparable,
            notes=notes,
            seconds={
                "start": start,
                "load": max(reached.get("checkpoint_loaded", start) - start, 0.0),
                "evaluation": seconds,
            },
            steps=self._steps,
        )
        try:
            measures.write(wanted.file, content)
        except OSError as error:
            print(f"pmlaunch_agent: metrics.json cannot be written: {error}", file=sys.stderr)
            self._record.note(f"metrics.json cannot be written: {error}")


def _named(entry: dict[str, float]) -> dict[str, float]:
    """A motion's figures by the names that the totals have."""
    return {f"eval/{key}": value for key, value in entry.items()}


def _means(per_motion: list[dict[str, float]], keys: list[str]) -> dict[str, float]:
    """Upstream's totals of the means, from the motions' own."""
    return {f"eval/{key}": sum(entry[key] for entry in per_motion) / len(per_motion) for key in keys}
