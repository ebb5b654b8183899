"""What ended a run: texts of public reports, each with the right answer, and what must not decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pmlaunch.agent.pmlaunch_agent.report.ending import describe
from pmlaunch.codes import CODES
from pmlaunch.model import Finding
from pmlaunch.running.diagnosis import diagnose_exception, diagnose_exit
from pmlaunch.running.known_failures import FAILURES, Failure, Raised, explain
from pmlaunch.runtimes.isaacsim import NOT_ISAACS_PYTHON
from pmlaunch.runtimes.missing_modules import cure_for
from soon import soon

PYTHON = "/lab/bin/python"
DLL = r'Error loading "C:\envs\lab\lib\site-packages\torch\lib\fbgemm.dll" or one of its dependencies.'
NOT_A_NUMBER = (
    "Expected parameter loc (Tensor of shape (1, 69)) of distribution Normal(loc: torch.Size([1, 69]), scale: "
    "torch.Size([1, 69])) to satisfy the constraint Real(), but found invalid values:\ntensor([[nan, nan, nan]])"
)
WEIGHTS_ONLY = (
    "Weights only load failed. This file can still be loaded, to do so you have two options, do those steps only if you "
    "trust the source of the checkpoint.\n\t(1) In PyTorch 2.6, we changed the default value of the `weights_only` "
    "argument in `torch.load` from `False` to `True`.\n\tWeightsUnpickler error: "
)
LISTEN = "The server socket has failed to listen on any local network address."
BIND = "The server socket has failed to bind to"
SIZES = (
    "Error(s) in loading state_dict for PPOModel:\n\tsize mismatch for _actor.mu.0.weight: copying a param with shape "
    "torch.Size([1024, 358]) from checkpoint, the shape in current model is torch.Size([1024, 223])."
)

IN_SIMULATOR = '  File "/pm/protomotions/simulator/{}/simulator.py", line 99, in _create\n'
PLACES = {name: IN_SIMULATOR.format(name) for name in ("newton", "isaaclab")}
IN_EULA = '    user_choice = input("Do you accept the EULA? (Yes/No): ")\n'

# (where it was reported, class, message, traceback, code, words of the cure)
REPORTS = [
    (
        "ProtoMotions 2",
        "omegaconf.errors.InterpolationKeyError",
        "Interpolation key 'scene_lib' not found",
        "",
        "PML346",
        "--ref v2.3",
    ),
    ("ProtoMotions 62", "hydra.errors.MissingConfigException", "Could not find 'exp/mimic'", "", "PML346", "--ref"),
    ("ProtoMotions 72, 111", "_pickle.UnpicklingError", "invalid load key, 'v'.", "", "PML307", "--verify"),
    (
        "the same, torch 2.6",
        "_pickle.UnpicklingError",
        f"{WEIGHTS_ONLY}Unsupported operand 118",
        "",
        "PML307",
        "--verify",
    ),
    (
        "a web page, torch 2.6",
        "_pickle.UnpicklingError",
        f"{WEIGHTS_ONLY}Unsupported operand 60",
        "",
        "PML307",
        "--verify",
    ),
    (
        "ProtoMotions 76",
        "omegaconf.errors.ConfigAttributeError",
        "Key 'fabric' is not in struct\n    full_key: fabric",
        "",
        "PML346",
        "",
    ),
    ("ProtoMotions 96", "RuntimeError", SIZES, "", "PML306", "--robot"),
    (
        "ProtoMotions 228, 237",
        "AssertionError",
        "Could not find resolved configs at x/resolved_configs_inference.pt",
        "",
        "PML346",
        "v2.3",
    ),
    (
        "ProtoMotions 131, 144",
        "TypeError",
        "Se2Keyboard.__init__() missing 1 required positional argument: 'cfg'",
        "",
        "PML347",
        "compatibility",
    ),
    (
        "ProtoMotions 175",
        "TypeError",
        "add_mjcf() got an unexpected keyword argument 'up_axis'",
        PLACES["newton"],
        "PML347",
        "compatibility",
    ),
    (
        "Python 3.8",
        "TypeError",
        "__init__() got an unexpected keyword argument 'dt'",
        PLACES["isaaclab"],
        "PML347",
        "doctor",
    ),
    (
        "Isaac Lab 3",
        "ImportError",
        "cannot import name 'PhysxCfg' from 'isaaclab.sim' (unknown location)",
        "",
        "PML347",
        "compatibility",
    ),
    ("IsaacLab 2585", "ModuleNotFoundError", "No module named 'omni.isaac.lab'", "", "PML347", "compatibility"),
    ("IsaacLab 4057, 4229", "ModuleNotFoundError", "No module named 'omni.metrics'", "", "PML347", "compatibility"),
    ("robot_lab 4", "ModuleNotFoundError", "No module named 'omni'", "", "PML304", NOT_ISAACS_PYTHON),
    ("IsaacLab 1458", "ModuleNotFoundError", "No module named 'omni.isaac'", "", "PML304", NOT_ISAACS_PYTHON),
    (
        "IsaacLab 1592",
        "OSError",
        f"[WinError 126] The specified module could not be found. {DLL}",
        "",
        "PML337",
        "VCRedist",
    ),
    ("LlamaFactory 5132", "OSError", f"[WinError 126] 找不到指定的模块。 {DLL}", "", "PML337", "VCRedist"),
    (
        "CPython",
        "ImportError",
        "DLL load failed while importing _C: The specified module could not be found.",
        "",
        "PML337",
        "VCRedist",
    ),
    (
        "pytorch 59904",
        "OSError",
        f"[WinError 1455] The paging file is too small for this operation to complete. {DLL}",
        "",
        "PML338",
        "Virtual memory",
    ),
    ("WeCLIP 5", "OSError", f"[WinError 1455] 页面文件太小,无法完成操作。 {DLL}", "", "PML338", "Virtual memory"),
    (
        "TienKung-Lab 55",
        "RuntimeError",
        "CUDA error: no kernel image is available for execution on the device",
        "",
        "PML339",
        "pytorch.org",
    ),
    (
        "torch 2.8",
        "torch.AcceleratorError",
        "CUDA error: no kernel image is available for execution on the device",
        "",
        "PML339",
        "pytorch.org",
    ),
    (
        "vllm 39015",
        "torch.distributed.DistNetworkError",
        f"{LISTEN} port: 29500, useIpv6: false, code: -98, name: EADDRINUSE, message: address already in use",
        "",
        "PML341",
        "pmlaunch stop",
    ),
    (
        "torchtune 392",
        "torch.distributed.DistNetworkError",
        f"{LISTEN} {BIND} [::]:29500 (errno: 98 - Address already in use).",
        "",
        "PML341",
        "pmlaunch stop",
    ),
    (
        "Bert-VITS2 54",
        "RuntimeError",
        f"{LISTEN} {BIND} 0.0.0.0:10086 (system error: 10048 - 通常每个套接字地址只允许使用一次。).",
        "",
        "PML341",
        "pmlaunch stop",
    ),
    (
        "Windows",
        "OSError",
        "[WinError 10048] Only one usage of each socket address is normally permitted",
        "",
        "PML341",
        "pmlaunch stop",
    ),
    (
        "vllm-windows 19",
        "RuntimeError",
        "makeDeviceForHostname(): unsupported gloo device",
        "",
        "PML215",
        "--ddp-backend",
    ),
    (
        "aws-do-eks 51",
        "RuntimeError",
        "[enforce fail at .../gloo/transport/tcp/device.cc:84] ifa != nullptr. Unable to find address for: ^lo",
        "",
        "PML336",
        "GLOO_SOCKET_IFNAME",
    ),
    ("gloo 70", "RuntimeError", "makeDeviceForHostname(): interface or hostname can't be empty", "", "PML336", "hosts"),
    (
        "IsaacLab 779",
        "UnicodeDecodeError",
        "'cp950' codec can't decode byte 0xe2 in position 1094: illegal multibyte sequence",
        "",
        "PML342",
        "PYTHONUTF8=1",
    ),
    (
        "Windows, Chinese",
        "UnicodeDecodeError",
        "'gbk' codec can't decode byte 0x80 in position 68: illegal multibyte sequence",
        "",
        "PML342",
        "PYTHONUTF8=1",
    ),
    (
        "Windows, German",
        "UnicodeEncodeError",
        "'charmap' codec can't encode character '\\u2713' in position 0",
        "",
        "PML342",
        "PYTHONUTF8=1",
    ),
    (
        "torch 2.6",
        "_pickle.UnpicklingError",
        f"{WEIGHTS_ONLY}Unsupported global: GLOBAL protomotions.utils.motion_lib.LoadedMotions was not an allowed",
        "",
        "PML344",
        "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1",
    ),
    ("numpy 28340, PARC 6", "ModuleNotFoundError", "No module named 'numpy._core'", "", "PML345", '"numpy>=1.26.1,<2"'),
    ("numpy 28340", "ModuleNotFoundError", "No module named 'numpy._core.numeric'", "", "PML345", f'"{PYTHON}" -m pip'),
    (
        "Isaac Sim from pip",
        "SystemExit",
        "Unable to bootstrap inner kit kernel: EULA not accepted. Set OMNI_KIT_ACCEPT_EULA=YES",
        "",
        "PML217",
        "import isaacsim",
    ),
    ("Isaac Sim from pip, asked", "EOFError", "EOF when reading a line", IN_EULA, "PML217", "import isaacsim"),
    (
        "of another config",
        "ModuleNotFoundError",
        "No module named 'protomotions.envs.mimic'",
        "",
        "PML346",
        "--protomotions",
    ),
    ("ProtoMotions 1", "ModuleNotFoundError", "No module named 'phys_anim.agents'", "", "PML346", "ProtoMotions 1"),
    (
        "of another config",
        "AttributeError",
        "module 'protomotions.agents.ppo' has no attribute 'AMP'",
        "",
        "PML346",
        "--ref",
    ),
    (
        "frozen config",
        "AttributeError",
        "Can't get attribute 'EnvConfig' on <module 'protomotions.envs' from 'x'>",
        "",
        "PML346",
        "--ref",
    ),
    ("a blown-up simulation", "ValueError", NOT_A_NUMBER, "", "PML315", "physics step"),
    (
        "wrong observations",
        "RuntimeError",
        "mat1 and mat2 shapes cannot be multiplied (1x358 and 223x1024)",
        "",
        "PML306",
        "observations",
    ),
    ("Windows", "RuntimeError", "Distributed package doesn't have NCCL built in", "", "PML302", "--ddp-backend"),
    ("torch", "torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB", "", "PML303", "--num-envs"),
    ("warp", "RuntimeError", "Failed to allocate 4294967296 bytes on device 'cuda:0'", "", "PML303", "--num-envs"),
    (
        "ProtoMotions 3",
        "AssertionError",
        "Not enough space between humanoids, create a bigger terrain",
        "",
        "PML316",
        "--num-envs",
    ),
    ("torch", "AssertionError", "Torch not compiled with CUDA enabled", "", "PML305", "--device cpu"),
    ("Genesis", "genesis.GenesisException", "Please set control gains kp,kv", "", "PML310", "control_type"),
    (
        "ProtoMotions 2.3",
        "ValueError",
        "mutable default <class 'PlaneConfig'> for field plane is not allowed",
        "",
        "PML309",
        "",
    ),
    (
        "isaacgym",
        "ImportError",
        "libpython3.8.so.1.0: cannot open shared object file: No such file or directory",
        "",
        "PML349",
        "LD_LIBRARY_PATH",
    ),
    ("numpy 2", "ImportError", "numpy.core.multiarray failed to import", "", "PML348", "numpy<2"),
    (
        "an old torch",
        "ImportError",
        "cannot import name 'DeviceMesh' from 'torch.distributed' (x)",
        "",
        "PML348",
        "doctor",
    ),
    ("without a name", "ModuleNotFoundError", "halted by a finder", "", "PML304", "pip install PACKAGE"),
    ("a file", "FileNotFoundError", "[Errno 2] No such file or directory: 'data/x.usd'", "", "PML308", ""),
    ("a file", "RuntimeError", "open: No such file or directory", "", "PML308", ""),
]


def finding_for(kind: str, message: str, traceback: str = "", tail: tuple[str, ...] = (), **more: Any) -> Finding:
    exception = {"type": kind, "message": message, "traceback": traceback, **more}
    return diagnose_exception(exception, [*tail, "the last line"], PYTHON, num_envs=64)


@pytest.mark.parametrize(
    ("where", "kind", "message", "traceback", "code", "words"), REPORTS, ids=[f"{row[0]}: {row[4]}" for row in REPORTS]
)
def test_public_reports(where: str, kind: str, message: str, traceback: str, code: str, words: str) -> None:
    finding = finding_for(kind, message, f"{traceback}{kind}: {message}\n")
    assert (finding.code, where) == (code, where)
    cure = (finding.hint or "").replace(f'"{PYTHON}" -m pip install PACKAGE', "PYTHON -m pip install PACKAGE")
    assert words in cure
    assert finding.message.startswith(kind)
    assert CODES[code].cause in finding.message
    assert "\n" not in finding.message


@pytest.mark.parametrize(
    ("where", "kind", "message"),
    [
        ("ProtoMotions 24", "RecursionError", "maximum recursion depth exceeded while calling a Python object"),
        ("ProtoMotions 45", "AttributeError", "'MaskedMimicHumanoid' object has no attribute 'build_target_poses'"),
        ("nobody", "KeyError", "'gts'"),
        ("nobody", "TypeError", "step() got an unexpected keyword argument 'x'"),
    ],
)
def test_reports_of_which_nothing_is_known_get_no_cure(where: str, kind: str, message: str) -> None:
    finding = finding_for(kind, message, f"{kind}: {message}\n")
    assert (finding.code, finding.hint, where) == ("PML301", None, where)
    assert finding.message == f"{kind}: {message}"


def row_of(raised: Raised) -> Failure | None:
    found = explain([raised])
    return found[0] if found else None


def test_every_row_has_its_report_and_none_swallows_anothers() -> None:
    reached = {row_of(Raised(kind, message, traceback)) for _, kind, message, traceback, _, _ in REPORTS}
    assert [failure for failure in FAILURES if failure not in reached] == []


def test_message_without_its_class_is_no_reason() -> None:
    """The class is the key: the same words in an exception of another class mean something else."""
    for _, kind, message, _, code, _ in REPORTS:
        if kind != "SystemExit":
            finding = finding_for("SomeonesOwnError", message)
            assert (finding.code, code) == ("PML301", code)


HANDLED = "\nDuring handling of the above exception, another exception occurred:\n\n"
CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
TOLD = "Traceback (most recent call last):\n"
OPTIONAL = f"{TOLD}  File \"/x.py\", line 3\n    import warp\nModuleNotFoundError: No module named 'warp'\n"


@pytest.mark.parametrize(
    ("kind", "message", "code"),
    [
        ("ValueError", "the motion has no frames", "PML301"),
        ("KeyError", "'gt_err'", "PML301"),
        ("RuntimeError", "CUDA out of memory", "PML303"),
        ("RuntimeError", "CUDA error: an illegal memory access was encountered", "PML301"),
    ],
)
def test_exception_that_was_handled_decides_nothing(kind: str, message: str, code: str) -> None:
    own = f'{TOLD}  File "/y.py", line 9\n    raise {kind}(...)\n{kind}: {message}\n'
    finding = finding_for(kind, message, f"{OPTIONAL}{HANDLED}{own}")
    assert finding.code == code
    assert "warp" not in finding.message + str(finding.hint)
    deeper = finding_for(kind, message, f"{OPTIONAL}{CAUSED}{TOLD}ImportError: optional\n{HANDLED}{own}")
    assert deeper.code == code


def test_swallowed_exception_in_the_log_decides_nothing() -> None:
    log = tuple(OPTIONAL.splitlines())
    assert finding_for("ValueError", "the motion has no frames", tail=log).code == "PML301"
    assert diagnose_exit(-11, True, log).code == "PML330"


def test_source_lines_in_the_traceback_are_not_the_exception() -> None:
    source = f'{TOLD}  File "/x.py", line 3\n    raise RuntimeError("CUDA out of memory")  # never reached\n'
    assert finding_for("ValueError", "something else", f"{source}ValueError: something else\n").code == "PML301"


def test_exit_with_a_number_is_diagnosed_by_its_own_traceback() -> None:
    own = f'{TOLD}  File "/x.py", line 3\nRuntimeError: CUDA out of memory\n'
    assert finding_for("SystemExit", "1", own).code == "PML303"
    assert finding_for("SystemExit", "1", f"{own}{HANDLED}{TOLD}SystemExit: 1\n").code == "PML301"


def test_exception_of_a_worker_is_diagnosed_by_its_class() -> None:
    message = f"Caught RuntimeError in worker 0.\nOriginal {TOLD}  File x\nRuntimeError: CUDA out of memory\n"
    assert finding_for("SomeonesOwnError", message, f"{TOLD}SomeonesOwnError: {message}").code == "PML303"


WRAPPED = "Error in call to target 'protomotions.envs.mimic.env.Mimic':\n{}\nfull_key: env"


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("TypeError(\"Se2Keyboard.__init__() missing 1 required positional argument: 'cfg'\")", "PML347"),
        (
            "ConfigAttributeError('Missing key _config_target_\\n    full_key: config.simulator._config_target_')",
            "PML346",  # ProtoMotions 56
        ),
        ("RuntimeError('CUDA error: no kernel image is available for execution on the device\\nCUDA')", "PML339"),
        ("ValueError('no such robot')", "PML301"),
    ],
)
def test_exception_that_hydra_quotes(inner: str, code: str) -> None:
    """ProtoMotions 144: Hydra's message quotes the exception that its target raised."""
    finding = finding_for("hydra.errors.InstantiationException", WRAPPED.format(inner))
    assert finding.code == code
    assert inner.partition("(")[0] in finding.message


