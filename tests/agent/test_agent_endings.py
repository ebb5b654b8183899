"""result.json reports every way a script can end."""

from __future__ import annotations

import os
import signal

import pytest
from agent_run import AgentRun

posix_only = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def test_success(agent: AgentRun) -> None:
    agent.write("import sys\nprint('argv', sys.argv[1:], __name__)\n", argv=["+robot=smpl", "a b"]).run()
    assert (agent.returncode, agent.stderr) == (0, "")
    assert agent.stdout == "argv ['+robot=smpl', 'a b'] __main__\n"
    result = agent.result
    assert (result["schema"], result["status"], result["exit_code"]) == (1, "finished", 0)
    assert (result["exception"], result["stopped_by"]) == (None, None)
    assert result["argv"] == ["+robot=smpl", "a b"]
    assert result["script"] == str(agent.script)
    assert result["versions"] == {"python": result["python"]}
    assert result["seconds"]["total"] > 0
    assert [event["event"] for event in agent.events] == ["started", "finished"]
    assert agent.events[0]["pid"] == result["pid"]
    assert agent.events[-1]["status"] == "finished"
    assert agent.events[-1]["exit_code"] == 0


def test_run_writes_only_its_own_files(agent: AgentRun) -> None:
    agent.write("").run()
    assert {path.name for path in agent.folder.iterdir()} == {
        "script.py",
        "spec.json",
        "result.json",
        "events.jsonl",
    }


def test_exception(agent: AgentRun) -> None:
    agent.write("def f():\n    raise ValueError('no such robot')\nf()\n").run()
    assert agent.returncode == 1
    failure = agent.result["exception"]
    assert (failure["type"], failure["message"]) == ("ValueError", "no such robot")
    assert failure["traceback"] == agent.stderr
    # as Python prints it, without frames of the agent
    assert agent.stderr.startswith(f'Traceback (most recent call last):\n  File "{agent.script}", line 3, in <module>')
    assert "pmlaunch_agent" not in agent.stderr
    assert agent.result["status"] == "finished"


def test_syntax_error(agent: AgentRun) -> None:
    agent.write("if\n").run()
    assert agent.returncode == 1
    assert agent.result["exception"]["type"] == "SyntaxError"


def test_missing_script(agent: AgentRun) -> None:
    agent.write("", script=str(agent.folder / "gone.py")).run()
    assert agent.returncode == 1
    assert agent.result["exception"]["type"] == "FileNotFoundError"
    assert "gone.py" in agent.result["exception"]["message"]


def test_missing_cwd(agent: AgentRun) -> None:
    agent.write("", cwd=str(agent.folder / "gone")).run()
    assert agent.returncode == 1
    assert agent.result["exception"]["type"] == "FileNotFoundError"


def test_exception_type_includes_its_module(agent: AgentRun) -> None:
    agent.write("import json\njson.loads('{')\n").run()
    assert agent.result["exception"]["type"] == "json.decoder.JSONDecodeError"


@pytest.mark.parametrize(
    ("statement", "code"),
    [("sys.exit(7)", 7), ("sys.exit()", 0), ("sys.exit(0)", 0), ("raise SystemExit", 0), ("sys.exit(True)", 1)],
)
def test_system_exit(agent: AgentRun, statement: str, code: int) -> None:
    agent.write(f"import sys\n{statement}\n").run()
    assert (agent.returncode, agent.stderr) == (code, "")
    assert (agent.result["exit_code"], agent.result["exception"]) == (code, None)


def test_system_exit_with_text(agent: AgentRun) -> None:
    agent.write("import sys\nsys.exit('no checkpoint')\n").run()
    assert (agent.returncode, agent.stderr) == (1, "no checkpoint\n")
    failure = agent.result["exception"]
    assert (failure["type"], failure["message"]) == ("SystemExit", "no checkpoint")


def test_exit_while_handling_an_exception_reports_the_exception(agent: AgentRun) -> None:
    agent.write("import sys\ntry:\n    1 / 0\nexcept Exception:\n    print('oops')\n    sys.exit(3)\n").run()
    assert agent.returncode == 3
    assert agent.result["exception"]["type"] == "ZeroDivisionError"


def test_caught_exception_is_not_reported(agent: AgentRun) -> None:
    agent.write("try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass\n").run()
    assert (agent.returncode, agent.result["exception"]) == (0, None)


def test_exception_whose_str_fails(agent: AgentRun) -> None:
    agent.write("class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Odd\n").run()
    assert agent.returncode == 1
    assert agent.result["exception"]["type"] == "__main__.Odd"


