"""Imports point downwards, there are no cycles, and files and functions stay within the limits of the design."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "pmlaunch"
AGENT = PACKAGE / "agent" / "pmlaunch_agent"

# Each row may import the rows above it, and its own. Loose modules are named without ".py".
LAYERS = (
    ("codes", "errors", "support", "agent"),
    ("request",),
    ("model",),
    ("settings", "trust", "motions", "processes", "git"),
    ("generations",),
    ("catalog", "runtimes"),
    ("planning",),
    ("checks",),
    ("running",),
    ("installing",),
    ("doctor",),
    ("smoke", "reporting"),
    ("runs",),
    ("sweeping",),
    ("api",),
    ("cli",),
)
# Programs of their own, which the launcher starts: what they may import of pmlaunch.
PROGRAMS = {"demo": ("support", "motions", "errors", "codes", "model")}

# Standard library only, and without imports of other modules of the agent.
SHARED_WITH_THE_AGENT = {
    "pmlaunch.agent.pmlaunch_agent.argument_secrets",
    "pmlaunch.agent.pmlaunch_agent.contract",
    "pmlaunch.agent.pmlaunch_agent.probe.distributions",
}

MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 5
REGISTRIES = ("codes.py",)  # tables, not code


def modules(root: Path, name: str) -> dict[str, Path]:
    """The modules below a folder by dotted name, starting with `name`."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found[".".join((name, *parts))] = path
    return found


def imports(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules among `known` that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in inside if node.module in known)


def graph(root: Path, name: str) -> dict[str, set[str]]:
    known = modules(root, name)
    return {module: set(imports(path, known)) - {module} for module, path in known.items()}


LAUNCHER = graph(PACKAGE, "pmlaunch")
INSIDE = graph(AGENT, "pmlaunch_agent")


def package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_package_has_a_layer() -> None:
    named = {name for layer in LAYERS for name in layer} | set(PROGRAMS) | {"", "__main__"}
    assert {package(module) for module in LAUNCHER} == named


def test_imports_point_downwards() -> None:
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    upwards = [
        f"{module} imports {target}"
        for module, targets in LAUNCHER.items()
        for target in targets
        if package(module) in level
        and level.get(package(target), -1 if not package(target) else 99) > level[package(module)]
    ]
    assert upwards == []


def test_neighbours_in_a_layer_do_not_import_each_other() -> None:
    for layer in LAYERS:
        edges = {
            name: {package(t) for m in LAUNCHER if package(m) == name for t in LAUNCHER[m]} & set(layer) - {name}
            for name in layer
        }
        assert acyclic(edges), edges


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_import_the_foundation_only(program: str) -> None:
    allowed = {*PROGRAMS[program], program, ""}
    foreign = {
        t for m, targets in LAUNCHER.items() if package(m) == program for t in targets if package(t) not in allowed
    }
    assert foreign == set()


def test_the_launcher_imports_of_the_agent_only_what_both_sides_share() -> None:
    foreign = {t for m, ts in LAUNCHER.items() if package(m) != "agent" for t in ts if package(t) == "agent"}
    assert foreign <= SHARED_WITH_THE_AGENT


def test_no_cycles() -> None:
    assert acyclic(LAUNCHER)
    assert acyclic(INSIDE)


def acyclic(edges: Mapping[str, set[str]]) -> bool:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    return True


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name not in REGISTRIES:
        assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno + 1 <= MOST_LINES_OF_A_FUNCTION, node.name
            assert parameters(node) <= MOST_PARAMETERS, node.name


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters a caller chooses: without self, cls and catch-alls."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])
