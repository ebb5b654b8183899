"""`pmlaunch explain CODE`: cause and cure of an error or a finding."""

from __future__ import annotations

from typing import Annotated

import typer


def explain_command(
    code: Annotated[str, typer.Argument(help="A code such as PML101.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Say what CODE means, why it happens and what to do."""
    from dataclasses import asdict

    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.codes import CODES
    from pmlaunch.errors import PmlaunchError, did_you_mean

    entry = CODES.get(code.upper()) or CODES.get(f"PML{code}")
    if entry is None:
        raise PmlaunchError(
            "PML010", f"No code is called {code!r}.{did_you_mean(code, list(CODES))}", hint="docs/errors.md"
        )
    render(Outcome("explain", 0, asdict(entry), shown=entry), as_json=as_json)
    return 0
