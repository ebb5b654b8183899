"""RunLimits end runs that do not end by themselves."""

from __future__ import annotations

import pytest
from agent_run import AgentRun

# busy in Python, or asleep in a system call: both end at once
BUSY = "while True:\n    pass\n"
ASLEEP = "import time\ntime.sleep(60)\n"


@pytest.mark.parametrize("source", [BUSY, ASLEEP])
def test_stop_file(agent: AgentRun, source: str) -> None:
    process = agent.write("import json\n" + source, limits={"stop_file": str(agent.stop_file)}).start()
    agent.wait_for_event("started")
    agent.stop_file.touch()
    agent.wait(process)
    assert (agent.returncode, agent.stderr) == (130, "")
    assert (agent.result["status"], agent.result["stopped_by"]) == ("finished", "stop_file")
    assert agent.result["exit_code"] == 130
    assert agent.result["exception"]["type"] == "KeyboardInterrupt"


@pytest.mark.parametrize("source", [BUSY, ASLEEP])
def test_max_seconds(agent: AgentRun, source: str) -> None:
    agent.write(source, limits={"max_seconds": 0.3}).run()
    assert agent.returncode == 130
    assert agent.result["stopped_by"] == "max_seconds"
    assert 0.3 <= agent.result["seconds"]["total"] < 10


def test_script_that_ends_before_its_limits(agent: AgentRun) -> None:
    agent.write("", limits={"max_seconds": 60, "stop_file": str(agent.stop_file)}).run()
    assert (agent.returncode, agent.result["stopped_by"]) == (0, None)


def test_script_may_handle_the_interrupt(agent: AgentRun) -> None:
    source = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('saved')\n"
    agent.write(source, limits={"max_seconds": 0.3}).run()
    assert (agent.returncode, agent.stdout) == (0, "saved\n")
    assert (agent.result["exit_code"], agent.result["stopped_by"]) == (0, "max_seconds")


@pytest.mark.parametrize(
    "source",
    [
        "class Busy:\n    def __del__(self):\n        while True:\n            pass\nBusy()\n",
        "import weakref\ndef busy(_):\n    while True:\n        pass\nreference = weakref.ref(set(), busy)\n",
    ],
)
def test_interrupt_that_python_drops_is_raised_again(agent: AgentRun, source: str) -> None:
    agent.write(f"{source}{BUSY}", limits={"max_seconds": 0.3}).run()
    assert (agent.returncode, agent.stderr) == (130, "")
    assert (agent.result["exception"]["type"], agent.result["stopped_by"]) == ("KeyboardInterrupt", "max_seconds")


def test_interrupt_works_even_if_the_parent_ignores_it(agent: AgentRun) -> None:
    """Children of nohup and `&` start with SIGINT ignored, and then nothing could end them politely."""
    agent.write(BUSY, limits={"max_seconds": 0.3})
    agent.run("-c", "import runpy, signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
                    "runpy.run_module('pmlaunch_agent', run_name='__main__')")  # fmt: skip
    assert agent.returncode == 130


STEPS = {"watch": [{"event": "step", "module": "env", "attribute": "Env.step", "when": "after"}]}
ENV = "class Env:\n    def step(self):\n        return 1\n"
ENDLESS = (
    "from env import Env\nn, env = 0, Env()\ntry:\n    while True:\n        n += env.step()\nfinally:\n    print(n)\n"
)


def test_max_steps(agent: AgentRun) -> None:
    (agent.folder / "env.py").write_text(ENV)
    agent.write(ENDLESS, hooks=dict(STEPS, max_steps=7)).run()
    assert (agent.returncode, agent.stdout, agent.stderr) == (0, "7\n", "")
    result = agent.result
    assert (result["status"], result["exit_code"], result["stopped_by"]) == ("finished", 0, "max_steps")
    assert (result["steps"], result["exception"]) == (7, None)


def test_max_steps_not_reached(agent: AgentRun) -> None:
    (agent.folder / "env.py").write_text(ENV)
    agent.write("from env import Env\nEnv().step()\n", hooks=dict(STEPS, max_steps=1)).run()
    assert (agent.result["steps"], agent.result["stopped_by"]) == (1, None)


def test_max_steps_is_not_caught_by_except_exception(agent: AgentRun) -> None:
    (agent.folder / "env.py").write_text(ENV)
    source = "from env import Env\nwhile True:\n    try:\n        Env().step()\n    except Exception:\n        pass\n"
    agent.write(source, hooks=dict(STEPS, max_steps=3)).run()
    assert agent.result["stopped_by"] == "max_steps"
