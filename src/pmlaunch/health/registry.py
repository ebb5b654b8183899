"""The checks of the machine by name, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from pmlaunch.health.check import Check
from pmlaunch.health.checks.cache import CACHE
from pmlaunch.health.checks.changes import CHANGES
from pmlaunch.health.checks.checkout import CHECKOUT
from pmlaunch.health.checks.config import CONFIG
from pmlaunch.health.checks.console import CONSOLE
from pmlaunch.health.checks.disk import DISK
from pmlaunch.health.checks.embedded import EMBEDDED
from pmlaunch.health.checks.git import GIT
from pmlaunch.health.checks.git_lfs import GIT_LFS
from pmlaunch.health.checks.gpu import GPU
from pmlaunch.health.checks.group import PROCESS_GROUP
from pmlaunch.health.checks.long_paths import LONG_PATHS
from pmlaunch.health.checks.models import MODELS
from pmlaunch.health.checks.packages import PACKAGES
from pmlaunch.health.checks.runs import RUNS
from pmlaunch.health.checks.runtime import RUNTIME
from pmlaunch.health.checks.system import SYSTEM
from pmlaunch.health.checks.torch import TORCH

CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        GIT,
        GIT_LFS,
        CHECKOUT,
        CHANGES,
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
