"""Find the ProtoMotions checkout: flag, PMLAUNCH_PROTOMOTIONS, pmlaunch.yaml, or a folder here or above."""

from __future__ import annotations

import os
from pathlib import Path

from pmlaunch.errors import NoCheckoutError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.registry import GENERATIONS, UPSTREAM
from pmlaunch.model import Generation, Origin, Source
from pmlaunch.settings import Settings

_FOLDER_NAMES = ("protomotions", "ProtoMotions")
_FOUND_HERE, _FOUND_ABOVE = Source(Origin.DEFAULT, "found here"), Source(Origin.DEFAULT, "found above")
_NO_CHECKOUT_HINT = (
    "pmlaunch install makes one, or --protomotions DIR; `pmlaunch eval demo` works now, without a checkout"
)


def generation_of(root: Path) -> Generation | None:
    """The generation of the checkout at `root`, recognised by its program; None if it is not a checkout."""
    return next((adapter.generation for adapter in UPSTREAM if (root / adapter.script).is_file()), None)


def find_checkout(settings: Settings, flag: str | None = None) -> Checkout:
    """The checkout to use. Raises PML012 if there is none."""
    named = settings.get("protomotions", flag)
    if named is not None:
        candidates = [(Path(named.value), named.source)]
    else:
        folders = (settings.folder, *settings.folder.parents)
        candidates = [
            (place, _FOUND_HERE if folder == settings.folder else _FOUND_ABOVE)
            for folder in folders
            for place in (folder, *(folder / name for name in _FOLDER_NAMES))
        ]
    for root, source in candidates:
        generation = generation_of(root)
        if generation is not None:
            # not resolve(), which raises on some drives of Windows and on long paths
            home = Path(os.path.abspath(root))  # noqa: PTH100
            return GENERATIONS[generation].open(home, source, settings.environment)
    if named is None:
        message = (
            f"No ProtoMotions checkout: none is set, and no folder protomotions or ProtoMotions lies in "
            f"{settings.folder} or above."
        )
        raise NoCheckoutError(message, hint=_NO_CHECKOUT_HINT)
    root, programs = candidates[0][0], "protomotions/eval_agent.py (2.x) nor protomotions/inference_agent.py (3.x)"
    reason = f"is no ProtoMotions checkout: it has neither {programs}" if root.exists() else "does not exist"
    raise NoCheckoutError(f"{root} {reason} (from {named.source}).", hint=_NO_CHECKOUT_HINT, subject=str(root))
