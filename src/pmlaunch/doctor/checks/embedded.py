"""The embedded evaluation, `pmlaunch eval demo`: which packages it has, in pmlaunch's own Python."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from pmlaunch.checks.environment import DEMO_PACKAGES
from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.model import Severity


def _look(site: Site) -> Seen:
    missing = ", ".join(name for name in DEMO_PACKAGES if find_spec(name) is None)
    if not missing:
        return Seen((("ready", "pmlaunch eval demo --motion walk"),))
    severity = Severity.ERROR if site.embedded else Severity.NOTE
    message = f"The embedded evaluation (pmlaunch eval demo) lacks packages: {missing}."
    fix = f'"{sys.executable}" -m pip install "pmlaunch[demo]"'
    return Seen((("ready", "no"),), (finding("PML203", severity, message, fix, fix=fix, about=missing),))


EMBEDDED = Check("embedded", "embedded evaluation", Group.PACKAGES, _look)
