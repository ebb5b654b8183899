"""Run a module instead of a script, such as pip, whose failure a batch file would hide."""

from __future__ import annotations

import json

from agent_run import AgentRun

MODULE = """
import json, sys
print(json.dumps({"argv": sys.argv, "name": __name__, "path": sys.path}))
sys.exit(int(sys.argv[1]))
"""


def test_module_runs_as_main_and_its_exit_code_is_reported(agent: AgentRun) -> None:
    (agent.folder / "told.py").write_text(MODULE, encoding="utf-8")
    agent.write("", argv=["7", "a=b", "x y"], script=None, module="told", import_path=[str(agent.folder)])
    agent.run()
    seen = json.loads(agent.stdout)
    assert seen["name"] == "__main__"
    assert seen["argv"][1:] == ["7", "a=b", "x y"]
    assert agent.result["status"] == "finished"
    assert agent.result["exit_code"] == 7


def test_missing_module_is_named(agent: AgentRun) -> None:
    agent.write("", script=None, module="no_such_module_at_all").run()
    assert "no_such_module_at_all" in agent.result["exception"]["message"]
    assert agent.result["exit_code"] == 1


def test_nothing_is_imported_from_the_current_folder(agent: AgentRun) -> None:
    (agent.folder / "told.py").write_text(MODULE, encoding="utf-8")
    agent.write("", argv=["0"], script=None, module="told").run()
    assert "told" in agent.result["exception"]["message"]
