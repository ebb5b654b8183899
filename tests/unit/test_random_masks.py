"""MaskedMimic without a constraint: a note says that its masks are random, and how to prescribe them."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit_help import Plan

from pmlaunch.checks.config import check_constraints
from pmlaunch.model import Finding, Severity

_CONDITIONING = "masked_mimic_fixed_conditioning"
_KEY = f"env.config.masked_mimic.masked_mimic_masking.joint_masking.{_CONDITIONING}"
_FULL_BODY = f"""
# @package _global_
env: {{config: {{masked_mimic: {{masked_mimic_masking: {{joint_masking: {{{_CONDITIONING}: [{{body_name: Head}}]}}}}}}}}}}
"""


@pytest.fixture
def masked(config: Path, checkout: Path) -> Path:
    """Make the stand-in's tracker a MaskedMimic, and give the checkout the constraint full_body."""
    text = config.read_text(encoding="utf-8").replace(
        "agents.mimic.agent.Mimic", "agents.masked_mimic.agent.MaskedMimic"
    )
    masks = f"masked_mimic: {{masked_mimic_masking: {{joint_masking: {{{_CONDITIONING}: null}}}}}}"
    config.write_text(text.replace("config: {obs:", f"config: {{{masks}, obs:"), encoding="utf-8")
    constraint = checkout / "protomotions/config/opt/masked_mimic/constraints/full_body.yaml"
    constraint.write_text(_FULL_BODY.lstrip(), encoding="utf-8")
    return config


def notes(plan: Plan, *overrides: str, **options: object) -> list[Finding]:
    return list(check_constraints(plan("tracker", *overrides, motions=("walk",), **options)))


@pytest.mark.usefixtures("masked")
def test_pml135_without_a_constraint(plan: Plan) -> None:
    (finding,) = notes(plan)
    assert (finding.code, finding.severity) == ("PML135", Severity.NOTE)
    assert "--constraint full_body" in (finding.hint or "")


@pytest.mark.usefixtures("masked")
def test_no_note_where_the_masks_are_prescribed(plan: Plan) -> None:
    assert notes(plan, constraints=("full_body",)) == []
    assert notes(plan, "+opt=masked_mimic/constraints/full_body") == []
    assert notes(plan, f"{_KEY}=[{{body_name: Head}}]") == []
    (finding,) = notes(plan, "seed=3")
    assert finding.code == "PML135"


def test_no_note_for_another_agent_with_the_same_config(plan: Plan, masked: Path) -> None:
    assert len(notes(plan)) == 1
    masked.write_text(masked.read_text(encoding="utf-8").replace("masked_mimic.agent.MaskedMimic", "mimic.agent.Mimic"))
    assert notes(plan) == []
