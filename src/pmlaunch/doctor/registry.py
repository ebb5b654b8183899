"""The checks of the machine by name, in the order they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from pmlaunch.doctor.check import CheckGroup, MachineCheck
from pmlaunch.doctor.checks import (
    cache,
    checkout,
    compatibility,
    config,
    console,
    disk,
    embedded,
    git,
    git_lfs,
    gpu,
    local_changes,
    long_paths,
    models,
    packages,
    process_group,
    runs,
    runtime,
    system,
    torch,
)
from pmlaunch.doctor.probe import LIMIT

_PROBES = LIMIT + 20.0  # seconds, for a check that waits for the simulator's Python

_CHECKS = (
    MachineCheck("git", "git", CheckGroup.TOOLS, git.look),
    MachineCheck("git_lfs", "Git LFS", CheckGroup.TOOLS, git_lfs.look, fixes=("PML223",), fix=git_lfs.fix),
    MachineCheck("checkout", "ProtoMotions", CheckGroup.CHECKOUT, checkout.look),
    MachineCheck("changes", "local changes", CheckGroup.CHECKOUT, local_changes.look, quick=False, limit=30.0),
    MachineCheck("config", "config tree", CheckGroup.CHECKOUT, config.look, limit=60.0),
    MachineCheck(
        "long_paths", "long paths", CheckGroup.CHECKOUT, long_paths.look, fixes=("PML224",), fix=long_paths.fix
    ),
    MachineCheck("models", "checkpoints", CheckGroup.MODELS, models.look, limit=120.0),
    MachineCheck("runtime", "runtime", CheckGroup.ISAACLAB, runtime.look),
    MachineCheck("compatibility", "versions", CheckGroup.ISAACLAB, compatibility.look),
    MachineCheck("packages", "packages", CheckGroup.PACKAGES, packages.look, probes=True, limit=_PROBES),
    MachineCheck("torch", "torch", CheckGroup.PACKAGES, torch.look, quick=False, probes=True, limit=_PROBES),
    MachineCheck(
        "process_group",
        "process group",
        CheckGroup.PACKAGES,
        process_group.look,
        quick=False,
        probes=True,
        limit=_PROBES,
    ),
    MachineCheck("embedded", "demo", CheckGroup.PACKAGES, embedded.look),
    MachineCheck("gpu", "GPU", CheckGroup.GPU, gpu.look),
    MachineCheck("disk", "free space", CheckGroup.DISK, disk.look),
    MachineCheck("cache", "cache", CheckGroup.DISK, cache.look, fixes=("PML243",), fix=cache.fix),
    MachineCheck("system", "system", CheckGroup.MACHINE, system.look),
    MachineCheck("console", "console and display", CheckGroup.MACHINE, console.look),
    MachineCheck("runs", "other runs", CheckGroup.MACHINE, runs.look),
)
MACHINE_CHECKS: Mapping[str, MachineCheck] = {check.name: check for check in _CHECKS}
