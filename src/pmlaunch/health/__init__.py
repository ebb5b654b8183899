"""Is this machine ready? Checks of tools, checkout, models, runtime, packages, GPU, disk and system, side by side."""
