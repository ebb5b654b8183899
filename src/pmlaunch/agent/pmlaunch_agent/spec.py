"""Read spec.json, and apply the environment that it asks for."""

from __future__ import annotations

import json
import os
from typing import Mapping

from pmlaunch_agent.contract import SPEC_VARIABLE, ContractError, Spec, from_document


class SpecError(Exception):
    """The run cannot begin; the message is one sentence for the user."""


def read_spec(environ: Mapping[str, str]) -> Spec:
    """The spec that PMLAUNCH_SPEC names.

    Raises:
        SpecError: the variable or the file is missing, or the file breaks the contract.
    """
    path = environ.get(SPEC_VARIABLE)
    if not path:
        raise SpecError(f"{SPEC_VARIABLE} is not set: this program is started by pmlaunch, not by hand")
    try:
        with open(path, encoding="utf-8-sig") as file:
            return from_document(json.load(file), path)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from error
    except ContractError as error:
        raise SpecError(str(error)) from error
    except ValueError as error:
        raise SpecError(f"{path} is not JSON: {error}") from error


def apply_environment(spec: Spec) -> None:
    """Set and remove the spec's variables, and those that later ranks need."""
    # Otherwise Hydra prints a shortened error and calls sys.exit(1), and the cause is lost.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    for name, value in spec.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    # Lightning starts rank 1 and up with this environment, and they must find the agent.
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    search_path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([home, *spec.import_path, *search_path]))
