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
    exit_code: int
    cause: str
    cure: str


def _table(*rows: Code) -> dict[str, Code]:
    return {row.code: row for row in rows}


# a table reads better than two hundred lines of one word
# fmt: off
CODES: Final[dict[str, Code]] = _table(
    # 0xx: names, usage, the tool itself
    Code("PML000", "internal error", Exit.INTERNAL,
         "A defect of pmlaunch itself.",
         "Run the command again with -v and report the traceback."),
    Code("PML001", "usage", Exit.USAGE,
         "An option has a value that it cannot take, or two options contradict each other.",
         "pmlaunch eval --help"),
    Code("PML002", "override syntax", Exit.USAGE,
         "Hydra's own parser refuses an override.",
         "Quote values that hold ( ) = , [ ] { } ' \" or blanks: \"key='value'\"."),
    Code("PML003", "unknown override", Exit.USAGE,
         "No config has this key or group, so a typo would go unnoticed or fail late.",
         "Use the name that is proposed, or ++key=value to add a new key on purpose."),
    Code("PML010", "unknown name", Exit.NOT_FOUND,
         "No model, motion, robot, simulator or constraint has this name.",
         "pmlaunch list models|motions|robots|simulators|constraints"),
    Code("PML011", "ambiguous name", Exit.NOT_FOUND,
         "Several things answer to this name.",
         "Type one of the names that are listed."),
    Code("PML012", "no ProtoMotions checkout", Exit.NOT_FOUND,
         "No folder given, set or found here or above holds protomotions/eval_agent.py.",
         "pmlaunch eval MODEL --protomotions DIR, or try `pmlaunch eval demo`, which needs none."),
    Code("PML013", "checkout of another generation", Exit.NOT_FOUND,
         "ProtoMotions 3 has no eval_agent.py; this version of pmlaunch runs 2.x checkouts.",
         "git -C DIR checkout v2.3"),
    Code("PML014", "agent without metrics", Exit.USAGE,
         "Steering, path following, AMP and ASE measure nothing in ProtoMotions: a run gives rewards, lengths of "
         "episodes and resets instead.",
         "Nothing has to be done; --no-metrics leaves them out."),
    Code("PML015", "unreadable settings", Exit.USAGE,
         "pmlaunch.yaml or a preset is not valid YAML, or holds an unknown key.",
         "Mend the file at the line that is named."),
    # 1xx: checkpoint, config, motion
    Code("PML101", "checkpoint is a Git LFS pointer", Exit.CHECK,
         "Git LFS left a text of about 134 bytes in the place of the weights. torch.load would fail with "
         "`invalid load key, 'v'`, a minute after the simulator's start.",
         "git lfs pull --include=PATH (in the checkout)"),
    Code("PML102", "checkpoint missing", Exit.CHECK,
         "The file does not exist.",
         "Check the path, or `git lfs pull --include=PATH` in the checkout."),
    Code("PML103", "checkpoint has the wrong size", Exit.CHECK,
         "The file is not as long as its Git LFS pointer in git says: a download that broke off.",
         "Delete it, then: git lfs pull --include=PATH"),
    Code("PML104", "checkpoint has the wrong sha256", Exit.CHECK,
         "The content is not what its Git LFS pointer in git says.",
         "Delete it, then: git lfs pull --include=PATH"),
    Code("PML105", "no config.yaml for the checkpoint", Exit.CHECK,
         "eval_agent.py needs the config.yaml of the training, beside the checkpoint or one folder above it.",
         "Copy config.yaml from the training's results to the checkpoint."),
    Code("PML106", "checkpoint of another generation", Exit.CHECK,
         "The checkpoint was made by another generation of ProtoMotions than the checkout.",
         "Use a checkout of the checkpoint's generation: v2.3 for config.yaml, main for "
         "resolved_configs_inference.pt."),
    Code("PML107", "unreadable config", Exit.CHECK,
         "A config file is not valid YAML or not a mapping.",
         "Restore the file: git -C CHECKOUT checkout -- PATH"),
    Code("PML108", "config refused: it holds code", Exit.CHECK,
         "A config asks for ${eval:...} of something that is not arithmetic. eval_agent.py would hand it to "
         "Python's eval and execute it. pmlaunch evaluates numbers only.",
         "Do not run this checkpoint. Tell its author."),
    Code("PML109", "config does not resolve", Exit.CHECK,
         "Composing, merging or resolving the config fails; eval_agent.py would fail at the same place.",
         "Read the message: it names the key."),
    Code("PML110", "missing value", Exit.CHECK,
         "The merged config still holds ??? where a run needs a value.",
         "Set it: KEY=VALUE"),
    Code("PML111", "robot is not the checkpoint's", Exit.CHECK,
         "The network was trained for another robot: its inputs and outputs have other sizes.",
         "Leave out --robot, or choose a checkpoint for that robot."),
    Code("PML112", "added key is unknown", Exit.CHECK,
         "An override written with + or ++ adds a key that no config has; often a typo.",
         "Use the name that is proposed, if that was meant."),
    Code("PML113", "constraint does not parse", Exit.CHECK,
         "The constraint's YAML is invalid in the checkout.",
         "pmlaunch list constraints"),
    Code("PML115", "config names code of other packages", Exit.CHECK,
         "A `_target_` in the config is neither of ProtoMotions nor of Lightning; a run would import and call "
         "it.",
         "If you trust it: --no-check PML115"),
    Code("PML114", "robot unknown", Exit.CHECK,
         "The checkpoint's config does not tell its robot.",
         "pmlaunch eval ... --robot NAME"),
    Code("PML116", "Genesis has no gains for this robot", Exit.CHECK,
         "The robot's asset names no actuators, so Genesis has no gains for its built-in PD control.",
         "robot.control.control_type=torque or proportional, if the policy was trained so; or --simulator "
         "isaaclab"),
    Code("PML117", "Hydra cannot work in this folder", Exit.CHECK,
         "The checkout's path holds ${, which Hydra takes for an interpolation when it names its working "
         "directory.",
         "Rename the folder, or move the checkout."),
    Code("PML118", "motions of several robots", Exit.CHECK,
         "A simulator start has one robot: the motions that were named belong to several.",
         "One run for each robot; the commands stand in the message."),
    Code("PML119", "nothing to record", Exit.CHECK,
         "Upstream records what its window shows; without a window there is no picture.",
         "Leave out --headless, or --record."),
    Code("PML120", "no motion library", Exit.CHECK,
         "A YAML that was given as a motion lists no motions.",
         "motions: [{file: walk.npy}, {file: run.npy}]"),
    Code("PML121", "motion missing", Exit.CHECK,
         "The motion file does not exist; upstream would notice after the simulator's start.",
         "pmlaunch list motions"),
    Code("PML122", "motion unreadable", Exit.CHECK,
         "The file is truncated or is no motion.",
         "Restore the file, or export it again."),
    Code("PML123", "motion refused: it holds code", Exit.CHECK,
         "The .npy is a pickle that asks for functions a motion has no need of. Loading it would execute them.",
         "Do not load this file. Tell its author."),
    Code("PML124", "motion of another robot", Exit.CHECK,
         "The bodies in the motion file are not the robot's.",
         "Choose a motion of the robot: pmlaunch list motions --robot NAME"),
    Code("PML125", "motion not set", Exit.CHECK,
         "Neither the command nor the checkpoint's config names a motion file.",
         "pmlaunch eval ... --motion NAME"),
    Code("PML126", "motion not inspected", Exit.CHECK,
         "A packed motion library (.pt) is a pickle of upstream's own classes: it is not looked into, so its robot and "
         "length are unknown.",
         "A YAML library of the same motions is looked into."),
    # 2xx: environment
    Code("PML201", "Isaac Lab not found", Exit.ENVIRONMENT,
         "No folder given, set or found holds isaaclab.bat or isaaclab.sh.",
         "--isaaclab DIR, or set ISAACLAB_PATH; --via python runs with a plain interpreter."),
    Code("PML202", "Python not found", Exit.ENVIRONMENT,
         "The interpreter that should run the simulator does not exist.",
         "--python PATH"),
    Code("PML203", "demo packages missing", Exit.ENVIRONMENT,
         "The embedded evaluation needs torch, lightning and mujoco.",
         'pip install "pmlaunch[demo]"'),
    Code("PML204", "cannot write the run folder", Exit.ENVIRONMENT,
         "The disk is full, or the folder may not be written.",
         "Free some space, or choose another folder with --runs DIR."),
    Code("PML205", "cannot start the program", Exit.ENVIRONMENT,
         "The operating system refuses to start the program.",
         "Check the path and its permissions."),
    Code("PML206", "unverified: plan for another system", Exit.ENVIRONMENT,
         "The plan is for another operating system; Isaac Lab and its GPU can only be checked there.",
         "Run the command there."),
    Code("PML207", "NCCL on Windows", Exit.ENVIRONMENT,
         "Windows builds of torch have no NCCL; the run would end at its start.",
         "Leave out --ddp-backend, or choose gloo."),
    Code("PML208", "a blank in the path of Isaac Lab's Python", Exit.ENVIRONMENT,
         "isaaclab.bat of Isaac Lab 2.x calls its Python without quotes: nothing would run, with exit code 0.",
         "--via python --python EXE goes around the batch file."),
    Code("PML209", "a path that isaaclab.bat cannot stand", Exit.ENVIRONMENT,
         "The batch file acts on signs such as & % ! or an unbalanced parenthesis in its own folder or its Python's.",
         "Rename the folder, or --via python --python EXE."),
    Code("PML210", "environment changed for the batch file", Exit.ENVIRONMENT,
         "A variable breaks isaaclab.bat (SKIP; a PATH entry with an unbalanced parenthesis or quote). "
         "The run does without it; your own environment stays as it is.",
         "Nothing has to be done; mend PATH when you can."),
    Code("PML211", "Isaac Lab will find no Python", Exit.ENVIRONMENT,
         "No conda environment is active (3.x: nor a venv), there is no _isaac_sim link, and no Python is on PATH.",
         "Activate Isaac Lab's environment, or --via python --python EXE."),
    Code("PML212", "run folder's path too long for Windows", Exit.ENVIRONMENT,
         "Windows allows 259 characters for a path unless long paths are switched on; a run's files have long names.",
         "--runs with a shorter folder, such as C:\\pm-runs"),
    Code("PML213", "isaaclab.bat broke on a sign in the environment", Exit.ENVIRONMENT,
         "cmd.exe ends a block of a batch file at the first parenthesis of a variable that is expanded in it: "
         "C:\\Program Files (x86) in PATH can be enough (Isaac Lab issue 4407). Python was never started.",
         "--via python --python EXE starts Isaac Lab's Python without the batch file."),
    Code("PML214", "a parenthesis in a path of Isaac Lab's", Exit.ENVIRONMENT,
         "isaaclab.bat of Isaac Lab 2.x expands its own folder and CONDA_PREFIX without quotes; some versions of cmd.exe "
         "end a block at a parenthesis there.",
         "If the run ends with PML213: --via python --python EXE, or rename the folder."),
    # 22x to 24x: what doctor sees of the machine
    Code("PML220", "a check broke off", Exit.ENVIRONMENT,
         "One of doctor's own checks took too long or met something that it does not know. The others went on.",
         "Run pmlaunch doctor again; --report makes a text for an issue if it stays."),
    Code("PML221", "git is not here", Exit.ENVIRONMENT,
         "No git on PATH. An evaluation runs without it; installing, fetching and comparing checkpoints do not.",
         "Windows: winget install Git.Git; Debian, Ubuntu: sudo apt install git"),
    Code("PML222", "Git LFS is not here", Exit.ENVIRONMENT,
         "Without Git LFS a checkout holds pointers of 134 bytes in the place of its checkpoints.",
         "Windows: winget install GitHub.GitLFS; Debian, Ubuntu: sudo apt install git-lfs"),
    Code("PML223", "Git LFS is not set up", Exit.ENVIRONMENT,
         "git-lfs is here, but git does not know its filters: a checkout leaves pointers, and says nothing.",
         "pmlaunch doctor --fix, or: git lfs install"),
    Code("PML224", "git does without long paths", Exit.ENVIRONMENT,
         "core.longpaths is off: git on Windows leaves out files whose path is longer than 259 characters, and "
         "git lfs pull then says \"Could not check out\" and ends with 0.",
         "pmlaunch doctor --fix, or: git -C CHECKOUT config core.longpaths true"),
    Code("PML225", "the checkout has local changes", Exit.ENVIRONMENT,
         "Files of the checkout differ from its commit. They are yours, and stay; a report should name them.",
         "git -C CHECKOUT status"),
    Code("PML226", "the simulator's Python did not answer", Exit.ENVIRONMENT,
         "The interpreter that a run would use could not be started, or ended before it could say what is installed.",
         "pmlaunch runtime shows how it was chosen; --python EXE names another."),
    Code("PML227", "a package is missing in the simulator's Python", Exit.ENVIRONMENT,
         "ProtoMotions or the simulator imports a package that this Python does not have.",
         "pmlaunch install, or: PYTHON -m pip install PACKAGE"),
    Code("PML228", "ProtoMotions is imported from elsewhere", Exit.ENVIRONMENT,
         "protomotions, isaac_utils or poselib is installed in that Python from another folder than the checkout: a "
         "run would mix the two.",
         "pip install --no-deps -e CHECKOUT, with the simulator's Python"),
    Code("PML229", "moviepy 2", Exit.ENVIRONMENT,
         "ProtoMotions imports moviepy.editor, which moviepy 2 no longer has: recording a window (key L) ends the run.",
         'PYTHON -m pip install "moviepy<2"'),
    Code("PML230", "torch without CUDA", Exit.ENVIRONMENT,
         "This machine has an NVIDIA GPU, but torch is a build for the CPU or finds no GPU: Lightning stops with "
         "`No supported gpu backend found`. pip replaces a CUDA build when a requirement asks for another torch.",
         "Install torch from https://pytorch.org for your CUDA, or --device cpu where the simulator can."),
    Code("PML231", "no process group", Exit.ENVIRONMENT,
         "A process group with the backend that a run would use could not be started: Lightning would fail the same.",
         "pmlaunch eval ... --ddp-backend gloo, or --ddp-backend none for one device"),
    Code("PML232", "torch without the backend", Exit.ENVIRONMENT,
         "torch was built without the backend of process groups that a run would use.",
         "pmlaunch eval ... --ddp-backend gloo, or install a torch from https://pytorch.org"),
    Code("PML233", "Python newer than ProtoMotions 2.3", Exit.ENVIRONMENT,
         "Python 3.11 and later refuse a dataclass of ProtoMotions 2.3. pmlaunch repairs it while a run goes on; "
         "without pmlaunch the same Python fails at its first import.",
         "Nothing has to be done."),
    Code("PML234", "no NVIDIA GPU", Exit.ENVIRONMENT,
         "Neither NVIDIA's driver nor a GPU of theirs is found. Isaac Lab and Isaac Gym need one.",
         "Mend the driver (nvidia-smi must list the GPU), or --simulator genesis --device cpu"),
    Code("PML235", "the GPU cannot be asked", Exit.ENVIRONMENT,
         "NVIDIA's driver is here, but its management library gives no answer, or nvidia-ml-py is not installed: "
         "memory is not known.",
         'pip install "pmlaunch[gpu]"'),
    Code("PML236", "little space on the disk", Exit.ENVIRONMENT,
         "A run writes a log, its documents and what the simulator caches; a checkpoint takes 300 MB.",
         "Free some space; --runs DIR and PMLAUNCH_CACHE name other places."),
    Code("PML237", "Windows does without long paths", Exit.ENVIRONMENT,
         "LongPathsEnabled is off: programs fail at paths of 260 characters and more. pmlaunch keeps its own short; "
         "pip and Isaac Sim do not always.",
         "As administrator: Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\FileSystem LongPathsEnabled 1"),
    Code("PML238", "little memory", Exit.ENVIRONMENT,
         "torch, a simulator and a network of 300 MB need some GB of memory together; the system may end the run.",
         "Close other programs."),
    Code("PML239", "the console is not UTF-8", Exit.ENVIRONMENT,
         "Characters that the console's encoding lacks are shown as ?. Runs are not concerned: they write UTF-8.",
         "PowerShell: $env:PYTHONUTF8 = 1; or use Windows Terminal"),
    Code("PML240", "pydantic 1 beside Isaac Lab", Exit.ENVIRONMENT,
         "ProtoMotions' list of requirements asks for pydantic 1.10; packages of Isaac Lab 2 and Isaac Sim want 2.",
         'PYTHON -m pip install "pydantic>=2"'),
    Code("PML241", "a package does not import", Exit.ENVIRONMENT,
         "It is installed in the simulator's Python, but importing it fails; a run would fail at the same place.",
         "Read the exception; install the package again with that Python."),
    Code("PML242", "no display", Exit.ENVIRONMENT,
         "Neither DISPLAY nor WAYLAND_DISPLAY is set: no window can open. Runs are headless then.",
         "Nothing has to be done; --headless says it aloud."),
    Code("PML243", "leftovers in the cache", Exit.ENVIRONMENT,
         "Half-written files of pmlaunch that was ended in the middle, or entries that cannot be read.",
         "pmlaunch doctor --fix"),
    Code("PML244", "a run goes on", Exit.ENVIRONMENT,
         "An evaluation of pmlaunch is running on this machine and takes its share of GPU and memory.",
         "pmlaunch stop"),
    Code("PML245", "a package is half installed", Exit.ENVIRONMENT,
         "An installation was ended in the middle: files of the package are missing.",
         "PYTHON -m pip install --force-reinstall --no-deps PACKAGE"),
    # 3xx: what a run shows
    Code("PML301", "the evaluation failed", Exit.FAILED,
         "The program raised an exception or ended with an error.",
         "Read the exception and the log."),
    Code("PML302", "no NCCL", Exit.FAILED,
         "Windows builds of torch have no NCCL.",
         "--ddp-backend gloo"),
    Code("PML303", "out of GPU memory", Exit.FAILED,
         "The simulation and the network need more memory than the GPU has free.",
         "--num-envs 1, and close other programs that use the GPU."),
    Code("PML304", "a Python package is missing", Exit.FAILED,
         "The simulator's Python lacks a package.",
         "Install it with that Python: PYTHON -m pip install PACKAGE"),
    Code("PML305", "no GPU", Exit.FAILED,
         "Lightning finds no supported GPU.",
         "--device cpu (Genesis and the demo), or mend the driver."),
    Code("PML306", "weights do not fit", Exit.FAILED,
         "The checkpoint's tensors have other shapes than the network of the config.",
         "Leave out --robot and overrides that change the network."),
    Code("PML307", "checkpoint is no torch file", Exit.FAILED,
         "torch.load does not know the file: a Git LFS pointer or a broken download.",
         "pmlaunch eval ... --verify"),
    Code("PML308", "asset or file missing in the run", Exit.FAILED,
         "The program looked for a file that is not there.",
         "Look at the path in the message."),
    Code("PML309", "mutable dataclass default", Exit.FAILED,
         "Python 3.11 and later refuse ProtoMotions 2.3's dataclasses.",
         "Leave pmlaunch's repair on."),
    Code("PML310", "no control gains", Exit.FAILED,
         "Genesis finds no gains for this robot's built-in PD control and refuses the first step.",
         "robot.control.control_type=torque starts (its physics mean little without a policy trained for it); "
         "Isaac Lab needs no change."),
    Code("PML311", "figures not comparable", Exit.FAILED,
         "Motions were cut short by --max-steps: one that is hardly begun is hardly ever lost, so the success rate "
         "says little.",
         "Leave out --max-steps."),
    Code("PML312", "no picture of the poses", Exit.FAILED,
         "poses.png is drawn by pmlaunch's own Python, which lacks matplotlib; or the run had no reference.",
         'pip install "pmlaunch[demo]"'),
    Code("PML313", "motion not kept", Exit.FAILED,
         "--save-motion was asked for and the run left no motion.npz: it took no step, or the disk is full.",
         "Look at the log."),
    Code("PML314", "no video", Exit.FAILED,
         "--record was asked for and the run left no video: moviepy is missing in the simulator's Python, or the run "
         "was ended before the video was written.",
         "PYTHON -m pip install moviepy"),
    Code("PML320", "time limit", Exit.TIME,
         "The run took longer than --timeout allows.",
         "--timeout SECONDS"),
    Code("PML321", "silence", Exit.TIME,
         "The run wrote nothing for longer than --silence allows: it hangs.",
         "Look at the end of the log; --silence SECONDS"),
    Code("PML330", "ended without a verdict", Exit.NO_VERDICT,
         "The program ended before it could say how. A crash of native code, or something ended it.",
         "Look at the end of the log."),
    Code("PML322", "stopped", Exit.INTERRUPTED,
         "`pmlaunch stop` ended the run from another console.",
         "pmlaunch eval ... starts it again."),
    Code("PML331", "never reached the agent", Exit.NO_VERDICT,
         "The program that should have started Python ended before it did.",
         "Look at its output; --via python --python EXE goes around a batch file."),
    Code("PML332", "the launcher was ended", Exit.NO_VERDICT,
         "pmlaunch itself was ended from outside; the run was ended with it.",
         "pmlaunch eval ... starts it again."),
    Code("PML333", "the agent was not found", Exit.NO_VERDICT,
         "Python started, but could not import pmlaunch_agent: PYTHONPATH was lost on the way.",
         "--via python --python EXE goes around a launcher script."),
    Code("PML334", "no Python was found", Exit.NO_VERDICT,
         "The launcher script looked for a Python and found none that it could start.",
         "Activate Isaac Lab's environment, or --via python --python EXE."),
    Code("PML350", "threshold missed", Exit.FAILED,
         "The evaluation was finished, and a figure of it is not what the smoke test demands.",
         "Look at metrics.json in the run folder; or change the threshold."),
    Code("PML340", "interrupted", Exit.INTERRUPTED,
         "Ctrl+C.",
         "pmlaunch eval ... starts it again."),
)
# fmt: on
