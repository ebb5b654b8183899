"""Repair of dataclass instances as defaults, which ProtoMotions 2 uses and Python 3.11 refuses."""

from __future__ import annotations

import sys

import pytest
from agent_run import AgentRun

HOOKS = {"compat": ["mutable_dataclass_defaults"]}
SCRIPT = """
from collections import deque
from dataclasses import dataclass, field, fields
from typing import ClassVar

@dataclass
class Plane:
    friction: float = 1.0

@dataclass
class Terrain:
    plane: Plane = Plane(2.0)
    other: Plane = field(default=Plane(3.0), metadata={"a": 1})
    queue: deque = deque([1])
    shared: ClassVar[Plane] = Plane(4.0)
    size: int = 5

@dataclass
class Rough(Terrain):
    plane: Plane = Plane(6.0)

t = Terrain()
assert (t.plane, t.other, t.queue, t.shared, t.size) == (Plane(2.0), Plane(3.0), deque([1]), Plane(4.0), 5)
assert Terrain.plane == Plane(2.0) and Terrain.other == Plane(3.0)
assert [f.name for f in fields(Terrain)] == ["plane", "other", "queue", "size"]
assert fields(Terrain)[1].metadata["a"] == 1 and fields(Terrain)[0].default == Plane(2.0)
assert Rough().plane == Plane(6.0) and Rough().other == Plane(3.0)
assert Plane.__hash__ is None
"""
REFUSED = "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: list = []\n"

since_3_11 = pytest.mark.skipif(sys.version_info < (3, 11), reason="older Pythons need no repair")


@since_3_11
def test_python_refuses_without_the_repair(agent: AgentRun) -> None:
    agent.write(SCRIPT).run()
    assert agent.result["exception"]["message"].startswith("mutable default")


@since_3_11
def test_repair_names_the_repaired_classes(agent: AgentRun) -> None:
    agent.write(SCRIPT, hooks=HOOKS).run()
    assert (agent.returncode, agent.stderr) == (0, "")
    assert agent.result["hooks_applied"] == [
        {"hook": "mutable_dataclass_defaults", "repaired": ["__main__.Terrain", "__main__.Rough"]}
    ]


def test_repair_that_was_not_needed_is_not_reported(agent: AgentRun) -> None:
    agent.write("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n", hooks=HOOKS).run()
    assert (agent.returncode, agent.result["hooks_applied"]) == (0, [])


def test_list_as_default_is_still_refused(agent: AgentRun) -> None:
    agent.write(REFUSED, hooks=HOOKS).run()
    assert agent.result["exception"]["message"].startswith("mutable default <class 'list'>")


def test_unknown_repair_is_noted(agent: AgentRun) -> None:
    agent.write("", hooks={"compat": ["time_travel"]}).run()
    assert agent.returncode == 0
    assert "time_travel" in agent.result["notes"][0]


def test_multiprocessing_workers_find_the_script(agent: AgentRun) -> None:
    """Spawned workers, the only kind on Windows, import the script again and need the repair too."""
    source = SCRIPT if sys.version_info >= (3, 11) else "class Terrain: size = 5\n"
    agent.write(
        source + "def work(t): return type(t).__name__, t.size\n"
        "if __name__ == '__main__':\n"
        "    import multiprocessing\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(work, [Terrain()]))\n",
        hooks=HOOKS,
    ).run()
    assert (agent.stdout, agent.stderr) == ("[('Terrain', 5)]\n", "")
