"""Start a stand-in program through a runtime, with pmlaunch or without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import STANDINS, Lab

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.model import Finding, RunRecord, Severity
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.run import run_plan
from pmlaunch.settings import Settings
from standin import make_checkout

_AGENT = "class PPO:\n    def evaluate_policy(self, inside):\n        inside()\n"


@dataclass(frozen=True)
class Seen:
    """The arguments, folder and variables that reached the program."""

    argv: Sequence[str]
    cwd: Path
    variables: Mapping[str, str | None]

    @classmethod
    def of(cls, output: str) -> Seen | None:
        """Read them from the program's output; None if it never started."""
        lines = [line[5:] for line in output.splitlines() if line.startswith("SEEN ")]
        if not lines:
            return None
        data = json.loads(lines[-1])
        return cls(data["argv"], Path(data["cwd"]), data["variables"])

    def values(self) -> dict[str, Any]:
        """Return the overrides among the arguments as Hydra and OmegaConf read them."""
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from omegaconf import OmegaConf

        parsed = OverridesParser.create().parse_overrides(list(self.argv))
        return {item.key_or_group: OmegaConf.create({"it": item.value()})["it"] for item in parsed}


class RefusedError(Exception):
    """The preflight found errors, whose codes are in `codes`."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.codes = [finding.code for finding in findings if finding.severity is Severity.ERROR]
        super().__init__("; ".join(f"{finding.code} {finding.message}" for finding in findings))


class _Nobody:
    """An observer that ignores every callback."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def make_program(root: Path) -> Path:
    """Create a stand-in checkout with standins/program.py, which starts fast because it does not import Hydra."""
    checkout = make_checkout(root)
    shutil.copy(STANDINS / "program.py", checkout / "protomotions" / "eval_agent.py")
    (checkout / "protomotions/agents/ppo/agent.py").write_text(_AGENT, encoding="utf-8")
    return checkout


def evaluate(
    lab: Lab,
    workspace: Path,
    checkout: Path,
    *,
    ending: str = "0",
    before_start: Callable[[], object] = lambda: None,
    **wishes: Any,
) -> RunRecord:
    """Plan, check and run an evaluation, as if started in `workspace` with the environment of `lab`. Raises RefusedError."""
    # the program is no ProtoMotions 2.x, which Isaac Lab 3 could not run
    wishes = {
        "model": "motion_tracker",
        "motions": ("walk",),
        "simulator": "genesis",
        "no_check": ("PML246",),
        "metrics": False,  # standins/program.py measures nothing
        **wishes,
    }
    request = EvalRequest(protomotions=str(checkout), headless=True, max_steps=3, **lab.options, **wishes)
    with lab.entered(workspace):
        os.environ["STANDIN_ENDING"] = ending
        planned = make_plan(request, Settings.here())
        findings = preflight(planned)
        if exit_code_of(findings):
            raise RefusedError(findings)
        before_start()
        return run_plan(planned.plan, tuple(findings), _Nobody())


def seen_by(record: RunRecord) -> Seen | None:
    """Return what reached the program of a run; None if it never started."""
    return Seen.of((record.folder / "output.log").read_text(encoding="utf-8"))


def by_hand(lab: Lab, *words: str, folder: Path, quote_all: bool = False, **variables: str) -> tuple[int, str]:
    """Start the runtime without pmlaunch, as a list or with every word quoted; return exit code and output."""
    command = lab.command(*words)
    done = subprocess.run(
        " ".join(f'"{word}"' for word in command) if quote_all else command,
        cwd=folder,
        env={**lab.surroundings(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")
