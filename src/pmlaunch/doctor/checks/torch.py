"""torch in the simulator's Python: its build, its CUDA, and the backends of process groups that it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.doctor.nvidia import has_nvidia
from pmlaunch.doctor.probe import LIMIT
from pmlaunch.model import Finding, Severity

_ANSWERS = {"True": "yes", "False": "no"}


def _look(site: Site) -> Seen:
    if site.probe is None:
        return Seen(skipped="nobody was asked")
    reply = site.probe.answer().reply
    told = reply.get("torch") if reply else None
    if told is None:
        return Seen(skipped="the simulator's Python did not answer")
    if told.get("error"):
        if "No module named 'torch'" in told["error"]:
            return Seen(skipped="torch is not installed")
        message = f"import torch fails in the simulator's Python: {told['error'].splitlines()[0]}"
        return Seen(findings=(finding("PML241", Severity.ERROR, message, "install torch again", about="torch"),))
    return Seen(tuple(_facts(told)), (*_cuda(site, told), *_backend(site, told)))


def _facts(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "torch", f"{told['version']}, {told.get('file')}"
    build = told.get("cuda_build")
    yield (
        "CUDA",
        f"built for {build}, {'available' if told.get('cuda_available') else 'not available'}" if build else "no",
    )
    if told.get("devices"):
        yield "devices", ", ".join(told["devices"])
    for name in ("nccl", "gloo", "libuv"):
        yield name, _ANSWERS.get(str(told.get(name)), "not known")


def _cuda(site: Site, told: Mapping[str, Any]) -> Iterator[Finding]:
    if told.get("cuda_available") or site.embedded or site.device == "cpu":
        return
    if not has_nvidia(site.environment):
        return  # the GPU's own check says so
    why = "is a build without CUDA" if not told.get("cuda_build") else "finds no GPU"
    said = f" ({told['warnings'][0].splitlines()[0]})" if told.get("warnings") else ""
    message = f"This machine has an NVIDIA GPU, but torch {told['version']} {why}{said}."
    severity = Severity.ERROR if site.gpu_needed else Severity.WARNING
    yield finding("PML230", severity, message, "install torch for CUDA: https://pytorch.org/get-started/locally")


def _backend(site: Site, told: Mapping[str, Any]) -> Iterator[Finding]:
    if site.backend in ("nccl", "gloo") and told.get(site.backend) is False:
        message = f"torch {told['version']} was built without {site.backend}, which a run would use."
        other = "gloo" if site.backend == "nccl" and told.get("gloo") else "none"
        yield finding("PML232", Severity.ERROR, message, f"pmlaunch eval ... --ddp-backend {other}", about=site.backend)


TORCH = Check("torch", "torch", Group.PACKAGES, _look, quick=False, probes=True, limit=LIMIT + 20.0)
