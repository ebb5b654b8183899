"""What a run is doing right now, and how long that took the last time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pmlaunch.running.timings import Timings

# event: (what is reached, what the program does next)
_MILESTONES = {
    "started": ("Python started", "loading the program"),
    "process_group": ("process group", "starting the simulator"),
    "simulator_ready": ("simulator ready", "loading the checkpoint"),
    "checkpoint_loaded": ("checkpoint loaded", "preparing the evaluation"),
    "evaluation_started": ("evaluating", "evaluating"),
    "evaluation_finished": ("evaluated", "writing the results"),
}
_PACKAGES = {
    "isaacgym": "Isaac Gym",
    "isaacsim": "Isaac Sim",
    "isaaclab": "Isaac Lab",
    "genesis": "Genesis",
    "newton": "Newton",
    "mujoco": "MuJoCo",
    "torch": "torch",
    "lightning": "Lightning",
    "protomotions": "ProtoMotions",
}
_SIMULATOR = "SimulationApp"  # a stage as long as an import
# what Genesis and Warp (of Newton and Isaac Lab) write while they compile
_COMPILING = re.compile(rb"Compiling simulation kernels|Module \S+ .*load on device '")


class StageTrack:
    """Follows the events of a run.

    Attributes:
        reached: seconds from the start to each milestone, by the name it has in record.json.
        since: when the present stage began.
    """

    def __init__(self, earlier: Timings) -> None:
        self.reached: dict[str, float] = {}
        self.since = 0.0
        self._earlier = earlier
        self._stage = "starting Python"
        self._within: list[str] = []  # packages being imported, each by the one before, and the simulator's start
        self._compiling = False

    def hear(self, event: Mapping[str, Any], seconds: float) -> str:
        """Follow an event at `seconds`. Returns what it reached, if that is new: "torch imported", "simulator ready"."""
        name, module = str(event["event"]), str(event.get("module"))
        if name == "simulator_starting" or (name == "importing" and module in _PACKAGES):
            entered = module if name == "importing" else _SIMULATOR
            if entered not in self._within:
                self._within.append(entered)
        elif name == "simulator_started" or (name == "imported" and module in _PACKAGES):
            entered = module if name == "imported" else _SIMULATOR
            if entered in self._within:
                del self._within[self._within.index(entered) :]
            return (
                self._reach(f"imported:{module}", f"{_PACKAGES[module]} imported", seconds)
                if name == "imported"
                else ""
            )
        elif name in _MILESTONES and name not in self.reached:
            text, self._stage = _MILESTONES[name]
            self._within.clear()
            return self._reach(name, text, seconds)
        else:
            return ""
        self.since, self._compiling = seconds, False
        return ""

    def _reach(self, key: str, text: str, seconds: float) -> str:
        if key in self.reached:
            return ""
        self.reached[key] = self.since = seconds
        self._compiling = False
        return text

    def hear_log(self, chunk: bytes) -> None:
        """Notice in the log that the simulator compiles."""
        if "evaluation_finished" not in self.reached and _COMPILING.search(chunk):
            self._compiling = True

    def step(self) -> None:
        """The simulation steps, so nothing is being compiled any more."""
        self._compiling = False

    @property
    def present(self) -> str:
        """The stage that takes the time: "importing torch", "compiling kernels"."""
        if self._compiling:
            return "compiling kernels (minutes the first time)"
        if not self._within:
            return self._stage
        within = self._within[-1]
        return "starting Isaac Sim" if within == _SIMULATOR else f"importing {_PACKAGES[within]}"

    @property
    def evaluating(self) -> bool:
        """Whether the evaluation has started and not finished."""
        return "evaluation_started" in self.reached and "evaluation_finished" not in self.reached

    def usual(self) -> float | None:
        """Seconds that the present stage took in the earlier run; None if that is not known."""
        times = self._earlier.stages
        ends = times.get(f"imported:{self._within[-1]}") if self._within else None
        if ends is None:  # the milestone after those that this run has reached
            passed = max((when for name, when in times.items() if name in self.reached), default=0.0)
            ends = min((when for when in times.values() if when > passed), default=None)
        if ends is None:
            return None
        return ends - max((when for when in times.values() if when < ends), default=0.0)
