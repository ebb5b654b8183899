r"""What isaaclab.bat cannot stand, and the way around it.

Measured on the batch files of Isaac Lab 2.1, 2.2, 2.3 and 3.0: they expand PATH, PYTHONPATH and CONDA_PREFIX inside
parenthesised blocks, so an unbalanced parenthesis or quote there ends the file with code 0 and nothing runs; `%` and
`!` are expanded once more by some; 2.x calls the interpreter unquoted; a variable named SKIP breaks the argument loop
of 2.1 and 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_EXPANDED = re.compile(r'[%!;"^&=,<>|*?\x00-\x1f]')
_REMOVED = ("SKIP",)


def is_harmless(path: str) -> bool:
    """Whether `path` means the same after any batch file has expanded it: no special sign, no parenthesis."""
    return not _EXPANDED.search(path) and "(" not in path and ")" not in path


def is_balanced(text: str) -> bool:
    """Whether quotes are even and every parenthesis outside quotes is closed: a block stays a block."""
    depth, quoted = 0, False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                return False
    return depth == 0 and not quoted


def survives_block(path: str) -> bool:
    """Whether a batch file can `set` this path inside a block: balanced, and nothing that cmd.exe acts on."""
    return is_balanced(path) and not _EXPANDED.search(path)


def cleaned_path(path: str) -> tuple[str, list[str]]:
    """PATH without the entries that break a batch file, and these entries."""
    entries = path.split(";")
    broken = [entry for entry in entries if not is_balanced(entry)]
    return ";".join(entry for entry in entries if entry not in broken), broken


def batch_environment(environment: Mapping[str, str]) -> tuple[dict[str, str | None], list[str]]:
    """(changes to the environment of a batch file, what was done, in words). None removes a variable."""
    changes: dict[str, str | None] = {}
    done = []
    for name in environment:
        if name.upper() in _REMOVED:
            changes[name] = None
            done.append(f"{name} is removed for the run: isaaclab.bat uses a variable of this name")
        elif name.upper() == "PATH":
            path, broken = cleaned_path(environment[name])
            if broken:
                changes[name] = path
                done.append(f"left out of PATH for the run, since isaaclab.bat breaks on them: {'; '.join(broken)}")
    return changes, done
