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
from pmlaunch.generations.registry import GENERATIONS, maker_of
from pmlaunch.model import Generation
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.names import fold


def choose_checkout(request: EvalRequest, settings: Settings, known: Mapping[str, ModelPreset]) -> Checkout:
    """The checkout for `request`; `known` are the presets of models.

    Raises PML012 if there is none; before that PML102 for a mistyped path, and PML010 for a mistyped name.
    """
    wanted = fold(request.model)
    demo = demo_checkout()
    for preset in known.values():
        if preset.checkout is Generation.DEMO and wanted in {fold(name) for name in preset.names}:
            return demo
    try:
        checkout = find_checkout(settings, request.protomotions)
    except NoCheckoutError as error:
        return _without_checkout(request, settings, known, error)
    if is_path(request.model, settings.folder) and _path(request, settings).is_relative_to(demo.root):
        return demo
    return checkout


def _without_checkout(
    request: EvalRequest, settings: Settings, known: Mapping[str, ModelPreset], error: NoCheckoutError
) -> Checkout:
    """The demo for one of its own files; else raise what helps the user most."""
    if is_path(request.model, settings.folder):
        path = _path(request, settings)
        if path.is_relative_to(demo_checkout().root):
            return demo_checkout()
        if not path.exists():
            raise PmlaunchError(
                "PML102",
                f"Checkpoint {path} does not exist.",
                hint="check the path; pmlaunch list models shows what has a name",
                subject=str(path),
            )
    elif request.protomotions is None:
        names = [fold(name) for preset in known.values() for name in preset.names]
        if not any(name.startswith(fold(request.model)) for name in names):
            choose_model(request.model, known, [])
    raise error


def is_path(model: str, folder: Path) -> bool:
    """Whether MODEL is the path of a checkpoint or of its folder, rather than a name."""
    if model.endswith(".ckpt") or "/" in model or "\\" in model:
        return True
    return (folder / model / "last.ckpt").is_file()


def _path(request: EvalRequest, settings: Settings) -> Path:
    return Path(os.path.abspath(settings.folder / Path(request.model).expanduser()))  # noqa: PTH100 (see find.py)


def refuse_other_generation(checkpoint: Path, checkout: Checkout) -> None:
    """Raise PML106 for a checkpoint that another generation of ProtoMotions made.

    Its motions, simulators and options differ as well: each would be refused as unknown, which helps nobody.
    """
    maker, own = maker_of(checkpoint), GENERATIONS[checkout.generation]
    if maker is None or maker is own or own.embedded:
        return
    raise PmlaunchError(
        "PML106",
        f"{checkpoint} was made by ProtoMotions {maker.generation}; {checkout.root} is ProtoMotions {own.generation}, "
        "which cannot load it.",
        hint=f"--protomotions DIR of a {maker.label} checkout ({maker.origin_of_checkout}); "
        f"or a checkpoint of {own.label}",
        subject=str(checkpoint),
    )
