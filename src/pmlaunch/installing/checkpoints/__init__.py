"""Checkpoints from Git LFS or Hugging Face: the installation step and pmlaunch fetch."""
