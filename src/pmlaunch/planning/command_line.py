"""A request as words to be typed again: in hints that propose another command than the one that was typed."""

from __future__ import annotations

import re
from dataclasses import fields

from pmlaunch.model import EvalRequest

_NAMED = {"constraints": "constraint"}  # options that are called otherwise than their field
_PAIRS = {"headless": ("--headless", "--window"), "metrics": ("--metrics", "--no-metrics")}
_OF_THE_MODEL = ("checkpoint", "robot")
_NEVER = ("model", "motions", "overrides")  # arguments; and the motions are what another command changes
_PLAIN = re.compile(r"[\w./:=+,~-]+")


def typed_options(request: EvalRequest, *, same_model: bool) -> list[str]:
    """The options and overrides of `request` but for its motions; of another model without --checkpoint and --robot."""
    words: list[str] = []
    for item in fields(request):
        value = getattr(request, item.name)
        if item.name in _NEVER or (value in (None, False, ()) and item.name not in _PAIRS):
            continue
        if item.name in _OF_THE_MODEL and not same_model:
            continue
        option = "--" + _NAMED.get(item.name, item.name).replace("_", "-")
        if item.name in _PAIRS:
            words += [] if value is None else [_PAIRS[item.name][not value]]
        elif value is True:
            words.append(option)
        else:
            for each in value if isinstance(value, tuple) else (value,):
                words += [option, f"{each:g}" if isinstance(each, float) else str(each)]
    return [*words, *request.overrides]


def command_line(*words: str) -> str:
    """The words as one line, those with blanks or a shell's signs in double quotes, which every shell knows."""
    return " ".join(word if _PLAIN.fullmatch(word) else f'"{word}"' for word in words)
