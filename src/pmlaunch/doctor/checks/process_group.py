"""A process group of one, really started, with the backend that a run would use: Lightning starts one in every run."""

from __future__ import annotations

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.doctor.probe import LIMIT
from pmlaunch.model import Severity


def _look(site: Site) -> Seen:
    if site.backend is None:
        return Seen(skipped="a run would start none (ddp_backend none)")
    reply = site.probe.answer().reply if site.probe else None
    told = reply.get("process_group") if reply else None
    if told is None:
        return Seen(skipped="the simulator's Python did not answer")
    facts = (("backend", str(told["backend"])),)
    if told.get("ok"):
        return Seen((*facts, ("formed", f"in {float(told.get('seconds') or 0):.2f} s")))
    error = str(told.get("error") or "no reason")
    if "No module named 'torch'" in error:
        return Seen(facts, skipped="torch is not installed")
    message = f"No process group with {told['backend']}: {error.splitlines()[0]}"
    other = "gloo" if told["backend"] == "nccl" else "none"
    cure = finding("PML231", Severity.ERROR, message, f"pmlaunch eval ... --ddp-backend {other}", about=site.backend)
    return Seen((*facts, ("formed", "no")), (cure,))


PROCESS_GROUP = Check(
    "process_group", "process group", Group.PACKAGES, _look, quick=False, probes=True, limit=LIMIT + 20.0
)