def test_cause_decides_before_the_exception_raised_from_it() -> None:
    target = "Error locating target 'protomotions.envs.mimic.env.Mimic', set env var HYDRA_FULL_ERROR=1"
    for module, code in (("easydict", "PML304"), ("protomotions.envs.mimic", "PML346"), ("phys_anim.envs", "PML346")):
        text = f"No module named '{module}'"
        traceback = f"{TOLD}ModuleNotFoundError: {text}\n{CAUSED}{TOLD}hydra.errors.InstantiationException: {target}\n"
        cause = {"type": "ModuleNotFoundError", "message": text}
        finding = finding_for("hydra.errors.InstantiationException", target, traceback, cause=cause)
        assert (finding.code, module in finding.message) == (code, True)


def test_exception_raised_from_an_ordinary_one_decides() -> None:
    cause = {"type": "KeyError", "message": "'mu'"}
    assert finding_for("RuntimeError", SIZES, cause=cause).code == "PML306"


def test_sizes_that_do_not_fit_are_in_the_message() -> None:
    message = finding_for("RuntimeError", SIZES).message
    assert "_actor.mu.0.weight" in message
    assert "[1024, 358]" in message


PATCHES = (
    "2024-09-05 14:18:43 [759,765ms] [Error] [omni.physx.plugin] PhysX error: Patch buffer overflow detected, please "
    "increase its size to at least {} in the scene desc!"
)


