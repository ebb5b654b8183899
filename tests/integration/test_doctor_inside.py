"""`pmlaunch doctor` with real programs: git, Git LFS, and a probed Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from doctor_schema import schema_errors

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git not found")
needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs was not found")
_PYTHON = os.environ.get("PMLAUNCH_TEST_PYTHON")  # read before the tests clean the environment
NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> None:
    own = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")
    environment = {**os.environ, **NO_SETTINGS}
    subprocess.run(["git", "-C", folder, *own, *arguments], env=environment, check=True, capture_output=True)


@pytest.fixture
def repository(workspace: Path) -> Path:
    """The stand-in checkout as a git repository with a tag."""
    root = workspace / "protomotions"
    for arguments in (["init"], ["add", "-A"], ["commit", "-m", "the stand-in"], ["tag", "-a", "v2.3", "-m", "it"]):
        git(root, *arguments)
    return root


def checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The checks by name, each with its facts as a mapping."""
    return {
        check["name"]: {**check, "facts": {fact["name"]: fact["value"] for fact in check["facts"]}}
        for group in document["data"]["groups"]
        for check in group["checks"]
    }


def codes(check: dict[str, Any]) -> list[str]:
    return [found["code"] for found in check["findings"]]


@pytest.mark.slow
@needs_git
def test_real_python_is_probed(pmlaunch: Callable[..., Any], repository: Path) -> None:
    """Only the packages of ProtoMotions and Genesis are missing, and a process group forms."""
    if any(find_spec(name) is None for name in ("torch", "lightning", "hydra")):
        pytest.skip("torch, lightning and Hydra are not installed")
    (repository / "protomotions" / "eval_agent.py").write_text("# changed\n", encoding="utf-8")
    temporary = repository.parent / "temporary"
    temporary.mkdir()
    variables = {**NO_SETTINGS, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
    done = pmlaunch("doctor", "--simulator", "genesis", "--device", "cpu", "--json", **variables)
    document = done.document
    assert schema_errors(document) == []
    seen = checks(document)
    assert "commit" in seen["checkout"]["facts"]["at"]
    assert "branch main" in seen["checkout"]["facts"]["at"]
    assert (codes(seen["changes"]), seen["changes"]["facts"]) == (["PML225"], {"local changes": "1 changed"})
    assert seen["packages"]["facts"]["torch"]
    # the stand-in has no helper packages, and Genesis is not installed
    assert "PML227" in codes(seen["packages"])
    assert seen["torch"]["facts"]["gloo"] == "yes"
    assert (seen["process_group"]["state"], seen["process_group"]["facts"]["backend"]) == ("fine", "gloo")
    assert [code for check in seen.values() for code in codes(check) if code == "PML220"] == []
    assert done.code == 4
    assert list(temporary.glob("pmlaunch-doctor-*")) == []


@needs_git
@needs_lfs
def test_fix_sets_up_git_lfs_in_the_checkout_only(pmlaunch: Callable[..., Any], repository: Path) -> None:
    config = repository / ".git" / "config"
    nobody = ("--python", str(repository / "no-python"))
    first = pmlaunch("doctor", "--simulator", "genesis", "--json", *nobody, **NO_SETTINGS)
    assert (codes(checks(first.document)["git_lfs"]), "lfs" in config.read_text(encoding="utf-8")) == (
        ["PML223"],
        False,
    )
    fixed = pmlaunch("doctor", "--fix", "--simulator", "genesis", "--json", *nobody, **NO_SETTINGS).document
    assert schema_errors(fixed) == []
    fix = fixed["data"]["fix"]
    assert [(item["check"], item["done"]) for item in fix["mended"]] == [("git_lfs", True)]
    assert {"check": "git_lfs", "state": "warning", "codes": ["PML223"]} in fix["before"]
    assert checks(fixed)["git_lfs"]["state"] == "fine"
    assert "git-lfs filter-process" in config.read_text(encoding="utf-8")
    # a hook would run a program on the user's next push
    assert not [path for path in (repository / ".git" / "hooks").glob("*") if path.suffix != ".sample"]
    again = pmlaunch("doctor", "--fix", "--simulator", "genesis", *nobody, **NO_SETTINGS)
    assert "nothing here that --fix may mend" in again.out


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the interpreter")
def test_python_does_not_answer(pmlaunch: Callable[..., Any], workspace: Path) -> None:
    broken = workspace / "broken python"
    broken.write_text("#!/bin/sh\necho 'libpython is missing'\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    document = pmlaunch("doctor", "--simulator", "genesis", "--python", broken, "--json").document
    (found,) = (found for found in document["findings"] if found["code"] == "PML226")
    assert (found["code"], found["severity"]) == ("PML226", "error")
    assert "libpython is missing" in found["message"]
    seen = checks(document)
    assert [seen[name]["state"] for name in ("packages", "torch", "process_group")] == ["error", "skipped", "skipped"]


@pytest.mark.slow
def test_real_protomotions(pmlaunch: Callable[..., Any], upstream: Path) -> None:
    """With a checkout of 2.3 and a Python for it, only missing checkpoints are errors."""
    if not _PYTHON or not (upstream / "protomotions" / "eval_agent.py").is_file():
        pytest.skip("no Python with ProtoMotions 2.3 and Genesis (set PMLAUNCH_TEST_PYTHON)")
    where = ("--simulator", "genesis", "--protomotions", upstream, "--python", _PYTHON)
    document = pmlaunch("doctor", *where, "--json").document
    assert schema_errors(document) == []
    errors = {found["code"] for found in document["findings"] if found["severity"] == "error"}
    assert errors <= {"PML101"}
    assert checks(document)["process_group"]["state"] == "fine"
