"""Find out whether a value arrives in a program and how a program's end is reported: the cells of docs/windows.md."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation import RefusedError, by_hand, evaluate, seen_by
from hostile import CANARY, TEXTS
from lab import STANDINS, Lab

from pmlaunch.generations.v2.quoting import quoted
from pmlaunch.model import Finding, Severity
from standin import smpl_motion

MISSING_SCRIPT = "missing script"
ENDINGS = (
    "0", "exit 7", "exception", "missing module", MISSING_SCRIPT, "exit 130", "exit -1", "abort",
    "access violation", "stack buffer overrun", "os._exit(0)",
)  # fmt: skip
_MODEL = "data/pretrained_models/motion_tracker/smpl"


@dataclass(frozen=True)
class Home:
    """A folder with a hostile name that contains a motion and a checkpoint."""

    name: str
    folder: Path
    motion: Path
    checkpoint: Path


def make_home(root: Path, name: str, checkout: Path) -> Home:
    """Create the folder `name` below `root`. Raises OSError if the system does not allow the name."""
    folder = root / name
    folder.mkdir(parents=True)
    motion = smpl_motion(folder / f"{Path(name).name[:60]}.npy")
    checkpoint = Path(shutil.copytree(checkout / _MODEL, folder / Path(name).name[:60])) / "last.ckpt"
    return Home(name, folder, motion, checkpoint)


TOO_LONG = "workspace: PML212"
"""The only loss that is allowed: a run folder whose path would be too long for Windows is refused."""


def lost(lab: Lab, home: Home, checkout: Path) -> list[str]:
    """Run an evaluation in `home` with the files there; return what did not arrive, [] if everything did."""
    wishes: dict[str, Any] = {
        "model": str(home.checkpoint),
        "motions": (str(home.motion),),
        "overrides": (f"++note={quoted(home.name)}",),
    }
    runs, missing = home.folder / "runs", []
    try:
        record = evaluate(lab, home.folder, checkout, **wishes)
    except RefusedError as refused:
        if refused.codes != ["PML212"]:
            return refused.codes
        runs, missing = checkout.parent / "runs", [TOO_LONG]
        record = evaluate(lab, home.folder, checkout, runs=str(runs), **wishes)
    seen = seen_by(record)
    if seen is None:
        return ["never reached the program"]
    values = seen.values()
    arrived = {
        "motion": values["motion_file"] == str(home.motion),
        "checkpoint": values["checkpoint"] == str(home.checkpoint),
        "workspace": Path(seen.variables["PMLAUNCH_RUN_DIR"] or "").parent == runs,
        "override": values["note"] == home.name,
        "state": record.state.value == "done",
        "was run": not executed(lab, home.folder, checkout),
    }
    return missing + [what for what, well in arrived.items() if not well]


def lost_texts(lab: Lab, workspace: Path, checkout: Path) -> dict[str, list[str]]:
    """Do the same with all `TEXTS` as overrides of one run: {text: what did not arrive}."""
    overrides = tuple(f"++note{number}={quoted(text)}" for number, text in enumerate(TEXTS))
    seen = seen_by(evaluate(lab, workspace, checkout, overrides=overrides))
    if seen is None:
        return {text: ["never reached the program"] for text in TEXTS}
    values = seen.values()
    run = ["was run"] if executed(lab, workspace, checkout) else []
    return {text: run + ["override"] * (values[f"note{number}"] != text) for number, text in enumerate(TEXTS)}


def executed(lab: Lab, workspace: Path, checkout: Path) -> bool:
    """Return whether a value was executed somewhere instead of passed on."""
    return any((folder / CANARY).exists() for folder in (lab.folder, workspace, checkout, checkout.parent))


@dataclass(frozen=True)
class End:
    """What pmlaunch reports about the end of a program."""

    state: str
    exit_code: int | None
    findings: tuple[Finding, ...]

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]


def end_of(lab: Lab, workspace: Path, checkout: Path, ending: str) -> End:
    """Run the program through `lab`, let it end as `ending` says, and return what pmlaunch reports."""
    script = checkout / "protomotions" / "eval_agent.py"
    # it exists when the run is planned and is gone when the program starts
    start: dict[str, Any] = {"before_start": script.unlink} if ending == MISSING_SCRIPT else {}
    try:
        record = evaluate(lab, workspace, checkout, ending=ending, **start)
    finally:
        shutil.copy(STANDINS / "program.py", script)
    said = [item for item in record.findings if item.code.startswith("PML3") and item.severity is not Severity.NOTE]
    return End(record.state.value, record.exit_code, tuple(said))


def code_of(lab: Lab, workspace: Path, checkout: Path, ending: str) -> int:
    """Return the exit code of the same program started without pmlaunch."""
    script = checkout / "protomotions" / ("no_such_script.py" if ending == MISSING_SCRIPT else "eval_agent.py")
    return by_hand(lab, str(script), folder=workspace, STANDIN_ENDING=ending)[0]
