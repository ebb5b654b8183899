"""The config tree: does an evaluation of each pretrained model compose, merge and resolve?"""

from __future__ import annotations

from pmlaunch.catalog.models import models
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import robots, simulators
from pmlaunch.checks.config import check_config
from pmlaunch.checks.motions import check_motions
from pmlaunch.checks.robot import check_robot
from pmlaunch.doctor.check import Check, Group, Seen, Site
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.v2.training_config import config_of
from pmlaunch.model import EvalRequest, Finding, Generation, Severity
from pmlaunch.planning.plan import make_plan


def _look(site: Site) -> Seen:
    checkout = site.checkout
    if checkout is None:
        return Seen(skipped="there is no checkout")
    more = site.settings.preset_folders
    everything = models(checkout, demo_checkout(), presets("model", more), robots(checkout, presets("robot", more)))
    own = [model for model in everything if model.preset and model.checkpoint.is_relative_to(checkout.root)]
    names = [model.name for model in own if checkout.generation is not Generation.V2 or config_of(model.checkpoint)]
    if not names:
        return Seen(skipped="no pretrained model's config.yaml is here")
    names = names[:1] if site.quick else names
    findings = [found for name in names for found in _evaluation_of(name, site, checkout)]
    told = "composes" if not any(found.severity is Severity.ERROR for found in findings) else "does not compose"
    return Seen(((told, ", ".join(names)),), tuple(dict.fromkeys(findings)))


def _evaluation_of(model: str, site: Site, checkout: Checkout) -> list[Finding]:
    """What the checks of `pmlaunch eval MODEL` say of config, robot and motion; the rest is said elsewhere."""
    known = {item.name for item in simulators(checkout, presets("simulator", site.settings.preset_folders))}
    simulator = site.simulator.name if site.simulator.name in known else None
    request = EvalRequest(model, simulator=simulator, protomotions=str(checkout.root), headless=True)
    try:
        planned = make_plan(request, site.settings)
    except PmlaunchError as error:
        return [Finding(error.code, Severity.ERROR, f"{model}: {error.message}", error.hint, subject=error.subject)]
    said = [*check_config(planned), *check_robot(planned), *check_motions(planned)]
    return [found for found in said if found not in planned.runtime.findings]


CONFIG = Check("config", "config tree", Group.CHECKOUT, _look, limit=60.0)
