"""The checkpoints of a training folder: `--checkpoints all`, and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.paths import expanded
from pmlaunch.sweeping.matrix import Matrix

ALL = "all"
_NO_POLICY = "env_"  # ProtoMotions 3 saves the state of an environment as env_NAME.ckpt
_WILD = frozenset("*?[")


def with_checkpoints(matrix: Matrix, settings: Settings) -> Matrix:
    """The matrix with the files in the place of `all` and of patterns, which differ from model to model.

    Raises PML381 if there are none.
    """
    found = [part for one in (matrix, *matrix.include) for part in _parts(one, settings)]
    return replace(found[0], include=tuple(found[1:]), exclude=matrix.exclude)


def _parts(matrix: Matrix, settings: Settings) -> Iterable[Matrix]:
    typed = matrix.axes.get("checkpoint", ())
    if not any(text == ALL or _WILD & set(text) for text in typed):
        yield replace(matrix, include=(), exclude=())
        return
    for model in matrix.axes.get("model", ()):
        files = [file for text in typed for file in _files(model, text, matrix, settings)]
        axes = {**matrix.axes, "model": (model,), "checkpoint": tuple(dict.fromkeys(files))}
        yield Matrix(axes, matrix.fixed)


def _files(model: str, typed: str, matrix: Matrix, settings: Settings) -> list[str]:
    if typed == ALL:
        folder, pattern = _training_folder(model, matrix, settings), "*.ckpt"
    elif not _WILD & set(typed):
        return [typed]
    else:
        folder, pattern = settings.folder / expanded(typed).parent, Path(typed).name
    found = (path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith(_NO_POLICY))
    files = sorted(found, key=_by_number)
    if not files:
        message = f"{folder} has no checkpoint {pattern}."
        raise PmlaunchError("PML381", message, hint="--checkpoints FILE, a pattern, or all", subject=str(folder))
    return [str(path) for path in files]


def _training_folder(model: str, matrix: Matrix, settings: Settings) -> Path:
    """The folder with the model's checkpoints: MODEL itself, or where the checkpoint lies that its name stands for."""
    path = settings.folder / expanded(model)
    if path.is_dir():
        return path
    first: dict[str, Any] = {name: values[0] for name, values in matrix.axes.items()}
    first = {name: value for name, value in first.items() if name not in ("motions", "checkpoint", "seed")}
    return make_plan(EvalRequest(**{**matrix.fixed, **first}), settings).plan.checkpoint.parent


def _by_number(path: Path) -> list[tuple[int, str]]:
    """A key with which epoch_100 comes after epoch_20."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.stem)]
