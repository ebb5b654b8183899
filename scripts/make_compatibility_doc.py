"""Make docs/compatibility.md from the table: `python scripts/make_compatibility_doc.py [FILE]`; default: stdout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

if TYPE_CHECKING:
    from pmlaunch.runtimes.compatibility import Row

_INTRODUCTION = """# What runs with what

Which versions of ProtoMotions, Isaac Lab, Isaac Sim, Python, torch and a few packages work together, as far as it is
known. `pmlaunch eval` refuses what is known to fail (PML246, exit code 4), `pmlaunch doctor` and `pmlaunch runtime` say
what they find, and all of them read the same table, `src/pmlaunch/runtimes/compatibility.py`. This page is made from it
by `python scripts/make_compatibility_doc.py docs/compatibility.md`.

ProtoMotions `main` is 3.x with a backend for Isaac Lab 3 (it imports `isaaclab_physx`); 3.0 and 3.1 have one for Isaac
Lab 2. A version includes its patches: 2.3 is also 2.3.2. Versions are read from files, so one that files do not tell
fulfils no condition. A combination that no row covers is unknown. Isaac Lab 12.0 is not a release (those are 2.x and 3.x):
it is what the installation guide of ProtoMotions `main` calls the commit that it pins.
"""
_SECTIONS = {
    "FAILS": ("Does not work", "The run would fail; `--no-check PML246` starts it all the same."),
    "WORKS": ("Works", "As measured, reported or documented. A repair of the next section may be part of it."),
    "REPAIRED": ("Works with a repair", "pmlaunch does this in every run; without pmlaunch it fails."),
    "UNKNOWN": ("Unknown", "Not refused, and not called good."),
}


def compatibility_document() -> str:
    """The page in Markdown: a table for each verdict, with the source of every row."""
    from pmlaunch.runtimes.compatibility import TABLE, Verdict

    lines = [_INTRODUCTION]
    for name, (title, text) in _SECTIONS.items():
        rows = [row for row in TABLE if row.verdict is Verdict[name]]
        extra = {"FAILS": ["What to do"], "REPAIRED": ["Repair"]}.get(name, [])
        lines += [f"## {title}\n", f"{text}\n", _line("Combination", "What is known", *extra, "Source")]
        lines.append(_line(*["---"] * (3 + len(extra))))
        lines += [_line(_conditions(row), row.text, *_extra(row), row.source) for row in rows]
        lines.append("")
    return "\n".join(lines)


def _conditions(row: Row) -> str:
    """The conditions of a row in words."""
    from pmlaunch.runtimes.compatibility import ABSENT

    cells = []
    for part, wanted in row.where.items():
        low, dots, high = wanted.partition("..")
        text = f"{low} to {high}" if low and high else f"{low} or later" if low else f"{high} or older"
        text = (text if dots else wanted).replace("not ", "other than ").replace(", ", " or ")
        cells.append(f"no {part.value}" if wanted == ABSENT else f"{part.value} {text}")
    return ", ".join(cells)


def _extra(row: Row) -> list[str]:
    from pmlaunch.runtimes.compatibility import Verdict

    if row.verdict is Verdict.FAILS:
        return [row.instead.format(pip="PYTHON -m pip install", isaaclab="VERSION")]
    return [f"`{row.repair}`"] if row.repair else []


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(compatibility_document(), encoding="utf-8", newline="\n")
    else:
        print(compatibility_document(), end="")
