"""Decide how a run measures: with figures or without, over which motions, for how many steps."""

from __future__ import annotations

from typing import Any

from pmlaunch.catalog.presets import presets
from pmlaunch.generations.v2.compose import ConfigReport
from pmlaunch.generations.v2.values import Values
from pmlaunch.model import FLAG, EvalRequest, Generation, Measuring, Origin, Source, Sourced
from pmlaunch.planning.resolve import Things

_TYPED = (Origin.FLAG, Origin.OVERRIDE)


def wants_metrics(request: EvalRequest, headless: bool) -> Sourced[bool]:
    """Whether every motion is evaluated once and measured: what a run without a window is for (the demo has none)."""
    if request.metrics is not None:
        return Sourced(request.metrics, FLAG)
    why = "default: headless" if headless else "default: a window stays open"
    return Sourced(headless, Source(Origin.DEFAULT, why))


def _keys(things: Things) -> dict[str, str]:
    """What the keys of the simulator's window do, from its preset; nothing where it has none."""
    preset = presets("simulator").get(things.simulator.value.name)
    keys = preset.values.get("keys") if preset else None
    return {str(key): str(does) for key, does in keys.items()} if isinstance(keys, dict) else {}


def measuring_of(values: Values, report: ConfigReport, things: Things, steps: Sourced[Any]) -> Measuring:
    """How the run measures. The limit is the user's own only: upstream's measure ignores max_eval_steps."""
    typed = values.settings.get("seed")
    seed = next((item.value for item in values.user if item.key == "seed"), typed.value if typed else 0)
    return Measuring(
        agent=report.agent,
        seed=seed if isinstance(seed, int) else 0,
        limit=steps.value if steps.source.origin in _TYPED else None,
        library=things.motion_list.library,
        keys=_keys(things) if not values.headless.value and things.checkout.generation is Generation.V2 else {},
    )
