"""What to do about a module that Python does not find.

pip is named only for modules whose distribution upstream's requirements name. Guessing the name would install somebody
else's project: `poselib` on PyPI is a library for camera poses.
"""

from __future__ import annotations

from pmlaunch.runtimes.isaacsim import NOT_ISAACS_PYTHON, comes_with_isaac

# modules that upstream or its simulators import, and the requirement that brings them, where the names differ
# fmt: off
_RENAMED = {
    "OpenGL": "PyOpenGL", "PIL": "Pillow", "cv2": "opencv-python", "genesis": "genesis-world", "hydra": "hydra-core",
    "mujoco_warp": "mujoco-warp", "newton": "newton[examples]", "newton_actuators": "newton-actuators",
    "pkg_resources": "setuptools<81", "pytorch_lightning": "pytorch-lightning", "sentry_sdk": "sentry-sdk",
    "skimage": "scikit-image", "sklearn": "scikit-learn", "stl": "numpy-stl", "warp": "warp-lang", "yaml": "PyYAML",
    "moviepy": "moviepy<2",  # but for "from moviepy import": see below
    "smpl_sim": "git+https://github.com/ZhengyiLuo/SMPLSim.git@master",
}
# fmt: on
_SAME_NAME = (
    "dm_control easydict filelock imageio joblib lightning lxml matplotlib mink mujoco numpy omegaconf onnxruntime open3d"
    " openmesh packaging pandas psutil pydantic rich rtree scipy setuptools smplx tensorboardX tensordict termcolor tqdm"
    " transformers trimesh typer wandb"
)
_OF_CHECKOUT = ("protomotions", "phys_anim", "isaac_utils", "poselib", "data", "examples", "deployment")
_TORCH = ("torch", "torchvision", "torchaudio")


def cure_for(module: str, python: str, pip_install: str | None = None, traceback: str = "") -> str:
    """What to do about a `module`, e.g. "moviepy.editor", that `python`, as it is typed, does not find.

    `pip_install` are the words that install into it, if they are not those of pip; `traceback` that of the import.
    """
    top = module.partition(".")[0]
    if comes_with_isaac(module):
        return NOT_ISAACS_PYTHON
    if top == "isaacgym":
        return "Isaac Gym is not on a package index: download it from NVIDIA, and select its Python with --python EXE"
    if top in _OF_CHECKOUT:
        return f"{top} is part of a ProtoMotions checkout: make it importable in this Python with pmlaunch install"
    if top in _TORCH:
        return f"install {top} for your GPU into {python} with the command from https://pytorch.org"
    requirement = _RENAMED.get(top) or (top if top in _SAME_NAME.split() else None)
    if requirement is None:
        name = top if top.isidentifier() else "this module"
        unknown = f"{name} is not among the requirements of ProtoMotions or its simulators"
        return f"{unknown}: see the traceback for what imports it, and make it importable in {python}"
    if top == "moviepy" and "from moviepy import" in traceback:
        requirement = "moviepy>=2"
    quoted = f'"{requirement}"' if set(requirement) & set("<>[+") else requirement
    return f"Install it with that Python: {pip_install or f'{python} -m pip install'} {quoted}"
