"""MaskedMimic's constraints: which bodies are prescribed, and which ones the policy may choose freely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.values import CONSTRAINT_GROUP
from pmlaunch.support.names import choose
from pmlaunch.support.yaml_file import yaml_mapping

_FOLDER = "masked_mimic/constraints"


@dataclass(frozen=True)
class Constraint:
    """One constraint file. `problem` says why it cannot be parsed; None if it can."""

    name: str
    path: Path
    problem: str | None

    @property
    def option(self) -> str:
        """The option of the config group `opt`."""
        return f"{_FOLDER}/{self.name}"

    def __json__(self) -> dict[str, Any]:
        return {"name": self.name, "option": self.option, "parses": self.problem is None, "problem": self.problem}


def constraints(checkout: Checkout) -> list[Constraint]:
    """The constraints of the checkout, including broken ones."""
    folder = checkout.config_dir / CONSTRAINT_GROUP / _FOLDER
    return [Constraint(path.stem, path, _problem(path)) for path in sorted(folder.glob("*.yaml"))]


def choose_constraint(wanted: str, available: Sequence[Constraint]) -> Constraint:
    """The constraint that `wanted` names. Raises PML010 and PML011."""
    return choose("constraint", wanted, available, lambda item: (item.name,), listing="pmlaunch list constraints")


def _problem(path: Path) -> str | None:
    try:
        yaml_mapping(path)
    except PmlaunchError as error:
        return error.message.removeprefix(f"{path} ")
    return None
