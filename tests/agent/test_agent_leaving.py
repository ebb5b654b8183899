"""The end of the process: what is open is written out, what is to be called is called, garbage is left alone."""

from __future__ import annotations

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


def test_files_among_the_garbage_are_written_out_and_atexit_is_called(agent) -> None:
    agent.write(CYCLE).run()
    assert (agent.folder / "kept.txt").read_text(encoding="utf-8") == "not flushed by anyone"
    assert "atexit, frozen: True" in agent.stdout
    assert agent.result["status"] == "finished"


def test_an_object_that_lies_about_its_class_is_left_alone(agent) -> None:
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
