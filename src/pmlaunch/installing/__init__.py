"""pmlaunch install: checkout, checkpoints, packages and the workspace file."""
