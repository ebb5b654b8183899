"""Check that the robot is the one that the checkpoint's network was trained for.

Another robot composes without an error but with other network sizes (smpl has 358 observations, amp 223), and fails
when the weights are loaded, after the simulator's start.
"""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.catalog.models import trained_for
from pmlaunch.catalog.robots import robot_with_bodies
from pmlaunch.generations.registry import training_of
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.plan import Planned


def check_robot(planned: Planned) -> Iterator[Finding]:
    """Check that the robot is known and is the one of the checkpoint."""
    robot, checkpoint = planned.inputs.robot.value, planned.plan.checkpoint
    if robot is None:
        if training_of(checkpoint):  # the checkpoint check reports files that tell nothing
            names = ", ".join(item.name for item in planned.inputs.robots)
            message = "The checkpoint's config does not name its robot."
            yield Finding("PML114", Severity.ERROR, message, f"--robot NAME, one of: {names}", None, str(checkpoint))
        return
    if planned.plan.simulator == "genesis" and planned.plan.hydra and planned.report.control_type == "built_in_pd":
        # measured with Genesis 0.3.3 and smpl; h1 and g1 name actuators in their assets
        why = "its built-in PD control takes the gains from the actuators in the robot's asset, and there are none"
        message = f"Genesis may reject the first step of {robot.name}: {why}."
        hint = "set robot.control.control_type as in the training, or use --simulator isaaclab"
        yield Finding("PML116", Severity.WARNING, message, hint, None, robot.name)
    training = training_of(checkpoint)
    if training and training.generation is Generation.V3:
        named = trained_for(checkpoint, planned.inputs.robots)
        if named is not None and named.name != robot.name:
            message = f"The checkpoint was trained for robot {named.name}, not for {robot.name}."
            yield Finding("PML111", Severity.ERROR, message, f"--robot {named.name}", None, str(checkpoint))
        return
    trained = training.bodies if training else frozenset()
    if trained and trained != frozenset(robot.bodies):
        own = robot_with_bodies(trained, list(planned.inputs.robots))
        whose = f"robot {own.name}" if own else f"a robot with {len(trained)} bodies that is not in this checkout"
        message = f"The checkpoint was trained for {whose}, not for {robot.name} ({len(robot.bodies)} bodies)."
        way_out = f"--robot {own.name}" if own else None
        yield Finding("PML111", Severity.ERROR, message, way_out, None, str(checkpoint))
