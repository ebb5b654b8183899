"""The agent runs in every Python since 3.8, imports only the standard library, and starts quickly."""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path

import pytest
from agent_run import AGENT_HOME, AgentRun, MakeAgent

SOURCES = sorted((AGENT_HOME / "pmlaunch_agent").rglob("*.py"))
STANDARD_LIBRARY: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())  # since 3.10

# Modules that cost milliseconds of every start and that not every program imports anyway.
HEAVY = {
    "argparse",
    "asyncio",
    "ctypes",
    "dataclasses",
    "email",
    "importlib.metadata",
    "inspect",
    "logging",
    "multiprocessing",
    "pathlib",
    "socket",
    "subprocess",
    "tempfile",
    "traceback",
    "unittest",
    "urllib",
}


def python_of(version: str) -> str:
    """A Python of this version, from PATH or pyenv; skips the test without one."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    python = str(found[-1]) if found else shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"no Python {version} here")
    return python


def imported_names(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.skipif(not STANDARD_LIBRARY, reason="sys.stdlib_module_names is new in 3.10")
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(AGENT_HOME).as_posix())
def test_imports_only_the_standard_library(source: Path) -> None:
    assert imported_names(source) <= STANDARD_LIBRARY | {"pmlaunch_agent"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(AGENT_HOME).as_posix())
def test_syntax_of_python_3_8(source: Path) -> None:
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_only_the_package_is_on_the_path() -> None:
    """Anything beside it would shadow modules of the simulator."""
    assert [path.name for path in AGENT_HOME.iterdir() if path.name != "__pycache__"] == ["pmlaunch_agent"]


def test_loads_nothing_heavy(agent: AgentRun) -> None:
    source = "import sys\nprint(*sys.modules)\n"
    # -S: .pth files in site-packages import modules, too
    without = set(agent.write(source).run("-S", str(agent.script)).stdout.split())
    loaded = set(agent.run("-S", "-m", "pmlaunch_agent").stdout.split()) - without
    assert "pmlaunch_agent.main" in loaded
    assert not loaded & HEAVY


SCRIPT = """
import sys, env
print(sys.version_info[:2], sys.argv[1:], "✓")
e = env.Env()
for _ in range(10):
    e.step()
raise ValueError("the end")
"""


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_basic_run(make_agent: MakeAgent, version: str) -> None:
    agent = make_agent(python=python_of(version))
    (agent.folder / "env.py").write_text("class Env:\n    def step(self): pass\n")
    watch = {"event": "step", "module": "env", "attribute": "Env.step", "when": "after"}
    hooks = {"watch": [watch], "compat": ["mutable_dataclass_defaults"], "ddp_backend": "gloo"}
    agent.write(SCRIPT, argv=["走路"], hooks=hooks, limits={"max_seconds": 60}).run()
    assert agent.stdout == f"({version.replace('.', ', ')}) ['走路'] ✓\n"
    assert agent.returncode == 1
    assert agent.result["python"].startswith(version + ".")
    assert (agent.result["status"], agent.result["steps"]) == ("finished", 10)
    assert agent.result["exception"]["message"] == "the end"
    assert agent.result["exception"]["traceback"] == agent.stderr
    assert [event["event"] for event in agent.events] == ["started", "step", "step", "finished"]


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_stop_file_in_other_pythons(make_agent: MakeAgent, version: str) -> None:
    agent = make_agent(python=python_of(version))
    process = agent.write("while True:\n    pass\n", limits={"stop_file": str(agent.stop_file)}).start()
    agent.wait_for_event("started")
    agent.stop_file.touch()
    agent.wait(process)
    assert (agent.returncode, agent.result["stopped_by"]) == (130, "stop_file")
