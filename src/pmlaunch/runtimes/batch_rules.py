r"""What isaaclab.bat cannot cope with, and how to avoid it.

Measured on the batch files of Isaac Lab 2.1, 2.2, 2.3 and 3.0: they expand PATH, PYTHONPATH and CONDA_PREFIX inside
parenthesised blocks, so an unbalanced parenthesis or quote there ends the file with exit code 0 and nothing runs; some
expand `%` and `!` once more; 2.x calls the interpreter unquoted; a variable named SKIP breaks the argument loop of 2.1
and 2.2.

Balanced parentheses depend on cmd.exe: Wine 8's, used for these measurements, counts them, while Microsoft's ends a
block at the first `)` of an unquoted variable (Isaac Lab issue 4407), as Wine 10's does. PYTHONPATH gets
no entry with one. PATH is left alone: nearly every Windows has `C:\Program Files (x86)` in it, most of these files never
expand it in a block, and a run without that folder might fail for another reason. In Isaac Lab's own folder 2.x runs
nothing at all under Wine 10 (PML218); in CONDA_PREFIX parentheses are doubtful (PML214); if a file did break, its
output is recognised afterwards (PML213, `running/diagnosis.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath

from pmlaunch.model import IsaacLabVersion, Origin, RuntimeFacts, RuntimeKind

_EXPANDED = re.compile(r'[%!;"^&=,<>|*?\x00-\x1f]')


@dataclass(frozen=True)
class BatchFile:
    """A batch file that was started.

    `about_zero` says in words what its exit code 0 means, None if it is the program's own; `way_around` are the
    options that start the same Python without it.
    """

    about_zero: str | None
    way_around: str

    @classmethod
    def of(cls, runtime: RuntimeFacts) -> BatchFile | None:
        """The batch file of a runtime; None if it is not an isaaclab.bat."""
        if runtime.kind is not RuntimeKind.ISAACLAB or not runtime.path.endswith(".bat"):
            return None
        python = runtime.python
        by_isaac_sim = python is not None and python.by.origin is Origin.ISAAC_SIM
        path = f'"{python.path}"' if python else "EXE"
        if python and by_isaac_sim:  # a python.bat, with its interpreter below it
            path = f'"{PureWindowsPath(python.path).parent / "kit" / "python" / "python.exe"}"'
        return cls(about_zero(runtime.version, by_isaac_sim), f"--via python --python {path}")


def is_release_3(version: IsaacLabVersion | None) -> bool:
    """Whether an Isaac Lab is 3.0 or later; one without a VERSION file is taken for 2.x."""
    return version is not None and version.major >= 3


def is_harmless(path: str) -> bool:
    """Whether `path` is unchanged after any batch file has expanded it: no special character, no parenthesis."""
    return not _EXPANDED.search(path) and not has_parenthesis(path)


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
    """Whether a batch file can `set` this path inside a block: balanced, without characters cmd.exe acts on."""
    return is_balanced(path) and not _EXPANDED.search(path)


def has_parenthesis(path: str) -> bool:
    """Whether Microsoft's cmd.exe would end a block where it expands this path unquoted."""
    return "(" in path or ")" in path


def about_zero(version: IsaacLabVersion | None, by_isaac_sim: bool) -> str | None:
    """Describe what exit code 0 of isaaclab.bat means; None if it is the program's own exit code.

    `by_isaac_sim` is whether its Python is that of a binary Isaac Sim in `_isaac_sim`. 2.0, 2.1 and 3.x then end with
    Isaac Sim's python.bat, whose exit code gets through. Otherwise 2.x always returns 0, and 3.x returns 0 for negative
    exit codes because of its `if errorlevel 1`.
    """
    newer = is_release_3(version)
    if by_isaac_sim and (newer or (version is not None and version.minor in (0, 1))):
        return None
    returns = "returns 0 even after a crash" if newer else "always returns 0"
    return f"this batch file {returns}, so its exit code says nothing"


def batch_environment(environment: Mapping[str, str]) -> tuple[dict[str, str | None], list[str]]:
    """(changes to a batch file's environment, descriptions of them). None removes a variable."""
    changes: dict[str, str | None] = {}
    done = []
    for name, value in environment.items():
        if name.upper() == "SKIP":
            changes[name] = None
            done.append(f"Removed {name} for the run, because isaaclab.bat uses a variable with this name")
        elif name.upper() == "PATH":
            broken = [entry for entry in value.split(";") if not is_balanced(entry)]
            if broken:
                changes[name] = ";".join(entry for entry in value.split(";") if entry not in broken)
                done.append(f"Removed from PATH for the run, because they break isaaclab.bat: {'; '.join(broken)}")
    return changes, done
