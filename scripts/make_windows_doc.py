"""Write docs/windows.md from real runs: `python scripts/make_windows_doc.py`. Takes some 20 minutes.

Every value goes through every runtime, and every end of a program, too. On Linux the runs are Wine's, with a Windows
Python (scripts/windows_python.sh), as root with the right to mount for Wine 10; on Windows they are real.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab import Lab

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests"), str(ROOT / "tests" / "windows")]

_TEXT = """\
# Windows: what was tried, with results

Made by `scripts/make_windows_doc.py` on {system}, in {minutes:.0f} minutes.

The batch files of four releases of Isaac Lab are stand-ins (`tests/windows/standins`), which do to arguments and exit
codes what the real ones were measured to do; `tests/windows/test_windows_standins.py` holds them to it. The program at
the end needs neither torch nor a simulator. `pmlaunch eval` with Hydra at the other end goes through the same runtimes
in `tests/windows/test_windows_command.py`.

{evidence}

## Values

Each value is the name of the folder that the command is typed in, of the folders and files of motion and checkpoint in
it, and an override. **ok**: motion, checkpoint, workspace and override arrived intact, the run is done, and nothing was
executed. Values that no file can be called by are overrides only.

{values}

{too_long}

## Ends

How the program ends: the exit code of the batch file without pmlaunch → what pmlaunch says (state, exit code, code of
the finding; "named" where it names the crash: Python's fault handler tells of an access violation, a stack buffer
overrun is told only where the code itself comes back). A failure is one whatever the batch file returns; where 0 tells
nothing the finding says so.

{ends}

## Isaac Lab and Isaac Sim

What the program and stand-ins of Isaac Lab and Isaac Sim (`tests/isaac_standin.py`) do to the process, and what comes of
it: the verdict that the program left (its status and exit code, or none) → what pmlaunch says (state, exit code, codes).
PML324 is a note: pmlaunch ended a process that stayed after its verdict. The limits of 30 seconds and 30 minutes are
lowered here. `tests/integration/test_behaviours.py` does the same through isaaclab.sh.