@pytest.mark.parametrize(("asked", "proposed"), [((178421, 219146), 262144), ((262144,), 262144), ((262145,), 524288)])
def test_patch_buffer_that_overflowed_before_the_nan(asked: tuple[int, ...], proposed: int) -> None:
    """IsaacLab 176, 931 and 941."""
    tail = tuple(PATCHES.format(number) for number in asked)
    finding = finding_for("ValueError", NOT_A_NUMBER, tail=tail)
    assert finding.code == "PML343"
    assert f"gpu_max_rigid_patch_count={proposed}" in str(finding.hint)
    assert "the run had 64" in str(finding.hint)
    assert finding_for("ValueError", "another reason", tail=tail).code == "PML301"
    nameless = finding_for("AssertionError", "NaN or Inf in actions", tail=("PhysX error: patch buffer overflow",))
    assert (nameless.code, "patch_count" in str(nameless.hint)) == ("PML343", False)


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        ("genesis", "genesis-world"),
        ("genesis.ext", "genesis-world"),
        ("cv2", "opencv-python"),
        ("moviepy.editor", '"moviepy<2"'),
        ("moviepy", '"moviepy<2"'),
        ("hydra", "hydra-core"),
        ("yaml", "PyYAML"),
        ("PIL", "Pillow"),
        ("skimage", "scikit-image"),
        ("warp", "warp-lang"),
        ("newton", '"newton[examples]"'),
        ("pkg_resources", '"setuptools<81"'),
        ("easydict", "easydict"),
        ("dm_control.mjcf", "dm_control"),
        ("tensordict", "tensordict"),
    ],
)
def test_missing_module_leads_to_upstreams_distribution(module: str, requirement: str) -> None:
    finding = finding_for("ModuleNotFoundError", f"No module named '{module}'")
    assert finding.code == "PML304"
    assert str(finding.hint).endswith(f'"{PYTHON}" -m pip install {requirement}')


