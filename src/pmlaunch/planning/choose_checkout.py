"""Choose the checkout of a request: the embedded one for the demo's models, else the user's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pmlaunch.catalog.models import choose_model
from pmlaunch.catalog.presets import ModelPreset
from pmlaunch.errors import NoCheckoutError, PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.registry import GENERATIONS, training_of
from pmlaunch.model import Generation
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.names import fold


def choose_checkout(request: EvalRequest, settings: Settings, known: Mapping[str, ModelPreset]) -> Checkout:
    """The checkout for `request`; `known` are the presets of models.

    Raises PML012 if there is none; before that PML102 for a mistyped path, and PML010 for a mistyped name.
    """
    wanted, demo, path = fold(request.model), demo_checkout(), None
    if is_path(request.model, settings.folder):
        path = Path(os.path.abspath(settings.folder / Path(request.model).expanduser()))  # noqa: PTH100 (see find.py)
    names = [(fold(name), preset.checkout) for preset in known.values() for name in preset.names]
    if (wanted, Generation.DEMO) in names or (path is not None and path.is_relative_to(demo.root)):
        return demo
    try:
        return find_checkout(settings, request.protomotions)
    except NoCheckoutError:
        if path is not None and not path.exists():
            hint = "check the path; pmlaunch list models shows what has a name"
            raise PmlaunchError("PML102", f"Checkpoint {path} does not exist.", hint=hint, subject=str(path)) from None
        if path is None and request.protomotions is None and not any(name.startswith(wanted) for name, _ in names):
            choose_model(request.model, known, [])
        raise


def is_path(model: str, folder: Path) -> bool:
    """Whether MODEL is the path of a checkpoint or of its folder, rather than a name."""
    if model.endswith(".ckpt") or "/" in model or "\\" in model:
        return True
    return (folder / model / "last.ckpt").is_file()


def refuse_other_generation(checkpoint: Path, checkout: Checkout) -> None:
    """Raise PML106 for a checkpoint that another generation of ProtoMotions made.

    Its motions, simulators and options differ as well: each would be refused as unknown, which helps nobody.
    """
    training, own = training_of(checkpoint), GENERATIONS[checkout.generation]
    if training is None or training.generation is own.generation or own.embedded:
        return
    maker = GENERATIONS[training.generation]
    raise PmlaunchError(
        "PML106",
        f"{checkpoint} was made by ProtoMotions {maker.generation}; {checkout.root} is ProtoMotions {own.generation}, "
        "which cannot load it.",
        hint=f"--protomotions DIR of a {maker.label} checkout ({maker.origin_of_checkout}); "
        f"or a checkpoint of {own.label}",
        subject=str(checkpoint),
    )
