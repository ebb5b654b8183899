"""The registry of codes: what can go wrong, why, and what to type next.

Every error and every finding carries one of these codes. `pmlaunch explain CODE` prints an entry; the
hundreds say where it belongs: 0 names and usage, 1 checkpoint, config and motion, 2 environment, 3 what a
run shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class Exit:
    """Exit codes of the process. They are a contract: see docs/architecture.md."""

    DONE: Final = 0
    FAILED: Final = 1
    USAGE: Final = 2
    NOT_FOUND: Final = 3
    CHECK: Final = 4
    ENVIRONMENT: Final = 5
    INSTALL: Final = 6
    TIME: Final = 7
    NO_VERDICT: Final = 8
    INTERNAL: Final = 70
    INTERRUPTED: Final = 130


@dataclass(frozen=True)
class Code:
    """One thing that can go wrong. `exit_code` is that of the process when this ends a command."""

    code: str
    title: str
    cause: str
    cure: str
    exit_code: int


def _table(*rows: Code) -> dict[str, Code]:
    return {row.code: row for row in rows}


CODES: Final[dict[str, Code]] = _table(
    # 0xx: names, usage, the tool itself
    Code(
        "PML000",
        "internal error",
        "A defect of pmlaunch itself.",
        "Run the command again with -v and report the traceback.",
        Exit.INTERNAL,
    ),
    Code(
        "PML001",
        "usage",
        "An option has a value that it cannot take, or two options contradict each other.",
        "pmlaunch eval --help",
        Exit.USAGE,
    ),
    Code(
        "PML002",
        "override syntax",
        "Hydra's own parser refuses an override.",
        "Quote values that hold ( ) = , [ ] { } ' \" or blanks: \"key='value'\".",
        Exit.USAGE,
    ),
    Code(
        "PML003",
        "unknown override",
        "No config has this key or group, so a typo would go unnoticed or fail late.",
        "Use the name that is proposed, or ++key=value to add a new key on purpose.",
        Exit.USAGE,
    ),
    Code(
        "PML010",
        "unknown name",
        "No model, motion, robot, simulator or constraint has this name.",
        "pmlaunch list models|motions|robots|simulators|constraints",
        Exit.NOT_FOUND,
    ),
    Code(
        "PML011",
        "ambiguous name",
        "Several things answer to this name.",
        "Type one of the names that are listed.",
        Exit.NOT_FOUND,
    ),
    Code(
        "PML012",
        "no ProtoMotions checkout",
        "No folder given, set or found here or above holds protomotions/eval_agent.py.",
        "pmlaunch eval MODEL --protomotions DIR, or try `pmlaunch eval demo`, which needs none.",
        Exit.NOT_FOUND,
    ),
    Code(
        "PML013",
        "checkout of another generation",
        "ProtoMotions 3 has no eval_agent.py; this version of pmlaunch runs 2.x checkouts.",
        "git -C DIR checkout v2.3",
        Exit.NOT_FOUND,
    ),
    Code("PML014", "file not found", "A path that was given does not exist.", "Check the path.", Exit.NOT_FOUND),
    Code(
        "PML015",
        "unreadable settings",
        "pmlaunch.yaml or a preset is not valid YAML, or holds an unknown key.",
        "Mend the file at the line that is named.",
        Exit.USAGE,
    ),
    # 1xx: checkpoint, config, motion
    Code(
        "PML101",
        "checkpoint is a Git LFS pointer",
        "Git LFS left a text of about 134 bytes in the place of the weights. torch.load would fail with "
        "`invalid load key, 'v'`, a minute after the simulator's start.",
        "git lfs pull --include=PATH (in the checkout)",
        Exit.CHECK,
    ),
    Code(
        "PML102",
        "checkpoint missing",
        "The file does not exist.",
        "Check the path, or `git lfs pull --include=PATH` in the checkout.",
        Exit.CHECK,
    ),
    Code(
        "PML103",
        "checkpoint has the wrong size",
        "The file is not as long as its Git LFS pointer in git says: a download that broke off.",
        "Delete it, then: git lfs pull --include=PATH",
        Exit.CHECK,
    ),
    Code(
        "PML104",
        "checkpoint has the wrong sha256",
        "The content is not what its Git LFS pointer in git says.",
        "Delete it, then: git lfs pull --include=PATH",
        Exit.CHECK,
    ),
    Code(
        "PML105",
        "no config.yaml for the checkpoint",
        "eval_agent.py needs the config.yaml of the training, beside the checkpoint or one folder above it.",
        "Copy config.yaml from the training's results to the checkpoint.",
        Exit.CHECK,
    ),
    Code(
        "PML106",
        "checkpoint of another generation",
        "The checkpoint was made by another generation of ProtoMotions than the checkout.",
        "Use a checkout of the checkpoint's generation: v2.3 for config.yaml, main for resolved_configs_inference.pt.",
        Exit.CHECK,
    ),
    Code(
        "PML107",
        "unreadable config",
        "A config file is not valid YAML or not a mapping.",
        "Restore the file: git -C CHECKOUT checkout -- PATH",
        Exit.CHECK,
    ),
    Code(
        "PML108",
        "config refused: it holds code",
        "A config asks for ${eval:...} of something that is not arithmetic. eval_agent.py would hand it to "
        "Python's eval and execute it. pmlaunch evaluates numbers only.",
        "Do not run this checkpoint. Tell its author.",
        Exit.CHECK,
    ),
    Code(
        "PML109",
        "config does not resolve",
        "Composing, merging or resolving the config fails; eval_agent.py would fail at the same place.",
        "Read the message: it names the key.",
        Exit.CHECK,
    ),
    Code(
        "PML110",
        "missing value",
        "The merged config still holds ??? where a run needs a value.",
        "Set it: KEY=VALUE",
        Exit.CHECK,
    ),
    Code(
        "PML111",
        "robot is not the checkpoint's",
        "The network was trained for another robot: its inputs and outputs have other sizes.",
        "Leave out --robot, or choose a checkpoint for that robot.",
        Exit.CHECK,
    ),
    Code(
        "PML112",
        "added key is unknown",
        "An override written with + or ++ adds a key that no config has; often a typo.",
        "Use the name that is proposed, if that was meant.",
        Exit.CHECK,
    ),
    Code(
        "PML113",
        "constraint does not parse",
        "The constraint's YAML is invalid in the checkout.",
        "pmlaunch list constraints",
        Exit.CHECK,
    ),
    Code(
        "PML115",
        "config names code of other packages",
        "A `_target_` in the config is neither of ProtoMotions nor of Lightning; a run would import and call it.",
        "If you trust it: --no-check PML115",
        Exit.CHECK,
    ),
    Code(
        "PML114",
        "robot unknown",
        "The checkpoint's config does not tell its robot.",
        "pmlaunch eval ... --robot NAME",
        Exit.CHECK,
    ),
    Code(
        "PML116",
        "Genesis has no gains for this robot",
        "The robot's asset names no actuators, so Genesis has no gains for its built-in PD control.",
        "robot.control.control_type=torque or proportional, if the policy was trained so; or --simulator isaaclab",
        Exit.CHECK,
    ),
    Code(
        "PML117",
        "Hydra cannot work in this folder",
        "The checkout's path holds ${, which Hydra takes for an interpolation when it names its working directory.",
        "Rename the folder, or move the checkout.",
        Exit.CHECK,
    ),
    Code(
        "PML121",
        "motion missing",
        "The motion file does not exist; upstream would notice after the simulator's start.",
        "pmlaunch list motions",
        Exit.CHECK,
    ),
    Code(
        "PML122",
        "motion unreadable",
        "The file is truncated or is no motion.",
        "Restore the file, or export it again.",
        Exit.CHECK,
    ),
    Code(
        "PML123",
        "motion refused: it holds code",
        "The .npy is a pickle that asks for functions a motion has no need of. Loading it would execute them.",
        "Do not load this file. Tell its author.",
        Exit.CHECK,
    ),
    Code(
        "PML124",
        "motion of another robot",
        "The bodies in the motion file are not the robot's.",
        "Choose a motion of the robot: pmlaunch list motions --robot NAME",
        Exit.CHECK,
    ),
    Code(
        "PML125",
        "motion not set",
        "Neither the command nor the checkpoint's config names a motion file.",
        "pmlaunch eval ... --motion NAME",
        Exit.CHECK,
    ),
    Code(
        "PML126",
        "motion not inspected",
        "Packed (.pt) and .yaml motion libraries are not looked into yet: their robot and length are unknown.",
        "Give --max-steps for a run of known length.",
        Exit.CHECK,
    ),
    # 2xx: environment
    Code(
        "PML201",
        "Isaac Lab not found",
        "No folder given, set or found holds isaaclab.bat or isaaclab.sh.",
        "--isaaclab DIR, or set ISAACLAB_PATH; --via python runs with a plain interpreter.",
        Exit.ENVIRONMENT,
    ),
    Code(
        "PML202",
        "Python not found",
        "The interpreter that should run the simulator does not exist.",
        "--python PATH",
        Exit.ENVIRONMENT,
    ),
    Code(
        "PML203",
        "demo packages missing",
        "The embedded evaluation needs torch, lightning and mujoco.",
        'pip install "pmlaunch[demo]"',
        Exit.ENVIRONMENT,
    ),
    Code(
        "PML204",
        "cannot write the run folder",
        "The disk is full, or the folder may not be written.",
        "Free some space, or choose another folder with --runs DIR.",
        Exit.ENVIRONMENT,
    ),
    Code(
        "PML205",
        "cannot start the program",
        "The operating system refuses to start the program.",
        "Check the path and its permissions.",
        Exit.ENVIRONMENT,
    ),
    Code(
        "PML206",
        "unverified: plan for another system",
        "The plan is for another operating system; Isaac Lab and its GPU can only be checked there.",
        "Run the command there.",
        Exit.ENVIRONMENT,
    ),
    Code(
        "PML207",
        "NCCL on Windows",
        "Windows builds of torch have no NCCL; the run would end at its start.",
        "Leave out --ddp-backend, or choose gloo.",
        Exit.ENVIRONMENT,
    ),
    # 3xx: what a run shows
    Code(
        "PML301",
        "the evaluation failed",
        "The program raised an exception or ended with an error.",
        "Read the exception and the log.",
        Exit.FAILED,
    ),
    Code("PML302", "no NCCL", "Windows builds of torch have no NCCL.", "--ddp-backend gloo", Exit.FAILED),
    Code(
        "PML303",
        "out of GPU memory",
        "The simulation and the network need more memory than the GPU has free.",
        "--num-envs 1, and close other programs that use the GPU.",
        Exit.FAILED,
    ),
    Code(
        "PML304",
        "a Python package is missing",
        "The simulator's Python lacks a package.",
        "Install it with that Python: PYTHON -m pip install PACKAGE",
        Exit.FAILED,
    ),
    Code(
        "PML305",
        "no GPU",
        "Lightning finds no supported GPU.",
        "--device cpu (Genesis and the demo), or mend the driver.",
        Exit.FAILED,
    ),
    Code(
        "PML306",
        "weights do not fit",
        "The checkpoint's tensors have other shapes than the network of the config.",
        "Leave out --robot and overrides that change the network.",
        Exit.FAILED,
    ),
    Code(
        "PML307",
        "checkpoint is no torch file",
        "torch.load does not know the file: a Git LFS pointer or a broken download.",
        "pmlaunch eval ... --verify",
        Exit.FAILED,
    ),
    Code(
        "PML308",
        "asset or file missing in the run",
        "The program looked for a file that is not there.",
        "Look at the path in the message.",
        Exit.FAILED,
    ),
    Code(
        "PML309",
        "mutable dataclass default",
        "Python 3.11 and later refuse ProtoMotions 2.3's dataclasses.",
        "Leave pmlaunch's repair on.",
        Exit.FAILED,
    ),
    Code(
        "PML310",
        "no control gains",
        "Genesis finds no gains for this robot's built-in PD control and refuses the first step.",
        "robot.control.control_type=torque starts (its physics mean little without a policy trained for it); "
        "Isaac Lab needs no change.",
        Exit.FAILED,
    ),
    Code("PML320", "time limit", "The run took longer than --timeout allows.", "--timeout SECONDS", Exit.TIME),
    Code(
        "PML321",
        "silence",
        "The run wrote nothing for longer than --silence allows: it hangs.",
        "Look at the end of the log; --silence SECONDS",
        Exit.TIME,
    ),
    Code(
        "PML330",
        "ended without a verdict",
        "The program ended before it could say how. A crash of native code, or something ended it.",
        "Look at the end of the log.",
        Exit.NO_VERDICT,
    ),
    Code(
        "PML331",
        "never reached the agent",
        "The program that should have started Python ended before it did.",
        "Look at its output; --via python --python EXE goes around a batch file.",
        Exit.NO_VERDICT,
    ),
    Code("PML340", "interrupted", "Ctrl+C.", "pmlaunch eval ... starts it again.", Exit.INTERRUPTED),
)
