"""What Isaac Sim and Isaac Lab do to the process is undone; tests/agent/test_isaac_standin.py shows it without the agent."""

from __future__ import annotations

import os
import textwrap

import pytest
from agent_run import AgentRun

from isaac_standin import FAULTS, MARKER, make_isaac_lab, make_isaac_sim
from started import wait_for

RELEASES = ("2.1", "2.3", "3.0")
LAUNCH = "from isaaclab.app import AppLauncher\napp = AppLauncher({'headless': True}).app\n"
SLEEP = "import time\ntry:\n    print('asleep', flush=True)\n    time.sleep(60)\nfinally:\n    print('saved')\n"
KEYBOARD = """
from isaaclab.devices.keyboard.se2_keyboard import Se2Keyboard
keyboard = Se2Keyboard()
print(keyboard.v_x_sensitivity)
"""
EXITS = """
import sys
try:
    sys.exit(3)
finally:
    app.update()
    print("saved")
"""
posix = pytest.mark.skipif(os.name == "nt", reason="skipped: Windows delivers no such signal")


def with_isaac(agent: AgentRun, release: str = "2.3", faults: str = "") -> AgentRun:
    sim = make_isaac_sim(agent.folder / "sim", "6.0" if release == "3.0" else "5.1")
    packages = agent.folder / "packages"
    make_isaac_lab(packages, release)
    search = [agent.environ["PYTHONPATH"], str(sim / "site"), str(packages)]
    agent.environ.update({"PYTHONPATH": os.pathsep.join(search), FAULTS: faults})
    return agent


def repairs(agent: AgentRun) -> dict[str, list[str]]:
    return {hook["hook"]: hook["repaired"] for hook in agent.result["hooks_applied"] if "repaired" in hook}


@pytest.fixture(params=RELEASES)
def isaac(agent: AgentRun, request: pytest.FixtureRequest) -> AgentRun:
    return with_isaac(agent, str(request.param))


@pytest.mark.parametrize("release", RELEASES)
def test_stop_request_reaches_the_script(agent: AgentRun, release: str) -> None:
    process = with_isaac(agent, release).write(LAUNCH + SLEEP, limits={"stop_file": str(agent.stop_file)}).start()
    assert process.stdout is not None
    assert process.stdout.readline() == "asleep\n"
    agent.stop_file.touch()
    agent.wait(process)
    result = agent.result
    assert (agent.returncode, agent.stdout) == (130, "saved\n")
    assert (result["status"], result["exit_code"], result["stopped_by"]) == ("finished", 130, "stop_file")
    assert result["exception"]["type"] == "KeyboardInterrupt"
    own = ["SIGTERM", "SIGABRT", "SIGSEGV"]
    expected = ["sys.exit"] if release == "3.0" else ["sys.exit", "SIGINT", *own]
    assert repairs(agent)["restored"][: len(expected)] == expected
    assert (MARKER in agent.stderr) == (release == "3.0")


@posix
@pytest.mark.parametrize("release", ["2.3", "3.0"])
@pytest.mark.parametrize("crash", ["SIGSEGV", "SIGABRT"])
def test_crash_ends_the_process_and_names_itself(agent: AgentRun, release: str, crash: str) -> None:
    code = f"import os, signal\nos.kill(os.getpid(), signal.{crash})\nwhile True:\n    pass\n"
    with_isaac(agent, release).write(LAUNCH + code).run()
    assert agent.returncode is not None
    assert agent.returncode < 0
    assert "Fatal Python error" in agent.stderr
    assert agent.result["status"] == "running"


@posix
def test_sigterm_ends_the_process_without_a_verdict(agent: AgentRun) -> None:
    """AppLauncher's handler closes the app, which would be reported as a success."""
    with_isaac(agent).write(LAUNCH + "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n" + SLEEP).run()
    assert (agent.returncode, agent.result["status"]) == (-15, "running")


def test_sys_exit_lets_the_script_finish_its_work(isaac: AgentRun) -> None:
    isaac.write(LAUNCH + EXITS).run()
    assert (isaac.returncode, isaac.stdout) == (3, "saved\n")
    assert (isaac.result["status"], isaac.result["exit_code"]) == ("finished", 3)


@pytest.mark.parametrize(("ending", "code"), [("", 0), ("raise SystemExit(7)", 7), ("1 / 0", 1)])
def test_process_that_would_hang_at_exit_ends(agent: AgentRun, ending: str, code: int) -> None:
    with_isaac(agent, "2.3", "hang-at-exit")
    source = f"{LAUNCH}kept = open('kept.txt', 'w')\nkept.write('all of it')\nprint('last words', end='')\n{ending}\n"
    agent.write(source).run()
    assert (agent.returncode, agent.stdout) == (code, "last words")
    assert (agent.folder / "kept.txt").read_text() == "all of it"
    assert (agent.result["status"], agent.result["exit_code"]) == ("finished", code)
    assert "process_end" in repairs(agent)
    assert ("ZeroDivisionError" in agent.stderr) == (code == 1)


def test_process_without_kit_ends_as_python_does(agent: AgentRun) -> None:
    agent.write("import atexit\natexit.register(print, 'at exit')\n").run()
    assert (agent.stdout, repairs(agent)) == ("at exit\n", {})


def status(agent: AgentRun) -> str | None:
    try:
        return str(agent.result["status"])
    except PermissionError:  # Windows: it is being replaced
        return None


def test_close_that_hangs_has_reported_before(agent: AgentRun) -> None:
    with_isaac(agent, "2.3", "hang-in-close")
    process = agent.write(LAUNCH + "app.close()\n").start()
    agent.wait_for_event("started")
    wait_for(lambda: status(agent) == "closing", "the verdict")
    process.kill()
    agent.wait(process)
    assert (agent.result["status"], agent.result["exit_code"]) == ("closing", 0)


