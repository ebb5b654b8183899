"""Modules of the agent import only from the layers below them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from agent_run import AGENT_HOME

ROOT = AGENT_HOME / "pmlaunch_agent"
# Each layer may import those before it, and its own.
LAYERS = (
    {"__init__", "contract", "argument_secrets"},
    {"report"},
    {"hooks", "artifacts"},
    {"protomotions2", "protomotions3"},
    {"script"},
    {"main"},
    {"__main__", "relaunch"},
)
PROBE_MAY_IMPORT = {"probe", "report", "contract", "__init__"}
# pmlaunch imports these under another name, so they import nothing of the agent.
SHARED = ("contract.py", "argument_secrets.py", "probe/distributions.py")


def top(module: str) -> str:
    """The first name below pmlaunch_agent; "__init__" for the package itself."""
    return module.partition(".")[2].partition(".")[0] or "__init__"


def imports(path: Path) -> set[str]:
    """What a file imports of the agent, as names of the first level."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {top(alias.name) for alias in node.names if alias.name.startswith("pmlaunch_agent")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pmlaunch_agent"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name if is_module(name) else str(node.module) for name in names]
            found |= {top(module) for module in modules}
    return found


def is_module(name: str) -> bool:
    path = AGENT_HOME.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_downwards(path: Path) -> None:
    own = path.relative_to(ROOT).with_suffix("").parts[0]
    if own == "probe":
        allowed = PROBE_MAY_IMPORT
    else:
        level = next(number for number, layer in enumerate(LAYERS) if own in layer)
        allowed = set().union(*LAYERS[:level], {own})
    assert imports(path) <= allowed


@pytest.mark.parametrize("name", SHARED)
def test_shared_modules_import_nothing_of_the_agent(name: str) -> None:
    assert imports(ROOT / name) == set()
