"""Isaac Sim ends the process inside SimulationApp.close(), with code 0 whatever happened."""

from __future__ import annotations

import pytest

SIMULATION_APP = """
import os

class SimulationApp:
    def close(self):
        print("closing")
        {ending}
"""

EXCEPTION_ON_ITS_WAY = """
from {module} import SimulationApp
app = SimulationApp()
print("before the close")
try:
    raise RuntimeError("CUDA out of memory")
finally:
    app.close()
"""

ALL_WELL = "from isaacsim import SimulationApp\nSimulationApp().close()\n"


@pytest.fixture
def make(agent):
    def make_isaac_sim(ending, module="isaacsim.simulation_app.simulation_app"):
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


# os.kill is out of the agent's sight, as the native shutdown of Isaac Sim is
VANISH = "os.kill(os.getpid(), 9)"


@pytest.mark.parametrize("module", ["isaacsim.simulation_app.simulation_app", "omni.isaac.kit"])
@pytest.mark.parametrize("ending", ["os._exit(0)", VANISH])
def test_exception_on_its_way(make, module, ending):
    agent = make(ending, module).write(EXCEPTION_ON_ITS_WAY.format(module=module)).run()
    # the agent flushes when close() begins, and once more in os._exit; a process that vanishes gives no second chance
    assert agent.stdout == "before the close\n" + ("" if ending == VANISH else "closing\n")
    result = agent.result
    assert (result["status"], result["exit_code"]) == ("closing", 1)
    assert result["exception"]["message"] == "CUDA out of memory"
    assert result["exception"]["traceback"].startswith("Traceback")
    assert agent.events[-1]["event"] == "closing"


def test_close_that_comes_back(make):
    agent = make("pass").write(EXCEPTION_ON_ITS_WAY.format(module="isaacsim")).run()
    assert agent.returncode == 1
    assert (agent.result["status"], agent.result["exit_code"]) == ("finished", 1)


@pytest.mark.parametrize("ending", ["os._exit(0)", VANISH])
def test_all_well(make, ending):
    agent = make(ending).write(ALL_WELL).run()
    assert (agent.result["status"], agent.result["exit_code"]) == ("closing", 0)
    assert agent.result["exception"] is None
    assert len([entry for entry in agent.result["hooks_applied"] if entry["hook"] == "simulation_app_close"]) == 1


def test_failure_that_was_handled_before_a_good_end(make):
    source = "from isaacsim import SimulationApp\ntry:\n    1 / 0\nexcept Exception:\n    SimulationApp().close()\n"
    agent = make("pass").write(source).run()
    assert (agent.result["status"], agent.result["exit_code"], agent.result["exception"]) == ("finished", 0, None)


def test_close_at_exit_after_the_verdict(make):
    source = "import atexit\nfrom isaacsim import SimulationApp\natexit.register(SimulationApp().close)\n1 / 0\n"
    agent = make("os._exit(0)").write(source).run()
    assert agent.returncode == 0  # so the exit code lies
    assert (agent.result["status"], agent.result["exit_code"]) == ("finished", 1)
    assert agent.result["exception"]["type"] == "ZeroDivisionError"


def test_signal_handler_of_the_simulator_closes_it_first(make):
    """As Isaac Lab's AppLauncher does: no exception is on its way when close() is called."""
    source = (
        "import signal\nfrom isaacsim import SimulationApp\napp = SimulationApp()\n"
        "signal.signal(signal.SIGINT, lambda *_: app.close())\nwhile True: pass\n"
    )
    agent = make("os._exit(0)").write(source, limits={"max_seconds": 0.5}).run()
    assert (agent.result["status"], agent.result["exit_code"]) == ("closing", 130)
    assert agent.result["stopped_by"] == "max_seconds"


def test_last_steps_are_reported_before_the_close(make):
    agent = make("os._exit(0)")
    (agent.folder / "env.py").write_text("def step(): pass\n")
    watch = {"event": "step", "module": "env", "attribute": "step", "when": "after"}
    agent.write("import env\nfor _ in range(10): env.step()\n" + ALL_WELL, hooks={"watch": [watch]}).run()
    assert agent.events_named("step")[-1]["n"] == agent.result["steps"] == 10
