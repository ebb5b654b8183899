"""Write docs/errors.md from the registry of codes: `python scripts/make_errors_doc.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

_HUNDREDS = {
    "0": "Names, usage, pmlaunch itself",
    "1": "Checkpoint, config, motion",
    "2": "Environment",
    "3": "What a run shows",
    "4": "Install",
}


def errors_document() -> str:
    """The page: every code with title, exit code, cause and cure."""
    from pmlaunch.codes import CODES

    made = "Made from `src/pmlaunch/codes.py` by `scripts/make_errors_doc.py`; `pmlaunch explain CODE` prints one."
    lines = ["# Codes", "", made]
    section = ""
    for code in CODES.values():
        if code.code[3] != section:
            section = code.code[3]
            lines += ["", f"## {_HUNDREDS[section]}"]
        lines += ["", f"### {code.code}: {code.title}", "", f"{code.cause}", "", f"Next: {code.cure}", ""]
        lines += [f"Exit code when it ends a command: {code.exit_code}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "errors.md").write_text(errors_document(), encoding="utf-8", newline="\n")