def test_moviepy_of_protomotions_3_is_version_2() -> None:
    assert cure_for("moviepy", "P", traceback="    from moviepy import ImageSequenceClip\n").endswith('"moviepy>=2"')


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("isaacsim", "not Isaac Lab's Python"),
        ("isaaclab.app", "not Isaac Lab's Python"),
        ("isaaclab_tasks", "not Isaac Lab's Python"),
        ("omni.kit.app", "not Isaac Lab's Python"),
        ("carb", "not Isaac Lab's Python"),
        ("pxr.Usd", "not Isaac Lab's Python"),
        ("isaacgym", "--python EXE"),
        ("protomotions", "part of a ProtoMotions checkout"),
        ("poselib", "part of a ProtoMotions checkout"),
        ("poselib.skeleton.backend.fbx", "part of a ProtoMotions checkout"),
        ("isaac_utils", "part of a ProtoMotions checkout"),
        ("phys_anim", "part of a ProtoMotions checkout"),
        ("data.scripts", "part of a ProtoMotions checkout"),
        ("torch", "https://pytorch.org"),
        ("nobody_knows_this", f'importable in "{PYTHON}"'),
        ("evil; rm -rf ~", f'importable in "{PYTHON}"'),
    ],
)
def test_missing_module_that_pip_does_not_bring(module: str, words: str) -> None:
    finding = finding_for("ModuleNotFoundError", f"No module named '{module}'")
    assert finding.code == "PML304"
    assert words in str(finding.hint)
    assert module.partition(".")[0] in finding.message
    assert "pip" not in str(finding.hint)


