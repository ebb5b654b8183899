"""The config: composed, merged and resolved as eval_agent.py does (see checkouts/compose.py)."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.model import Finding
from pmlaunch.planning.plan import Planned, plan_findings


def check_config(planned: Planned) -> Iterator[Finding]:
    yield from planned.report.findings
    yield from plan_findings(planned)
