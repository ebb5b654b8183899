"""Which classes and functions the source of a checkout defines, read without importing it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pmlaunch
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import as_mapping

_DEMO = "pmlaunch.demo."
_HERE = Path(pmlaunch.__file__).parent.parent
# where the packages of a checkout lie; those of 2.x also import each other without the first part of their names
_FOLDERS = ("", "protomotions", "poselib", "isaac_utils")
_LARGEST = 2 << 20  # bytes of a module


def _below(package: str, names: str) -> set[str]:
    return {f"{package}.{name}" for name in names.split()}


KNOWN_TARGETS = frozenset(
    _below("lightning.fabric", "Fabric loggers.TensorBoardLogger loggers.CSVLogger")
    | _below("lightning.fabric.strategies", "DDPStrategy FSDPStrategy SingleDeviceStrategy")
    | _below("lightning.pytorch.loggers", "WandbLogger TensorBoardLogger CSVLogger")
    | _below(
        "torch.optim", "Adam AdamW Adamax NAdam RAdam Adagrad Adadelta Adafactor ASGD SGD RMSprop Rprop LBFGS Muon"
    )
    | _below(
        "torch.nn", "ReLU LeakyReLU ELU SELU GELU SiLU Mish Tanh Sigmoid Softplus Identity Linear LayerNorm Flatten"
    )
    | _below("agents.callbacks", "slurm_autoresume_srun.AutoResumeCallbackSrun slurm_autoresume.AutoResumeCallback")
    | _below("protomotions.agents", "amp.agent.AMP amp.model.AMPModel amp.model.Discriminator ase.agent.ASE")
    | _below("protomotions.agents.ase.model", "ASEDiscriminatorEncoder ASEModel NormalizedLinearEncoder")
    | _below(
        "protomotions.agents.common",
        "common.Flatten mlp.MLP mlp.MLP_WithNorm mlp.MultiHeadedMLP transformer.Transformer",
    )
    | _below("protomotions.agents.masked_mimic", "agent.MaskedMimic agent_no_vae.MaskedMimicNoVae model.VaeModule")
    | _below(
        "protomotions.agents.masked_mimic", "model.VaeDeterministicOutputModel model_no_vae.DeterministicOutputModel"
    )
    | _below(
        "protomotions.agents",
        "mimic.agent.Mimic mimic.agent_amp.Mimic ppo.agent.PPO ppo.model.PPOActor ppo.model.PPOModel",
    )
    | _below(
        "protomotions.envs",
        "base_env.env.BaseEnv mimic.env.Mimic path_follower.env.PathFollowing steering.env.Steering",
    )
    | _below("protomotions.envs.base_env.env_utils.terrains", "flat_terrain.FlatTerrain terrain.Terrain")
    | _below("protomotions.simulator.genesis", "config.GenesisSimulatorConfig simulator.GenesisSimulator")
    | _below("protomotions.simulator.isaacgym", "config.IsaacGymSimulatorConfig simulator.IsaacGymSimulator")
    | _below("protomotions.simulator.isaaclab", "config.IsaacLabSimulatorConfig simulator.IsaacLabSimulator")
    | _below("protomotions.utils", "motion_lib.MotionLib motion_lib_h1.H1_MotionLib")
)
"""What the configs of ProtoMotions instantiate: classes of torch and Lightning, and of ProtoMotions 2.3 itself."""


class SourceNames:
    """The classes and functions at the top level of the modules below `root`."""

    def __init__(self, root: Path) -> None:
        self._roots = [root / folder for folder in _FOLDERS]

    def kinds(self, names: Collection[str]) -> Mapping[str, str]:
        """Those of the dotted `names` that are defined, each with "class" or "function".

        A name that a module only imports is not one of them: it would make everything harmless that the source uses.
        """
        contents: dict[str, bytes] = {}
        for module in sorted({name.rpartition(".")[0] for name in names}):
            content = next(self._sources(module), None)
            if content is not None:
                contents[module] = content
        if not contents:
            return {}
        cache = JsonCache("sources")
        key = content_key("sources 1", *(part for item in contents.items() for part in item))
        defined = as_mapping(cache.get(key))
        if not defined:
            defined = {
                f"{module}.{name}": kind for module, source in contents.items() for name, kind in _defined(source)
            }
            cache.put(key, defined)
        return {name: str(defined[name]) for name in names if name in defined}

    def _sources(self, module: str) -> Iterator[bytes]:
        """The module's source, where Python would find it first."""
        parts = module.split(".")
        if not all(part.isidentifier() for part in parts):
            return
        for root in [_HERE] if f"{module}.".startswith(_DEMO) else self._roots:
            folder = root.joinpath(*parts)
            for path in (folder / "__init__.py", folder.with_suffix(".py")):
                try:
                    yield read_bytes(path, _LARGEST)
                except OSError:
                    continue


def _defined(source: bytes) -> Iterator[tuple[str, str]]:
    try:
        body: Sequence[ast.stmt] = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node.name, "class"
        elif isinstance(node, ast.FunctionDef):
            yield node.name, "function"
