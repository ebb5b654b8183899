"""Whether a run measures, what spec.json says about it, and what preflight reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit_help import Plan, report_on

from pmlaunch.agent.pmlaunch_agent.contract import AGENT_TARGET
from pmlaunch.checks.measuring import check_measuring
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Generation, Origin, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import spec_document

MIMIC = "protomotions.agents.mimic.agent.Mimic"


@pytest.fixture
def steering(config: Path) -> Path:
    """Turn the stand-in's tracker into a policy whose agent has no metrics."""
    text = config.read_text(encoding="utf-8").replace(MIMIC, "protomotions.agents.amp.agent.AMP")
    config.write_text(text, encoding="utf-8")
    return config


def spec_of(planned: Planned, tmp_path: Path) -> dict[str, Any]:
    return spec_document(planned.plan, RunFolder(tmp_path / "run"))


def test_every_run_measures_unless_it_is_endless(plan: Plan, tmp_path: Path) -> None:
    planned = plan(headless=False, motions=("walk",), seed=7)
    spec = spec_of(planned, tmp_path)
    assert spec["hooks"]["agent"] == MIMIC
    assert spec["hooks"]["max_steps"] is None, "else the agent would end the run before it has its metrics"
    metrics = spec["hooks"]["metrics"]
    assert (metrics["seed"], metrics["max_steps"], metrics["motions"]) == (7, None, ["smpl_humanoid_walk"])
    assert metrics["file"] == str(tmp_path / "run" / "metrics.json")
    assert metrics["units"]["gt_err"] == "m"
    assert f"++agent._target_={AGENT_TARGET}" in spec["argv"]
    (loggers,) = [text for text in spec["argv"] if text.startswith("++fabric.loggers=")]
    assert "oc.env:PMLAUNCH_RUN_DIR" in loggers, "a path could contain the words that upstream scans for"

    endless = spec_of(plan(endless=True, motions=("walk",)), tmp_path)
    assert (endless["hooks"]["metrics"], endless["hooks"]["max_steps"]) == (None, None)
    assert not any("_target_" in text for text in endless["argv"])


@pytest.mark.parametrize(
    ("options", "metrics", "steps"),
    [
        ({"headless": True}, True, 30),
        ({"headless": True, "metrics": False}, False, 30),
        ({"headless": False}, True, 30),
        ({"headless": False, "metrics": False}, False, 30),
        ({"headless": False, "metrics": True}, True, 30),
    ],
)
def test_metrics_flag_wins_over_the_default(
    plan: Plan, options: dict[str, Any], metrics: bool, steps: int | None
) -> None:
    planned = plan(motions=("walk",), **options)
    assert (planned.plan.metrics, planned.plan.max_steps) == (metrics, steps)
    origin = Origin.FLAG if "metrics" in options else Origin.DEFAULT
    assert planned.plan.provenance["metrics"].source.origin is origin


@pytest.mark.parametrize("typed", [{"max_steps": 12}, {"overrides": ("agent.config.max_eval_steps=12",)}])
def test_pml311_max_steps_cuts_motions(plan: Plan, tmp_path: Path, typed: dict[str, Any]) -> None:
    planned = plan("tracker", *typed.pop("overrides", ()), headless=True, motions=("walk",), **typed)
    assert spec_of(planned, tmp_path)["hooks"]["metrics"]["max_steps"] == 12
    (finding,) = check_measuring(planned)
    assert (finding.code, finding.severity) == ("PML311", Severity.NOTE)


def test_the_demo_itself_limits_the_steps_of_each_of_several_motions(plan: Plan, tmp_path: Path) -> None:
    planned = plan("demo", motions=("walk", "wave"), max_steps=20)
    spec = spec_of(planned, tmp_path)
    assert spec["hooks"]["max_steps"] is None, "else the agent would end the run after the first"
    assert "++agent.config.max_eval_steps=20" in spec["argv"]


def test_pml014_agent_without_metrics(plan: Plan, steering: Path, tmp_path: Path) -> None:
    planned = plan(headless=True, motions=("walk",))
    (finding,) = check_measuring(planned)
    assert (finding.code, finding.severity) == ("PML014", Severity.NOTE)
    assert "rewards, episode lengths and resets" in finding.message
    assert "30 control steps" in finding.message
    spec = spec_of(planned, tmp_path)
    assert spec["hooks"]["agent"] == "protomotions.agents.amp.agent.AMP"
    assert "++agent.config.max_eval_steps=30" in spec["argv"], "this ends such a run"
    assert not any(text.startswith("++fabric.loggers") for text in spec["argv"])
    assert steering.is_file()


def test_demo_measures_by_default(plan: Plan, tmp_path: Path) -> None:
    assert plan("demo", headless=False).plan.metrics, "it has no window"
    assert "++agent.config.metrics=false" not in spec_of(plan("demo"), tmp_path)["argv"]
    assert "++agent.config.metrics=false" in spec_of(plan("demo", metrics=False), tmp_path)["argv"]


def test_save_motion_and_record_work_without_metrics(plan: Plan, tmp_path: Path) -> None:
    spec = spec_of(plan(headless=False, metrics=False, save_motion=True, record=True, motions=("walk",)), tmp_path)
    assert spec["hooks"]["metrics"] is None
    assert spec["hooks"]["save_motion"] == {"file": str(tmp_path / "run" / "motion.npz")}
    assert spec["hooks"]["record"] == {"path": str(tmp_path / "run" / "recording")}
    assert f"++agent._target_={AGENT_TARGET}" in spec["argv"]


def test_which_upstream_agents_have_metrics() -> None:
    metrics = GENERATIONS[Generation.V2].metrics
    for module in ("mimic.agent.Mimic", "mimic.agent_amp.Mimic", "masked_mimic.agent.MaskedMimic",
                   "masked_mimic.agent_no_vae.MaskedMimicNoVae"):  # fmt: skip
        assert metrics.cover(f"protomotions.agents.{module}")
    for module in ("ppo.agent.PPO", "amp.agent.AMP", "ase.agent.ASE"):
        assert not metrics.cover(f"protomotions.agents.{module}")


def test_only_pmlaunchs_own_agent_target_is_allowed(config: Path) -> None:
    for target, codes in ((AGENT_TARGET, []), ("pmlaunch_agent.script.load_into", ["PML115"])):
        report = report_on(config, f"++agent._target_={target}")
        assert [finding.code for finding in report.findings] == codes