def test_keyboard_gets_the_cfg_that_it_needs(isaac: AgentRun) -> None:
    isaac.write(LAUNCH + KEYBOARD).run()
    assert (isaac.returncode, isaac.stdout) == (0, "0.8\n")
    module = isaac.folder / "packages" / "isaaclab" / "devices" / "keyboard" / "se2_keyboard.py"
    assert ("keyboard" in repairs(isaac)) == ("self, cfg)" in module.read_text(encoding="utf-8"))


def test_keyboard_with_a_cfg_is_left_alone(agent: AgentRun) -> None:
    code = KEYBOARD.replace("Se2Keyboard()", "Se2Keyboard(Se2KeyboardCfg('cuda', 0.5))")
    code = code.replace("import Se2Keyboard", "import Se2Keyboard, Se2KeyboardCfg")
    with_isaac(agent).write(LAUNCH + code).run()
    assert (agent.stdout, "keyboard" in repairs(agent)) == ("0.5\n", False)


@pytest.mark.parametrize("already", [True, False], ids=["already imported", "imported later"])
def test_keyboard_that_kits_finder_found(agent: AgentRun, already: bool) -> None:
    """Kit may put its finder first at any time, so ProtoMotions' own module is the last chance to look."""
    package = with_isaac(agent).folder / "protomotions" / "simulator" / "isaaclab"
    package.mkdir(parents=True)
    (package / "simulator.py").write_text(f"def setup():\n{textwrap.indent(KEYBOARD, '    ')}\n", encoding="utf-8")
    late = "import sys\nfrom omni.ext.fast_importer import FastFinder\nsys.meta_path.insert(0, FastFinder)\n"
    late += "import isaaclab.devices.keyboard.se2_keyboard\n" if already else ""
    agent.write(f"{LAUNCH}{late}from protomotions.simulator.isaaclab import simulator\nsimulator.setup()\n").run()
    assert (agent.returncode, agent.stdout) == (0, "0.8\n"), agent.stderr
    assert "keyboard" in repairs(agent)


RECORD = {"record": {"path": "video"}}
SHOW = (
    "import carb, sys\nprint(carb.settings.get('/app/hangDetector/enabled'), carb.settings.get('/a'), sys.argv[1:])\n"
)


@pytest.mark.parametrize("arguments", [
    "", "{'headless': False}", "{'kit_args': '--/a=b'}", "headless=False", "{'headless': False}, kit_args='--/a=b'",
    "argparse.Namespace(kit_args='--/a=b')", "launcher_args=argparse.Namespace(headless=False)",
])  # fmt: skip
@pytest.mark.parametrize("release", ["2.3", "3.0"])
def test_hang_detector_is_off_while_a_video_is_written(agent: AgentRun, release: str, arguments: str) -> None:
    code = f"import argparse\nfrom isaaclab.app import AppLauncher\nAppLauncher({arguments})\n{SHOW}"
    with_isaac(agent, release).write(code, hooks=RECORD).run()
    own = "b" if "--/a=b" in arguments else "None"
    assert agent.stdout == f"false {own} []\n", agent.stderr
    assert "--/app/hangDetector/enabled=false" in repairs(agent)["hang_detector"][0]


def test_hang_detector_stays_on_otherwise(isaac: AgentRun) -> None:
    isaac.write(LAUNCH + SHOW).run()
    assert (isaac.stdout, "hang_detector" in repairs(isaac)) == ("None None []\n", False)


def test_interrupt_that_a_callback_swallows_is_raised_again_before_the_next_step(agent: AgentRun) -> None:
    (agent.folder / "env.py").write_text("def step(): pass\n", encoding="utf-8")
    watch = {"event": "step", "module": "env", "attribute": "step", "when": "after"}
    code = (
        "import env, time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass\nwhile True:\n    env.step()\n"
    )
    agent.write(code, hooks={"watch": [watch]}, limits={"max_seconds": 0.3}).run()
    assert (agent.returncode, agent.result["stopped_by"]) == (130, "max_seconds")


HOSTILE = "sim (x86) & 100%"


def test_sitecustomize_of_an_entry_that_travelled_in_the_spec_is_run(agent: AgentRun) -> None:
    sim = make_isaac_sim(agent.folder / HOSTILE)
    agent.write("import isaacsim\nprint(isaacsim.__file__)\n", import_path=[str(sim / "site")]).run()
    assert agent.stdout == f"{sim / 'exts' / 'isaacsim' / '__init__.py'}\n", agent.stderr
    assert repairs(agent)["sitecustomize"] == [str(sim / "site" / "sitecustomize.py")]


def test_sitecustomize_is_not_run_twice(agent: AgentRun) -> None:
    home = agent.folder / "home"
    home.mkdir()
    (home / "sitecustomize.py").write_text("print('customized')\n", encoding="utf-8")
    agent.environ["PYTHONPATH"] += os.pathsep + str(home)
    agent.write("", import_path=[str(home)]).run()
    assert (agent.stdout, repairs(agent)) == ("customized\n", {})


def test_sitecustomize_that_fails_does_not_end_the_run(agent: AgentRun) -> None:
    (agent.folder / "sitecustomize.py").write_text("1 / 0\n", encoding="utf-8")
    agent.write("", import_path=[str(agent.folder)]).run()
    assert agent.returncode == 0
    assert "ZeroDivisionError" in agent.result["notes"][0]
    assert repairs(agent) == {}
