"""Start-up is fast: modules that are slow to import are only imported when they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {"hydra", "omegaconf", "antlr4", "numpy", "torch", "pydantic", "yaml", "rich.console", "psutil", "jinja2"}


def modules_after(statement: str, folder: Path | None = None) -> set[str]:
    """The modules that a fresh interpreter has imported after `statement`, run in `folder`."""
    source = f"import sys\n{statement}\nsys.stderr.write('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
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


def test_importing_the_package_imports_nothing_else() -> None:
    imported = modules_after("import pmlaunch; pmlaunch.__version__") - modules_after("pass")
    assert imported == {"pmlaunch"}
    assert "pmlaunch.api" in modules_after("import pmlaunch; pmlaunch.list_runs")


def test_repeated_dry_run_of_2_imports_neither_hydra_nor_generation_3(workspace: Path) -> None:
    eval_it = [
        "eval",
        "tracker",
        "--motion",
        "walk",
        "--simulator",
        "genesis",
        "--headless",
        "--dry-run",
        "++num_envs=2",
    ]
    statement = f"from pmlaunch.cli.app import run; assert run({eval_it}) == 0"
    first = modules_after(statement, workspace)
    assert "hydra" in first, "the first one composes the config"
    assert not first & {"numpy", "torch"}
    modules = modules_after(statement, workspace)
    assert not modules & (SLOW - {"rich.console", "yaml"}), "the table and pmlaunch.yaml need these"
    assert {name for name in modules if name.startswith("pmlaunch.cli.commands.")} == {"pmlaunch.cli.commands.eval"}
    facts = {"pmlaunch.generations.v3", "pmlaunch.generations.v3.adapter"}
    assert {name for name in modules if name.startswith("pmlaunch.generations.v3")} == facts
