"""The embedded demo, which has the layout and the command line of ProtoMotions 2."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pmlaunch.agent.pmlaunch_agent.contract import WatchPoint
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.interface import MetricDefinitions, PackageRule, Program
from pmlaunch.generations.v2.adapter import Version2
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.model import Generation, Origin, Source
from pmlaunch.motions.raw_data import RawFormat

_WATCH = (
    WatchPoint("simulator_ready", "pmlaunch.demo.env", "DemoEnv.__init__"),
    WatchPoint("checkpoint_loaded", "pmlaunch.demo.agent", "DemoAgent.load"),
    WatchPoint("evaluation", "pmlaunch.demo.agent", "DemoAgent.evaluate_policy"),
    WatchPoint("evaluations", "pmlaunch.demo.agent", "DemoAgent.evaluate_policy"),
    WatchPoint("step", "pmlaunch.demo.env", "DemoEnv.step"),
    WatchPoint("motion", "pmlaunch.demo.agent", "DemoAgent.progress"),
)


class Demo(Version2):
    """The embedded demo. It measures by itself, and its checkpoints are read like those of ProtoMotions 2."""

    generation = Generation.DEMO
    label = "the demo"
    script = "eval_agent.py"
    refs = r"(?!)"
    embedded = True
    conversions: ClassVar[Mapping[RawFormat, str]] = {}
    presets_know_keys = False
    own_packages = ()
    required_packages = ("torch", "lightning", "hydra-core", "omegaconf", "numpy")
    package_rules: ClassVar[Mapping[str, PackageRule]] = {}
    metrics = MetricDefinitions()

    def open(self, root: Path, source: Source, environment: Mapping[str, str]) -> Checkout:  # noqa: ARG002
        return HydraCheckout(
            root, source, self.generation, root / self.script, root / "config", (root.parent.parent,), _WATCH
        )

    @property
    def program(self) -> Program:
        from pmlaunch.generations.v2.program import HydraProgram

        return HydraProgram(embedded=True)


def demo_checkout() -> Checkout:
    """The embedded demo, as a checkout."""
    root = Path(__file__).parent.parent / "demo"
    return Demo().open(root, Source(Origin.DEFAULT, "comes with pmlaunch"), {})
