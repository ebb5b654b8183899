"""Make the pictures of README.md from a real run: `python scripts/make_pictures.py`. Sets up as demo.py does.

Writes docs/images/demo-run.svg, what the terminal shows, and docs/images/demo-walk.png, the poses that the run draws.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from workshop import ROOT, add_torch_index, python_with

IMAGES = ROOT / "docs" / "images"
COLUMNS = 84
COMMAND = ["eval", "demo", "--motion", "walk"]
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # of another host


def terminal_picture(text: str) -> str:
    """What a terminal of COLUMNS columns shows, as an SVG that loads nothing. `text` has ANSI colours."""
    from rich.console import Console
    from rich.text import Text

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, force_terminal=True, file=nowhere)
        console.print(Text.from_ansi(text), soft_wrap=True)
        picture = console.export_svg(title="pmlaunch", unique_id="run")
    return "\n".join(line.rstrip() for line in _FONT.sub("", picture).splitlines()) + "\n"


def _run(python: Path, folder: Path) -> str:
    """Run the demo in `folder` and return its output with colours."""
    command = [str(python), "-m", "pmlaunch", *COMMAND]
    colours = {
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "COLUMNS": str(COLUMNS),
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **colours}, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return done.stdout.replace(str(folder), "~").strip("\n")


def _inside() -> None:
    """Make both pictures; called by an interpreter that has pmlaunch and its demo."""
    with tempfile.TemporaryDirectory(prefix="p") as temporary:
        folder = Path(temporary).resolve()
        text = f"> pmlaunch {' '.join(COMMAND)}\n{_run(Path(sys.executable), folder)}"
        (IMAGES / "demo-run.svg").write_text(terminal_picture(text), encoding="utf-8", newline="\n")
        (poses,) = folder.glob("runs/*/poses.png")
        shutil.copyfile(poses, IMAGES / "demo-walk.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", action="store_true", help="use this interpreter, which has pmlaunch and its demo")
    add_torch_index(parser)
    options = parser.parse_args()
    if options.inside:
        _inside()
        return 0
    python = python_with(extras=["demo"], torch_index=options.torch_index)
    return subprocess.call([str(python), __file__, "--inside"], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
