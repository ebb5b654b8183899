"""Command lines for hints that propose another command than the one that was typed."""

from __future__ import annotations

import re
from typing import Any

from pmlaunch.request import EvalRequest, Parameter, parameters

_BELONG_TO_THE_MODEL = ("checkpoint", "robot")
_PLAIN = re.compile(r"[\w./:=+,~-]+")


def typed_options(request: EvalRequest, *, same_model: bool) -> list[str]:
    """The options and overrides of `request` as words, without its motions.

    For another model they do not include --checkpoint and --robot.
    """
    words: list[str] = []
    for name, parameter in parameters(EvalRequest).items():
        if parameter.option.positional or name == "motions":
            continue
        if same_model or name not in _BELONG_TO_THE_MODEL:
            words += _words(parameter, getattr(request, name))
    return [*words, *request.overrides]


def _words(parameter: Parameter, value: Any) -> list[str]:
    """The option that sets `value`; nothing for None and for a flag that was not given."""
    if value is None:
        return []
    if isinstance(value, bool):
        flag = parameter.flags[0] if value else parameter.option.off
        return [flag] if flag else []
    values = value if parameter.repeatable else (value,)
    return [
        word for each in values for word in (parameter.flags[0], f"{each:g}" if isinstance(each, float) else str(each))
    ]


def command_line(*words: str) -> str:
    """The words as one line. Double quotes, which every shell understands, go around those with special characters."""
    return " ".join(word if _PLAIN.fullmatch(word) else f'"{word}"' for word in words)
