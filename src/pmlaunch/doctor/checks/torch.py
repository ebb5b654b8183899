"""torch in the simulator's Python: its build, its CUDA, and the process group backends it was built with."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.running.probe_reply import TorchBuild, missing_module
from pmlaunch.support.nvidia import has_nvidia

_ANSWERS = {True: "yes", False: "no", None: "not known"}


def look(target: DoctorTarget) -> Observation:
    torch = target.reply.torch if target.reply else None
    if torch is None:
        return Observation(skipped=target.unanswered)
    if torch.error:
        if missing_module(torch.error) == "torch":
            return Observation(skipped="torch is not installed")
        message = f"import torch fails in the simulator's Python: {torch.error.splitlines()[0]}"
        failed = Finding("PML241", Severity.ERROR, message, "reinstall torch", subject="torch")
        return Observation(findings=(failed,))
    return Observation(tuple(_facts(torch)), (*_cuda(target, torch), *_backend(target, torch)))


def _facts(torch: TorchBuild) -> Iterator[tuple[str, str]]:
    yield "torch", f"{torch.version}, {torch.file}"
    available = "available" if torch.cuda_available else "not available"
    yield "CUDA", f"built for {torch.cuda_build}, {available}" if torch.cuda_build else "no"
    if torch.devices:
        yield "devices", ", ".join(torch.devices)
    for name, has in (*torch.backends.items(), ("libuv", torch.libuv)):
        yield name, _ANSWERS[has]


def _cuda(target: DoctorTarget, torch: TorchBuild) -> Iterator[Finding]:
    if torch.cuda_available or target.embedded or target.device == "cpu":
        return
    if not has_nvidia(target.environment):
        return  # the gpu check reports that
    why = "is a build without CUDA" if not torch.cuda_build else "finds no GPU"
    warned = f" ({torch.warnings[0].splitlines()[0]})" if torch.warnings else ""
    message = f"This machine has an NVIDIA GPU, but torch {torch.version} {why}{warned}."
    severity = Severity.ERROR if target.gpu_needed else Severity.WARNING
    yield Finding("PML230", severity, message, "install torch for CUDA: https://pytorch.org/get-started/locally")


def _backend(target: DoctorTarget, torch: TorchBuild) -> Iterator[Finding]:
    backend = target.backend
    if torch.backends.get(backend) is False:
        message = f"torch {torch.version} was built without {backend}, which a run would use."
        other = "gloo" if backend == "nccl" and torch.backends.get("gloo") else "none"
        hint = f"pmlaunch eval ... --ddp-backend {other}"
        yield Finding("PML232", Severity.ERROR, message, hint, subject=backend)
