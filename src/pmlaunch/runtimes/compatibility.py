"""Which versions work together: the one table that preflight, doctor, runtime, install and docs/compatibility.md read.

A row states conditions and what is known where all of them hold. Rows that fail or are repaired are rules, about some
of the parts; rows that work name a whole combination that was run or that upstream documents. Every row has its source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pmlaunch.agent.pmlaunch_agent.contract import MUTABLE_DATACLASS_DEFAULTS, ONE_RANK


class Part(Enum):
    """What takes part in a combination; the value is its name for people."""

    PROTOMOTIONS = "ProtoMotions"
    SIMULATOR = "simulator"
    ISAACLAB = "Isaac Lab"
    ISAACSIM = "Isaac Sim"
    NEWTON = "Newton"
    GENESIS = "Genesis"
    MUJOCO = "MuJoCo"
    PYTHON = "Python"
    TORCH = "torch"
    NUMPY = "numpy"
    SYSTEM = "system"


class Verdict(Enum):
    """What is known about a combination."""

    WORKS = "works"
    REPAIRED = "works with a repair"
    FAILS = "does not work"
    UNKNOWN = "unknown"


V2, V31, MAIN = "2.x", "3.0/3.1", "main"  # ProtoMotions; main is 3.x with a backend for Isaac Lab 3
ABSENT = "none"  # the version of what is known not to be there


@dataclass(frozen=True)
class Found:
    """A version and the path it was read from."""

    version: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.version} ({self.where})" if self.where else self.version


Versions = Mapping[Part, Found]


@dataclass(frozen=True)
class Row:
    """What is known where all conditions in `where` hold.

    Attributes:
        where: for each part names ("2.x, main"), a version ("2.3", which includes 2.3.2), a range ("2.2..2.3", "3..",
            "..2"), any other than one ("not 3.11"), or ABSENT.
        text: why it fails, what is repaired, or how it is known.
        instead: what works, and what to type for it; {pip} and {isaaclab} are filled in.
        repair: the agent's name of the repair, or the variable that is set.
    """

    verdict: Verdict
    where: Mapping[Part, str]
    text: str
    source: str
    instead: str = ""
    repair: str | None = None

    def matches(self, versions: Versions) -> bool:
        """Whether every condition holds; a condition on a part of unknown version does not."""
        return all(part in versions and holds(wanted, versions[part].version) for part, wanted in self.where.items())


@dataclass(frozen=True)
class Judgement:
    """The verdict on `versions`, and the rows that it rests on."""

    verdict: Verdict
    rows: tuple[Row, ...]
    versions: Versions


def judge(versions: Versions) -> Judgement:
    """What the table says about `versions`: unknown, unless a row that works covers the whole combination."""
    rows = tuple(row for row in TABLE if row.matches(versions))
    found = {row.verdict for row in rows}
    verdict = Verdict.FAILS if Verdict.FAILS in found else Verdict.WORKS if Verdict.WORKS in found else Verdict.UNKNOWN
    if verdict is Verdict.WORKS and Verdict.REPAIRED in found:
        verdict = Verdict.REPAIRED
    return Judgement(verdict, rows, versions)


def holds(wanted: str, version: str) -> bool:
    """Whether `version` is what a row's condition wants (see Row.where)."""
    if ABSENT in (wanted, version):
        return wanted == version
    if wanted.startswith("not "):
        return not holds(wanted[4:], version)
    low, dots, high = wanted.partition("..")
    number, least, most = _number(version), _number(low), _number(high if dots else low)
    if not number or not (least or most):
        return version in wanted.split(", ")
    return number[: len(least)] >= least and (not most or number[: len(most)] <= most)


def _number(version: str) -> tuple[int, ...]:
    """The release of a version: "2.9.1+cpu" is (2, 9, 1); empty for a name, such as those of ProtoMotions."""
    release = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})*)(?:[^\d./][^/]*|\.post\d+.*)?", version)
    return tuple(int(digits) for digits in release[1].split(".")) if release else ()


_INDEX = "--extra-index-url https://pypi.nvidia.com"
_PIN = "4ecd0b03"  # the commit of Isaac Lab that ProtoMotions main names; whose guide calls it 12.0.0, no release
_OWN_PYTHON = "deactivate the environment: Isaac Lab then takes Isaac Sim's own Python; or --via python --python EXE"
_REQUIRES = "Requires-Python of isaacsim on PyPI"
_IMPORTS = "names that ProtoMotions imports, looked up in the wheels of"
_README2 = "README and requirements_isaaclab.txt of ProtoMotions v2.3"
_DOCS3 = "installation.rst of ProtoMotions"
_ON_WINDOWS = "measured with the Windows wheels of torch 2.4 to 2.13 under Wine 10"


