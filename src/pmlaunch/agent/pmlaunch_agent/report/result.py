"""What is known of a run: the content of result.json."""

from __future__ import annotations

import os
import sys
from typing import Any, Sequence

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import Status, StopReason

_REPORTED = "torch lightning hydra omegaconf numpy mujoco genesis newton warp isaacgym isaaclab isaacsim protomotions"
_OF_AN_EVALUATION = ("checkpoint_loaded", "evaluation_started", "first_step", "last_step", "evaluation_finished")
# the distribution of a module, which tells its version if it has no __version__, where the names differ
_DISTRIBUTIONS = {"hydra": "hydra-core", "genesis": "genesis-world", "newton": "newton-physics", "warp": "warp-lang"}


class RunResult:
    """The content of result.json, schema 1.

    Attributes:
        versions: of the packages that the run imported.
        seconds: {milestone: seconds from the agent's start to its first occurrence}.
        steps: control steps so far.
        left_out: artifacts that are not there although they were asked for, each {what, reason}.
    """

    def __init__(
        self, rank: int = 0, script: str | None = None, argv: Sequence[str] = (), backend: str | None = None
    ) -> None:
        self.status = Status.STARTED
        self.exit_code: int | None = None
        self.exception: dict[str, Any] | None = None
        self.stopped_by: StopReason | None = None
        self.backend: str | None = None
        self.backend_requested = backend
        self.world_size: int | None = None
        self.versions: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.steps = 0
        self.hooks_applied: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.left_out: list[dict[str, str]] = []
        self.pid = os.getpid()
        self.rank = rank
        self.python = sys.version.split()[0]
        self.executable = sys.executable
        self.platform = sys.platform
        self.script = script
        self.argv = list(argv)

    def following(self) -> RunResult:
        """The result of another evaluation in this process: what is known of the process, and nothing evaluated yet."""
        result = RunResult(self.rank, self.script, self.argv, self.backend_requested)
        result.backend, result.world_size = self.backend, self.world_size
        result.hooks_applied = [entry for entry in self.hooks_applied if entry["hook"] != "seed"]
        result.notes = list(self.notes)
        result.seconds = {name: at for name, at in self.seconds.items() if name not in _OF_AN_EVALUATION}
        result.seconds["evaluated_others"] = elapsed()
        return result

    def document(self) -> dict[str, Any]:
        """The JSON document; it has no `left_out` if nothing is."""
        entries = {name: value for name, value in vars(self).items() if name != "left_out" or value}
        return {"schema": 1, **entries, "seconds": {**self.seconds, "total": elapsed()}}


def imported_versions() -> dict[str, str]:
    """{module: version} of the modules above that are imported now, and "python"."""
    found = {"python": sys.version.split()[0]}
    for module in filter(sys.modules.__contains__, _REPORTED.split()):
        version = getattr(sys.modules[module], "__version__", None)
        if not version:
            from importlib import metadata  # 20 to 80 ms, so only at the end of a run that needs it

            try:
                version = metadata.version(_DISTRIBUTIONS.get(module, module))
            except Exception:  # noqa: S112  # not installed as a distribution, or its metadata is broken
                continue
        found[module] = str(version)
    return found
