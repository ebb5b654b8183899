"""result.json: how the run went by its own account, replaced as a whole at every stage.

The launcher trusts this file, not the exit code: isaaclab.bat always returns 0, and Isaac Sim may end the process with
0 while an exception is propagating.
"""

from __future__ import annotations

import json
import os

from pmlaunch_agent.report.files import of_rank, write_whole
from pmlaunch_agent.report.observer import Observer
from pmlaunch_agent.report.run_result import RunResult


class ResultFile(Observer):
    """Keep result.json up to date.

    Args:
        path: the file of rank 0; rank N writes result.rankN.json beside it.
        result: what to write.

    Attributes:
        error: why the file lacks the latest change; None if it has it.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: str, result: RunResult) -> None:
        self.path = of_rank(path, result.rank)
        self.error: OSError | None = None
        self._save(result)

    def on_change(self, result: RunResult) -> None:
        """Write the result, except in a forked child. A failing write does not end the run."""
        if os.getpid() != result.pid:
            return
        try:
            self._save(result)
            self.error = None
        except OSError as error:
            self.error = error

    def _save(self, result: RunResult) -> None:
        document = result.document()
        write_whole(self.path, lambda file: json.dump(document, file, indent=1, default=str))
