"""Watched functions of the script's packages report their calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agent_run import AgentRun

MODULE = '''
class Env:
    """An environment."""
    def __init__(self, n=0):
        self.n = n
    def step(self, by=1):
        """One step."""
        self.n += by
        return self.n
    @classmethod
    def make(cls, n):
        return cls(n)
    @staticmethod
    def load(path):
        return path
    size = 3

class Child(Env):
    pass

def evaluate(x):
    return ({"eval/err": x, "name": "walk", "n": 3, "none": None, "bad": float("nan")}, 0.5)

def go():
    env = Env()
    for _ in range(100):
        env.step()

def progress(done):
    return {"done": done, "of": 3, "steps": 300}

def evaluate_badly():
    raise ValueError("no motion")
'''


RunWatched = Callable[..., AgentRun]


def watch(event: str, attribute: str, when: str = "after", module: str = "env") -> dict[str, str]:
    return {"event": event, "module": module, "attribute": attribute, "when": when}


@pytest.fixture
def run(agent: AgentRun) -> RunWatched:
    """Run a script that can import MODULE as `env`, with watch points and other hooks."""
    (agent.folder / "env.py").write_text(MODULE)

    def run_watched(source: str, *watches: dict[str, str], **hooks: Any) -> AgentRun:
        agent.write(source, hooks=dict(hooks, watch=list(watches))).run()
        assert agent.stderr == ""
        return agent

    return run_watched


def names(agent: AgentRun) -> list[str]:
    return [event["event"] for event in agent.events]


def test_every_kind_of_function_can_be_watched(run: RunWatched) -> None:
    agent = run(
        "import env\n"
        "assert env.Env(1).step(2) == 3 and env.Env.step.__doc__ == 'One step.'\n"
        "made = env.Child.make(4)\nassert type(made) is env.Child and made.n == 4\n"
        "assert env.Env.load('p') == 'p' == env.Env().load('p')\n",
        watch("simulator_ready", "Env.__init__"),
        watch("made", "Env.make"),
        watch("checkpoint_loaded", "Env.load", "before"),
    )
    assert names(agent) == ["started", "simulator_ready", "made", "checkpoint_loaded", "finished"]
    assert [entry["attribute"] for entry in agent.result["hooks_applied"]] == ["Env.__init__", "Env.make", "Env.load"]
    assert {"simulator_ready", "made", "checkpoint_loaded", "total"} == set(agent.result["seconds"])


def test_milestone_is_reported_once(run: RunWatched) -> None:
    agent = run("import env\nfor _ in range(5): env.Env()\n", watch("simulator_ready", "Env.__init__"))
    assert names(agent).count("simulator_ready") == 1


def test_inherited_method(run: RunWatched) -> None:
    agent = run("import env\nenv.Child().step()\nenv.Env().step()\n", watch("step", "Child.step"))
    assert agent.result["steps"] == 1


@pytest.mark.parametrize("attribute", ["Env.reset", "Nothing.step", "nothing", "Env.size"])
def test_missing_attribute_is_noted(run: RunWatched, attribute: str) -> None:
    agent = run("import env\nprint(env.Env().step())\n", watch("reset", attribute))
    assert (agent.stdout, agent.result["exit_code"]) == ("1\n", 0)
    assert agent.result["hooks_applied"] == []
    assert f"env:{attribute}" in agent.result["notes"][0]


def test_module_that_is_never_imported(run: RunWatched) -> None:
    agent = run("", watch("step", "Env.step", module="isaaclab.envs"))
    assert (agent.result["exit_code"], agent.result["notes"], agent.result["steps"]) == (0, [], 0)


def test_module_imported_before_the_agent(run: RunWatched) -> None:
    agent = run("import os\nos.cpu_count()\n", watch("counted", "cpu_count", module="os"))
    assert "counted" in names(agent)


@pytest.mark.parametrize("when", ["before", "after"])
def test_steps(run: RunWatched, when: str) -> None:
    # the clock of Windows may stand still for 16 ms, in which all steps would fit
    source = "import env, time\ne = env.Env()\ne.step(by=2)\ntime.sleep(0.05)\n"
    agent = run(f"{source}for _ in range(1999): e.step(by=2)\nassert e.n == 4000\n", watch("step", "Env.step", when))
    steps = agent.events_named("step")
    assert (steps[0]["n"], steps[0]["rate"]) == (1, None)
    assert steps[-1]["n"] == agent.result["steps"] == 2000
    assert steps[-1]["rate"] > 0
    assert len(steps) <= 4
    seconds = agent.result["seconds"]
    assert 0 < seconds["first_step"] <= seconds["last_step"] <= seconds["total"]


def test_steps_are_reported_at_most_four_times_a_second(run: RunWatched) -> None:
    agent = run("import env, time\ne = env.Env()\nfor _ in range(100):\n    e.step()\n    time.sleep(0.01)\n",
                watch("step", "Env.step"))  # fmt: skip
    times = [event["t"] for event in agent.events_named("step")]
    assert len(times) >= 4
    times.pop()  # the last one comes at the end of the run, at any time
    # a busy machine may delay the writing of an event, so no two are compared
    assert len(times) <= (times[-1] - times[0]) / 0.25 + 2


def test_steps_are_reported_before_the_motion_that_they_end(run: RunWatched) -> None:
    source = "import env\nfor done in range(3):\n    env.go()\n    env.progress(done + 1)\n"
    result = run(source, watch("step", "Env.step"), watch("motion", "progress"))
    reported = [event for event in result.events if event["event"] in ("step", "motion")]
    before = {
        event["done"]: reported[index - 1].get("n")
        for index, event in enumerate(reported)
        if event["event"] == "motion"
    }
    assert before == {1: 100, 2: 200, 3: 300}


def test_other_ranks_count_but_do_not_report_steps(agent: AgentRun) -> None:
    (agent.folder / "env.py").write_text(MODULE)
    agent.environ["LOCAL_RANK"] = "1"
    agent.write("import env\nenv.Env().step()\n", hooks={"watch": [watch("step", "Env.step")]}).run()
    assert not agent.events_named("step")
    agent.result_file = agent.folder / "result.rank1.json"
    assert agent.result["steps"] == 1


def test_evaluation(run: RunWatched) -> None:
    agent = run("import env\nenv.evaluate(0.25)\n", watch("evaluation", "evaluate"))
    assert names(agent) == ["started", "evaluation_started", "metric", "evaluation_finished", "finished"]
    metric = agent.events_named("metric")[0]
    assert {name: metric[name] for name in metric if name not in ("event", "t")} == {
        "eval/err": 0.25,
        "n": 3,
        "bad": None,
    }


def test_last_step_comes_before_the_end_of_the_evaluation(run: RunWatched) -> None:
    agent = run(
        "import env\nenv.go()\n",
        watch("step", "Env.step"),
        watch("evaluation", "go"),
    )
    assert names(agent) == ["started", "evaluation_started", "step", "step", "evaluation_finished", "finished"]
    assert [event["n"] for event in agent.events_named("step")] == [1, 100]


def test_evaluation_that_fails(agent: AgentRun) -> None:
    (agent.folder / "env.py").write_text(MODULE)
    agent.write("import env\nenv.evaluate_badly()\n", hooks={"watch": [watch("evaluation", "evaluate_badly")]}).run()
    assert names(agent) == ["started", "evaluation_started", "finished"]
    assert agent.result["exception"]["message"] == "no motion"


def test_package_and_submodule(run: RunWatched, agent: AgentRun) -> None:
    package = agent.folder / "pack"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("from pack.deep.inner import go\n")
    (package / "deep" / "inner.py").write_text("def go(): return 1\n")
    # `from ... import` in the package itself already gets the watched function
    run("from pack.deep import go\ngo()\n", watch("went", "go", module="pack.deep.inner"))
    assert "went" in names(agent)


def test_namespace_package_and_module_that_replaces_itself(run: RunWatched, agent: AgentRun) -> None:
    (agent.folder / "space").mkdir()
    (agent.folder / "space" / "mod.py").write_text(
        "import sys, types\nother = types.SimpleNamespace(go=lambda: 1)\nsys.modules[__name__] = other\n"
    )
    run("import space\nimport space.mod\nspace.mod.go()\n",
        watch("went", "go", module="space.mod"), watch("never", "x", module="space"))  # fmt: skip
    assert "went" in names(agent)


def test_module_in_a_zip_file(run: RunWatched, agent: AgentRun) -> None:
    import zipfile

    with zipfile.ZipFile(agent.folder / "packed.zip", "w") as archive:
        archive.writestr("packed.py", "def go(): return 1\n")
        archive.writestr("beside.py", "")
    run("import sys\nsys.path.insert(0, 'packed.zip')\nimport beside, packed\npacked.go()\n"
        "assert type(packed.__loader__) is type(packed.__spec__.loader) is type(beside.__loader__)\n",
        watch("went", "go", module="packed"))  # fmt: skip
    assert names(agent).count("went") == 1


def test_source_and_resources_of_a_watched_module_are_found(run: RunWatched) -> None:
    agent = run("import inspect, pkgutil, env\n"
                "assert inspect.getsource(env).startswith('\\nclass Env')\n"
                "assert b'class Env' in pkgutil.get_data('env', 'env.py')\n",
                watch("step", "Env.step"))  # fmt: skip
    assert agent.result["exit_code"] == 0


def test_failing_import_is_left_to_the_script(agent: AgentRun) -> None:
    (agent.folder / "torch.py").write_text("raise ImportError('DLL load failed')\n")
    agent.write("try:\n    import torch\nexcept ImportError as error:\n    print(error)\n").run()
    assert agent.stdout == "DLL load failed\n"
    assert not agent.events_named("imported")
