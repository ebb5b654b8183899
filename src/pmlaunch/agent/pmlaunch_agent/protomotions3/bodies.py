"""The bodies of a ProtoMotions 3 environment, kept as motion.npz. Everything of upstream is read by name."""

from __future__ import annotations

import functools
from typing import Any

from pmlaunch_agent.artifacts.motion_file import Bodies, MotionKeeper, to_array
from pmlaunch_agent.hooks.wrapping import Function
from pmlaunch_agent.report.ending import StopReason, StopRun
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.metrics_file import motion_names


class Bodies3(Bodies):
    """The bodies of ProtoMotions 3's BaseEnv."""

    def now(self) -> tuple[Any, Any]:
        """See `Bodies`."""
        current = self._env.context.current
        return to_array(current.rigid_body_pos), to_array(current.rigid_body_rot)

    def reference(self) -> Any:
        """See `Bodies`."""
        followed = getattr(self._env.context, "mimic", None)
        return to_array(followed.ref_state.rigid_body_pos) if followed is not None else None

    def names(self) -> list[str]:
        """See `Bodies`."""
        return [str(name) for name in self._env.robot_config.kinematic_info.body_names]

    def parents(self, names: list[str]) -> list[int]:
        """See `Bodies`."""
        parents = [int(parent) for parent in self._env.robot_config.kinematic_info.parent_indices]
        return parents if len(parents) == len(names) else [-1] * len(names)


class KeptMotion:
    """Keeps the motion of BaseEvaluator's evaluations, and ends one that only plays when its window is closed.

    Args:
        journal: told what went wrong.
        file: path of motion.npz; None to keep nothing.
        names: of the motions, as far as the launcher knows them.
    """

    def __init__(self, journal: Journal, file: str | None, names: tuple[str, ...] = ()) -> None:
        self._journal = journal
        self._file = file
        self._names = names
        self._keeper: MotionKeeper | None = None

    def keeping(self, function: Function) -> Function:
        """Wrap `function(evaluator, env_ids, motion_ids)`, called after each step for those still following a motion."""
        if self._file is None:
            return function

        @functools.wraps(function)
        def keep(evaluator: Any, env_ids: Any, motion_ids: Any, *args: Any, **kwargs: Any) -> Any:
            if self._keeper is None:
                self._keeper = MotionKeeper(Bodies3(evaluator.env))
            self._keeper.follow(env_ids, motion_ids)
            return function(evaluator, env_ids, motion_ids, *args, **kwargs)

        return keep

    def playing(self, function: Function) -> Function:
        """Wrap `function(evaluator)`, which lets the policy act forever and measures nothing.

        Closing the window ends it: MuJoCo would go on where nobody sees it.
        """

        @functools.wraps(function)
        def play(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            env = evaluator.env
            step, keeper = env.step, MotionKeeper(Bodies3(env))

            def watched(*args: Any, **kwargs: Any) -> Any:
                returned = step(*args, **kwargs)
                if self._file is not None:
                    keeper.add()
                if _is_closed(env):
                    self._journal.remark("the window was closed, and the run ends")
                    self._journal.stopping(StopReason.WINDOW_CLOSED)
                    raise StopRun
                return returned

            env.step = watched
            try:
                return function(evaluator, *args, **kwargs)
            finally:
                del env.step
                self._save(keeper, evaluator)

        return play

    def saving(self, function: Function) -> Function:
        """Wrap `function(evaluator)`, called when every motion has been followed."""
        if self._file is None:
            return function

        @functools.wraps(function)
        def save(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            self._save(self._keeper or MotionKeeper(Bodies3(evaluator.env)), evaluator)
            self._keeper = None
            return function(evaluator, *args, **kwargs)

        return save

    def _save(self, keeper: MotionKeeper, evaluator: Any) -> None:
        if self._file is not None:
            files = getattr(getattr(evaluator, "motion_lib", None), "motion_files", None) or ()
            keeper.save(self._file, motion_names(self._names, len(files), files), self._journal)


def _is_closed(env: Any) -> bool:
    """Whether the user closed the window; False if there is none, or it does not tell."""
    try:
        return not env.simulator.viewer.is_running()
    except Exception:
        return False
