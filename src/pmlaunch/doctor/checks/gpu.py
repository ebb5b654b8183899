"""Check for an NVIDIA GPU if the chosen simulator needs one."""

from __future__ import annotations

import sys

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget, devices_of
from pmlaunch.model import Finding, Severity
from pmlaunch.support.nvidia import Gpu, look_at_nvidia


def look(target: DoctorTarget) -> Observation:
    nvidia = look_at_nvidia(target.environment)
    if nvidia.driver is None or (not nvidia.gpus and nvidia.problem is None):
        what = "No NVIDIA driver is found" if nvidia.driver is None else "The NVIDIA driver finds no GPU"
        return Observation((("GPU", "none"),), (_none(target, what),))
    facts = [(f"GPU {index}", _described(gpu)) for index, gpu in enumerate(nvidia.gpus)]
    facts.append(("driver", nvidia.driver or "installed, version unknown"))
    if nvidia.problem is None:
        return Observation(tuple(facts))
    message = f"The GPU's memory is unknown: {nvidia.problem}."
    hint = f'"{sys.executable}" -m pip install "pmlaunch[gpu]"'  # a plain pip may belong to another Python
    return Observation(tuple(facts), (Finding("PML235", Severity.NOTE, message, hint),))


def _none(target: DoctorTarget, what: str) -> Finding:
    name = target.simulator.name
    if target.gpu_needed:
        message = f"{what}, and {name} needs one."
        return Finding("PML234", Severity.ERROR, message, "repair the driver, or use --simulator genesis --device cpu")
    on_cpu_anyway = target.device == "cpu" or "gpu" not in devices_of(target.simulator)
    message = f"{what}. {name} runs on the CPU."
    return Finding("PML234", Severity.NOTE, message, None if on_cpu_anyway else "--device cpu")


def _described(gpu: Gpu) -> str:
    if gpu.memory is None or gpu.free is None:
        return gpu.name
    return f"{gpu.name}, {gpu.free / 2**30:.1f} of {gpu.memory / 2**30:.1f} GiB free"
