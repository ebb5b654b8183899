"""pmlaunch reports every failure as one, whatever the batch file returns, and names native crashes where it can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lab import DIRECT, LABS, Lab
from table import ENDINGS, MISSING_SCRIPT, End, end_of

GetLab = Callable[[str], Lab]
DONE, FAILED, ABNORMAL = ("done", 0), ("failed", 1), ("abnormal", 8)
EXPECTED = {
    "0": DONE,
    "exit 7": FAILED,
    "exception": FAILED,
    "missing module": FAILED,
    MISSING_SCRIPT: FAILED,
    "exit 130": FAILED,
    "exit -1": FAILED,
    "abort": ABNORMAL,
    "access violation": ABNORMAL,
    "stack buffer overrun": ABNORMAL,
    "os._exit(0)": ABNORMAL,
}
# these everywhere: an exit code that some batch files keep, and a failure that looks like a success
EVERYWHERE = ("exit 7", "os._exit(0)")
# the runtime that returns the program's exit code, and the one that always returns 0
THOROUGH = (DIRECT, "2.3 conda")
SLOW = "3.0 python.bat"
CRASH = "access violation"
TRIALS = [
    *((name, ending) for name in (DIRECT, *LABS) for ending in (ENDINGS if name in THOROUGH else EVERYWHERE)),
    *(pytest.param(name, CRASH, marks=pytest.mark.slow) for name in LABS if name not in (*THOROUGH, SLOW)),
    *(pytest.param(SLOW, ending, marks=pytest.mark.slow) for ending in ENDINGS if ending not in EVERYWHERE),
]


@pytest.mark.parametrize(("name", "ending"), TRIALS)
def test_state_and_exit_code_of_each_ending(lab: GetLab, program: Path, tmp_path: Path, name: str, ending: str) -> None:
    end = end_of(lab(name), tmp_path, program, ending)
    assert (end.state, end.exit_code) == EXPECTED[ending]
    assert bool(end.codes) == (ending != "0"), "exactly the failures have a reason"
    if ending == "missing module":
        assert "PML304" in end.codes
    if ending == "access violation":
        assert _names(end, "access violation"), "Python's fault handler reports it, whatever the batch file returns"
    if name == "2.3 conda" and EXPECTED[ending] == ABNORMAL:
        assert any("always returns 0" in finding.message for finding in end.findings)
    if ending == "stack buffer overrun" and name == DIRECT:
        assert _names(end, "stack buffer overrun"), "only the exit code tells, and here it arrives"


def _names(end: End, crash: str) -> bool:
    return any(crash in finding.message for finding in end.findings)
