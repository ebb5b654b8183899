"""The packages of the embedded evaluation, looked up in pmlaunch's own Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec

from pmlaunch.model import Finding, Severity

DEMO_PACKAGES = ("torch", "lightning", "mujoco", "matplotlib")


def check_demo_packages(severity: Severity) -> Iterator[Finding]:
    """One finding for all missing packages."""
    missing = ", ".join(name for name in DEMO_PACKAGES if find_spec(name) is None)
    if missing:
        message = f"The embedded evaluation (pmlaunch eval demo) lacks packages: {missing}."
        fix = f'"{sys.executable}" -m pip install "pmlaunch[demo]"'
        yield Finding("PML203", severity, message, fix, fix, missing)
