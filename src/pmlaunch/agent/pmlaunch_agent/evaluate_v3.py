"""ProtoMotions 3, whose evaluator is watched: what the bodies did, kept as motion.npz, and how many motions are done.

Both are extras: whatever fails here is told and ends nothing. Everything of upstream is read by name.
"""

from __future__ import annotations

import functools
import math

from pmlaunch_agent.keeping import MotionKeeper, numbers
from pmlaunch_agent.measures import Measures
from pmlaunch_agent.outcome import StopRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

    from pmlaunch_agent.record import Record


class Bodies:
    """hooks.save_motion of spec.json, for BaseEvaluator.

    Args:
        record: takes notes.
        file: where motion.npz goes; None: keep nothing (nobody asked, or another rank does).
        metrics: hooks.metrics, for the names of the motions.
    """

    def __init__(self, record: Record, file: str | None, metrics: Mapping[str, Any] | None):
        self._record = record
        self._file = file
        self._measures = Measures(metrics or {"file": ""})
        self._keeper: _Keeper | None = None

    def keeping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(evaluator, env_ids, motion_ids)`, called after each step for those that still follow a motion."""
        if self._file is None:
            return function

        @functools.wraps(function)
        def keep(evaluator: Any, env_ids: Any, motion_ids: Any, *args: Any, **kwargs: Any) -> Any:
            if self._keeper is None:
                self._keeper = _Keeper(evaluator.env, [], None)
            keeper = self._keeper
            _try(keeper, lambda: keeper.follow(env_ids.tolist(), motion_ids.tolist()))
            return function(evaluator, env_ids, motion_ids, *args, **kwargs)

        return keep

    def playing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(evaluator)`, which lets the policy act without an end, and measures nothing.

        A window that is closed ends it: MuJoCo's would go on where nobody sees it.
        """

        @functools.wraps(function)
        def play(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            env = evaluator.env
            step, keeper = env.step, _Keeper(env, [], None)

            def watched(*args: Any, **kwargs: Any) -> Any:
                returned = step(*args, **kwargs)
                if self._file is not None:
                    _try(keeper, lambda: keeper.add(None))
                if _is_closed(env):
                    self._record.remark("the window was closed, and the run ends")
                    self._record.stopping("window_closed")
                    raise StopRun
                return returned

            env.step = watched
            try:
                return function(evaluator, *args, **kwargs)
            finally:
                del env.step
                if self._file is not None:
                    self._write(keeper, self._file, evaluator)

        return play

    def writing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(evaluator)`, called when every motion has been followed."""
        if self._file is None:
            return function
        file = self._file

        @functools.wraps(function)
        def write(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            self._write(self._keeper, file, evaluator)
            self._keeper = None
            return function(evaluator, *args, **kwargs)

        return write

    def _write(self, keeper: _Keeper | None, file: str, evaluator: Any) -> None:
        try:
            if keeper is None or not keeper.write_named(file, evaluator, self._measures):
                self._record.remark("motion.npz was not written: no step was taken")
        except Exception as error:
            self._record.remark(f"motion.npz was not written: {type(error).__name__}: {error}")
        if keeper is not None and keeper.problem is not None:
            self._record.remark(keeper.problem)


def _is_closed(env: Any) -> bool:
    """Whether somebody closed the window; False where there is none, or one that does not tell."""
    try:
        return not env.simulator.viewer.is_running()
    except Exception:
        return False


def _try(keeper: _Keeper, keep: Callable[[], None]) -> None:
    if keeper.problem is None:
        try:
            keep()
        except Exception as error:
            keeper.problem = f"motion.npz ends early: {type(error).__name__}: {error}"


class _Keeper(MotionKeeper):
    """A column for each motion that an evaluation follows, several at a time; or for each way of a policy that plays."""

    def follow(self, env_ids: list[int], motion_ids: list[int]) -> None:
        """Keep the step that was just taken, between the positions that upstream compares."""
        positions, rotations = self._bodies_now()
        reference = self._reference()
        for index, motion in zip(env_ids, motion_ids):  # noqa: B905  # Python 3.8
            self.keep(motion, positions[index], rotations[index], None if reference is None else reference[index])

    def _bodies_now(self) -> tuple[Any, Any]:
        current = self._env.context.current
        return numbers(current.rigid_body_pos), numbers(current.rigid_body_rot)

    def _reference(self) -> Any:
        followed = getattr(self._env.context, "mimic", None)
        return numbers(followed.ref_state.rigid_body_pos) if followed is not None else None

    def write_named(self, path: str, evaluator: Any, measures: Measures) -> bool:
        library = getattr(evaluator, "motion_lib", None)
        files = [str(file).replace("\\", "/") for file in getattr(library, "motion_files", None) or ()]
        self._names = measures.names(len(files), files)
        return self.write(path)

    def _bodies(self) -> list[str]:
        return [str(name) for name in self._env.robot_config.kinematic_info.body_names]

    def _parents(self, bodies: list[str]) -> list[int]:
        parents = [int(parent) for parent in self._env.robot_config.kinematic_info.parent_indices]
        return parents if len(parents) == len(bodies) else [-1] * len(bodies)


class Batches:
    """How many motions are done: MimicEvaluator takes as many at a time as there are environments.

    Args:
        record: receives the events.
        reporting: write events? Only rank 0 does.
    """

    def __init__(self, record: Record, reporting: bool):
        self._record = record
        self._reporting = reporting
        self._done = self._of = self._steps = 0

    def planning(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(evaluator)`, which returns [(env_ids, motion_ids), ...], one pair for each batch."""

        @functools.wraps(function)
        def plan(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            batches = function(evaluator, *args, **kwargs)
            try:
                self._done, self._of = 0, sum(len(motion_ids) for _, motion_ids in batches)
                self._steps = sum(_steps(evaluator, motion_ids) for _, motion_ids in batches)
                self._tell()
            except Exception as error:  # another version of the evaluator: the steps still tell how far it is
                self._of = 0
                self._record.note(f"motions are not counted: {type(error).__name__}: {error}")
            return batches

        return plan

    def ending(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(evaluator, env_ids, steps)`, which follows the motions of one batch."""

        @functools.wraps(function)
        def follow(evaluator: Any, env_ids: Any, *args: Any, **kwargs: Any) -> Any:
            returned = function(evaluator, env_ids, *args, **kwargs)
            if self._of:
                self._done += len(env_ids)
                self._tell()
            return returned

        return follow

    def _tell(self) -> None:
        if self._reporting and self._of:
            self._record.steps.report_now()  # or they would lag behind the motions
            self._record.events.emit("motion", done=self._done, of=self._of, steps=self._steps)


def _steps(evaluator: Any, motion_ids: Any) -> int:
    """Control steps of a batch: its longest motion's, by upstream's own rule."""
    longest = max(float(length) for length in evaluator.motion_lib.get_motion_length(motion_ids).tolist())
    return min(math.floor(round(longest / float(evaluator.env.dt), 4)), int(evaluator.config.max_eval_steps))
