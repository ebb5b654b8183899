"""ProtoMotions 3: an argparse program (inference_agent.py), whose configs are frozen beside the checkpoint."""

FROZEN_CONFIGS = "resolved_configs_inference.pt"
"""The file beside a checkpoint that upstream loads its configs from."""
