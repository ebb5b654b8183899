"""The observations of a ProtoMotions 2 environment, which it computes after a step but not at a reset.

So the first action of an evaluation depends on what came before: nothing at first, else the last step of the evaluation
before. Each evaluation of a process begins with what the first one began with.
"""

from __future__ import annotations

import sys
from typing import Any, Iterator

_DEEPEST = 3  # a component, its history, a dictionary of buffers


class Observations:
    """The buffers of the components of `env` that compute observations, with a copy of what they hold now."""

    def __init__(self, env: Any) -> None:
        components = [part for part in vars(env).values() if hasattr(part, "compute_observations")]
        found = [entry for part in components for entry in _tensors(part, _DEEPEST)]
        self._buffers = [(holder, name, buffer, buffer.clone()) for holder, name, buffer in found]

    def restore(self) -> None:
        """Let them hold that again."""
        for holder, name, buffer, content in self._buffers:
            buffer.copy_(content)
            holder[name] = buffer  # upstream replaces some instead of writing into them


def _tensors(part: Any, depth: int) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """(attributes or dictionary, name, tensor) of everything in `part`, besides what it only refers to."""
    kind = getattr(sys.modules.get("torch"), "Tensor", ())
    holder = part if isinstance(part, dict) else getattr(part, "__dict__", {})
    for name, value in list(holder.items()):
        if isinstance(value, kind):
            yield holder, name, value
        elif depth and name != "env" and not str(name).endswith("config"):
            yield from _tensors(value, depth - 1)