def _row(verdict: Verdict, text: str, source: str, instead: str = "", repair: str | None = None, **parts: str) -> Row:
    return Row(verdict, {Part[name.upper()]: wanted for name, wanted in parts.items()}, text, source, instead, repair)


# Kept as a table: the formatter would put every argument on a line of its own.
# fmt: off
NO_GLOO = _row(
    Verdict.REPAIRED, "torch has no gloo transport: one device runs in a process group of one rank, several cannot run",
    _ON_WINDOWS, repair=ONE_RANK, system="windows", torch="2.8..2.10")
TABLE = (
    _row(Verdict.FAILS, "this ProtoMotions imports isaaclab.sim.PhysxCfg, which Isaac Lab 3 no longer has",
         f"{_IMPORTS} isaaclab: v2.3, v3.0 and v3.1 in 3.0.0",
         "--isaaclab DIR of an Isaac Lab 2; a new one: uv venv --python 3.11 lab2; "
         f'uv pip install --python lab2 "isaaclab[isaacsim,all]==2.3.0" {_INDEX}; then --via python --python EXE',
         protomotions=f"{V2}, {V31}", simulator="isaaclab", isaaclab="3.."),
    _row(Verdict.FAILS, "this ProtoMotions imports isaaclab_physx, which Isaac Lab 2 does not have",
         f"{_IMPORTS} isaaclab: main 607ca7a0 in 2.0.2, 2.1.0, 2.2.0, 2.3.0 and 2.3.2.post1",
         f"--isaaclab DIR of Isaac Lab at commit {_PIN} (Isaac Sim 6.0, Python 3.12); or ProtoMotions 3.1: "
         "pmlaunch install --ref v3.1; or --simulator newton",
         protomotions=MAIN, simulator="isaaclab", isaaclab="..2"),
    _row(Verdict.FAILS, "Isaac Sim 4 is built for Python 3.10 and runs in no other", f"{_REQUIRES}, 4.0 to 4.5",
         f"{_OWN_PYTHON}, of Python 3.10", simulator="isaaclab", isaacsim="4", python="not 3.10"),
    _row(Verdict.FAILS, "Isaac Sim 5 is built for Python 3.11 and runs in no other", f"{_REQUIRES}, 5.0 and 5.1",
         f"{_OWN_PYTHON}, of Python 3.11", simulator="isaaclab", isaacsim="5", python="not 3.11"),
    _row(Verdict.FAILS, "Isaac Sim 6 is built for Python 3.12 and runs in no other", f"{_REQUIRES}, 6.0 to 6.2",
         f"{_OWN_PYTHON}, of Python 3.12", simulator="isaaclab", isaacsim="6", python="not 3.12"),
    _row(Verdict.FAILS, "Isaac Lab 3 needs Python 3.12", "Requires-Python and isaaclab/cli/utils.py of isaaclab 3.0.0",
         "--via python --python EXE of a Python 3.12 with Isaac Lab 3",
         simulator="isaaclab", isaaclab="3..", python="not 3.12"),
    _row(Verdict.FAILS, "Isaac Lab 3 does not support Isaac Sim 5.1 and older",
         "docs.nvidia.com/isaaclab/isaac-lab/installation, of 3.0",
         f'in a Python 3.12: {{pip}} "isaacsim[all,extscache]==6.2.0.0" {_INDEX}',
         simulator="isaaclab", isaaclab="3..", isaacsim="..5"),
    _row(Verdict.FAILS, "ProtoMotions runs Isaac Lab on Isaac Sim; without it, Isaac Lab has Newton only",
         "omni and isaaclab_physx among the imports of ProtoMotions; kitless_installation.rst of Isaac Lab",
         f'{{pip}} "isaaclab[isaacsim]=={{isaaclab}}" {_INDEX}; or ProtoMotions 3 with --simulator newton',
         simulator="isaaclab", isaaclab="2..", isaacsim=ABSENT),
    _row(Verdict.FAILS, "Isaac Lab 2, and Isaac Sim 4 and 5 below it, are built for numpy 1",
         "Requires-Dist of isaaclab 2.0 to 2.3 and isaacsim-kernel 5.0; IsaacLab 846, 2235 and 2866",
         '{pip} "numpy<2"', simulator="isaaclab", isaaclab="..2", numpy="2.."),
    _row(Verdict.FAILS, "this ProtoMotions imports newton.solvers.SolverNotifyFlags, which Newton 1.5 removed",
         f"{_IMPORTS} newton: main 607ca7a0 in 1.0.0 to 1.8.0",
         'in an environment without Isaac Lab: {pip} "newton[sim]==1.0.0" warp-lang==1.12.0 mujoco==3.5.0 '
         "mujoco-warp==3.5.0.2", protomotions=MAIN, simulator="newton", newton="1.5.."),
    _row(Verdict.FAILS, "this ProtoMotions imports newton.sensors.populate_contacts, which Newton 1.0 removed",
         f"{_IMPORTS} newton: v3.0 and v3.1 in 1.0.0 to 1.8.0", "pmlaunch install --ref main",
         protomotions=V31, simulator="newton", newton="1.."),
    _row(Verdict.FAILS, "Isaac Gym is built for Python 3.6 to 3.8", f"prerequisites of Isaac Gym Preview 4; {_DOCS3}",
         "--python EXE of a Python 3.8", simulator="isaacgym", python="not 3.6..3.8"),
    _row(Verdict.FAILS, "Isaac Gym exists for Linux only", "prerequisites of Isaac Gym Preview 4: Ubuntu",
         "--simulator isaaclab, or genesis", simulator="isaacgym", system="windows"),
    _row(Verdict.REPAIRED, "Python 3.11 and later refuse defaults of ProtoMotions' dataclasses",
         "measured with v2.3 on Python 3.11; ProtoMotions issue 131", repair=MUTABLE_DATACLASS_DEFAULTS,
         protomotions=V2, python="3.11.."),
    _row(Verdict.REPAIRED, "with a window, ProtoMotions makes a Se2Keyboard without the argument required since Isaac Lab 2.2",
         "isaaclab 2.1.0 and 2.2.0; ProtoMotions issue 131", repair="keyboard",
         protomotions=V2, simulator="isaaclab", isaaclab="2.2..2.3"),
    NO_GLOO,
    _row(Verdict.REPAIRED, "torch has no libuv, which torch.distributed asks for", _ON_WINDOWS, repair="USE_LIBUV=0",
         system="windows", torch="2.4..2.6"),
    _row(Verdict.WORKS, "documented; it names no release, but needs a repair on later ones", f"{_README2}; isaaclab wheels",
         protomotions=V2, simulator="isaaclab",
         isaaclab="2.0..2.1", isaacsim="4.5", python="3.10", torch="2.5..2.7", system="linux"),
    _row(Verdict.WORKS, "documented as tested", f"{_DOCS3} v3.1", protomotions=V31, simulator="isaaclab",
         isaaclab="2.3", isaacsim="5", python="3.11", torch="2.7", system="linux"),
    _row(Verdict.WORKS, f"documented: Isaac Lab at commit {_PIN}, which it calls 12.0.0; no release has that number",
         f"{_DOCS3} main", protomotions=MAIN,
         simulator="isaaclab", isaaclab="12.0", isaacsim="6.0", python="3.12", torch="2.11", system="linux"),
    _row(Verdict.WORKS, "measured on an H100", "newton 1.0.0, warp-lang 1.12.0, mujoco 3.5.0", protomotions=MAIN,
         simulator="newton", newton="1.0", python="3.12", torch="2.11", system="linux"),
    _row(Verdict.WORKS, "measured on a CPU, with Python 3.11 and torch 2.13", f"{_DOCS3} main", protomotions=MAIN,
         simulator="mujoco", mujoco="3", python="3.10..3.12", torch="2.2..2.13", system="linux"),
    _row(Verdict.WORKS, "measured on a CPU", "Windows builds of torch 2.6, 2.9 and 2.13 under Wine 10",
         protomotions=MAIN, simulator="mujoco", mujoco="3", python="3.11", torch="2.6..2.13", system="windows"),
    _row(Verdict.WORKS, "measured on a CPU, with Genesis 0.3.3, Python 3.11 and torch 2.13", "README of v2.3",
         protomotions=V2, simulator="genesis", genesis="0.3", python="3.10..3.11", torch="2.5..2.13", system="linux"),
    _row(Verdict.WORKS, "documented", f"README of v2.3; {_DOCS3}", protomotions=f"{V2}, {V31}, {MAIN}",
         simulator="isaacgym", python="3.8", system="linux"),
    _row(Verdict.UNKNOWN, "should work with the repairs: users report these two errors and their cures, but no whole run",
         "ProtoMotions issue 131", protomotions=V2, simulator="isaaclab", isaaclab="2.2..2.3"),
    _row(Verdict.UNKNOWN, "Isaac Lab 3.0 has every name that ProtoMotions imports, but upstream pins an earlier commit",
         f"{_IMPORTS} isaaclab 3.0.0; {_DOCS3} main",
         protomotions=MAIN, simulator="isaaclab", isaaclab="3.0"),
    _row(Verdict.UNKNOWN, "no source reports a run of ProtoMotions in Isaac Lab on Windows; upstream documents Linux",
         f"{_README2}; {_DOCS3} main", simulator="isaaclab", system="windows"),
    _row(Verdict.UNKNOWN, "upstream calls Genesis untested", f"{_DOCS3} v3.1 and main",
         protomotions=f"{V31}, {MAIN}", simulator="genesis"),
)
# fmt: on
