"""The checks of the machine by name, in the order they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from pmlaunch.doctor.check import MachineCheck
from pmlaunch.doctor.checks.cache import CACHE
from pmlaunch.doctor.checks.checkout import CHECKOUT
from pmlaunch.doctor.checks.config import CONFIG
from pmlaunch.doctor.checks.console import CONSOLE
from pmlaunch.doctor.checks.disk import DISK
from pmlaunch.doctor.checks.embedded import EMBEDDED
from pmlaunch.doctor.checks.git import GIT
from pmlaunch.doctor.checks.git_lfs import GIT_LFS
from pmlaunch.doctor.checks.gpu import GPU
from pmlaunch.doctor.checks.local_changes import LOCAL_CHANGES
from pmlaunch.doctor.checks.long_paths import LONG_PATHS
from pmlaunch.doctor.checks.models import MODELS
from pmlaunch.doctor.checks.packages import PACKAGES
from pmlaunch.doctor.checks.process_group import PROCESS_GROUP
from pmlaunch.doctor.checks.runs import RUNS
from pmlaunch.doctor.checks.runtime import RUNTIME
from pmlaunch.doctor.checks.system import SYSTEM
from pmlaunch.doctor.checks.torch import TORCH

MACHINE_CHECKS: Mapping[str, MachineCheck] = {
    check.name: check
    for check in (
        GIT,
        GIT_LFS,
        CHECKOUT,
        LOCAL_CHANGES,
        CONFIG,
        LONG_PATHS,
        MODELS,
        RUNTIME,
        PACKAGES,
        TORCH,
        PROCESS_GROUP,
        EMBEDDED,
        GPU,
        DISK,
        CACHE,
        SYSTEM,
        CONSOLE,
        RUNS,
    )
}
