"""The registry of codes: what can go wrong, why, and how to fix it.

Every error and every finding carries one of these codes, and `pmlaunch explain` prints them. The hundreds digit is
the area: 0 names and usage, 1 checkpoint, config and motion, 2 environment, 3 the run itself, 4 installation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


class Exit:
    """Exit codes of the process, a contract documented in docs/architecture.md."""

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
    """One thing that can go wrong. `exit_code` is the exit code of a command that fails with it."""

    code: str
    title: str
    exit_code: int
    cause: str
    cure: str

    def cure_in(self, python: str | None) -> str:
        """The cure, with PYTHON replaced by the path of the simulator's Python if known."""
        return re.sub(r"\bPYTHON\b", lambda _: f'"{python}"', self.cure) if python else self.cure


# Kept as a table: the formatter would put every argument on a line of its own.
# fmt: off
CODES: Final = {row.code: row for row in (
    # 0xx: names, usage, the tool itself
    Code("PML000", "internal error", Exit.INTERNAL,
         "This is a bug in pmlaunch.",
         "Run the command again with -v and report the traceback."),
    Code("PML001", "invalid usage", Exit.USAGE,
         "An option has a value it does not accept, or two options contradict each other.",
         "pmlaunch eval --help"),
    Code("PML002", "invalid override syntax", Exit.USAGE,
         "Hydra cannot parse an override.",
         "Quote values that contain ( ) = , [ ] { } ' \" or spaces: \"key='value'\"."),
    Code("PML003", "unknown override", Exit.USAGE,
         "No config has this key or group, so the override would have no effect or fail late in the run.",
         "Use the suggested name, or ++key=value to add a new key on purpose."),
    Code("PML010", "unknown name", Exit.NOT_FOUND,
         "No model, motion, robot, simulator or constraint has this name.",
         "pmlaunch list models|motions|robots|simulators|constraints"),
    Code("PML011", "ambiguous name", Exit.NOT_FOUND,
         "Several items match this name.",
         "Use one of the listed names."),
    Code("PML012", "no ProtoMotions checkout", Exit.NOT_FOUND,
         "No folder given, configured, named in .gitmodules, or found here or in a parent folder contains "
         "protomotions/eval_agent.py (2.x) or protomotions/inference_agent.py (3.x).",
         "Run `pmlaunch install`, or add --protomotions DIR. `pmlaunch eval demo` needs no checkout."),
    Code("PML013", "model of another generation", Exit.NOT_FOUND,
         "The model belongs to a different generation of ProtoMotions than the checkout.",
         "Choose one from `pmlaunch list models`, or select another checkout with --protomotions DIR."),
    Code("PML014", "agent without metrics", Exit.USAGE,
         "ProtoMotions computes no metrics for steering, path following, AMP and ASE; a run reports rewards, episode "
         "lengths and resets instead. The evaluator of a ProtoMotions 3 prior has no metrics either.",
         "No action needed. --no-metrics skips them."),
    Code("PML015", "invalid settings", Exit.USAGE,
         "pmlaunch.yaml or a preset is not valid YAML, or contains an unknown key or a value of the wrong type.",
         "Correct the file at the place the message names."),
    Code("PML016", "option without an equivalent", Exit.USAGE,
         "ProtoMotions 3 freezes terrain, constraints and more in the checkpoint's configs, and inference_agent.py has "
         "no options for them. From a motion library it reads only file and weight, so it plays neither parts of a "
         "motion nor another frame rate.",
         "Leave the option out, or override a field: PART.FIELD=VALUE, as in resolved_configs_inference.yaml."),
    Code("PML017", "not supported by the simulator", Exit.USAGE,
         "MuJoCo simulates a single environment on the CPU.",
         "Leave the option out, or choose another --simulator."),
    Code("PML018", "the current folder no longer exists", Exit.NOT_FOUND,
         "The folder in which you ran the command was deleted or replaced, so relative paths cannot be resolved.",
         "Change to an existing folder (cd) and repeat the command."),
    Code("PML019", "pasted command line not understood", Exit.USAGE,
         "`pmlaunch eval` also accepts command lines of eval_agent.py and inference_agent.py. Part of this one belongs "
         "neither to them nor to pmlaunch, or it names no checkpoint.",
         "Use the suggested command. Set environment variables before you start pmlaunch."),
    Code("PML020", "word without an option", Exit.USAGE,
         "After the model, `pmlaunch eval` takes options and overrides (KEY=VALUE). This word is neither.",
         "Put the option before it, such as --motion; pmlaunch eval --help lists all."),
    Code("PML021", "contradicting values", Exit.USAGE,
         "Two options or overrides set the same value differently, and a run can follow only one of them.",
         "Leave out one of them."),
    Code("PML022", "override of the wrong type", Exit.USAGE,
         "The config has a number, a switch or a group of values at this key, and the override sets something else. "
         "ProtoMotions would fail after the simulator starts.",
         "Give a value of the type in the message."),
    Code("PML024", "the name is another robot's motion", Exit.NOT_FOUND,
         "A motion with this name exists, but not for the model's robot.",
         "pmlaunch list motions --robot NAME"),
    # 1xx: checkpoint, config, motion
    Code("PML101", "checkpoint is a Git LFS pointer", Exit.CHECK,
         "The file holds a Git LFS pointer of about 134 bytes instead of the weights. torch.load would fail with "
         "`invalid load key, 'v'`, a minute after the simulator starts.",
         'Run `pmlaunch fetch NAME` (names: `pmlaunch list models`), or in the checkout: git lfs pull --include=PATH '
         '--exclude=""'),
    Code("PML102", "checkpoint missing", Exit.CHECK,
         "The checkpoint file does not exist or cannot be read.",
         "Check the path, or run `pmlaunch fetch NAME`."),
    Code("PML103", "incomplete checkpoint", Exit.CHECK,
         "The file's size differs from its Git LFS pointer in git, or the file is empty, truncated or a saved web "
         "page. The download probably failed.",
         "Delete the file and run `pmlaunch fetch NAME`, or copy it again from its source."),
    Code("PML104", "checkpoint has the wrong SHA-256", Exit.CHECK,
         "The content does not match the checkpoint's Git LFS pointer in git.",
         "Delete the file and run `pmlaunch fetch NAME`."),
    Code("PML105", "no config.yaml for the checkpoint", Exit.CHECK,
         "eval_agent.py needs the training's config.yaml beside the checkpoint or one folder above it.",
         "Copy config.yaml from the training results to the checkpoint's folder."),
    Code("PML106", "checkpoint of another generation", Exit.CHECK,
         "The checkpoint was trained with a different generation of ProtoMotions than the checkout.",
         "Use a checkout of the checkpoint's generation: v2.3 for config.yaml, main for "
         "resolved_configs_inference.pt."),
    Code("PML107", "unreadable config", Exit.CHECK,
         "A config file cannot be read, is not valid YAML, or is not a mapping.",
         "Restore the file: git -C CHECKOUT checkout -- PATH"),
    Code("PML108", "config contains code", Exit.CHECK,
         "A config uses ${eval:...} with something other than arithmetic. eval_agent.py would pass it to Python's eval "
         "and execute it; pmlaunch evaluates arithmetic only.",
         "Do not run this checkpoint, and notify its author."),
    Code("PML109", "config does not resolve", Exit.CHECK,
         "The config cannot be composed, merged or resolved. eval_agent.py would fail in the same way.",
         "Correct the key that the message names."),
    Code("PML110", "missing value", Exit.CHECK,
         "The merged config still contains ??? where a run needs a value.",
         "Set the value: KEY=VALUE"),
    Code("PML111", "robot does not match the checkpoint", Exit.CHECK,
         "The network was trained for another robot, so its inputs and outputs have different sizes.",
         "Leave out --robot, or choose a checkpoint for that robot."),
    Code("PML112", "unknown key added", Exit.CHECK,
         "An override written with + or ++ adds a key that no config has, which is often a typo.",
         "Use the suggested name if that is what you meant."),
    Code("PML113", "invalid constraint", Exit.CHECK,
         "The constraint's YAML file in the checkout is invalid.",
         "pmlaunch list constraints"),
    Code("PML114", "unknown robot", Exit.CHECK,
         "The checkpoint's config does not name its robot.",
         "pmlaunch eval ... --robot NAME"),
    Code("PML115", "config refers to code outside ProtoMotions", Exit.CHECK,
         "A `_target_` in the config belongs neither to ProtoMotions nor to Lightning. A run would import and call it.",
         "If you trust it: --no-check PML115"),
    Code("PML116", "no control gains for this robot in Genesis", Exit.CHECK,
         "Genesis takes the gains of its built-in PD control from the actuators in the robot's asset, and this asset "
         "has none.",
         "Set robot.control.control_type=torque or proportional if the policy was trained that way, or use --simulator "
         "isaaclab."),
    Code("PML117", "Hydra cannot work in this folder", Exit.CHECK,
         "The checkout's path contains ${, which Hydra treats as an interpolation when it sets its working directory.",
         "Rename the folder or move the checkout."),
    Code("PML118", "motions for several robots", Exit.CHECK,
         "A run has one robot, but these motions belong to several.",
         "Start one run per robot with the commands in the message."),
    Code("PML119", "cannot record a video", Exit.CHECK,
         "ProtoMotions records the contents of its window with moviepy, so --record needs both.",
         "Add --window or leave out --record. To install moviepy: PYTHON -m pip install moviepy"),
    Code("PML120", "invalid motion library", Exit.CHECK,
         "The YAML file lists no motions, contains an invalid fps, time or weight, or lacks fields that ProtoMotions "
         "requires.",
         "motions: [{file: walk.npy}, {file: run.npy}]"),
    Code("PML121", "motion missing", Exit.CHECK,
         "The motion file does not exist. ProtoMotions would notice only after the simulator starts.",
         "pmlaunch list motions"),
    Code("PML122", "unreadable motion", Exit.CHECK,
         "The file is empty, truncated, a web page or not a motion, or it lacks data that ProtoMotions needs, such as "
         "velocities.",
         "Restore the file or export it again."),
    Code("PML123", "motion contains code", Exit.CHECK,
         "The .npy file is a pickle that refers to functions no motion needs. Loading it would execute them.",
         "Do not load this file, and notify its author."),
    Code("PML124", "motion for another robot", Exit.CHECK,
         "The bodies in the motion file do not belong to this robot.",
         "Choose a motion for the robot: pmlaunch list motions --robot NAME"),
    Code("PML125", "no motion given", Exit.CHECK,
         "Neither the command nor the checkpoint's config names a motion file.",
         "pmlaunch eval ... --motion NAME"),
    Code("PML126", "motion not inspected", Exit.CHECK,
         "Only packed motion libraries (.pt) of ProtoMotions 3 can be inspected. Any other .pt file is a pickle of "
         "Python objects, so its robot and duration are unknown.",
         "Use a YAML library of the same motions to have them checked."),
    Code("PML127", "motion is a Git LFS pointer", Exit.CHECK,
         "The file holds a Git LFS pointer of about 134 bytes instead of the motion.",
         'Run `pmlaunch fetch PATH`, or in the checkout: git lfs pull --include=PATH --exclude=""'),
    Code("PML128", "frozen configs refer to foreign code", Exit.CHECK,
         "ProtoMotions loads resolved_configs_inference.pt as an unrestricted pickle. This one refers to functions "
         "that configs do not need, and loading it would import them and might call them. Only names are checked, so "
         "never load a checkpoint from someone you do not trust.",
         "If you trust it: --no-check PML128"),
    Code("PML129", "no frozen configs for the checkpoint", Exit.CHECK,
         "inference_agent.py needs resolved_configs_inference.pt beside the checkpoint.",
         "Copy it from the training results to the checkpoint's folder."),
    Code("PML130", "unreadable frozen configs", Exit.CHECK,
         "resolved_configs_inference.pt is a Git LFS pointer, or was not saved by torch.",
         'Run `pmlaunch fetch NAME`, or in the checkout: git lfs pull --include=PATH --exclude=""'),
    Code("PML131", "robot files missing", Exit.CHECK,
         "The robot's MJCF file refers to meshes that were not downloaded (Git LFS pointers), or the checkpoint's "
         "configs name an asset folder that does not exist here. The simulator would fail to load them.",
         'Run `pmlaunch fetch FOLDER` with the meshes\' folder, or in the checkout: git lfs pull --include=PATH '
         '--exclude="". PROTOMOTIONS_ASSET_ROOT selects another asset '
         'folder.'),
    Code("PML132", "motion of another generation", Exit.CHECK,
         "ProtoMotions 2 stores motions as .npy, ProtoMotions 3 as .motion, and neither can read the other's format. "
         "ProtoMotions would notice only after the simulator starts.",
         "Choose one from `pmlaunch list motions`, or use a checkout of the motion's generation: --protomotions DIR"),
    Code("PML133", "no window possible", Exit.CHECK,
         "With --window or --endless, the simulator would end after its start: there is no display, or this is an SSH "
         "session on Windows or a service. The demo has no window at all.",
         "Use --headless, set DISPLAY, or start pmlaunch with xvfb-run."),
    Code("PML134", "motion generated by pmlaunch", Exit.CHECK,
         "ProtoMotions 3 ships no walk for the SMPL humanoid, so pmlaunch generates walk, wave and squat for the "
         "checkout's skeleton.",
         "No action needed. --motion PATH plays any .motion or .pt file."),
    Code("PML135", "random masks", Exit.CHECK,
         "Without a constraint, ProtoMotions 2 randomly selects which bodies MaskedMimic must follow and when. Results "
         "vary between runs and cannot be compared with the paper's tables.",
         "Add --constraint full_body or another constraint: pmlaunch list constraints"),
    # 140 to 149: what comes from strangers
    Code("PML140", "repository setting not allowed", Exit.CHECK,
         "The repository's own settings name a program, an address or another file that git would use, and pmlaunch "
         "cannot override this setting. Because a checkout may come from anywhere, pmlaunch does not start git there.",
         "Remove the setting with the suggested command. Put your own settings in git config --global."),
    Code("PML141", "repository refers to another folder", Exit.CHECK,
         "The folder's .git leads to another repository, another folder's objects or another work tree, so git would "
         "read or write files outside this checkout.",
         "Remove the item that the message names, or clone the repository again."),
    Code("PML142", "unreadable repository settings", Exit.CHECK,
         "The repository's settings file is damaged or is not a regular file, so pmlaunch cannot tell what git would "
         "do there.",
         "To find the error: git config --file PATH --list"),
    Code("PML143", "path leads outside the checkout", Exit.CHECK,
         "The file's path leaves the checkout through a link, through .., or because it is absolute.",
         "Remove the link that the message names, or use another checkout."),
    Code("PML144", "release tag points to another commit", Exit.CHECK,
         "The tag in ProtoMotions' own repository does not point to the commit that pmlaunch was tested with. Either "
         "the tag was moved or the answer comes from another server.",
         "Install a commit that you trust with `pmlaunch install --ref COMMIT`, or another source with --source URL."),
    Code("PML145", "untrusted file selects a program", Exit.CHECK,
         "A pmlaunch.yaml, checkout or Isaac Lab that was found by its location decides which program is started, and "
         "it may have come with a download. Files made by `pmlaunch install`, and anything named by an option, a "
         "variable or your user settings, are trusted already.",
         "Read the file, then run `pmlaunch trust PATH`. In CI, use --trust-workspace or PMLAUNCH_TRUST_WORKSPACE=1."),
    Code("PML146", "settings file of another user", Exit.CHECK,
         "A pmlaunch.yaml here or in a parent folder belongs to another user of this machine, who could change which "
         "programs you start.",
         "Use options or PMLAUNCH_* variables instead, or review the file and take ownership (chown, or make a copy)."),
    Code("PML147", "path on another computer", Exit.CHECK,
         "A file of unknown origin contains a network path such as \\\\server\\share. Opening it would make Windows "
         "log in there and send a hash of your password.",
         "Copy the data to this computer and correct the file. Paths that you type yourself are allowed."),
    Code("PML150", "pickle refers to foreign code", Exit.CHECK,
         "ProtoMotions loads the checkpoint or packed motion library as an unrestricted pickle. This one refers to "
         "code that neither stored tensors nor the checkout's classes need, or cannot be analyzed, so loading it "
         "could run anything. pmlaunch read only its opcodes.",
         "If you trust it: --no-check PML150"),
    Code("PML151", "pickle cannot be verified", Exit.CHECK,
         "The file was not saved by torch, is damaged, or is a TorchScript program, so pmlaunch cannot tell what "
         "loading it would run.",
         "Load it only if you trust its source."),
    # 155 to 159: what upstream would play wrongly, or not at all
    Code("PML155", "bodies do not match the robot", Exit.CHECK,
         "ProtoMotions matches a motion's bodies to the robot's by position. In this file some are missing, added or "
         "in another order, so a run would compare the wrong bodies or crash.",
         "Convert the motion again for the robot's skeleton, or choose another: pmlaunch list motions --robot NAME"),
    Code("PML156", "fewer than two frames", Exit.CHECK,
         "A motion, or the part of it that a motion library plays, has no duration: it ends before it starts, or it "
         "starts after the end of the file. ProtoMotions would fail after the simulator starts.",
         "Correct the start and end times (in seconds), or export the motion again."),
    Code("PML157", "motion needs conversion", Exit.CHECK,
         "The file is raw data of AMASS, PHC or HumanML3D, which ProtoMotions cannot play.",
         "Convert it with the ProtoMotions script that the message names."),
    Code("PML158", "expert model missing", Exit.CHECK,
         "The checkpoint's config names the expert it was trained from (expert_model_path), but its files do not "
         "exist. ProtoMotions loads the expert even in an evaluation, which does not use it.",
         "Evaluate without it: agent.config.expert_model_path=null (ProtoMotions 3: agent.expert_model_path=None)"),
    Code("PML159", "packed motion library needs an older torch", Exit.CHECK,
         "A packed motion library of ProtoMotions 2 is a pickle of Python objects. torch.load has refused these by "
         "default since 2.6, and ProtoMotions 2 does not override that.",
         "If you trust the file, set TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 (loading may run any code), or use a YAML "
         "library of the same motions."),
    # 160 to 164: what could not be checked
    Code("PML160", "not compared with git", Exit.CHECK,
         "git did not answer or does not know the file, so pmlaunch cannot tell whether its content is right.",
         "Follow the command in the message, if there is one. To run anyway: --no-check PML160"),
    Code("PML161", "verified", Exit.CHECK,
         "The checkpoint has the size and SHA-256 that its commit in git records.",
         "No action needed."),
    Code("PML162", "repository belongs to another user", Exit.CHECK,
         "git refuses to read another user's repository because its settings could name programs. Nothing in it can be "
         "compared or downloaded.",
         "If you trust it: git config --global --add safe.directory FOLDER"),
    Code("PML163", "packages not checked", Exit.CHECK,
         "The simulator's Python was not found, or it also uses packages of another Python. Its files alone do not "
         "show whether the simulator is installed.",
         "Run `pmlaunch doctor`, which asks that Python directly."),
    Code("PML164", "no CUDA for --device gpu", Exit.CHECK,
         "The run was told to use a GPU, but its torch was built without CUDA, no NVIDIA driver was found, or "
         "CUDA_VISIBLE_DEVICES hides every GPU.",
         "Use --device cpu, or install a torch with CUDA and NVIDIA's driver. To start anyway: --no-check PML164"),
    Code("PML165", "ref not checked", Exit.CHECK,
         "A dry run contacts no host, so it cannot tell whether the source has this tag or branch.",
         "Check the spelling. `pmlaunch install` asks the source before it downloads anything."),
    Code("PML166", "motions of other robots left out", Exit.CHECK,
         "A folder, pattern or motion library has motions for several robots. --robot selects those for one.",
         "No action needed. `pmlaunch list motions` shows the robot of each motion."),
    Code("PML167", "broken motions skipped", Exit.CHECK,
         "--skip-bad left out motions that cannot be played. They were not evaluated, and no metric includes them.",
         "Repair the listed files, or accept the result without them."),
    # 2xx: environment
    Code("PML201", "Isaac Lab not found", Exit.ENVIRONMENT,
         "No folder given, configured or found contains isaaclab.bat or isaaclab.sh.",
         "Add --isaaclab DIR or set ISAACLAB_PATH, or use a plain interpreter with --via python."),
    Code("PML202", "Python not found", Exit.ENVIRONMENT,
         "The interpreter that should run the simulator does not exist.",
         "--python PATH"),
    Code("PML203", "demo packages missing", Exit.ENVIRONMENT,
         "The demo needs torch, lightning and mujoco.",
         'pip install "pmlaunch[demo]"'),
    Code("PML204", "cannot write the run folder", Exit.ENVIRONMENT,
         "The disk is full, or you have no permission to write to the folder.",
         "Free some space, or choose another folder with --runs DIR."),
    Code("PML205", "cannot start the program", Exit.ENVIRONMENT,
         "The operating system refused to start the program.",
         "Check the path and its permissions."),
    Code("PML206", "not verified: plan for another system", Exit.ENVIRONMENT,
         "The plan is for another operating system. Isaac Lab and the GPU can be checked only there.",
         "Run the command on that system."),
    Code("PML207", "NCCL on Windows", Exit.ENVIRONMENT,
         "Windows builds of torch have no NCCL, so the run would fail at its start.",
         "Leave out --ddp-backend, or choose gloo."),
    Code("PML215", "gloo has no transport", Exit.ENVIRONMENT,
         "PyTorch's Windows builds of torch 2.8 to 2.10 cannot create a gloo process group.",
         "For one device, leave out --ddp-backend. Several devices need torch 2.7 or older, or 2.11 or newer."),
    Code("PML216", "several devices without a process group", Exit.ENVIRONMENT,
         "Several devices need a process group, and no backend is available to create one.",
         "Use --devices 1, or a torch with a working gloo (on Windows 2.7 or older, or 2.11 or newer) and no "
         "--ddp-backend none."),
    Code("PML208", "space in the path of Isaac Lab's Python", Exit.ENVIRONMENT,
         "isaaclab.bat of Isaac Lab 2.x calls its Python without quotes. It would run nothing and return exit code 0.",
         "Bypass the batch file with --via python --python EXE."),
    Code("PML209", "path that breaks isaaclab.bat", Exit.ENVIRONMENT,
         "The batch file interprets characters such as & % ! or an unbalanced parenthesis in its own path or the path "
         "of its Python.",
         "Rename the folder, or use --via python --python EXE."),
    Code("PML210", "environment changed for the batch file", Exit.ENVIRONMENT,
         "A variable breaks isaaclab.bat (SKIP, or a PATH entry with an unbalanced parenthesis or quote). It is "
         "removed for the run only; your own environment does not change.",
         "No action needed. Correct PATH when convenient."),
    Code("PML211", "Isaac Lab will find no Python", Exit.ENVIRONMENT,
         "No conda environment is active (Isaac Lab 3.x: nor a venv), there is no _isaac_sim link, and PATH contains "
         "no Python.",
         "Activate Isaac Lab's environment, or use --via python --python EXE."),
    Code("PML212", "run folder path too long for Windows", Exit.ENVIRONMENT,
         "Windows limits paths to 259 characters unless long paths are enabled, and the files of a run have long "
         "names.",
         "Choose a shorter folder, such as --runs C:\\pm-runs"),
    Code("PML213", "isaaclab.bat failed on a character in the environment", Exit.ENVIRONMENT,
         "cmd.exe ends a block of a batch file at the first parenthesis of a variable that is expanded in it: "
         "C:\\Program Files (x86) in PATH can be enough (Isaac Lab issue 4407). Python never started.",
         "Start Isaac Lab's Python without the batch file: --via python --python EXE"),
    Code("PML214", "parenthesis in the path of Isaac Lab's Python", Exit.ENVIRONMENT,
         "isaaclab.bat of Isaac Lab 2.x expands CONDA_PREFIX without quotes. Some versions of cmd.exe end a block at a "
         "parenthesis there.",
         "If the run fails with PML213, use --via python --python EXE or rename the folder."),
    Code("PML217", "Isaac Sim's EULA is not accepted", Exit.ENVIRONMENT,
         "Isaac Sim from pip asks at its first import whether you accept NVIDIA's license, and a run has no terminal "
         "to answer in. pmlaunch never accepts it for you.",
         'If you agree, run this once in a terminal and answer Yes: PYTHON -c "import isaacsim"'),
    Code("PML218", "Isaac Lab 2.x in a folder with parentheses", Exit.ENVIRONMENT,
         "isaaclab.bat of Isaac Lab 2.x expands its own path in a block, which cmd.exe ends at a parenthesis, so "
         "nothing runs. Isaac Lab 3 is not affected.",
         "Use --via python --python EXE, move the folder, or run `subst X: FOLDER` and use --isaaclab X:\\"),
    # 22x to 24x: what doctor sees of the machine
    Code("PML220", "check aborted", Exit.ENVIRONMENT,
         "One of doctor's checks took too long or raised an unexpected error. The other checks completed.",
         "Run `pmlaunch doctor` again. If the error persists, attach the output of `pmlaunch doctor --report` to an "
         "issue."),
    Code("PML221", "git not found", Exit.ENVIRONMENT,
         "There is no working git on PATH. Evaluations run without git, but pmlaunch cannot install, fetch or compare "
         "checkpoints.",
         "Windows: winget install Git.Git; Debian, Ubuntu: sudo apt install git"),
    Code("PML222", "Git LFS not found", Exit.ENVIRONMENT,
         "Without Git LFS, a checkout contains pointers of about 134 bytes instead of checkpoints.",
         "Windows: winget install GitHub.GitLFS; Debian, Ubuntu: sudo apt install git-lfs"),
    Code("PML223", "Git LFS not configured", Exit.ENVIRONMENT,
         "git-lfs is installed, but its filters are missing from git's settings. git then checks out pointers without "
         "a warning.",
         "Run `pmlaunch doctor --fix` or `git lfs install`."),
    Code("PML224", "git has long paths disabled", Exit.ENVIRONMENT,
         'core.longpaths is off, so git on Windows skips files whose path is longer than 259 characters. git lfs pull '
         'then reports "Could not check out" and returns 0.',
         "Run `pmlaunch doctor --fix`, or: git -C CHECKOUT config core.longpaths true"),
    Code("PML225", "local changes in the checkout", Exit.ENVIRONMENT,
         "Files in the checkout differ from its commit. pmlaunch leaves them alone; mention them when you report a "
         "problem.",
         "git -C CHECKOUT status"),
    Code("PML226", "no answer from the simulator's Python", Exit.ENVIRONMENT,
         "The interpreter that a run would use did not start, or ended before it reported its packages.",
         "Run `pmlaunch runtime` to see how it was chosen, or choose another with --python EXE."),
    Code("PML227", "package missing in the simulator's Python", Exit.ENVIRONMENT,
         "ProtoMotions or the simulator imports a package that is not installed in this Python.",
         "Run `pmlaunch install`, or: PYTHON -m pip install PACKAGE"),
    Code("PML228", "ProtoMotions imported from another folder", Exit.ENVIRONMENT,
         "The simulator's Python has protomotions, isaac_utils or poselib installed from a folder outside the "
         "checkout. A run would mix the two versions.",
         "With the simulator's Python: pip install --no-deps -e CHECKOUT"),
    Code("PML229", "moviepy 2", Exit.ENVIRONMENT,
         "ProtoMotions imports moviepy.editor, which moviepy 2 removed. Recording a window (key L) would end the run.",
         'PYTHON -m pip install "moviepy<2"'),
    Code("PML230", "torch without CUDA", Exit.ENVIRONMENT,
         "This machine has an NVIDIA GPU, but torch is a CPU build or finds no GPU, so Lightning fails with `No "
         "supported gpu backend found`. pip can replace a CUDA build when a requirement asks for another torch.",
         "Install torch for your CUDA version from https://pytorch.org, or use --device cpu if the simulator supports "
         "it."),
    Code("PML231", "process group failed", Exit.ENVIRONMENT,
         "A process group with the backend that a run would use could not be created. Lightning would fail in the same "
         "way.",
         "Add --ddp-backend gloo, or --ddp-backend none for one device."),
    Code("PML232", "torch without the backend", Exit.ENVIRONMENT,
         "This torch was built without the process group backend that a run would use.",
         "Add --ddp-backend gloo, or install torch from https://pytorch.org."),
    Code("PML233", "versions that need a repair", Exit.ENVIRONMENT,
         "These versions do not work together unaided, for example ProtoMotions 2.3 on Python 3.11 or later. pmlaunch "
         "applies the repair in every run; without pmlaunch they fail.",
         "No action needed."),
    Code("PML234", "no NVIDIA GPU", Exit.ENVIRONMENT,
         "No NVIDIA driver or GPU was found. Isaac Lab and Isaac Gym need one.",
         "Repair the driver (nvidia-smi must list the GPU), or use --simulator genesis --device cpu."),
    Code("PML235", "GPU memory unknown", Exit.ENVIRONMENT,
         "An NVIDIA driver is installed, but its management library does not answer or nvidia-ml-py is missing.",
         'pip install "pmlaunch[gpu]"'),
    Code("PML236", "low disk space", Exit.ENVIRONMENT,
         "A run needs space for its log, its results and the simulator's caches. A checkpoint takes about 300 MB.",
         "Free some space, or choose other folders with --runs DIR and PMLAUNCH_CACHE."),
    Code("PML237", "Windows has long paths disabled", Exit.ENVIRONMENT,
         "LongPathsEnabled is off, so programs fail on paths of 260 characters or more. pmlaunch keeps its own paths "
         "short, but pip and Isaac Sim may not.",
         "As administrator: Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\FileSystem LongPathsEnabled 1"),
    Code("PML238", "low memory", Exit.ENVIRONMENT,
         "torch, the simulator and a 300 MB network need several GB of memory together. The system may kill the run.",
         "Close other programs."),
    Code("PML239", "console is not UTF-8", Exit.ENVIRONMENT,
         "Characters that the console's encoding lacks are shown as ?. Files of a run are not affected; they are "
         "UTF-8.",
         "In PowerShell, set $env:PYTHONUTF8 = 1, or use Windows Terminal."),
    Code("PML240", "pydantic 1 with Isaac Lab", Exit.ENVIRONMENT,
         "ProtoMotions' requirements ask for pydantic 1.10, but packages of Isaac Lab 2 and Isaac Sim need pydantic 2.",
         'PYTHON -m pip install "pydantic>=2"'),
    Code("PML241", "package cannot be imported", Exit.ENVIRONMENT,
         "The package is installed in the simulator's Python, but importing it fails. A run would fail in the same "
         "way.",
         "Read the exception, then reinstall the package with that Python."),
    Code("PML242", "no display", Exit.ENVIRONMENT,
         "Neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can open and runs are headless.",
         "No action needed. --headless makes it explicit."),
    Code("PML243", "unusable files in the cache", Exit.ENVIRONMENT,
         "The cache contains unreadable entries or incomplete files from an interrupted pmlaunch.",
         "pmlaunch doctor --fix"),
    Code("PML244", "run in progress", Exit.ENVIRONMENT,
         "An evaluation is running on this machine and uses part of its GPU and memory.",
         "pmlaunch stop"),
    Code("PML245", "package partly installed", Exit.ENVIRONMENT,
         "An installation was interrupted, and files of the package are missing.",
         "PYTHON -m pip install --force-reinstall --no-deps PACKAGE"),
    Code("PML246", "incompatible versions", Exit.CHECK,
         "The versions of ProtoMotions, Isaac Lab, Isaac Sim, Python or a package that a run would use are known to "
         "fail together. docs/compatibility.md lists what works, with the source of every entry.",
         "Use one of the versions that the hint names. To start the run anyway: --no-check PML246"),
    Code("PML247", "untested versions", Exit.ENVIRONMENT,
         "No source says whether these versions work together.",
         "Try them. docs/compatibility.md lists the combinations that are known to work."),
    # 3xx: what a run shows
    Code("PML301", "the evaluation failed", Exit.FAILED,
         "The program raised an exception or ended with an error.",
         "Read the exception and the log."),
    Code("PML302", "no NCCL", Exit.FAILED,
         "Windows builds of torch have no NCCL.",
         "Use a backend that the installed torch has: --ddp-backend auto"),
    Code("PML303", "out of GPU memory", Exit.FAILED,
         "The simulation and the network need more memory than is free on the GPU.",
         "Use a smaller --num-envs (the message suggests one) and close other programs that use the GPU."),
    Code("PML304", "Python package missing", Exit.FAILED,
         "The simulator's Python lacks a package.",
         "Install it with that Python: PYTHON -m pip install PACKAGE. If isaacsim, isaaclab, omni, carb or pxr is "
         "missing, run with Isaac Lab's Python instead; they come with Isaac Lab."),
    Code("PML305", "no GPU", Exit.FAILED,
         "Lightning finds no supported GPU.",
         "Use --device cpu (Genesis and the demo), or repair the driver."),
    Code("PML306", "weights do not fit", Exit.FAILED,
         "The checkpoint's network has other sizes than its config, or expects other observations than the run "
         "provides. Another robot, another version or overrides can cause this.",
         "Leave out --robot and overrides of the network or its observations, and use the config saved beside the "
         "checkpoint."),
    Code("PML307", "checkpoint is not a torch file", Exit.FAILED,
         "torch.load does not recognize the file. It may be a Git LFS pointer or a failed download.",
         "pmlaunch eval ... --verify"),
    Code("PML308", "file missing during the run", Exit.FAILED,
         "The program tried to open a file that does not exist.",
         "Check the path in the message."),
    Code("PML309", "mutable dataclass default", Exit.FAILED,
         "Python 3.11 and later reject the dataclasses of ProtoMotions 2.3.",
         "Leave pmlaunch's repair enabled."),
    Code("PML310", "no control gains", Exit.FAILED,
         "Genesis finds no gains for this robot's built-in PD control and rejects the first step.",
         "Use Isaac Lab, which needs no change. robot.control.control_type=torque starts too, but means little unless "
         "the policy was trained with it."),
    Code("PML311", "metrics not comparable", Exit.FAILED,
         "--max-steps cut motions short. A policy rarely loses a motion in its first steps, so the success rate says "
         "little.",
         "Leave out --max-steps."),
    Code("PML312", "no picture of the poses", Exit.FAILED,
         "pmlaunch's own Python lacks matplotlib, or the run recorded no reference to draw.",
         'pip install "pmlaunch[demo]"'),
    Code("PML313", "motion not saved", Exit.FAILED,
         "--save-motion was set, but the run left no motion.npz because it took no step or the disk is full. If the "
         "run ended early, motion.npz holds only the motions that were played to their end.",
         "Check the log."),
    Code("PML314", "no video", Exit.FAILED,
         "--record was set, but the run left no video: the simulator's Python has no moviepy, or the run ended before "
         "the video was written.",
         "PYTHON -m pip install moviepy"),
    Code("PML315", "unstable simulation", Exit.FAILED,
         "The bodies were on average more than 50 m from their reference. The physics probably became unstable, so the "
         "metrics do not describe the policy. The SMPL humanoid of ProtoMotions 3 does this in MuJoCo.",
         "Use another simulator or a smaller physics step."),
    Code("PML316", "too many environments for the terrain", Exit.FAILED,
         "The simulator's terrain is too small for that many humanoids.",
         "Use a smaller --num-envs (the message suggests one). More environments than motions have no benefit."),
    Code("PML320", "time limit reached", Exit.TIME,
         "The run took longer than --timeout allows.",
         "--timeout SECONDS"),
    Code("PML321", "no output", Exit.TIME,
         "The run wrote nothing for longer than --silence allows, so it probably hangs.",
         "Check the end of the log, or allow more time with --silence SECONDS."),
    Code("PML323", "the simulator did not start", Exit.TIME,
         "The simulator was not ready 30 minutes after the start. A first start compiles shaders for several minutes, "
         "but a dialog box or a stuck driver can block it forever.",
         "Check the end of output.log. If the simulator was still working, start again; compiled shaders are kept."),
    Code("PML324", "process hung after its verdict", Exit.FAILED,
         "The program wrote its verdict but did not end within 30 seconds, as happens with Isaac Sim. The verdict "
         "counts.",
         "No action needed."),
    Code("PML325", "no metrics", Exit.FAILED,
         "The run did not report a finite metric for every requested motion.",
         "Check the end of output.log, or use --no-metrics for a run without metrics."),
    Code("PML326", "invalid metrics", Exit.FAILED,
         "A metric is not a finite number, an error is negative, or a share is not between 0 and 1.",
         "Check metrics.json. Either the simulation became unstable, or another program wrote the file."),
    Code("PML327", "steps do not match the plan", Exit.FAILED,
         "The program reported that it finished, but it took no control steps or far fewer than the motion has.",
         "Check output.log to see why it ended early. For a short run on purpose: --max-steps N"),
    Code("PML328", "results of another run", Exit.FAILED,
         "result.json or metrics.json names another run or is older than this one.",
         "Run it again in a folder that no other program writes to."),
    Code("PML329", "inconsistent metrics", Exit.FAILED,
         "The success rate, the list of failed motions and the results of the individual motions contradict each "
         "other.",
         "Check metrics.json. Either another program wrote it, or this version of ProtoMotions counts differently."),
    Code("PML330", "ended without a verdict", Exit.NO_VERDICT,
         "The program ended before it could report a result. Native code crashed, or something killed the process.",
         "Check the end of the log."),
    Code("PML322", "stopped", Exit.INTERRUPTED,
         "The run was stopped from outside, for example by `pmlaunch stop` in another console.",
         "Start it again with `pmlaunch eval ...`."),
    Code("PML331", "agent never started", Exit.NO_VERDICT,
         "The program that should start Python ended first.",
         "Check its output, or bypass the batch file with --via python --python EXE."),
    Code("PML332", "launcher killed", Exit.NO_VERDICT,
         "pmlaunch itself ended before it could record a result, because it was killed or its disk was full. The run "
         "ended with it.",
         "Start it again with `pmlaunch eval ...`."),
    Code("PML333", "agent not found", Exit.NO_VERDICT,
         "Python started but could not import pmlaunch_agent because PYTHONPATH was changed on the way.",
         "Bypass the launcher script with --via python --python EXE."),
    Code("PML334", "no Python found", Exit.NO_VERDICT,
         "The launcher script found no Python that it could start.",
         "Activate Isaac Lab's environment, or use --via python --python EXE."),
    Code("PML335", "rank variables removed", Exit.FAILED,
         "The shell has variables of torchrun, SLURM, MPI, accelerate or an earlier run. Lightning would take the run "
         "for one rank of several and wait for the others, so the run starts without them; your shell keeps them.",
         "No action needed. To start several ranks on this machine: --devices N"),
    Code("PML336", "gloo finds no network interface", Exit.FAILED,
         "gloo connects its processes by this machine's name or by the interface in GLOO_SOCKET_IFNAME, and that name "
         "or interface has no address.",
         "For one device, use --ddp-backend none. Otherwise set GLOO_SOCKET_IFNAME to an existing interface (Linux: "
         "lo; Windows: a name from Get-NetAdapter), or unset it and add the machine's name to the hosts file."),
    Code("PML337", "a DLL cannot be loaded", Exit.FAILED,
         "Windows found a library but not another one that it needs, usually Microsoft's C++ runtime. fbgemm.dll of "
         "torch 2.4.0 needs libomp140.",
         "winget install Microsoft.VCRedist.2015+.x64; if that does not help, use another torch than 2.4.0."),
    Code("PML338", "paging file too small", Exit.FAILED,
         "Windows reserves memory from RAM and the paging file for every CUDA library that a process loads, and none "
         "is left.",
         "In System Properties > Advanced > Performance > Virtual memory, let Windows manage the size or increase it. "
         "Fewer --devices and closing other programs also help."),
    Code("PML339", "torch does not support this GPU", Exit.FAILED,
         "The installed torch was built for older GPUs (RTX 50 needs a build for CUDA 12.8, torch 2.7 or later), or "
         "only for newer ones.",
         "Into the simulator's Python, install the build for your GPU from https://pytorch.org, in the version that "
         "the simulator needs."),
    Code("PML341", "port in use", Exit.FAILED,
         "Another process, such as an earlier run, is listening on the port that this run's ranks need.",
         "Start again: every run picks a free port. If an earlier run is left over: pmlaunch stop"),
    Code("PML342", "wrong text encoding", Exit.FAILED,
         "A file or the console uses another text encoding than Python, which on Windows defaults to the code page.",
         "Set PYTHONUTF8=1 and save the file as UTF-8, or choose --runs and --protomotions folders with ASCII names."),
    Code("PML343", "PhysX patch buffer too small", Exit.FAILED,
         "PhysX had no room for all contacts and dropped some, and the simulation became NaN.",
         "Use a smaller --num-envs, or a larger gpu_max_rigid_patch_count (the message suggests one)."),
    Code("PML344", "torch.load refused the file", Exit.FAILED,
         "torch 2.6 and later load only tensors by default, and this file contains Python objects. Loading them runs "
         "code that the file names.",
         "If you trust the file, set TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 and start again, or save the file again as "
         "tensors."),
    Code("PML345", "pickled with numpy 2", Exit.FAILED,
         "The file was written with numpy 2, whose module names the run's numpy 1 does not know.",
         'PYTHON -m pip install "numpy>=1.26.1,<2" handles most files; otherwise write the file again with numpy 1.'),
    Code("PML346", "config of another version", Exit.FAILED,
         "The config names modules, classes or keys that this checkout lacks, or lacks some that it reads. It belongs "
         "to another version of ProtoMotions, or there is no config beside the checkpoint.",
         "Use the checkout that the checkpoint was trained with (`pmlaunch install --ref v2.3` for 2.3, --protomotions "
         "DIR for another). pmlaunch does not run ProtoMotions 1 (phys_anim)."),
    Code("PML347", "another version of the simulator", Exit.FAILED,
         "A class or module of the simulator has changed since this ProtoMotions was written. For example, Isaac Lab "
         "2.0 renamed omni.isaac.lab to isaaclab.",
         "Run `pmlaunch doctor` and use versions that work together: docs/compatibility.md"),
    Code("PML348", "incompatible packages", Exit.FAILED,
         "A package was built for another version of one of its dependencies, such as numpy 1 or another torch.",
         'Install the package that the message names in a version that suits the other one (`pmlaunch doctor` shows '
         'the versions). For numpy: PYTHON -m pip install "numpy<2"'),
    Code("PML349", "system library missing", Exit.FAILED,
         "A package needs a library of the operating system that is not installed or not on the library path.",
         "Install it (libGL.so.1: sudo apt install libgl1; libEGL.so.1: libegl1). libpython3.x.so is in the "
         "environment's own lib folder; add that folder to LD_LIBRARY_PATH."),
    Code("PML350", "threshold missed", Exit.FAILED,
         "The evaluation finished, but a metric missed a threshold of the smoke test.",
         "Check metrics.json in the run folder, or change the threshold."),
    Code("PML351", "file already exists", Exit.USAGE,
         "The report or page would replace an existing file.",
         "Replace it with --force, or choose another file with -o FILE.html."),
    Code("PML352", "report not written", Exit.ENVIRONMENT,
         "The disk is full, the folder is missing or not writable, or the run contains unexpected data. The result of the "
         "run is not affected.",
         "pmlaunch report RUN -o FILE.html"),
    Code("PML355", "archive already exists", Exit.USAGE,
         "`pmlaunch runs share` would replace an existing file.",
         "Replace it with --force, or choose another file with -o FILE.zip."),
    Code("PML356", "run still in progress", Exit.USAGE,
         "pmlaunch does not remove a run that is still in progress, here or on another machine.",
         "Run `pmlaunch stop RUN`, then repeat the command."),
    Code("PML357", "run cannot be repeated", Exit.USAGE,
         "The run does not record the options it was started with (from an older version or another command), or one of "
         "them contained a secret, which is never recorded.",
         "Run `pmlaunch runs show RUN`, then `pmlaunch eval ...`. Options given to rerun replace the recorded ones."),
    Code("PML358", "run not removed or not shared", Exit.ENVIRONMENT,
         "A file is in use, the disk is full, or the folder is missing or not writable.",
         "Close programs that use the run, or choose another file with -o FILE.zip."),
    Code("PML359", "run of another user", Exit.USAGE,
         "Another user's pmlaunch wrote this run, and its options name programs and folders that would be started.",
         "Read the suggested command, and type it only if that is what you want."),
    Code("PML360", "not supported by the format", Exit.USAGE,
         "CSV and BVH store a single skeleton, BVH needs a single root, and in glTF y points up.",
         "pmlaunch export RUN --to glb --what both"),
    Code("PML361", "no motion to export", Exit.NOT_FOUND,
         "The run saved no motion (--no-save-motion, an older version, or an early end), its motion has no reference or no "
         "reference rotations, or the file is damaged.",
         "Run it again without --no-save-motion. --what policy needs no reference."),
    Code("PML362", "bones that are not rigid", Exit.USAGE,
         "Distances between connected bodies change, but a BVH file stores bones of constant length.",
         "Export with --to glb, usda, npz or csv, which store the motion unchanged."),
    Code("PML363", "exported file already exists", Exit.USAGE,
         "`pmlaunch export` would replace an existing file.",
         "Replace it with --force, or choose another file with -o FILE."),
    Code("PML364", "export not written", Exit.ENVIRONMENT,
         "The disk is full, or the folder is missing or not writable.",
         "pmlaunch export RUN --to glb -o FILE.glb"),
    Code("PML340", "interrupted", Exit.INTERRUPTED,
         "You pressed Ctrl+C, or the system asked pmlaunch to exit.",
         "Start it again with `pmlaunch eval ...`."),
    # 4xx: install
    Code("PML400", "git is missing", Exit.INSTALL,
         "There is no git on PATH, or it is too old.",
         "Install git (https://git-scm.com), then run `pmlaunch install`."),
    Code("PML401", "Git LFS is missing", Exit.INSTALL,
         "ProtoMotions stores its checkpoints in Git LFS, and there is no git-lfs on PATH.",
         "Install Git LFS (https://git-lfs.com; Debian: apt install git-lfs), then run `pmlaunch install`."),
    Code("PML402", "not enough disk space", Exit.INSTALL,
         "The disk has less space than the checkout and its checkpoints need. Each checkpoint is stored twice: in "
         "git's store and in the checkout.",
         "Free some space, choose another folder with --dir, or fewer models with --models."),
    Code("PML403", "the source does not answer", Exit.INSTALL,
         "The repository cannot be reached. The network, a proxy or the address may be wrong, or the source needs a "
         "password.",
         "Check the network and the address, then repeat the command; it resumes where it stopped."),
    Code("PML404", "source is not ProtoMotions", Exit.INSTALL,
         "The source is not a git repository, or it contains neither protomotions/eval_agent.py nor "
         "protomotions/inference_agent.py.",
         "pmlaunch install --source https://github.com/NVlabs/ProtoMotions"),
    Code("PML405", "no such ref", Exit.NOT_FOUND,
         "The source has no tag or branch with this name.",
         "pmlaunch install --ref v2.3"),
    Code("PML406", "folder is not empty", Exit.INSTALL,
         "The folder, or the temporary one beside it, already contains something other than a ProtoMotions checkout. "
         "pmlaunch overwrites nothing.",
         "pmlaunch install --dir ANOTHER_FOLDER"),
    Code("PML407", "local changes prevent the switch", Exit.INSTALL,
         "Switching the checkout to another ref would touch files that were changed or added, or abandon commits that "
         "are on no branch.",
         "Commit or undo the changes (git -C DIR status), or use --dir ANOTHER_FOLDER."),
    Code("PML408", "another install is running", Exit.INSTALL,
         "Another `pmlaunch install` is building this checkout.",
         "Wait for it or stop it, then run `pmlaunch install`."),
    Code("PML409", "git failed", Exit.INSTALL,
         "A git command ended with an error.",
         "Read git's output in the log that the message names."),
    Code("PML410", "another generation requested", Exit.INSTALL,
         "Refs after v2.3 contain ProtoMotions 3, which has no eval_agent.py and other checkpoints.",
         "pmlaunch install --ref v2.3"),
    Code("PML411", "checkpoint not in the checkout", Exit.NOT_FOUND,
         "The checked-out commit has no checkpoint with this name in Git LFS.",
         "Choose one from `pmlaunch list models`, or use --models none."),
    Code("PML412", "download from Git LFS failed", Exit.INSTALL,
         "Git LFS could not download the checkpoint: the server does not have it, its quota is used up, or the "
         "connection failed.",
         "Repeat the command to resume, or download from Hugging Face: pmlaunch fetch MODEL --from hf"),
    Code("PML413", "download does not match git", Exit.INSTALL,
         "The downloaded file has the wrong size or SHA-256, even after a second download.",
         "Check the disk, then run `pmlaunch fetch MODEL`."),
    Code("PML414", "pmlaunch.yaml has another value", Exit.INSTALL,
         "A key that the installation would set already has a different value, which was kept.",
         "To use the new value, change the key in pmlaunch.yaml."),
    Code("PML415", "cannot add to pmlaunch.yaml", Exit.INSTALL,
         "Lines cannot be added to the file safely because of the way it is written, or you have no permission to "
         "write it.",
         "Add the keys in the message by hand."),
    Code("PML416", "checkout is at another commit", Exit.INSTALL,
         "pmlaunch uses an existing checkout that is not at the requested ref, switched it and left its branch, or did "
         "not ask a source that may have newer commits.",
         "To switch to a release: pmlaunch install --ref v2.3"),
    Code("PML417", "checkout is not a git repository", Exit.INSTALL,
         "The folder contains ProtoMotions without its git repository, for example from a ZIP file. Its ref cannot be "
         "checked, and Git LFS cannot download into it.",
         "Run `pmlaunch install --dir ANOTHER_FOLDER` or `pmlaunch fetch MODEL --from hf`."),
    Code("PML418", "huggingface_hub is missing", Exit.INSTALL,
         "--from hf needs the package huggingface_hub.",
         'pip install "pmlaunch[hf]"'),
    Code("PML419", "download from Hugging Face failed", Exit.INSTALL,
         "The repository cannot be reached, or has no file with the SHA-256 that the checkout asks for.",
         "pmlaunch fetch MODEL --from lfs"),
    Code("PML420", "file may be yours", Exit.INSTALL,
         "The file is neither the checkpoint nor its pointer, or (with --remove) it is in no commit that came from a "
         "remote. It may be your only copy.",
         "Move the file away or push its commit, then repeat the command."),
    Code("PML421", "long paths disabled", Exit.INSTALL,
         "Windows limits paths to 259 characters unless long paths are enabled, and the checkout contains longer ones.",
         "Choose a shorter folder, such as --dir C:\\pm, or enable long paths."),
    Code("PML422", "cannot write to the folder", Exit.INSTALL,
         "The system refused to write to the folder of the checkout or of the logs.",
         "Choose another folder with --dir, or with PMLAUNCH_LOGS for the logs."),
    # 43x, 44x: packages in the simulator's Python
    Code("PML430", "no Python to install into", Exit.INSTALL,
         "The simulator's Python was not found or cannot be started.",
         "pmlaunch install --python EXE, or --isaaclab DIR"),
    Code("PML431", "no requirements for this simulator", Exit.INSTALL,
         "The checkout has no requirements_NAME.txt for the requested simulator.",
         "pmlaunch install --simulator NAME"),
    Code("PML432", "torch is missing", Exit.INSTALL,
         "The simulator's Python has no torch. pmlaunch does not install it because the right build depends on the GPU "
         "and takes gigabytes.",
         "Install torch with that Python (pytorch.org shows the command for your GPU), then run `pmlaunch install`."),
    Code("PML433", "pip is missing", Exit.INSTALL,
         "The simulator's Python has no pip.",
         "PYTHON -m ensurepip --upgrade"),
    Code("PML434", "pip failed", Exit.INSTALL,
         "pip ended with an error.",
         "Read pip's output in the log that the message names, then repeat the command; it resumes where it stopped."),
    Code("PML435", "the package index does not answer", Exit.INSTALL,
         "The network, a proxy or the package index is down.",
         "Check the network (HTTPS_PROXY, PIP_INDEX_URL), then repeat the command."),
    Code("PML436", "package versions conflict", Exit.INSTALL,
         "pip finds no versions that satisfy both the checkout's requirements and the installed torch and numpy.",
         "Read pip's log for the conflict, or install into a fresh environment."),
    Code("PML437", "packages missing after pip", Exit.INSTALL,
         "pip reported success, but packages it should have installed are missing.",
         "Unset PIP_TARGET, PIP_PREFIX and PIP_USER if they are set, then repeat the command."),
    Code("PML438", "import failed", Exit.INSTALL,
         "The packages are installed, but the simulator's Python cannot import one of them.",
         "Install what the message names with that Python, then run `pmlaunch install`."),
    Code("PML439", "torch was replaced", Exit.INSTALL,
         "pip replaced the torch that it was told to keep. PIP_UPGRADE or a similar variable may be set.",
         "Run the command in the message to restore it."),
    Code("PML440", "torch lost CUDA", Exit.INSTALL,
         "torch had CUDA before the installation but no longer has it.",
         "Run the command in the message to restore the previous torch."),
    Code("PML441", "no answer from the Python to install into", Exit.INSTALL,
         "This Python could not report which packages are installed in it.",
         "Run `pmlaunch runtime` to see how it was chosen, and read the log that the message names."),
    Code("PML442", "unknown extra", Exit.INSTALL,
         "--with names a package that is not in the checkout's requirements.",
         "Leave it out, or install it with that Python's own pip."),
    Code("PML443", "requirement changed", Exit.INSTALL,
         "A requirement of the checkout would break the simulator's Python or is not needed for evaluation.",
         "No action needed. --with NAME installs a package exactly as the requirements ask."),
    Code("PML444", "installed from another checkout", Exit.INSTALL,
         "The simulator's Python imports ProtoMotions from another folder. One Python can use only one checkout.",
         "No action needed if you want this checkout. Otherwise use a separate environment with --python."),
    Code("PML445", "Python belongs to the operating system", Exit.INSTALL,
         "The operating system does not allow pip to change its Python (PEP 668).",
         "Create an environment with `python3 -m venv DIR`, then run `pmlaunch install --python DIR/bin/python`."),
    Code("PML446", "disk full while installing packages", Exit.INSTALL,
         "The disk filled up while pip was installing packages.",
         "Free some space, then repeat the command."),
    Code("PML447", "cannot write packages", Exit.INSTALL,
         "A file in the simulator's Python is in use, or you have no permission to write it.",
         "Close programs that use that Python, or install as its owner."),
    Code("PML448", "package downgraded", Exit.INSTALL,
         "pip replaced a package with an older version because a requirement demands it.",
         "Run the command in the message to restore the newer version."),
    Code("PML449", "only pmlaunch's own Python found", Exit.INSTALL,
         "You named no Python and no environment is active. pmlaunch does not install into its own Python.",
         "Activate the simulator's environment, or run `pmlaunch install --python EXE`."),
)}
# fmt: on
