"""Presets, and the models, robots, motions and constraints that a checkout holds."""
