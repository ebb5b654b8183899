"""A process group of one, formed for real with the backend of a run: Lightning starts one in every run."""

from __future__ import annotations

from pmlaunch.agent.pmlaunch_agent.contract import ONE_RANK
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.running.probe_reply import missing_module


def look(target: DoctorTarget) -> Observation:
    if target.backend == ONE_RANK:
        return Observation(skipped="a run creates its own group, which needs no network")
    group = target.reply.process_group if target.reply else None
    if group is None:
        return Observation(skipped=target.unanswered)
    backend = ("backend", group.backend)
    if group.ok:
        return Observation((backend, ("formed", f"in {group.seconds:.2f} s")))
    if missing_module(group.error) == "torch":
        return Observation((backend,), skipped="torch is not installed")
    message = f"Cannot create a process group with {group.backend}: {group.error.splitlines()[0]}"
    other = "gloo" if group.backend == "nccl" else "none"
    hint = f"pmlaunch eval ... --ddp-backend {other}"
    failed = Finding("PML231", Severity.ERROR, message, hint, subject=target.backend)
    return Observation((backend, ("formed", "no")), (failed,))
