"""What the spec asks for is done; a spec that cannot be followed is a sentence, no traceback."""

from __future__ import annotations

import json
import os

import pytest

CANNOT_BEGIN = 5

SHOW_START = """
import json, os, sys
print(json.dumps({"argv": sys.argv, "path": sys.path, "cwd": os.getcwd(), "file": __file__, "name": __name__,
                  "environ": dict(os.environ)}))
"""


def shown(agent):
    agent.run()
    assert agent.stderr == ""
    return json.loads(agent.stdout)


def assert_one_sentence(agent, *words):
    assert agent.returncode == CANNOT_BEGIN
    assert agent.stdout == ""
    assert agent.stderr.startswith("pmlaunch_agent: ")
    assert agent.stderr.count("\n") == 1
    for word in words:
        assert word in agent.stderr


def test_variable_not_set(agent):
    del agent.environ["PMLAUNCH_SPEC"]
    assert_one_sentence(agent.run(), "PMLAUNCH_SPEC")


def test_file_missing(agent):
    assert_one_sentence(agent.run(), "spec.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '"text"'])
def test_file_broken(agent, text):
    agent.spec_file.write_text(text, encoding="utf-8")
    assert_one_sentence(agent.run(), "spec.json")


def test_file_in_another_encoding(agent):
    agent.spec_file.write_bytes(b'{"script": "\xff\xfe"}')
    assert_one_sentence(agent.run(), "spec.json")


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"schema": 2}, "schema"),
        ({"script": None}, "script"),
        ({"result": None}, "result"),
        ({"argv": "text"}, "argv"),
        ({"import_path": "text"}, "import_path"),
        ({"env": []}, "env"),
        ({"hooks": []}, "hooks"),
        ({"hooks": {"max_steps": "many"}}, "max_steps"),
        ({"hooks": {"max_steps": True}}, "max_steps"),
        ({"hooks": {"watch": ["step"]}}, "event"),
        ({"hooks": {"watch": [{"event": "step", "module": "m"}]}}, "attribute"),
        ({"hooks": {"watch": [{"event": "e", "module": "m", "attribute": "a", "when": "soon"}]}}, "when"),
        ({"limits": {"max_seconds": "long"}}, "max_seconds"),
    ],
)
def test_wrong_entry(agent, entries, word):
    assert_one_sentence(agent.write("", **entries).run(), word)


def test_result_cannot_be_written(agent):
    agent.write("print('never')", result=str(agent.folder / "gone" / "result.json")).run()
    assert_one_sentence(agent, "cannot write the result", "gone")


def test_events_cannot_be_written(agent):
    agent.write("print('never')", events=str(agent.folder / "gone" / "events.jsonl")).run()
    assert_one_sentence(agent, "gone")


def test_optional_entries_may_be_absent(agent):
    agent.script.write_text("print('ok')")
    least = {"schema": 1, "script": str(agent.script), "result": str(agent.result_file)}
    agent.spec_file.write_text(json.dumps(least))
    agent.run()
    assert (agent.stdout, agent.result["exit_code"]) == ("ok\n", 0)


def test_byte_order_mark(agent):
    agent.write("print('ok')")
    agent.spec_file.write_text(agent.spec_file.read_text(), encoding="utf-8-sig")
    assert agent.run().stdout == "ok\n"


def test_script_starts_as_python_would_start_it(make_agent):
    agent = make_agent()
    work = agent.folder / "work"
    work.mkdir()
    packages = str(agent.folder / "packages")
    start = shown(agent.write(SHOW_START, argv=["x"], cwd=str(work), python_path=[packages]))
    assert start["argv"] == [str(agent.script), "x"]
    assert start["cwd"] == str(work)
    assert start["path"][0] == str(agent.folder)
    assert start["path"][-1] == packages
    assert start["file"] == str(agent.script)
    assert start["name"] == "__main__"
    assert "" not in start["path"]


