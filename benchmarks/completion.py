"""How long Tab takes: each kind of value, its names remembered, paired with the completion of a bare typer app.

    python benchmarks/completion.py [--checkout DIR] [--repeat N]

Run it with the Python of an environment that has pmlaunch, on an idle machine. Figures are medians of the whole
process. The first Tab after a change in the checkout, which reads its names again, is the last row.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from startup import call, paired

LIMIT = 0.150  # seconds
BARE_TYPER = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = typer.Argument(autocompletion=lambda: ["walk", "wave"])): print("bare 0.1.0")
app(prog_name="bare")
"""
LINES = {
    "commands": "pmlaunch ",
    "models": "pmlaunch eval ",
    "motions": "pmlaunch eval x --motion ",
    "robots": "pmlaunch eval x --robot ",
    "simulators": "pmlaunch eval x --simulator ",
    "constraints": "pmlaunch eval x --constraint ",
    "runs": "pmlaunch stop ",
    "codes": "pmlaunch explain PML",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=os.environ.get("PMLAUNCH_PROTOMOTIONS"))
    parser.add_argument("--repeat", type=int, default=11)
    options = parser.parse_args()
    more = {"PMLAUNCH_PROTOMOTIONS": str(Path(options.checkout).resolve())} if options.checkout else {}
    print(f"{'':<24} {'pmlaunch':>9} {'typer':>9}")
    with tempfile.TemporaryDirectory() as folder:
        kept = {**more, "PMLAUNCH_CACHE": folder}
        for what, line in LINES.items():
            ours, bare = paired(partial(tab, line, **kept), bare_tab, options.repeat)
            print(f"{what:<24} {ours:8.3f}s {bare:8.3f}s  {'ok' if ours <= LIMIT else 'OVER'} (limit {LIMIT:g} s)")
    ours, bare = paired(lambda: tab(LINES["motions"], **more, PMLAUNCH_CACHE="off"), bare_tab, options.repeat)
    print(f"{'motions, nothing kept':<24} {ours:8.3f}s {bare:8.3f}s")


def tab(line: str, **variables: str) -> float:
    program = [sys.executable, "-m", "pmlaunch"]
    return call(program, _PMLAUNCH_COMPLETE="complete_zsh", _PMLAUNCH_LINE=line, **variables)


def bare_tab() -> float:
    program = [sys.executable, "-c", BARE_TYPER]
    return call(program, _BARE_COMPLETE="complete_bash", COMP_WORDS="bare wa", COMP_CWORD="1")


if __name__ == "__main__":
    main()