def ended_with(error: BaseException) -> Finding:
    """The finding for an exception that the agent describes as it does in a run."""
    return diagnose_exception(describe(error), ["the last line"], PYTHON)


def raised_by(run: Callable[[], object]) -> BaseException:
    try:
        run()
    except BaseException as error:
        return error
    pytest.fail("nothing was raised")


def optional_import() -> None:
    try:
        raise ModuleNotFoundError("No module named 'warp'")
    except ImportError:
        raise ValueError("the motion has no frames")  # noqa: B904 (that is the point)


def failing_target() -> None:
    try:
        try:
            raise ModuleNotFoundError("No module named 'warp'")
        except ImportError:
            raise ModuleNotFoundError("No module named 'cv2'")  # noqa: B904
    except ImportError as error:
        raise InstantiationException("Error locating target 'protomotions.envs.mimic.env.Mimic'") from error


class InstantiationException(Exception):  # noqa: N818 (Hydra's name)
    """Hydra's, which it raises from what a target raised."""


def test_agents_description_of_nested_exceptions() -> None:
    assert ended_with(raised_by(optional_import)).code == "PML301"
    wrapped = ended_with(raised_by(failing_target))
    assert (wrapped.code, "opencv-python" in str(wrapped.hint)) == ("PML304", True)
    assert "warp" not in wrapped.message + str(wrapped.hint)


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text",
    [
        "CUDA ",
        "x: \n",
        "No module named '",
        "PhysX error: patch buffer overflow ",
        "found invalid values ",
        "A('b\n",
        "at least 9" * 9,
    ],
)
def test_endless_texts_of_a_program_take_no_time(text: str) -> None:
    long = text * 100_000
    with soon():
        for kind in ("RuntimeError", "SystemExit", "ValueError"):
            finding = finding_for(kind, long, f"{OPTIONAL}{HANDLED}{long}{CAUSED}{long}", tail=(long[:65_536],))
            assert len(finding.hint or "") < 400
