"""A suite from its file to the published values beside measured ones, with the demo standing in for MaskedMimic."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from pmlaunch.cli.app import run

SUITE = """
defaults: [maskmimic-paper, _self_]
model: [demo]
motion: {test: [walk], train: null}
simulator: null
terrain: null
constraint: null
max_steps: 20
include: []
references:
  - table: "1"
    row: full body
    where: {model: demo}
    source: arXiv 2409.14393v1, table 1
    values: {test: {success_rate: 0.992, mean_position_error_m: 0.0351}}
"""


@pytest.mark.skipif(
    not all(find_spec(name) for name in ("torch", "lightning", "mujoco")), reason="skipped: the demo's packages"
)
def test_published_values_beside_those_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(SUITE, encoding="utf-8")
    assert run(["sweep", "mine.yaml", "-o", "out", "--json"]) == 0
    success, error = json.loads(capsys.readouterr().out)["data"]["published"]
    assert (success["published"], success["measured"], success["motions"]) == (0.992, 1.0, 1)
    assert success["interval"][0] == pytest.approx(0.207, abs=1e-3)
    assert 0 < error["measured"] < 0.05
    assert {"subset: 1 of 138 motions", "cut after 20 steps"} <= set(success["differs"])
    assert run(["sweep", "mine.yaml", "-o", "out", "--dry-run"]) == 0
    assert "left  nothing" in capsys.readouterr().out
    assert run(["sweep", "mine.yaml", "-o", "other", "--dry-run"]) == 0
    assert "time  about" in capsys.readouterr().out, "the first run tells how long the next one takes"
