"""Start-up is fast: modules that are slow to import are only imported when they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {"hydra", "omegaconf", "antlr4", "numpy", "torch", "pydantic", "yaml", "rich.console", "psutil"}


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has imported after `statement`."""
    source = f"import sys\n{statement}\nsys.stderr.write('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import pmlaunch.cli.app",
        "from pmlaunch.cli.app import run; assert run(['--version']) == 0",
        "from pmlaunch.cli.app import run; assert run(['--help']) == 0",
    ],
)
def test_start_imports_nothing_slow(statement: str) -> None:
    modules = modules_after(statement)
    assert "pmlaunch.cli.app" in modules
    assert not modules & SLOW
