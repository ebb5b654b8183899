"""One generation of ProtoMotions cannot use what the other made: said before anything else of the request is asked."""

from __future__ import annotations

from pathlib import Path

from pmlaunch.catalog.models import config_of
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.model import Generation


def refuse_another_generation(checkpoint: Path, checkout: Checkout) -> None:
    """Raise PML106 for a checkpoint that the other generation made; one that does not tell is let pass.

    Its motions, its simulator and its options are the other generation's too: each would be refused as unknown.
    """
    made_by_3 = frozen.is_of_generation_3(checkpoint)
    made_by_2 = not made_by_3 and config_of(checkpoint) is not None
    if checkout.generation is Generation.V3 and made_by_2:
        message = (
            f"{checkpoint} was made by ProtoMotions 2 (its config.yaml says so); {checkout.root} is ProtoMotions 3."
        )
        way = "--protomotions DIR of a 2.x checkout (git worktree add DIR v2.3); or train it again with 3.x"
    elif checkout.generation is Generation.V2 and made_by_3:
        message = (
            f"{checkpoint} was made by ProtoMotions 3; {checkout.root} is ProtoMotions 2, which cannot rebuild it."
        )
        way = "--protomotions DIR of a 3.x checkout (branch main); or a checkpoint of 2.x, with its config.yaml"
    else:
        return
    raise PmlaunchError("PML106", message, hint=way, subject=str(checkpoint))
