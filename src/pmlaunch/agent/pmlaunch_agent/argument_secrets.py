"""Secrets among the arguments: spec.json holds <NAME> in the place of one, and the environment its value.

Both sides use this module, so it imports nothing of either.
"""

import json
from typing import List, Mapping, Sequence

SECRET_VARIABLE = "PMLAUNCH_ARGUMENT_{}_SECRET"  # noqa: S105  # a name
"""The environment variable with the part of an argument that spec.json must not hold: <NAME> stands there instead."""


def reveal(argv: Sequence[str], environment: Mapping[str, str]) -> List[str]:
    """The arguments with the values of SECRET_VARIABLE in their places."""
    names = [SECRET_VARIABLE.format(number) for number in range(len(argv))]
    held = {f"<{name}>": environment[name] for name in names if name in environment}
    return [next((text.replace(mark, held[mark]) for mark in held if text.endswith(mark)), text) for text in argv]


def conceal(text: str, environment: Mapping[str, str]) -> str:
    """JSON without the values of SECRET_VARIABLE, which an exception may quote."""
    number = 0
    while (name := SECRET_VARIABLE.format(number)) in environment:
        for value in (environment[name], environment[name].strip("'\"")):
            if len(value) >= 4:  # a shorter one would be found in any text
                text = text.replace(json.dumps(value)[1:-1], f"<{name}>")
        number += 1
    return text
