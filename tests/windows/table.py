"""What of a value arrives in a program, and what comes of a program's end: one cell of docs/windows.md each."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from evaluation import Refused, by_hand, evaluate, seen_by
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
    """A folder with a hostile name, with a motion and a checkpoint in it."""

    name: str
    folder: Path
    motion: Path
    checkpoint: Path


def make_home(root: Path, name: str, checkout: Path) -> Home:
    """The folder `name` below `root`. Raises OSError where the system has no such names."""
    folder = root / name
    folder.mkdir(parents=True)
    motion = smpl_motion(folder / f"{Path(name).name[:60]}.npy")
    checkpoint = Path(shutil.copytree(checkout / _MODEL, folder / Path(name).name[:60])) / "last.ckpt"
    return Home(name, folder, motion, checkpoint)


TOO_LONG = "workspace: PML212"
"""The one thing that may not arrive: a run folder whose path would be too long for Windows is refused."""


def lost(lab: Lab, home: Home, checkout: Path) -> list[str]:
    """What does not arrive when the command is typed in `home` and names what lies there: nothing, if all is well."""
    wishes = {
        "model": str(home.checkpoint),
        "motions": (str(home.motion),),
        "overrides": (f"++note={quoted(home.name)}",),
    }
    runs, missing = home.folder / "runs", []
    try:
        record = evaluate(lab, home.folder, checkout, **wishes)
    except Refused as refused:
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
    """The same for the values that only an override can have, all of them in one run."""
    overrides = tuple(f"++note{number}={quoted(text)}" for number, text in enumerate(TEXTS))
    seen = seen_by(evaluate(lab, workspace, checkout, overrides=overrides))
    if seen is None:
        return {text: ["never reached the program"] for text in TEXTS}
    values = seen.values()
    run = ["was run"] if executed(lab, workspace, checkout) else []
    return {text: run + ["override"] * (values[f"note{number}"] != text) for number, text in enumerate(TEXTS)}


def executed(lab: Lab, workspace: Path, checkout: Path) -> bool:
    """Whether a value was run somewhere instead of handed on."""
    return any((folder / CANARY).exists() for folder in (lab.folder, workspace, checkout, checkout.parent))


@dataclass(frozen=True)
class End:
    """What pmlaunch says of the end of a program."""

    state: str
    exit_code: int | None
    findings: tuple[Finding, ...]

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]


def end_of(lab: Lab, workspace: Path, checkout: Path, ending: str) -> End:
    """How a run through `lab` ends whose program ends so."""
    script = checkout / "protomotions" / "eval_agent.py"
    # there when the run is planned, gone when the program starts
    start = {"before_start": script.unlink} if ending == MISSING_SCRIPT else {}
    try:
        record = evaluate(lab, workspace, checkout, ending=ending, **start)
    finally:
        shutil.copy(STANDINS / "program.py", script)
    said = [item for item in record.findings if item.code.startswith("PML3") and item.severity is not Severity.NOTE]
    return End(record.state.value, record.exit_code, tuple(said))


def code_of(lab: Lab, workspace: Path, checkout: Path, ending: str) -> int:
    """The exit code of the same program, started by hand."""
    script = checkout / "protomotions" / ("no_such_script.py" if ending == MISSING_SCRIPT else "eval_agent.py")
    return by_hand(lab, str(script), folder=workspace, STANDIN_ENDING=ending)[0]