{behaviours}
"""
_WINE = """\
Wine is no evidence for: the finer points of Microsoft's own cmd.exe (its parser is another), PowerShell, Ctrl+Break and
"Terminate batch job (Y/N)?", the launchers of virtual environments, paths beyond 260 characters (Wine 8 cannot resolve them),
Isaac Sim, CUDA. It is a real Windows CPython with real CreateProcess quoting, environment blocks, batch files, pipes
and exit codes."""


def main() -> int:
    if os.name != "nt":
        from windows import run_on_windows

        return run_on_windows(["scripts/make_windows_doc.py"])
    for name in [name for name in os.environ if name.startswith("PMLAUNCH_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(dir=Path.home().anchor, prefix="pm", ignore_cleanup_errors=True) as folder:
        os.environ["PMLAUNCH_CACHE"] = str(Path(folder, "cache"))
        document = windows_document(Path(folder))
    (ROOT / "docs" / "windows.md").write_text(document, encoding="utf-8", newline="\n")
    return 0


def windows_document(root: Path) -> str:
    """The page, from runs below `root`, a folder with a short path."""
    from evaluation import make_program
    from lab import DIRECT, LABS, make_lab
    from table import TOO_LONG

    from wine import wine_version

    start = time.monotonic()
    labs = [make_lab(name, root / "labs") for name in (DIRECT, *LABS)]
    checkout = make_program(root / "pm")
    names = [lab.name for lab in labs]
    ends = table("the program ends with", names, end_rows(labs, root, checkout))
    behaviours = table("what happens", names, behaviour_rows(labs, root))
    values = table("value", names, {**folder_rows(labs, root, checkout), **text_rows(labs, root, checkout)})
    wine = wine_version()
    note = f"`{TOO_LONG}`: the path of the run folder would be too long for Windows, which is seen before the start "
    note += "(exit code 5); with `--runs` elsewhere everything else arrived."
    return _TEXT.format(
        system=f"{f'Wine {wine}' if wine else platform.platform()} with CPython {platform.python_version()} for Windows",
        minutes=(time.monotonic() - start) / 60,
        evidence=_WINE if wine else "This is a real Windows.",
        values=values,
        too_long=note if TOO_LONG in values else "",
        ends=ends,
        behaviours=behaviours,
    )


def folder_rows(labs: Sequence[Lab], root: Path, checkout: Path) -> dict[str, list[str]]:
    """Values that are names: one run for each in each runtime."""
    from hostile import FOLDERS
    from table import lost, make_home

    rows = {}
    for number, name in enumerate(FOLDERS):
        home = make_home(root / str(number), name, checkout)
        rows[shown(name)] = [cell(partial(lost, lab, home, checkout)) for lab in labs]
        _say(f"{number + 1}/{len(FOLDERS)} {rows[shown(name)]}")
    return rows


def text_rows(labs: Sequence[Lab], root: Path, checkout: Path) -> dict[str, list[str]]:
    """Values that are overrides only: one run in each runtime for all of them."""
    from hostile import TEXTS
    from table import lost_texts

    (root / "texts").mkdir()
    columns = [lost_texts(lab, root / "texts", checkout) for lab in labs]
    return {shown(text): [cell(partial(column.__getitem__, text)) for column in columns] for text in TEXTS}


def end_rows(labs: Sequence[Lab], root: Path, checkout: Path) -> dict[str, list[str]]:
    """Every end of a program in every runtime: without pmlaunch, then with it."""
    from table import ENDINGS, code_of, end_of

    place = root / "ends"
    place.mkdir()
    rows = {}
    for ending in ENDINGS:
        cells = []
        for lab in labs:
            end = end_of(lab, place, checkout, ending)
            named = any(ending in finding.message for finding in end.findings if finding.code == "PML330")
            said = " ".join([end.state, str(end.exit_code), *end.codes, *(["named"] if named else [])])
            cells.append(f"{_code(code_of(lab, place, checkout, ending))} → {said}")
        rows[ending] = cells
        _say(f"{ending} {cells}")
    return rows


def behaviour_rows(labs: Sequence[Lab], root: Path) -> dict[str, list[str]]:
    """Every behaviour of a program inside Isaac Lab in every runtime."""
    import pytest
    from evaluation import evaluate

    from behaviours import BEHAVIOURS, behave, make_behaving, outcome

    place = root / "behaviours"
    checkout = make_behaving(place)
    rows = {}
    for number, (name, behaviour) in enumerate(BEHAVIOURS.items()):
        cells = []
        for lab in labs:
            with pytest.MonkeyPatch.context() as patch:
                options = behave(behaviour, checkout, place / str(number), patch)
                cells.append(outcome(evaluate(lab, place, checkout, **options)))
        rows[name] = cells
        _say(f"{name} {cells}")
    return rows


def cell(lost: Callable[[], Sequence[str]]) -> str:
    """ok, or what was lost; an exception is reported as well and does not end the page."""
    try:
        return ", ".join(lost()) or "ok"
    except Exception as error:  # noqa: BLE001 (any failure is a cell of the page)
        return f"failed: {type(error).__name__}"


def shown(value: str) -> str:
    """A value as a cell of Markdown shows it: as code, shortened, nothing invisible."""
    visible = value.encode("unicode_escape").decode() if not value.isprintable() else value
    if len(visible) > 40:
        visible = f"{visible[:24]}... ({len(value)} characters)"
    visible = visible.replace("|", "\\|")
    fence = "``" if "`" in visible else "`"
    padding = " " if visible.startswith(("`", " ")) or visible.endswith(("`", " ")) else ""
    return f"{fence}{padding}{visible}{padding}{fence}" if visible else "(empty)"


def table(corner: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Rows of cells as a table of Markdown."""
    lines = [[corner, *columns], ["---"] * (len(columns) + 1), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(code: int) -> str:
    return f"0x{code:08X}" if code > 0x7FFFFFFF else str(code)


def _say(text: str) -> None:
    print(text.encode("ascii", "replace").decode(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
