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
        root = Path(named.value)
        generation = generation_of(root)
        if generation is None:
            raise NoCheckoutError(_not_a_checkout(root, named.source), hint=_NO_CHECKOUT_HINT, subject=str(root))
        return _open(root, generation, named.source, settings)
    for folder in (settings.folder, *settings.folder.parents):
        for candidate in (folder, *(folder / name for name in _FOLDER_NAMES)):
            generation = generation_of(candidate)
            if generation is not None:
                source = _FOUND_HERE if folder == settings.folder else _FOUND_ABOVE
                return _open(candidate, generation, source, settings)
    raise NoCheckoutError(
        f"No ProtoMotions checkout: none is set, and no folder protomotions or ProtoMotions lies in "
        f"{settings.folder} or above.",
        hint=_NO_CHECKOUT_HINT,
    )


def _open(root: Path, generation: Generation, source: Source, settings: Settings) -> Checkout:
    # not resolve(), which raises on some drives of Windows and on long paths
    home = Path(os.path.abspath(root))  # noqa: PTH100
    return GENERATIONS[generation].open(home, source, settings.environment)


def _not_a_checkout(root: Path, source: Source) -> str:
    if not root.exists():
        return f"{root} does not exist (from {source})."
    programs = "neither protomotions/eval_agent.py (2.x) nor protomotions/inference_agent.py (3.x)"
    return f"{root} is no ProtoMotions checkout: it has {programs} (from {source})."
