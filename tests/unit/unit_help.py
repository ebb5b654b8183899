"""Helpers with which several unit tests read a plan or a config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pmlaunch.checks.preflight import preflight
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.compose import config_report
from pmlaunch.generations.values import ConfigReport
from pmlaunch.model import Finding, Severity, Sourced
from pmlaunch.planning.plan import Planned
from standin import TRAINED

T = TypeVar("T")
Plan = Callable[..., Planned]
Refused = Callable[..., PmlaunchError]
STEPS = "agent.config.max_eval_steps"
OVERRIDES = ("+robot=smpl", "+simulator=isaaclab", "+terrain=flat", "++motion_file='walk.npy'")


def present(value: T | None) -> T:
    """The value, which must not be None."""
    assert value is not None
    return value


def written(planned: Planned) -> dict[str, str]:
    """The override list as a mapping; a key that stands twice fails."""
    pairs = [override.partition("=")[::2] for override in planned.plan.overrides]
    assert len(dict(pairs)) == len(pairs), planned.plan.overrides
    return dict(pairs)


def source(planned: Planned, name: str) -> Sourced[Any]:
    """A value of the plan and where it came from."""
    return planned.plan.provenance[name]


def only(planned: Planned) -> Finding:
    """The one thing that the checks find."""
    (finding,) = preflight(planned)
    return finding


def codes(planned: Planned) -> list[tuple[str, Severity]]:
    """What the checks find, in short."""
    return [(finding.code, finding.severity) for finding in preflight(planned)]


def report_on(
    config: Path, *more: str, keys: tuple[str, ...] = (), overrides: tuple[str, ...] = OVERRIDES
) -> ConfigReport:
    """The report on a training's config in the stand-in, with the usual overrides and `more`."""
    return config_report(config.parents[4] / "protomotions/config", config, [*overrides, *more], keys)


def with_line(config: Path, line: str) -> Path:
    """The training's config with one more line."""
    config.write_text(f"{TRAINED}{line}\n", encoding="utf-8")
    return config


def told(sourced: Sourced[Any]) -> tuple[Any, str]:
    """A value and the label of its source, as `--dry-run` shows them."""
    return sourced.value, str(sourced.source)
