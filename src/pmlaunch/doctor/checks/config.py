"""The config tree: whether an evaluation of each pretrained model composes, merges and resolves."""

from __future__ import annotations

from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import simulators
from pmlaunch.checks.config import check_config
from pmlaunch.checks.motions import check_motions
from pmlaunch.checks.robot import check_robot
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.checks.models import models_of
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.training_config import config_of
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest


def look(target: DoctorTarget) -> Observation:
    checkout = target.checkout
    if checkout is None:
        return Observation(skipped="there is no checkout")
    shipped = [model for model in models_of(target, checkout) if model.preset]
    composed = GENERATIONS[checkout.generation].hydra
    names = [model.name for model in shipped if not composed or config_of(model.checkpoint)]
    if not names:
        return Observation(skipped="no pretrained model here has its config.yaml")
    names = names[:1] if target.quick else names
    findings = [found for name in names for found in _evaluation_of(name, target, checkout)]
    composes = not any(found.severity is Severity.ERROR for found in findings)
    fact = ("composes" if composes else "cannot be composed", ", ".join(names))
    return Observation((fact,), tuple(dict.fromkeys(findings)))


def _evaluation_of(model: str, target: DoctorTarget, checkout: Checkout) -> list[Finding]:
    """What the plan checks of `pmlaunch eval MODEL` find in config, robot and motion; other checks cover the rest."""
    known = {item.name for item in simulators(checkout, presets("simulator", target.settings.preset_folders))}
    simulator = target.simulator.name if target.simulator.name in known else None
    request = EvalRequest(model, simulator=simulator, protomotions=str(checkout.root), headless=True)
    try:
        planned = make_plan(request, target.settings)
    except PmlaunchError as error:
        return [Finding(error.code, Severity.ERROR, f"{model}: {error.message}", error.hint, subject=error.subject)]
    found = [*check_config(planned), *check_robot(planned), *check_motions(planned)]
    return [finding for finding in found if finding not in planned.runtime.findings]
