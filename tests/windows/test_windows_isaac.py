"""Isaac Sim can be imported in every runtime: its sitecustomize runs, whatever its folder is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evaluation import evaluate
from lab import DIRECT, Lab

from isaac_standin import make_isaac_sim
from pmlaunch.model import RunRecord

GetLab = Callable[[str], Lab]
FOLDERS = ("isaac sim 中文", "isaac (x86) & 100%", "isaac)!%OS%")


def imported(record: RunRecord) -> str:
    """The file that `import isaacsim` found."""
    assert record.state.value == "done", (record.folder / "output.log").read_text("utf-8")
    lines = (record.folder / "output.log").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("ISAACSIM ")).partition(" ")[2]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "name", [DIRECT, "2.1 conda", "2.3 conda", "3.0 conda", pytest.param("3.0 venv", marks=pytest.mark.slow)]
)
def test_site_in_the_users_pythonpath(lab: GetLab, program: Path, tmp_path: Path, name: str, folder: str) -> None:
    """isaaclab.bat --conda writes it into the environment."""
    sim = make_isaac_sim(tmp_path / folder)
    runtime = lab(name)
    active = replace(runtime, environment={**runtime.environment, "PYTHONPATH": f"{sim / 'site'};C:\\my modules"})
    record = evaluate(active, tmp_path, program, ending="import isaacsim")
    assert imported(record) == str(sim / "exts" / "isaacsim" / "__init__.py")
    travelled = name != DIRECT and folder != FOLDERS[0]
    assert (f"sitecustomize: {sim / 'site' / 'sitecustomize.py'}" in record.repairs) == travelled


@pytest.mark.parametrize("options", [{}, {"via": "python"}, {"via": "python", "python": "python.bat"}], ids=str)
@pytest.mark.parametrize("name", ["2.3 python.bat", pytest.param("3.0 python.bat", marks=pytest.mark.slow)])
def test_site_of_isaac_labs_own_isaac_sim(
    lab: GetLab, program: Path, tmp_path: Path, name: str, options: Mapping[str, Any]
) -> None:
    """python.bat names it; without the batch file pmlaunch does."""
    runtime = lab(name)
    sim = runtime.folder / "_isaac_sim"
    given = {**options, "python": str(sim / options["python"])} if "python" in options else options
    chosen = replace(runtime, options={**runtime.options, **given})
    record = evaluate(chosen, tmp_path, program, ending="import isaacsim", simulator="isaaclab")
    assert imported(record).casefold() == str(sim / "exts" / "isaacsim" / "__init__.py").casefold()
