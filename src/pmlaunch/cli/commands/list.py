"""`pmlaunch list models|motions|robots|simulators|constraints`: the names that other commands accept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import NoCheckoutError, PmlaunchError, nearest, proposal
from pmlaunch.request import argument, option, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pmlaunch.generations.checkout import Checkout
    from pmlaunch.settings import Settings

_KINDS = ("models", "motions", "robots", "simulators", "constraints")


@dataclass(frozen=True)
class ListOptions:
    """The options of `pmlaunch list`."""

    kind: str = argument(", ".join(_KINDS), names="lists")
    robot: str | None = option("Only the motions or models of this robot.", names="robots")
    protomotions: str | None = shared("protomotions")


@command(ListOptions)
def list_command(_: Invocation, options: ListOptions) -> CommandResult:
    """List what can be launched: the presets, and what the checkout really contains.

    Without a checkout it lists what the embedded evaluation (model `demo`) has.
    """
    from pmlaunch.cli.render.list import draw_list
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.settings import Settings

    kind = _kind(options.kind)
    settings = Settings.here()
    checkout: Checkout | None
    try:
        checkout = find_checkout(settings, options.protomotions)
    except NoCheckoutError:
        if options.protomotions is not None:
            raise
        checkout = None
    rows = _rows(kind, checkout, settings, options.robot)
    root = checkout.root if checkout else None
    data = {"kind": kind, "checkout": root, kind: rows}
    return CommandResult("list", data=data, findings=settings.findings, draw=partial(draw_list, kind, root, rows))


def _kind(typed: str) -> str:
    """The kind that `typed` names or abbreviates. Raises PML001."""
    from pmlaunch.support.names import fold

    matching = [name for name in _KINDS if name.startswith(fold(typed)) or fold(typed) == name.rstrip("s")]
    if len(matching) != 1:
        near = nearest(typed, {kind: kind for kind in _KINDS})
        message = f"There is no list of {typed!r}, but of {', '.join(_KINDS)}.{proposal(near)}"
        raise PmlaunchError("PML001", message, fix=f"pmlaunch list {[*near, *_KINDS][0]}")
    return matching[0]


def _rows(kind: str, checkout: Checkout | None, settings: Settings, robot: str | None) -> Sequence[dict[str, Any]]:
    from pmlaunch.catalog.constraints import constraints
    from pmlaunch.catalog.models import models
    from pmlaunch.catalog.motions import motions
    from pmlaunch.catalog.presets import presets
    from pmlaunch.catalog.robots import choose_robot, robots, simulators
    from pmlaunch.generations.demo import demo_checkout
    from pmlaunch.support.json import to_json

    more, demo = settings.preset_folders, demo_checkout()
    home = checkout or demo
    available = robots(home, presets("robot", more))
    wanted = choose_robot(robot, available).name if robot else None
    lists: Mapping[str, Callable[[], object]] = {
        "models": lambda: models(checkout, demo, presets("model", more), available),
        "motions": lambda: motions(home, available),
        "robots": lambda: available,
        "simulators": lambda: simulators(home, presets("simulator", more)),
        "constraints": lambda: constraints(home),
    }
    return [row for row in to_json(lists[kind]()) if wanted is None or row.get("robot", wanted) == wanted]
