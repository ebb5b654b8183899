"""Make a page of all codes from the registry: `python scripts/make_errors_doc.py [FILE]`; default: stdout."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

_HUNDREDS = {
    "0": "Names, usage, pmlaunch itself",
    "1": "Checkpoint, config, motion",
    "2": "Environment",
    "3": "Runs",
    "4": "Installation",
}


def errors_document() -> str:
    """The page in Markdown: every code with title, exit code, cause and fix."""
    from pmlaunch.codes import CODES

    lines = ["# Codes", "", "`pmlaunch explain` lists the codes, `pmlaunch explain CODE` prints an entry."]
    section = ""
    for code in CODES.values():
        if code.code[3] != section:
            section = code.code[3]
            lines += ["", f"## {_HUNDREDS[section]}"]
        lines += ["", f"### {code.code}: {code.title}", "", f"{code.cause}", "", f"Next: {code.cure}", ""]
        lines += [f"Exit code when it ends a command: {code.exit_code}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(errors_document(), encoding="utf-8", newline="\n")
    else:
        print(errors_document(), end="")
