"""The upstream program that a plan starts: what differs between the generations, behind one Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.v2.compose import ConfigReport
from pmlaunch.generations.v2.program import HydraProgram
from pmlaunch.generations.v2.values import Values
from pmlaunch.model import EvalRequest, Generation, LaunchPlan, Sourced
from pmlaunch.planning.resolve import Things
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform


class Program(Protocol):
    """What planning asks of a generation's program."""

    def values(self, request: EvalRequest, settings: Settings, things: Things, platform: Platform) -> Values:
        """Every value but the number of steps. Raises PML001, PML003, PML016, PML017."""
        ...

    def report(self, things: Things, values: Values) -> ConfigReport:
        """What the config of the run holds; empty where the checkpoint has none: that is the finding then."""
        ...

    def steps(self, request: EvalRequest, values: Values, report: ConfigReport, things: Things) -> Sourced[Any]:
        """How many control steps the run takes; None where that is open or not known."""
        ...

    def with_steps(self, values: Values, steps: Sourced[Any]) -> Values:
        """The values with the number of steps, where the program is told of it."""
        ...

    def variables(self, values: Values) -> Mapping[str, str]:
        """Environment variables that make the run faster, where the user has not set them."""
        ...

    def complete(self, plan: LaunchPlan, values: Values) -> LaunchPlan:
        """The plan with what only this generation's agent or run folder needs."""
        ...


def program_of(checkout: Checkout) -> Program:
    """The program of the checkout's generation."""
    if checkout.generation is Generation.V3:
        from pmlaunch.generations.v3.program import InferenceProgram  # a start of 2.x does without it

        return InferenceProgram()
    return HydraProgram()
