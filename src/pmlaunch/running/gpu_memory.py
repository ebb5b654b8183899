"""How many environments to try after a run that had too many for the GPU's memory, or for the terrain."""

from __future__ import annotations

import re

_SIZE = r"(\d{1,9}(?:\.\d{1,9})?) ([KMG]iB)"
# torch.OutOfMemoryError; Warp tells no sizes
_SIZES = re.compile(rf"Tried to allocate {_SIZE}.*?total capacity of {_SIZE} of which {_SIZE} is free", re.DOTALL)
_BYTES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def fitting_envs(num_envs: int, message: str) -> int | None:
    """A power of two, at most half of the `num_envs` that did not fit; None if one environment is too many.

    It is less than half if the sizes in torch's `message` say so, because memory grows with the environments.
    """
    most = num_envs / 2
    if found := _SIZES.search(message):
        tried, total, free = (float(found[n]) * _BYTES[found[n + 1]] for n in (1, 3, 5))
        most = min(most, num_envs * total / max(total - free + tried, 1.0))
    return 1 << (int(most).bit_length() - 1) if most >= 1 else None
