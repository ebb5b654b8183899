"""The workflows: what they upload holds no environment, and no token stays on the runner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))

pytestmark = pytest.mark.hostile


def steps(action: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(workflow, inputs) of every step that uses `action`."""
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job.get("steps", ()):
                if str(step.get("uses", "")).startswith(f"{action}@"):
                    yield path.name, step.get("with", {})


def test_no_checkout_leaves_its_token_behind() -> None:
    inputs = list(steps("actions/checkout"))
    assert inputs
    assert [name for name, given in inputs if given.get("persist-credentials") is not False] == []


def test_uploaded_runs_hold_no_environment() -> None:
    paths = {name: str(given["path"]).split() for name, given in steps("actions/upload-artifact")}
    with_runs = {name: listed for name, listed in paths.items() if "runs" in listed}
    assert with_runs
    for listed in with_runs.values():
        assert {"!runs/**/environment.json", "!runs/**/spec.json"} <= set(listed)
