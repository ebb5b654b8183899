"""`pmlaunch list models|motions|robots|simulators|constraints`: what can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlaunch.support.json import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pmlaunch.generations.checkout import Checkout

_KINDS = ("models", "motions", "robots", "simulators", "constraints")


def list_command(
    kind: Annotated[str, typer.Argument(help=", ".join(_KINDS))],
    robot: Annotated[str | None, typer.Option(help="Only the motions or models of this robot.")] = None,
    protomotions: Annotated[str | None, typer.Option(help="The ProtoMotions checkout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """List what can be launched: the presets, and what the checkout really holds.

    Without a checkout it lists what the embedded evaluation (model `demo`) has.
    """
    from pmlaunch.cli.render.list import Shown
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.errors import NoCheckoutError, PmlaunchError, did_you_mean
    from pmlaunch.generations.demo import demo_checkout
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.settings import Settings
    from pmlaunch.support.names import fold

    matching = [name for name in _KINDS if name.startswith(fold(kind)) or fold(kind) == name.rstrip("s")]
    if len(matching) != 1:
        near = did_you_mean(kind, _KINDS)
        raise PmlaunchError("PML001", f"There is no list of {kind!r}.{near}", hint=f"pmlaunch list {'|'.join(_KINDS)}")
    settings = Settings.here()
    checkout: Checkout | None
    try:
        checkout = find_checkout(settings, protomotions)
    except NoCheckoutError:
        if protomotions is not None:
            raise
        checkout = None
    rows = _rows(matching[0], checkout, demo_checkout(), settings, robot)
    root = checkout.root if checkout else None
    data = {"kind": matching[0], "checkout": str(root) if root else None, matching[0]: rows}
    render(Outcome("list", 0, data, shown=Shown(matching[0], root, rows)), as_json=as_json)
    return 0


def _rows(
    kind: str, checkout: Checkout | None, demo: Checkout, settings: Any, robot: str | None
) -> Sequence[dict[str, Any]]:
    from pmlaunch.catalog.constraints import constraints
    from pmlaunch.catalog.models import models
    from pmlaunch.catalog.motions import motions
    from pmlaunch.catalog.presets import presets
    from pmlaunch.catalog.robots import choose_robot, robots, simulators

    more = settings.preset_folders
    home = checkout or demo
    available = robots(home, presets("robot", more))
    wanted = choose_robot(robot, available).name if robot else None
    if kind == "models":
        rows = [to_json(model) for model in models(checkout, demo, presets("model", more), available)]
    elif kind == "motions":
        rows = to_json(motions(home, available))
    elif kind == "robots":
        rows = to_json(available)
    elif kind == "simulators":
        rows = to_json(simulators(home, presets("simulator", more)))
    else:
        rows = to_json(constraints(home))
    return [row for row in rows if wanted is None or row.get("robot", wanted) == wanted]
