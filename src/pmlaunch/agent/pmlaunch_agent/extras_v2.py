"""What a run of ProtoMotions 2 leaves beside its figures: the motion that was made, and a video of it.

Both are extras: whatever fails here is told and ends nothing.
"""

from __future__ import annotations

import os

from pmlaunch_agent.keeping import MotionKeeper
from pmlaunch_agent.recording import Recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pmlaunch_agent.record import Record
    from pmlaunch_agent.spec import Spec


class Extras:
    """What spec.json's hooks save_motion and record ask for.

    Args:
        spec: of this run.
        record: told what went wrong.
        env: a BaseEnv that has been built.
        rank: of this process; only the first one records.
        names: of the library's motions.
        lengths: control steps of each motion where every motion is followed once; None elsewhere.
    """

    def __init__(self, spec: Spec, record: Record, env: Any, rank: int, names: list[str], lengths: list[int] | None):
        self._record = record
        self._rank = rank
        self._file: str | None = None if spec.save_motion is None else str(spec.save_motion["file"])
        self._keeper = None if self._file is None else MotionKeeper(env, names, lengths)
        self._recorder: Recorder | None = None
        if spec.record is not None and rank == 0:
            self._recorder = Recorder(env.simulator, str(spec.record["path"]), record)

    def start(self) -> None:
        """Begin to record."""
        if self._recorder is not None:
            self._recorder.start()

    def step(self, steps: int, ends: list[tuple[int, int]]) -> None:
        """Keep step number `steps`; `ends` are (steps, motions) at the end of each batch of motions.

        In the last batch only so many environments follow a motion of it as there are motions left.
        """
        if self._keeper is None or self._keeper.problem is not None:
            return
        active, before = None, 0
        for end, done in ends:
            if steps <= end:
                active = done - before
                break
            before = done
        try:
            self._keeper.add(active)
        except Exception as error:
            self._keeper.problem = f"motion.npz ends early: {type(error).__name__}: {error}"

    def close(self) -> None:
        """Write what was kept, and then the video, which takes longer."""
        if self._keeper is not None and self._file is not None:
            self._write(self._keeper, self._file)
        if self._recorder is not None:
            self._recorder.stop()

    def _write(self, keeper: MotionKeeper, file: str) -> None:
        stem, extension = os.path.splitext(file)
        try:
            if not keeper.write(f"{stem}.rank{self._rank}{extension}" if self._rank else file):
                self._record.remark("motion.npz was not written: no step was taken")
        except Exception as error:
            self._record.remark(f"motion.npz was not written: {type(error).__name__}: {error}")
        if keeper.problem is not None:
            self._record.remark(keeper.problem)
