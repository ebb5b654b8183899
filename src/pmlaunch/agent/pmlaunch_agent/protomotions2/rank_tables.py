"""The figures of single motions, which upstream's calc_eval_metrics adds up and forgets.

It saves them as RANK_metrics.pt in the logger's folder, for the other ranks, and deletes the files once all have read
them. In between it waits for the ranks (`fabric.barrier`), which is when they can be read.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import Any, Iterator


class RankTables:
    """The tables of all ranks.

    Args:
        folder: the logger's.
        ranks: number of ranks.
    """

    def __init__(self, folder: str, ranks: int) -> None:
        self._files = [os.path.join(folder, f"{rank}_metrics.pt") for rank in range(ranks)]
        self._merged: dict[str, Any] = {}

    @contextlib.contextmanager
    def watching(self, fabric: Any) -> Iterator[None]:
        """Read the files at each of the fabric's barriers while this lasts."""
        os.makedirs(os.path.dirname(self._files[0]), exist_ok=True)
        barrier, gather = fabric.barrier, fabric.all_gather

        @functools.wraps(barrier)
        def read_and_wait(*args: Any, **kwargs: Any) -> Any:
            self._read()
            return barrier(*args, **kwargs)

        @functools.wraps(gather)
        def gather_in_a_row(*args: Any, **kwargs: Any) -> Any:
            # In one process without a group, Lightning returns a bare number, of which upstream takes the max.
            gathered = gather(*args, **kwargs)
            return gathered.reshape(1) if getattr(gathered, "ndim", None) == 0 else gathered

        fabric.barrier, fabric.all_gather = read_and_wait, gather_in_a_row
        try:
            yield
        finally:
            del fabric.barrier, fabric.all_gather

    def _read(self) -> None:
        torch: Any = sys.modules.get("torch")
        if torch is None or not all(os.path.isfile(path) for path in self._files):
            return
        try:
            tables = [torch.load(path, map_location="cpu", weights_only=True) for path in self._files]
            merged: dict[str, Any] = {}
            for table in tables:
                mine = table["evaluated"].nonzero().flatten()
                for name, values in table.items():
                    merged.setdefault(name, values.clone())[mine] = values[mine]
            self._merged = merged
        except Exception:  # another version of ProtoMotions saves something else: no figures of single motions
            self._merged = {}

    def per_motion(
        self, keys: list[str], frames: list[int], episodes: int, limit: int | None
    ) -> list[dict[str, float]]:
        """Each motion's figures {key, key_max, key_min}, with means as upstream divides them; empty if unknown.

        Args:
            keys: names of the figures.
            frames: control steps of each motion.
            episodes: runs of each motion.
            limit: control steps after which motions were cut; None if they were not.
        """
        names = [name for key in keys for name in (key, f"{key}_max", f"{key}_min")]
        if any(len(self._merged.get(name, ())) != len(frames) for name in names):
            return []
        lasted = [count if limit is None else min(count, limit) for count in frames]
        found = []
        for index, count in enumerate(lasted):
            figures = {name: float(self._merged[name][index]) for name in names}
            for key in keys:
                figures[key] = float(self._merged[key][index] / (count * episodes)) if count else float("nan")
            found.append(figures)
        return found
