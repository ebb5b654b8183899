"""Isaac Sim ends the process inside SimulationApp.close(), always with code 0."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agent_run import AgentRun

SIMULATION_APP = """
import os

class SimulationApp:
    def close(self):
        print("closing")
        {ending}
"""

PROPAGATING_EXCEPTION = """
from {module} import SimulationApp
app = SimulationApp()
print("before the close")
try:
    raise RuntimeError("CUDA out of memory")
finally:
    app.close()
"""

SUCCESS = "from isaacsim import SimulationApp\nSimulationApp().close()\n"


MakeIsaacSim = Callable[..., AgentRun]


@pytest.fixture
def make(agent: AgentRun) -> MakeIsaacSim:
    """Make a run with a stand-in for Isaac Sim whose close method executes `ending`."""

    def make_isaac_sim(ending: str, module: str = "isaacsim.simulation_app.simulation_app") -> AgentRun:
        folder = agent.folder
        *packages, name = module.split(".")
        for package in packages:
            folder = folder / package
            folder.mkdir()
            (folder / "__init__.py").write_text("")
        (folder / f"{name}.py").write_text(SIMULATION_APP.format(ending=ending))
        if packages[0] == "isaacsim":
            (agent.folder / "isaacsim" / "__init__.py").write_text(f"from {module} import SimulationApp\n")
        return agent

    return make_isaac_sim


# the agent cannot see os.kill, as it cannot see the native shutdown of Isaac Sim
VANISH = "os.kill(os.getpid(), 9)"


@pytest.mark.parametrize("module", ["isaacsim.simulation_app.simulation_app", "omni.isaac.kit"])
@pytest.mark.parametrize("ending", ["os._exit(0)", VANISH])
def test_propagating_exception_is_reported(make: MakeIsaacSim, module: str, ending: str) -> None:
    agent = make(ending, module).write(PROPAGATING_EXCEPTION.format(module=module)).run()
    # the agent flushes when close() begins and again in os._exit, which a killed process never reaches
    assert agent.stdout == "before the close\n" + ("" if ending == VANISH else "closing\n")
    result = agent.result
    assert (result["status"], result["exit_code"]) == ("closing", 1)
    assert result["exception"]["message"] == "CUDA out of memory"
    assert result["exception"]["traceback"].startswith("Traceback")
    assert agent.events[-1]["event"] == "closing"


def test_close_that_returns(make: MakeIsaacSim) -> None:
    agent = make("pass").write(PROPAGATING_EXCEPTION.format(module="isaacsim")).run()
    assert agent.returncode == 1
    assert (agent.result["status"], agent.result["exit_code"]) == ("finished", 1)


@pytest.mark.parametrize("ending", ["os._exit(0)", VANISH])
def test_success_is_reported(make: MakeIsaacSim, ending: str) -> None:
    agent = make(ending).write(SUCCESS).run()
    assert (agent.result["status"], agent.result["exit_code"]) == ("closing", 0)
    assert agent.result["exception"] is None
    assert len([entry for entry in agent.result["hooks_applied"] if entry["hook"] == "simulation_app_close"]) == 1


def test_exception_handled_before_close_is_not_reported(make: MakeIsaacSim) -> None:
    source = "from isaacsim import SimulationApp\ntry:\n    1 / 0\nexcept Exception:\n    SimulationApp().close()\n"
    agent = make("pass").write(source).run()
    assert (agent.result["status"], agent.result["exit_code"], agent.result["exception"]) == ("finished", 0, None)


def test_close_at_exit_does_not_change_the_result(make: MakeIsaacSim) -> None:
    source = "import atexit\nfrom isaacsim import SimulationApp\natexit.register(SimulationApp().close)\n1 / 0\n"
    agent = make("os._exit(0)").write(source).run()
    assert agent.returncode == 0  # wrong, so the exit code cannot be trusted
    assert (agent.result["status"], agent.result["exit_code"]) == ("finished", 1)
    assert agent.result["exception"]["type"] == "ZeroDivisionError"


def test_simulators_signal_handler_closes_before_the_interrupt(make: MakeIsaacSim) -> None:
    """Isaac Lab's AppLauncher does this: no exception is propagating when close() is called."""
    source = (
        "import signal\nfrom isaacsim import SimulationApp\napp = SimulationApp()\n"
        "signal.signal(signal.SIGINT, lambda *_: app.close())\nwhile True: pass\n"
    )
    agent = make("os._exit(0)").write(source, limits={"max_seconds": 0.5}).run()
    assert (agent.result["status"], agent.result["exit_code"]) == ("closing", 130)
    assert agent.result["stopped_by"] == "max_seconds"


def test_last_steps_are_reported_before_close(make: MakeIsaacSim) -> None:
    agent = make("os._exit(0)")
    (agent.folder / "env.py").write_text("def step(): pass\n")
    watch = {"event": "step", "module": "env", "attribute": "step", "when": "after"}
    agent.write("import env\nfor _ in range(10): env.step()\n" + SUCCESS, hooks={"watch": [watch]}).run()
    assert agent.events_named("step")[-1]["n"] == agent.result["steps"] == 10