def test_output_with_unencodable_characters(agent: AgentRun) -> None:
    agent.environ["PYTHONIOENCODING"] = "cp1252"
    agent.write("print('✓ 走路 \\udcff')\n").run()
    assert agent.returncode == 0
    assert agent.stdout == "✓ 走路 \\udcff\n"


def test_output_is_flushed_soon_but_not_at_every_line(agent: AgentRun) -> None:
    """With line buffering, a million lines would cost a million system calls."""
    agent.write(
        "import sys, time\n"
        "assert not sys.stdout.line_buffering and not sys.stdout.write_through\n"
        "print('a line', end='')\n"
        "time.sleep(60)\n",
        limits={"stop_file": str(agent.stop_file)},
    )
    process = agent.start()
    assert process.stdout is not None
    assert process.stdout.read(6) == "a line"  # while the script neither flushes nor ends
    agent.stop_file.touch()
    agent.wait(process)
    assert agent.result["stopped_by"] == "stop_file"


@pytest.mark.parametrize("statement", ["sys.stdout.close()", "sys.stdout = None"])
def test_script_may_close_its_output(agent: AgentRun, statement: str) -> None:
    agent.write(f"import sys, time\n{statement}\ntime.sleep(0.3)\n").run()
    assert (agent.returncode, agent.stderr) == (0, "")


@posix_only
def test_interrupt(agent: AgentRun) -> None:
    agent.write("import time\nprint('up')\ntime.sleep(60)\n")
    process = agent.start()
    assert process.stdout is not None
    assert process.stdout.read(2) == "up"
    process.send_signal(signal.SIGINT)
    agent.wait(process)
    assert (agent.returncode, agent.stderr) == (130, "")
    assert (agent.result["exit_code"], agent.result["stopped_by"]) == (130, "interrupt")
    assert agent.result["exception"]["type"] == "KeyboardInterrupt"
    assert str(agent.script) in agent.result["exception"]["traceback"]


@posix_only
@pytest.mark.parametrize("statement", ["os.kill(os.getpid(), 11)", "os.abort()"])
def test_native_crash_leaves_the_result_running(agent: AgentRun, statement: str) -> None:
    agent.write(f"import os\n{statement}\n").run()
    assert (agent.returncode or 0) < 0
    assert agent.result["status"] == "running"
    assert agent.result["exit_code"] is None
    assert "Fatal Python error" in agent.stderr  # faulthandler
    assert str(agent.script) in agent.stderr


def test_os_exit_reports_its_code(agent: AgentRun) -> None:
    agent.write("import os\nos._exit(9)\n").run()
    assert agent.returncode == 9
    assert (agent.result["status"], agent.result["exit_code"]) == ("closing", 9)


@posix_only
def test_forked_child_does_not_report(agent: AgentRun) -> None:
    agent.write(
        "import os\n"
        "child = os.fork()\n"
        "if not child:\n    os._exit(9)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9\n"
    ).run()
    assert (agent.returncode, agent.result["status"], agent.result["exit_code"]) == (0, "finished", 0)
    assert len(agent.events_named("finished")) == 1
    assert not agent.events_named("closing")


def test_atexit_does_not_change_the_result(agent: AgentRun) -> None:
    agent.write("import atexit, os\natexit.register(os._exit, 5)\nprint('last words')\nraise ValueError\n").run()
    assert agent.returncode == 5
    assert agent.stdout == "last words\n"
    assert (agent.result["status"], agent.result["exit_code"]) == ("finished", 1)
    assert agent.result["exception"]["type"] == "ValueError"


def test_versions_of_imported_packages(agent: AgentRun) -> None:
    package = agent.folder / "protomotions"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '2.3'\n")
    agent.write("import protomotions\n").run()
    assert agent.result["versions"]["protomotions"] == "2.3"
    assert [event["module"] for event in agent.events_named("imported")] == ["protomotions"]
    assert "imported:protomotions" in agent.result["seconds"]


def test_first_cause_is_reported_beside_the_exception(agent: AgentRun) -> None:
    source = """
try:
    raise ModuleNotFoundError("No module named 'mujoco'")
except ModuleNotFoundError as error:
    try:
        raise ValueError("in between") from error
    except ValueError as second:
        raise RuntimeError("Error locating target") from second
"""
    exception = agent.write(source).run().result["exception"]
    assert exception["type"] == "RuntimeError"
    assert exception["cause"] == {"type": "ModuleNotFoundError", "message": "No module named 'mujoco'"}
