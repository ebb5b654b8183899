"""The agent does what the spec asks; a bad spec ends it with one sentence, without a traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from agent_run import AgentRun, MakeAgent

CANNOT_BEGIN = 5

SHOW_START = """
import json, os, sys
print(json.dumps({"argv": sys.argv, "path": sys.path, "cwd": os.getcwd(), "file": __file__, "name": __name__,
                  "environ": dict(os.environ)}))
"""


def start_of(agent: AgentRun) -> Any:
    """Run SHOW_START; returns what it printed."""
    agent.run()
    assert agent.stderr == ""
    return json.loads(agent.stdout)


def assert_one_sentence(agent: AgentRun, *words: str) -> None:
    assert agent.returncode == CANNOT_BEGIN
    assert agent.stdout == ""
    assert agent.stderr.startswith("pmlaunch_agent: ")
    assert agent.stderr.count("\n") == 1
    for word in words:
        assert word in agent.stderr


def test_variable_not_set(agent: AgentRun) -> None:
    del agent.environ["PMLAUNCH_SPEC"]
    assert_one_sentence(agent.run(), "PMLAUNCH_SPEC")


def test_file_missing(agent: AgentRun) -> None:
    assert_one_sentence(agent.run(), "spec.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '"text"'])
def test_file_broken(agent: AgentRun, text: str) -> None:
    agent.spec_file.write_text(text, encoding="utf-8")
    assert_one_sentence(agent.run(), "spec.json")


def test_file_in_another_encoding(agent: AgentRun) -> None:
    agent.spec_file.write_bytes(b'{"script": "\xff\xfe"}')
    assert_one_sentence(agent.run(), "spec.json")


def test_unknown_key(agent: AgentRun) -> None:
    """test_agent_contract.py has all errors in the content."""
    agent.write("print('never')", hooks={"max_stps": 5})
    assert_one_sentence(agent.run(), "spec.json: hooks.max_stps: unknown key", 'did you mean "max_steps"?')


def test_result_cannot_be_written(agent: AgentRun) -> None:
    agent.write("print('never')", result=str(agent.folder / "gone" / "result.json")).run()
    assert_one_sentence(agent, "cannot write the result", "gone")


def test_events_cannot_be_written(agent: AgentRun) -> None:
    agent.write("print('never')", events=str(agent.folder / "gone" / "events.jsonl")).run()
    assert_one_sentence(agent, "gone")


def test_byte_order_mark(agent: AgentRun) -> None:
    agent.write("print('ok')")
    agent.spec_file.write_text(agent.spec_file.read_text(), encoding="utf-8-sig")
    assert agent.run().stdout == "ok\n"


def test_script_starts_as_python_would_start_it(make_agent: MakeAgent) -> None:
    agent = make_agent()
    work = agent.folder / "work"
    work.mkdir()
    packages = str(agent.folder / "packages")
    start = start_of(agent.write(SHOW_START, argv=["x"], cwd=str(work), python_path=[packages]))
    assert start["argv"] == [str(agent.script), "x"]
    assert start["cwd"] == str(work)
    assert start["path"][0] == str(agent.folder)
    assert start["path"][-1] == packages
    assert start["file"] == str(agent.script)
    assert start["name"] == "__main__"
    assert "" not in start["path"]


def test_users_import_path_comes_before_all_but_the_script(make_agent: MakeAgent) -> None:
    """The user's PYTHONPATH travels in the spec, because a batch file would expand it."""
    agent = make_agent()
    first, second = agent.folder / "R&D (old) 100% !走路!", agent.folder / "a=b"
    for folder in (first, second):
        folder.mkdir()
        # a module that the standard library has too
        (folder / "colorsys.py").write_text(f"where = {folder.name!r}", encoding="utf-8")
    (second / "only_here.py").write_text("where = 'second'", encoding="utf-8")
    script = f"import colorsys, only_here\nassert (colorsys.where, only_here.where) == ({first.name!r}, 'second')\n"
    wanted = [str(first), str(second)]
    start = start_of(agent.write(script + SHOW_START, import_path=wanted, python_path=["last"]))
    assert start["path"][:3] == [str(agent.folder), *wanted]
    assert start["path"][-1] == "last"
    # processes that the program starts import from there too, and find the agent
    home = agent.environ["PYTHONPATH"]
    assert start["environ"]["PYTHONPATH"].split(os.pathsep) == [home, *wanted]


