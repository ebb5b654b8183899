"""The motions: there, readable, harmless, and of the robot that is to follow them."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.catalog.models import config_of, models
from pmlaunch.catalog.presets import presets
from pmlaunch.checkouts import frozen
from pmlaunch.checkouts.checkout import demo_checkout
from pmlaunch.model import Finding, MotionInfo, Severity
from pmlaunch.planning.plan import Planned


def check_motions(planned: Planned) -> Iterator[Finding]:
    plan = planned.plan
    if not plan.motions:
        known = config_of(plan.checkpoint) is not None or frozen.is_of_generation_3(plan.checkpoint)
        if known and planned.report.motion_file is None and not planned.report.findings:
            message = f"Model {plan.model} names no motion of its own."
            yield Finding("PML125", Severity.ERROR, message, "pmlaunch eval ... --motion NAME", None, plan.model)
        return
    several = len({motion.robot for motion in plan.motions if motion.robot}) > 1
    if several:
        yield _of_several_robots(planned)
    for motion in plan.motions:
        if motion.problem is not None:
            yield motion.problem
        elif several and motion.robot is not None:
            continue
        elif plan.robot is not None and motion.robot != plan.robot:
            whose = f"of robot {motion.robot}" if motion.robot else "of no robot that this checkout knows"
            message = f"Motion {motion.name} is {whose}, not of {plan.robot}."
            hint = f"pmlaunch list motions --robot {plan.robot}"
            yield Finding("PML124", Severity.ERROR, message, hint, None, str(motion.path))


def _of_several_robots(planned: Planned) -> Finding:
    """One start has one robot: whose the motions are, and the command for each robot."""
    plan = planned.plan
    own = [motion for motion in plan.motions if motion.robot]
    robots = list(dict.fromkeys(str(motion.robot) for motion in own))
    robots.sort(key=lambda robot: robot != plan.robot)
    whose, commands = [], []
    for robot in robots:
        theirs = [motion for motion in own if motion.robot == robot]
        whose.append(f"{', '.join(motion.name for motion in theirs)} of {robot}")
        named = " ".join(f"--motion {_typed(motion, planned)}" for motion in theirs)
        commands.append(f"pmlaunch eval {_model_for(robot, planned)} {named}")
    message = f"These motions belong to {len(robots)} robots, and a start has one: {'; '.join(whose)}."
    return Finding("PML118", Severity.ERROR, message, "\n        ".join(commands), None, ", ".join(robots))


def _typed(motion: MotionInfo, planned: Planned) -> str:
    """How to name the motion on a command line: by its name where the checkout has it, else by its path."""
    if planned.checkout.motions_carry_robot and motion.path in planned.checkout.motion_files():
        return motion.path.stem
    return f'"{motion.path}"'


def _model_for(robot: str, planned: Planned) -> str:
    """A model of that robot: the one that was asked for, else one of the checkout's, else a word to be replaced."""
    if robot == planned.plan.robot:
        return f'"{planned.request.model}"' if " " in planned.request.model else planned.request.model
    home = None if planned.plan.generation == "demo" else planned.checkout
    found = models(home, demo_checkout(), presets("model"), list(planned.things.robots))
    return next((model.name for model in found if model.robot == robot), f"MODEL-OF-{robot.upper()}")
