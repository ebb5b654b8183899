"""Probe the Python that this runs in: what is installed, what imports, what torch can do.

    python -m pmlaunch_agent.probe REPLY [--packages] [--requires] [--import NAME,NAME] [--torch] [--backend NAME]

Writes one JSON document to REPLY, replaced as a whole after every answer, with only what was asked for:

    {"schema": 1, "python": "3.11.7", "executable", "prefix", "base_prefix", "platform", "seconds",
     "packages": {name: {"version", "location", "editable": path or null, "complete", "requires": [...]}},
     "imports": {module: {"ok", "imported", "version", "file", "error", "seconds"}},
     "torch": {"version", "file", "cuda_build", "cuda_available", "devices": [...], "distributed", "nccl", "gloo",
               "libuv", "warnings": [...]} or {"error"},
     "process_group": {"backend", "ok", "seconds", "error"}}

Standard library only; torch is imported only by the questions about it. Isaac Lab and Isaac Sim are located but never
imported: that would start the simulator.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Sequence

from pmlaunch_agent.probe.distributions import installed_packages
from pmlaunch_agent.probe.trials import torch_features, try_import, try_process_group
from pmlaunch_agent.report.files import write_whole

SCHEMA = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Answer what `argv` asks. Always returns 0: the reply says what went wrong."""
    parser = argparse.ArgumentParser(prog="pmlaunch_agent.probe")
    parser.add_argument("reply")
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("--requires", action="store_true")
    parser.add_argument("--import", dest="imports", default="")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--backend")
    options = parser.parse_args(argv)
    start = time.monotonic()
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "platform": sys.platform,
    }

    def answer(**entries: Any) -> None:
        document.update(entries, seconds=round(time.monotonic() - start, 3))
        write_whole(options.reply, lambda file: json.dump(document, file, indent=1, default=str))

    answer()
    if options.packages:
        answer(packages=installed_packages(requires=options.requires))
    imports: dict[str, Any] = {}
    for name in filter(None, options.imports.split(",")):
        print(f"import {name}", flush=True)  # the last line of the log names it, should it end the process
        imports[name] = try_import(name)
        answer(imports=imports)
    if options.torch:
        answer(torch=torch_features())
    if options.backend:
        print(f"process group {options.backend}", flush=True)
        answer(process_group=try_process_group(options.backend))
    return 0


if __name__ == "__main__":
    sys.exit(main())