def test_users_own_import_path_comes_before_everything_but_the_script(make_agent):
    """PYTHONPATH as the user has it: it travels in the spec, because a batch file would expand it."""
    agent = make_agent()
    first, second = agent.folder / "R&D (old) 100% !走路!", agent.folder / "a=b"
    for folder in (first, second):
        folder.mkdir()
        # a name that the standard library has, too
        (folder / "colorsys.py").write_text(f"where = {folder.name!r}", encoding="utf-8")
    (second / "only_here.py").write_text("where = 'second'", encoding="utf-8")
    script = f"import colorsys, only_here\nassert (colorsys.where, only_here.where) == ({first.name!r}, 'second')\n"
    wanted = [str(first), str(second)]
    start = shown(agent.write(script + SHOW_START, import_path=wanted, python_path=["last"]))
    assert start["path"][:3] == [str(agent.folder), *wanted]
    assert start["path"][-1] == "last"
    # what the program starts imports from there, too, and finds the agent
    home = agent.environ["PYTHONPATH"]
    assert start["environ"]["PYTHONPATH"].split(os.pathsep) == [home, *wanted]


def test_import_path_that_is_there_already_is_not_doubled(make_agent):
    agent = make_agent()
    home = agent.environ["PYTHONPATH"]
    start = shown(agent.write(SHOW_START, import_path=[home, str(agent.folder), "/gone"]))
    assert [start["path"].count(entry) for entry in (home, str(agent.folder), "/gone")] == [1, 1, 1]
    assert start["environ"]["PYTHONPATH"].split(os.pathsep) == [home, str(agent.folder), "/gone"]


def test_folder_where_the_agent_was_started_is_not_importable(make_agent, tmp_path):
    agent = make_agent()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = elsewhere / "other.py"
    script.write_text(SHOW_START)
    start = shown(agent.write("", script=str(script)))
    assert start["path"][0] == str(elsewhere)
    assert str(agent.folder) not in start["path"]


def test_environment(agent):
    agent.environ["GOES"] = "1"
    environ = shown(agent.write(SHOW_START, env={"COMES": "a=b", "GOES": None, "NOT_THERE": None}))["environ"]
    assert environ["COMES"] == "a=b"
    assert "GOES" not in environ


def test_agent_stays_importable_for_other_ranks(agent):
    home = agent.environ["PYTHONPATH"]
    environ = shown(agent.write(SHOW_START, env={"PYTHONPATH": "/elsewhere"}))["environ"]
    assert environ["PYTHONPATH"].split(os.pathsep) == [home, "/elsewhere"]


def test_hydra_shows_full_errors_unless_told_otherwise(agent):
    agent.environ["HYDRA_FULL_ERROR"] = "0"
    assert shown(agent.write(SHOW_START))["environ"]["HYDRA_FULL_ERROR"] == "1"
    assert shown(agent.write(SHOW_START, env={"HYDRA_FULL_ERROR": "0"}))["environ"]["HYDRA_FULL_ERROR"] == "0"


hostile_names = ["with blanks", "a=b", "bang!", "%PATH%", "走路", "it's", "a & b ^ (x86)", "[1,2];{x}", "~#@$"]


@pytest.mark.parametrize("name", hostile_names + ([] if os.name == "nt" else ['say "hi"', "back\\slash", "a*?"]))
def test_hostile_folder(make_agent, name):
    agent = make_agent(name)
    start = shown(agent.write(SHOW_START, argv=[name]))
    assert start["argv"] == ["script.py", name]
    assert start["cwd"] == str(agent.folder)
    assert start["file"] == str(agent.script)
    assert agent.result["exit_code"] == 0


def test_script_below_the_cwd_is_named_relative_to_it(make_agent):
    """Upstream scans sys.argv for the words robot and simulator: no folder above the cwd may bring them."""
    agent = make_agent("simulator robot isaacgym")
    below = agent.folder / "protomotions"
    below.mkdir()
    script = below / "eval_agent.py"
    script.write_text(SHOW_START)
    start = shown(agent.write("", argv=["x"], script=str(script)))
    assert start["argv"] == [os.path.join("protomotions", "eval_agent.py"), "x"]
    assert start["file"] == str(script)
    assert start["path"][0] == str(below)


def test_script_elsewhere_keeps_its_whole_path(make_agent, tmp_path):
    agent = make_agent()
    script = tmp_path / "beside.py"
    script.write_text(SHOW_START)
    assert shown(agent.write("", script=str(script)))["argv"] == [str(script)]


def test_relaunched_rank_takes_the_arguments_of_the_spec_and_has_its_own_result(agent):
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


def test_first_rank_takes_the_arguments_of_the_spec(agent):
    agent.environ["LOCAL_RANK"] = "0"
    agent.write("import sys\nprint(sys.argv[1:])\n", argv=["from the spec"]).run()
    assert agent.stdout == "['from the spec']\n"
