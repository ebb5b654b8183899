"""NVIDIA's GPU: is there one, and does the chosen simulator need it?"""

from __future__ import annotations

import sys

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.doctor.nvidia import Gpu, look_at_nvidia
from pmlaunch.model import Severity


def _look(site: Site) -> Seen:
    nvidia = look_at_nvidia(site.environment)
    name = site.simulator.name
    if nvidia.driver is None or (not nvidia.gpus and nvidia.problem is None):
        what = "No NVIDIA driver is found" if nvidia.driver is None else "NVIDIA's driver finds no GPU"
        if site.gpu_needed:
            message = f"{what}, and {name} does not run without a GPU."
            hint = "mend the driver, or --simulator genesis --device cpu"
            return Seen((("GPU", "none"),), (finding("PML234", Severity.ERROR, message, hint),))
        needless = site.device == "cpu" or "gpu" not in (site.simulator.devices or ("gpu",))
        message = f"{what}: {name} runs on the CPU here."
        note = finding("PML234", Severity.NOTE, message, None if needless else "--device cpu")
        return Seen((("GPU", "none"),), (note,))
    facts = [(f"GPU {index}", _told(gpu)) for index, gpu in enumerate(nvidia.gpus)]
    facts.append(("driver", nvidia.driver or "here, of unknown version"))
    if nvidia.problem is None:
        return Seen(tuple(facts))
    message = f"The GPU's memory is not known: {nvidia.problem}."
    hint = f'"{sys.executable}" -m pip install "pmlaunch[gpu]"'  # a plain pip may be that of another Python
    return Seen(tuple(facts), (finding("PML235", Severity.NOTE, message, hint),))


def _told(gpu: Gpu) -> str:
    if gpu.memory is None or gpu.free is None:
        return gpu.name
    return f"{gpu.name}, {gpu.free / 2**30:.1f} of {gpu.memory / 2**30:.1f} GiB free"


GPU = Check("gpu", "GPU", Group.GPU, _look)