def test_import_path_is_not_duplicated(make_agent: MakeAgent) -> None:
    agent = make_agent()
    home = agent.environ["PYTHONPATH"]
    start = start_of(agent.write(SHOW_START, import_path=[home, str(agent.folder), "/gone"]))
    assert [start["path"].count(entry) for entry in (home, str(agent.folder), "/gone")] == [1, 1, 1]
    assert start["environ"]["PYTHONPATH"].split(os.pathsep) == [home, str(agent.folder), "/gone"]


def test_nothing_is_imported_from_the_folder_of_the_start(make_agent: MakeAgent, tmp_path: Path) -> None:
    agent = make_agent()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = elsewhere / "other.py"
    script.write_text(SHOW_START)
    start = start_of(agent.write("", script=str(script)))
    assert start["path"][0] == str(elsewhere)
    assert str(agent.folder) not in start["path"]


def test_environment(agent: AgentRun) -> None:
    agent.environ["GOES"] = "1"
    environ = start_of(agent.write(SHOW_START, env={"COMES": "a=b", "GOES": None, "NOT_THERE": None}))["environ"]
    assert environ["COMES"] == "a=b"
    assert "GOES" not in environ


def test_other_ranks_can_import_the_agent(agent: AgentRun) -> None:
    home = agent.environ["PYTHONPATH"]
    environ = start_of(agent.write(SHOW_START, env={"PYTHONPATH": "/elsewhere"}))["environ"]
    assert environ["PYTHONPATH"].split(os.pathsep) == [home, "/elsewhere"]


def test_hydra_shows_full_errors_by_default(agent: AgentRun) -> None:
    agent.environ["HYDRA_FULL_ERROR"] = "0"
    assert start_of(agent.write(SHOW_START))["environ"]["HYDRA_FULL_ERROR"] == "1"
    assert start_of(agent.write(SHOW_START, env={"HYDRA_FULL_ERROR": "0"}))["environ"]["HYDRA_FULL_ERROR"] == "0"


hostile_names = ["with blanks", "a=b", "bang!", "%PATH%", "走路", "it's", "a & b ^ (x86)", "[1,2];{x}", "~#@$"]


@pytest.mark.parametrize("name", hostile_names + ([] if os.name == "nt" else ['say "hi"', "back\\slash", "a*?"]))
def test_hostile_folder(make_agent: MakeAgent, name: str) -> None:
    agent = make_agent(name)
    start = start_of(agent.write(SHOW_START, argv=[name]))
    assert start["argv"] == ["script.py", name]
    assert start["cwd"] == str(agent.folder)
    assert start["file"] == str(agent.script)
    assert agent.result["exit_code"] == 0


def test_script_below_cwd_is_named_relative_to_it(make_agent: MakeAgent) -> None:
    """Upstream scans sys.argv for the words robot and simulator, which a folder above cwd may contain."""
    agent = make_agent("simulator robot isaacgym")
    below = agent.folder / "protomotions"
    below.mkdir()
    script = below / "eval_agent.py"
    script.write_text(SHOW_START)
    start = start_of(agent.write("", argv=["x"], script=str(script)))
    assert start["argv"] == [os.path.join("protomotions", "eval_agent.py"), "x"]
    assert start["file"] == str(script)
    assert start["path"][0] == str(below)


def test_script_elsewhere_keeps_its_full_path(make_agent: MakeAgent, tmp_path: Path) -> None:
    agent = make_agent()
    script = tmp_path / "beside.py"
    script.write_text(SHOW_START)
    assert start_of(agent.write("", script=str(script)))["argv"] == [str(script)]


def test_relaunched_rank_uses_the_specs_arguments_and_has_its_own_result(agent: AgentRun) -> None:
    agent.environ["LOCAL_RANK"] = "1"
    agent.write("import sys\nprint(sys.argv[1:])\nraise ValueError('rank 1 dies')\n", argv=["from the spec"])
    agent.run("-m", "pmlaunch_agent.relaunch", "a=1", "hydra.job.name=rank_1")
    assert agent.stdout == "['from the spec']\n"
    assert agent.returncode == 1
    assert not agent.result_file.exists()
    agent.result_file = agent.folder / "result.rank1.json"
    assert agent.result["exception"]["message"] == "rank 1 dies"
    assert (agent.result["rank"], agent.result["argv"]) == (1, ["from the spec"])
    assert all(event["rank"] == 1 for event in agent.events)


def test_first_rank_uses_the_specs_arguments(agent: AgentRun) -> None:
    agent.environ["LOCAL_RANK"] = "0"
    agent.write("import sys\nprint(sys.argv[1:])\n", argv=["from the spec"]).run()
    assert agent.stdout == "['from the spec']\n"
