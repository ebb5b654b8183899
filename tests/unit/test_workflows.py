"""GitHub's workflows keep the rules of this project: pinned packages and actions, least rights, no hang without end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
JOBS = {f"{file}: {name}": job for file, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()}
SELF_HOSTED = {name: job for name, job in JOBS.items() if "self-hosted" in job["runs-on"]}


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in JOBS.items():
        for step in job["steps"]:
            yield name, step


def commands() -> Iterator[tuple[str, str]]:
    for name, step in steps():
        for line in step.get("run", "").splitlines():
            yield name, line


def test_pip_installs_what_was_tested() -> None:
    lines = [(job, line) for job, line in commands() if re.search(r"\bpip(3|x)? install\b", line)]
    assert lines
    assert [found for found in lines if "-c constraints.txt" not in found[1]] == []


def test_actions_are_pinned_and_leave_no_token() -> None:
    used = [(name, step) for name, step in steps() if "uses" in step]
    assert [found for found in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", found[1]["uses"])] == []
    checkouts = [(name, step) for name, step in used if step["uses"].startswith("actions/checkout@")]
    assert checkouts
    assert [found for found in checkouts if found[1]["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_rights_are_given_to_jobs_only(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}


@pytest.mark.parametrize("name", JOBS)
def test_jobs_end_and_name_their_rights(name: str) -> None:
    assert JOBS[name]["timeout-minutes"] <= 120
    assert JOBS[name]["permissions"]


@pytest.mark.parametrize("name", SELF_HOSTED)
def test_steps_on_our_own_machine_end_before_the_job(name: str) -> None:
    job = SELF_HOSTED[name]
    limits = [step["timeout-minutes"] for step in job["steps"]]
    assert sum(limits) <= job["timeout-minutes"]


def test_pmlaunch_ends_a_hanging_run_before_the_step_ends() -> None:
    found = [step for job in SELF_HOSTED.values() for step in job["steps"] if "pmlaunch smoke" in step.get("run", "")]
    assert found
    for step in found:
        for option in ("--timeout", "--silence"):
            (seconds,) = re.findall(rf"{option} (\d+)", step["run"])
            assert int(seconds) < step["timeout-minutes"] * 60 - 300  # doctor before it, files after it


def test_our_own_machine_needs_no_powershell_7_and_no_policy_for_scripts() -> None:
    assert SELF_HOSTED
    for job in SELF_HOSTED.values():
        default = job["defaults"]["run"]["shell"]
        shells = {step.get("shell", default) for step in job["steps"] if "run" in step}
        assert {shell.split()[0] for shell in shells} == {"powershell"}
        assert all("-ExecutionPolicy Bypass" in shell for shell in shells)


def test_only_the_operator_accepts_the_eula() -> None:
    values = [job.get("env", {}).get("OMNI_KIT_ACCEPT_EULA") for job in JOBS.values()]
    values += [step.get("env", {}).get("OMNI_KIT_ACCEPT_EULA") for _, step in steps()]
    assert {value for value in values if value is not None} == {"${{ vars.OMNI_KIT_ACCEPT_EULA }}"}
    assert [line for _, line in commands() if "ACCEPT_EULA" in line] == []


@pytest.mark.hostile
def test_uploaded_runs_hold_no_environment() -> None:
    uploads = [step["with"]["path"].split() for _, step in steps() if "upload-artifact" in step.get("uses", "")]
    with_runs = [paths for paths in uploads if "runs" in paths]
    assert with_runs
    for paths in with_runs:
        assert {"!runs/**/environment.json", "!runs/**/spec.json"} <= set(paths)
