"""The bodies of a ProtoMotions 3 environment, kept as motion.npz. Everything of upstream is read by name."""

from __future__ import annotations

import functools
from typing import Any

from pmlaunch_agent.artifacts.motion_file import Bodies, Frame, MotionKeeper, rotations_of, to_array
from pmlaunch_agent.contract import StopReason
from pmlaunch_agent.hooks.post_import import Function, after
from pmlaunch_agent.report.ending import StopRun
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.metrics_file import motion_names


class Bodies3(Bodies):
    """The bodies of ProtoMotions 3's BaseEnv."""

    def frame(self) -> Frame:
        context = self._env.context
        now, followed = context.current, getattr(context, "mimic", None)
        wanted = followed.ref_state if followed is not None else None
        reference = None if wanted is None else to_array(wanted.rigid_body_pos)
        return to_array(now.rigid_body_pos), to_array(now.rigid_body_rot), reference, rotations_of(wanted)

    def skeleton(self) -> tuple[list[str], list[int]]:
        info = self._env.robot_config.kinematic_info
        names, parents = [str(name) for name in info.body_names], [int(parent) for parent in info.parent_indices]
        return names, parents if len(parents) == len(names) else [-1] * len(names)


class KeptMotion:
    """Keeps the motion of BaseEvaluator's evaluations, and ends one that only plays when its window is closed.

    `file` is the path of motion.npz, None to keep nothing; `names` are those of the motions, if the launcher knows them.
    """

    def __init__(self, journal: Journal, file: str | None, names: tuple[str, ...] = ()) -> None:
        self._journal = journal
        self._file = file
        self._names = names
        self._keeper: MotionKeeper | None = None

    def keep(self, evaluator: Any, env_ids: Any, motion_ids: Any, *_args: Any, **_kwargs: Any) -> None:
        """Keep a step of the environments that still follow a motion."""
        if self._keeper is None:
            self._keeper = MotionKeeper(Bodies3(evaluator.env))
        self._keeper.follow(env_ids, motion_ids)

    def finish(self, *_args: Any, **_kwargs: Any) -> None:
        """The motions of a batch have been followed to their end."""
        if self._keeper is not None:
            self._keeper.finish()

    def saving_if_cut(self, function: Function) -> Function:
        """Wrap `function(evaluator)`: if it is interrupted, write the motions that were followed to their end."""

        @functools.wraps(function)
        def evaluate(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return function(evaluator, *args, **kwargs)
            except BaseException:
                if self._keeper is not None:
                    self._save(self._keeper, evaluator, cut=True)
                raise

        return evaluate

    def save(self, evaluator: Any, *_args: Any, **_kwargs: Any) -> None:
        """Write motion.npz: every motion has been followed."""
        self._save(self._keeper or MotionKeeper(Bodies3(evaluator.env)), evaluator)
        self._keeper = None

    def playing(self, function: Function) -> Function:
        """Wrap `function(evaluator)`, which lets the policy act forever and measures nothing.

        Closing the window ends it: MuJoCo would go on where nobody sees it.
        """

        @functools.wraps(function)
        def play(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            env = evaluator.env
            keeper = MotionKeeper(Bodies3(env))

            def look(*_args: Any, **_kwargs: Any) -> None:
                if self._file is not None:
                    keeper.add()
                if _is_closed(env):
                    self._journal.remark("the window was closed, so the run ends")
                    self._journal.stopping(StopReason.WINDOW_CLOSED)
                    raise StopRun

            env.step = after(env.step, look)
            try:
                return function(evaluator, *args, **kwargs)
            finally:
                del env.step
                self._save(keeper, evaluator)

        return play

    def _save(self, keeper: MotionKeeper, evaluator: Any, cut: bool = False) -> None:
        if self._file is not None:
            files = getattr(getattr(evaluator, "motion_lib", None), "motion_files", None) or ()
            keeper.save(self._file, motion_names(self._names, len(files), files), self._journal, cut)


def _is_closed(env: Any) -> bool:
    """Whether the user closed the window; False if there is none, or it does not tell."""
    try:
        return not env.simulator.viewer.is_running()
    except Exception:
        return False
