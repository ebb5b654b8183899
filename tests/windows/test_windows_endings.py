"""Every failure is a failure, whatever the batch file returns; a crash of native code has a name where it can."""

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
# every end in three runtimes that differ in what they return; in the others those that hide best
EVERYWHERE = ("exit 7", "access violation", "os._exit(0)")
THOROUGH = (DIRECT, "2.3 conda", "3.0 python.bat")
TRIALS = [(name, ending) for name in (DIRECT, *LABS) for ending in (ENDINGS if name in THOROUGH else EVERYWHERE)]


@pytest.mark.parametrize(("name", "ending"), TRIALS)
def test_what_pmlaunch_makes_of_an_end(lab: GetLab, program: Path, tmp_path: Path, name: str, ending: str) -> None:
    end = end_of(lab(name), tmp_path, program, ending)
    assert (end.state, end.exit_code) == EXPECTED[ending]
    assert bool(end.codes) == (ending != "0"), "a failure has a reason, a success has none"
    if ending == "missing module":
        assert "PML304" in end.codes
    if ending == "access violation":
        assert _names(end, "access violation"), "Python's fault handler said so, whatever the batch file returned"
    if name == "2.3 conda" and EXPECTED[ending] == ABNORMAL:
        assert any("returns 0 whatever happens" in finding.message for finding in end.findings)
    if ending == "stack buffer overrun" and name == DIRECT:
        assert _names(end, "stack buffer overrun"), "the exit code is all there is, and it came through"


def _names(end: End, crash: str) -> bool:
    return any(crash in finding.message for finding in end.findings)
