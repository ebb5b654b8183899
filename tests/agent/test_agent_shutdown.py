"""Shutdown flushes open files, calls atexit functions and skips the final garbage collection."""

from __future__ import annotations

from agent_run import AgentRun

CYCLE = """
import atexit, gc

class Log:
    def __init__(self):
        self.file = open("kept.txt", "w")
        self.itself = self

log = Log()
log.file.write("not flushed by anyone")
del log
gc.disable()
atexit.register(lambda: print("atexit, frozen:", gc.get_freeze_count() > 0))
"""


def test_unreachable_files_are_flushed_and_atexit_is_called(agent: AgentRun) -> None:
    agent.write(CYCLE).run()
    assert (agent.folder / "kept.txt").read_text(encoding="utf-8") == "not flushed by anyone"
    assert "atexit, frozen: True" in agent.stdout
    assert agent.result["status"] == "finished"


def test_object_with_a_failing_class_attribute_is_ignored(agent: AgentRun) -> None:
    source = """
class Lazy:
    @property
    def __class__(self):
        raise RuntimeError("asked")
lazy = Lazy()
"""
    agent.write(source).run()
    assert agent.returncode == 0
    assert "asked" not in agent.stderr
