r"""What isaaclab.bat cannot stand, and the way around it.

Measured on the batch files of Isaac Lab 2.1, 2.2, 2.3 and 3.0: they expand PATH, PYTHONPATH and CONDA_PREFIX inside
parenthesised blocks, so an unbalanced parenthesis or quote there ends the file with code 0 and nothing runs; `%` and
`!` are expanded once more by some; 2.x calls the interpreter unquoted; a variable named SKIP breaks the argument loop
of 2.1 and 2.2.

Balanced parentheses are a question of the cmd.exe: the one of Wine, with which that was measured, counts them, and
Microsoft's ends a block at the first `)` of an unquoted variable (Isaac Lab issue 4407). PYTHONPATH is ours and holds
none. PATH is left as it is: nearly every Windows has `C:\Program Files (x86)` in it, most files never expand it in a
block, and a run without that folder might fail for another reason. In the places that are the user's own choice,
Isaac Lab's folder and CONDA_PREFIX, they are told before the start (PML214); and where a file did break, its own words
are recognised afterwards (PML213, `running/diagnose.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath

from pmlaunch.model import RuntimeFacts, RuntimeKind

_EXPANDED = re.compile(r'[%!;"^&=,<>|*?\x00-\x1f]')
_REMOVED = ("SKIP",)


@dataclass(frozen=True)
class BatchFile:
    """What is known of a batch file that was started: what its exit code 0 is worth (None: what any program's is),
    and the options that start the same Python without it.
    """

    about_zero: str | None
    way_around: str

    @classmethod
    def of(cls, runtime: RuntimeFacts) -> BatchFile | None:
        """The batch file of a runtime; None if it is not an isaaclab.bat."""
        if runtime.kind is not RuntimeKind.ISAACLAB or not runtime.path.endswith(".bat"):
            return None
        path, by = (runtime.python.path, runtime.python.by) if runtime.python else (None, None)
        if path and by == "_isaac_sim":  # a python.bat, with its interpreter below it
            path = str(PureWindowsPath(path).parent / "kit" / "python" / "python.exe")
        return cls(about_zero(runtime.version, by), "--via python --python " + (f'"{path}"' if path else "EXE"))


def is_harmless(path: str) -> bool:
    """Whether `path` means the same after any batch file has expanded it: no special sign, no parenthesis."""
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
    """Whether a batch file can `set` this path inside a block: balanced, and nothing that cmd.exe acts on."""
    return is_balanced(path) and not _EXPANDED.search(path)


def has_parenthesis(path: str) -> bool:
    """Whether Microsoft's cmd.exe would end a block where this path is expanded without quotes."""
    return "(" in path or ")" in path


def about_zero(version: str | None, by: str | None) -> str | None:
    """What exit code 0 of isaaclab.bat is worth, in words; None where it is the program's own.

    `version` is Isaac Lab's, `by` what its Python was chosen by. 2.1 and 3.x end with Isaac Sim's python.bat, whose
    code then shows; everything else of 2.x returns 0, and `if errorlevel 1` in 3.x takes a negative code for none.
    """
    release = (version or "2").split(".")
    if by == "_isaac_sim" and (release[0] == "3" or release[:2] in (["2", "0"], ["2", "1"])):
        return None
    always = "after a crash, too" if release[0] == "3" else "whatever happens"
    return f"this batch file returns 0 {always}, so the code tells nothing"


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
