"""The robot's files: without them, or given Git LFS pointers, the simulator says only that it cannot read a file."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.generations.find import fetch_path_command
from pmlaunch.generations.v3 import ASSETS
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.command_line import corrected
from pmlaunch.planning.plan import Planned

_READ_MJCF = ("mujoco", "newton", "genesis", "isaacgym")  # Isaac Lab reads USD files


def check_meshes(planned: Planned) -> Iterator[Finding]:
    """Check the folder of assets that the checkpoint names, and for simulators that read MJCF the robot's meshes."""
    checkout, robot = planned.checkout, planned.plan.robot
    folder = planned.report.asset_root
    if folder is not None and not planned.plan.foreign and not (checkout.root / folder).is_dir():
        message = (
            f"The checkpoint's configs name the robot's asset folder {folder}, which does not exist on this machine."
        )
        own = f"robot.asset.asset_root={ASSETS}"  # the checkout's
        fix: str = corrected(planned.request, overrides=(*planned.request.overrides, own))
        yield Finding("PML131", Severity.ERROR, message, fix, fix, folder)
        return
    if robot is None or planned.plan.simulator not in _READ_MJCF:
        return
    pointers = checkout.pointer_meshes(robot)
    if pointers:
        first = pointers[0]
        more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
        message = f"Meshes of robot {robot} are Git LFS pointers: {first.name}{more} in {first.parent}."
        command = fetch_path_command(first.parent)
        yield Finding("PML131", Severity.ERROR, message, command, command, str(first.parent))
