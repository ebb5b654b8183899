"""ProtoMotions 3: an argparse program (inference_agent.py), whose configs are frozen beside the checkpoint."""

ASSETS = "protomotions/data/assets"
"""The folder of the robots' files in a checkout. In configs it stands for that of the package or PROTOMOTIONS_ASSET_ROOT."""
CHECKPOINT_NAMES = ("inference_last.ckpt", "last.ckpt")
"""The checkpoints of a training: the first is the second without what only training needs, less than half as large."""
FROZEN_CONFIGS = "resolved_configs_inference.pt"
"""The file beside a checkpoint that upstream loads its configs from."""
