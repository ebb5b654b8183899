"""Evaluate a policy, with the command line, config merge and order of steps of ProtoMotions' eval_agent.py.

    python eval_agent.py +robot=smpl +simulator=mujoco +terrain=flat ++checkpoint=CKPT ++motion_file=NPY

The checkpoint's config.yaml, beside it or one folder above, is the base; its `eval_overrides` and then the command line
override it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pmlaunch.demo  # noqa: F401  # isort: skip  # starts its clock before the slow imports
import hydra
from hydra.utils import get_original_cwd, instantiate
from omegaconf import OmegaConf


def training_config(checkpoint: Path) -> Any:
    """Read the config that a checkpoint was trained with, with its overrides for evaluation.

    Raises:
        FileNotFoundError: there is none beside the checkpoint or one folder above it.
    """
    for folder in (checkpoint.parent, checkpoint.parent.parent):
        path = folder / "config.yaml"
        if path.is_file():
            print(f"Loading training config file from {path}", flush=True)
            config: Any = OmegaConf.load(path)
            return OmegaConf.merge(config, config.get("eval_overrides") or {})
    raise FileNotFoundError(f"no config.yaml beside {checkpoint} or one folder above it")


# as upstream: no primary config, and Hydra changes into a run folder, which the script leaves again
@hydra.main(version_base="1.1", config_path="config", config_name=None)  # type: ignore[untyped-decorator]
def main(overrides: Any) -> None:
    """Run the evaluation that the command line describes."""
    os.chdir(get_original_cwd())
    config = OmegaConf.merge(training_config(Path(overrides.checkpoint)), overrides)

    fabric = instantiate(config.fabric)  # imports Lightning
    for name in ("lightning", "lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).handlers.clear()  # Hydra's root logger prints their messages as well
    fabric.launch()
    fabric.seed_everything(config.seed + fabric.global_rank, verbose=False)

    env = instantiate(config.env, device=fabric.device)
    agent = instantiate(config.agent, env=env, fabric=fabric)
    agent.setup()
    agent.load(config.checkpoint)
    agent.evaluate_policy()


if __name__ == "__main__":
    main()
