"""`pmlaunch eval` through every runtime: hostile paths and overrides arrive as typed, and none is executed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import FOLDERS, TEXTS
from lab import DIRECT, LABS, Lab
from table import executed, make_home

from pmlaunch.generations.v2.quoting import quoted
from standin import make_checkout

# as many of FOLDERS as fit into one name
NAME = "R&D&md canary (x86) 100% %OS% !OS! ^a'q' [x]{y} a=b,c;#~@+`$ 动é🚶"
# these pass on arguments like 2.1 and like 3.0 with conda
ALIKE = ("2.2 conda", "2.2 python.bat", "3.0 venv")
VALUES = {f"note{number}": text for number, text in enumerate((*FOLDERS, *TEXTS))}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in checkout, Hydra included, whose program also prints the overrides it received."""
    root = make_checkout(tmp_path_factory.mktemp("pm") / "protomotions")
    script = root / "protomotions" / "eval_agent.py"
    text = script.read_text(encoding="utf-8")
    own = "    import json\n    notes = {key: config[key] for key in config if key.startswith('note')}\n"
    own += "    print('SEEN', json.dumps(notes), flush=True)\n"
    place = "    fabric = Fabric("
    assert text.count(place) == 1
    script.write_text(text.replace(place, own + place), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in ALIKE else []) for name in (DIRECT, *LABS)]
)
def test_every_value_is_passed_unchanged_and_none_is_executed(
    lab: Callable[[str], Lab], checkout: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    # a short folder name: a Windows path has at most 259 characters
    runtime, home = lab(name), make_home(tmp_path_factory.mktemp("w"), NAME, checkout)
    words = ["eval", str(home.checkpoint), "-m", str(home.motion), "--protomotions", str(checkout), "--headless"]
    words += ["--simulator", "genesis", "--max-steps", "2", "--json"]
    words += [word for option, value in runtime.options.items() for word in (f"--{option}", value)]
    words += [f"++{key}={quoted(text)}" for key, text in VALUES.items()]
    done = subprocess.run(
        [sys.executable, "-m", "pmlaunch", *words],
        cwd=home.folder,
        env=runtime.surroundings(),
        capture_output=True,
        check=False,
    )
    document = json.loads(done.stdout)
    complaints = document["errors"] + [item for item in document["findings"] if item["severity"] == "error"]
    assert (done.returncode, complaints) == (0, []), f"{complaints} {done.stderr.decode(errors='replace')}"
    record = document["data"]["record"]
    assert record["steps"] == 2
    assert Path(record["folder"]).parent.parent == home.folder
    log = Path(record["folder"], "output.log").read_text(encoding="utf-8")
    assert f"checkpoint {home.checkpoint}" in log
    plan = json.loads(Path(record["folder"], "plan.json").read_text(encoding="utf-8"))
    assert str(home.motion) in json.dumps(plan["motions"], ensure_ascii=False).replace("\\\\", "\\")
    assert json.loads(log.split("SEEN ", 1)[1].splitlines()[0]) == VALUES
    assert not executed(runtime, home.folder, checkout)
