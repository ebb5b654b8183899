"""The GPU that a run was told to use: torch must be built for it and a driver must be installed, as far as files tell."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.generations.overrides import typed_value
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.command_line import corrected
from pmlaunch.planning.plan import Planned
from pmlaunch.runtimes.compatibility import Found, Part
from pmlaunch.runtimes.python_files import text_of
from pmlaunch.support.nvidia import has_nvidia

_OTHER_GPUS = ("/dev/nvhost-ctrl", "/dev/nvmap", "/dev/dxg", "/dev/nvidiactl")  # Jetson, WSL, containers
_WITHOUT_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*None\s*$", re.MULTILINE)  # torch/version.py
_OTHER_MAKER = re.compile(r"^(?:hip|xpu)\b[^=\n]*=\s*['\"]", re.MULTILINE)


def check_device(planned: Planned) -> Iterator[Finding]:
    """Check --device gpu on this machine; macOS's torch finds a GPU of its own."""
    typed = typed_value(planned.inputs.overrides, "fabric.accelerator")
    device = typed.value if typed else planned.plan.provenance["device"].value
    if device not in ("gpu", "cuda") or planned.plan.foreign or sys.platform == "darwin":
        return
    reason = _no_gpu(planned.runtime.versions.get(Part.TORCH))
    if reason is None:
        return
    fix = None if typed else corrected(planned.request, device="cpu")
    yield Finding("PML164", Severity.ERROR, f"--device gpu needs CUDA, but {reason}.", fix, fix, "gpu")


def _no_gpu(torch: Found | None) -> str | None:
    """Why torch cannot use a GPU; None if it can or if the files do not tell."""
    facts = text_of(Path(torch.where) / "torch" / "version.py") if torch else ""
    if _OTHER_MAKER.search(facts):
        return None
    if torch and ("+cpu" in torch.version or _WITHOUT_CUDA.search(facts)):
        return f"torch {torch.version} in {torch.where} was built without it"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    if not has_nvidia(os.environ) and not any(map(os.path.exists, _OTHER_GPUS)):
        return "no NVIDIA driver was found on this machine"
    return None
